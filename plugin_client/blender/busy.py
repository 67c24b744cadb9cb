# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Blender renders or saves, or the user has a strip or an object in hand: the timeline must not change then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
from bpy.app.handlers import persistent

_under_way: set[str] = set()
# Tools that hold on to strips while the mouse moves.
_TOOLS = ("SEQUENCER_OT_", "TRANSFORM_OT_", "RENDER_OT_")
# In any other, undo steps hold the edited object alone: undoing one would leave the result on the timeline.
_WHOLE_FILE_MODES = ("OBJECT", "POSE")


def watch() -> None:
    """Begin to follow renders and saves."""
    for event, handler in _handlers():
        getattr(bpy.app.handlers, event).append(handler)


def unwatch() -> None:
    """Follow them no more."""
    for event, handler in _handlers():
        handlers = getattr(bpy.app.handlers, event)
        if handler in handlers:
            handlers.remove(handler)
    _under_way.clear()


def is_busy() -> bool:
    """True while Blender renders or saves, as far as it is watched, or somebody `is_at_work`; alone nobody is."""
    return bool(_under_way) or bpy.app.is_job_running("RENDER") or (not bpy.app.background and is_at_work())


def is_at_work() -> bool:
    """Whether the user moves strips with the mouse or edits an object."""
    for window in bpy.context.window_manager.windows:
        active = window.view_layer.objects.active
        if active is not None and active.mode not in _WHOLE_FILE_MODES:
            return True
        # Before 4.2 Blender does not say.
        if any(tool.bl_idname.startswith(_TOOLS) for tool in getattr(window, "modal_operators", ())):
            return True
    return False


def _handlers() -> list[tuple[str, Callable[..., None]]]:
    handlers: list[tuple[str, Callable[..., None]]] = [
        ("render_init", _render_begins),
        ("render_complete", _render_ends),
        ("render_cancel", _render_ends),
        ("load_post", _all_ends),
    ]
    # Where a failed save is not told, nothing says that it has ended.
    if hasattr(bpy.app.handlers, "save_post_fail"):
        handlers += [("save_pre", _save_begins), ("save_post", _save_ends), ("save_post_fail", _save_ends)]
    return handlers


@persistent
def _render_begins(*_: Any) -> None:
    _under_way.add("render")


@persistent
def _render_ends(*_: Any) -> None:
    _under_way.discard("render")


@persistent
def _save_begins(*_: Any) -> None:
    _under_way.add("save")


@persistent
def _save_ends(*_: Any) -> None:
    _under_way.discard("save")


@persistent
def _all_ends(*_: Any) -> None:
    _under_way.clear()
