# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on as Blender switches it on and off."""

from __future__ import annotations

from typing import Any

import bpy

from plugin_client.blender import busy, overlay, preferences, settings, thumbnails, ticking, watching
from plugin_client.blender.operators import elsewhere, masks, painting, queue, running
from plugin_client.blender.operators import takes as take_operators
from plugin_client.blender.panels import matte, painted, progress, run, server, strip
from plugin_client.blender.panels import takes as takes_panel

# Operators before the panels that show them, panels before their children.
_CLASSES: tuple[type, ...] = tuple(
    each
    for module in (
        preferences,
        settings,
        elsewhere,
        masks,
        painting,
        running,
        queue,
        take_operators,
        run,
        progress,
        strip,
        matte,
        painted,
        takes_panel,
        server,
    )
    for each in module.CLASSES
)
# The keys of timeline and preview alike, by their older and their newer name; one that Blender lacks does nothing.
_KEYMAPS = ("SequencerCommon", "Video Sequence Editor")
_keys: list[tuple[Any, Any]] = []


def register(package: str = __package__ or "") -> None:
    """Add everything to Blender. `package`: the name that Blender knows the add-on by, for its preferences."""
    preferences.MaskEditPreferences.bl_idname = package
    for each in _CLASSES:
        bpy.utils.register_class(each)
    settings.register()
    thumbnails.register()
    busy.watch()
    ticking.begin()
    watching.register()
    overlay.register()
    _add_key()


def unregister() -> None:
    """Take everything off again: classes, properties, keys, timers, handlers, threads and drawing."""
    for keymap, item in _keys:
        keymap.keymap_items.remove(item)
    _keys.clear()
    overlay.unregister()
    watching.unregister()
    ticking.end()
    busy.unwatch()
    thumbnails.unregister()
    settings.unregister()
    for each in reversed(_CLASSES):
        bpy.utils.unregister_class(each)


def _add_key() -> None:
    """Esc with the pointer over the sequencer, while something runs. A modal operator in its place would keep Blender
    from saving its recovery file for as long as the run takes."""
    keyconfig = bpy.context.window_manager.keyconfigs.addon
    if keyconfig is None:  # in the background there are no keys
        return
    for name in _KEYMAPS:
        keymap = keyconfig.keymaps.new(name=name, space_type="SEQUENCE_EDITOR")
        item = keymap.keymap_items.new("maskedit.cancel", "ESC", "PRESS")
        item.properties.ask = True
        _keys.append((keymap, item))
