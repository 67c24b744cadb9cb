# SPDX-License-Identifier: GPL-3.0-or-later
"""Which strip the sidebar and its operators are about, and where its pictures lie."""

from __future__ import annotations

import os
from typing import Any

import bpy

from plugin_client.blender import versions

# Takes whose source is known: to look for it goes through the whole timeline, and drawing asks often.
_sources: dict[tuple[str, str], str] = {}


def subject(context: Any) -> Any | None:
    """The active strip, if it is selected too; of a take, the strip that it was made from. None for nothing."""
    scene = versions.sequencer_scene(context)
    strip = versions.active_strip(scene) if scene is not None else None
    if scene is None or strip is None or not strip.select:
        return None
    # Imported where it is used: Blender's start-up does not wait for it.
    from plugin_client.blender import takes

    if takes.marks_of(strip) is None:
        return strip
    key = (scene.name, strip.name)
    if key not in _sources:
        _sources[key] = takes.source_of(scene, strip)
    return versions.strip_named(scene, _sources[key]) or strip


def forget_sources() -> None:
    """Look anew for what takes were made from: the timeline may have changed."""
    _sources.clear()


def first_picture(strip: Any) -> str:
    """The file of what the strip shows first: a movie, or one picture of a sequence; "" for what Blender renders."""
    match versions.kind_of(strip):
        case "movie":
            return bpy.path.abspath(strip.filepath)
        case "image":
            number = versions.timing_of(strip).source_first
            return picture_file(strip, number)
        case _:
            return ""


def size_of(strip: Any) -> tuple[int, int]:
    """The size of the strip's pictures in pixels; (0, 0) if Blender cannot say."""
    elements = getattr(strip, "elements", None)
    if elements:
        return elements[0].orig_width, elements[0].orig_height
    render = strip.id_data.render
    return render.resolution_x, render.resolution_y


def picture_file(image: Any, number: int) -> str:
    """The file of an image strip's picture `number`, from 0; the nearest one beyond its ends."""
    element = image.elements[min(max(number, 0), len(image.elements) - 1)]
    return os.path.join(bpy.path.abspath(image.directory), element.filename)
