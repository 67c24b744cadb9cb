# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's timer and handlers, from which the engine hears that time passes and files come and go."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

import bpy
from bpy.app.handlers import persistent

from plugin_client.blender.engine import engine, is_made, unmake

TICK_SECONDS = 0.1
# Blender shall be there before anything is read.
_FIRST_SECONDS = 0.5
_loading: threading.Thread | None = None


def begin() -> None:
    """Tick from now on, through every file that is opened; the runs of an earlier Blender are taken up soon."""
    bpy.app.timers.register(_tick, first_interval=_FIRST_SECONDS, persistent=True)
    bpy.app.handlers.load_post.append(_loaded)
    bpy.app.handlers.save_post.append(_saved)


def end() -> None:
    """Tick no more, and stop the engine; its runs go on when they are taken up again."""
    global _loading
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for handlers, handler in ((bpy.app.handlers.load_post, _loaded), (bpy.app.handlers.save_post, _saved)):
        if handler in handlers:
            handlers.remove(handler)
    _loading = None
    unmake()


def _tick() -> float:
    global _loading
    if is_made():
        engine().drain()
    elif _loading is None:
        # What the engine stands on takes longer to import than a frame may: beside the main thread.
        module = "plugin_client.blender.conducting"
        _loading = threading.Thread(target=import_module, args=(module,), name="maskedit-import", daemon=True)
        _loading.start()
    elif not _loading.is_alive():
        engine()
    return TICK_SECONDS


@persistent
def _loaded(*_: Any) -> None:
    if is_made():
        engine().loaded()


@persistent
def _saved(*_: Any) -> None:
    if is_made():
        engine().saved()
