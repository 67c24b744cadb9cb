# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures in the sidebar. Blender reads their files on a thread of its own, when it first draws them."""

from __future__ import annotations

import os
from typing import Any

import bpy.utils.previews

_MOVIES = frozenset(bpy.path.extensions_movie) if hasattr(bpy.path, "extensions_movie") else frozenset()
_MOST = 200
_loaded: Any = None


def register() -> None:
    """Begin with none."""
    global _loaded
    _loaded = bpy.utils.previews.new()


def unregister() -> None:
    """Free all of them."""
    global _loaded
    bpy.utils.previews.remove(_loaded)
    _loaded = None


def icon_of(path: str, *, stamp: str = "") -> int:
    """The icon that shows the file `path`, a picture or a movie. `stamp`: another one has the file read again."""
    key = f"{path}|{stamp}"
    if key not in _loaded:
        if len(_loaded) >= _MOST:
            _loaded.clear()
        kind = "MOVIE" if os.path.splitext(path)[1].lower() in _MOVIES else "IMAGE"
        _loaded.load(key, path, kind)
    return _loaded[key].icon_id
