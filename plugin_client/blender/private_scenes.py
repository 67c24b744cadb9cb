# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes that show one thing, exactly as it is: built in a second Blender, so that the user's file stays as it was.

Blender grades by default: the factory view transform turns white into 206 (Filmic) or 197 (AgX) of 255, and dither
adds noise. Here colours leave as they came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from plugin_client.blender import versions
from plugin_client.blender.child_jobs import FilePictures, MaskPictures, Pictures, StripPictures
from plugin_client.core.errors import BadInput

# Bits per pixel with alpha: of four bytes, and of four floats.
_WITH_ALPHA = (32, 128)
_OPACITY = {"blend_alpha": 1}
_PLACE = {
    **{f"transform.{name}": 0 for name in ("offset_x", "offset_y", "rotation")},
    **{f"transform.{name}": 1 for name in ("scale_x", "scale_y")},
    **{f"crop.{side}": 0 for side in ("min_x", "max_x", "min_y", "max_y")},
    **{name: False for name in ("use_flip_x", "use_flip_y")},
}
_LOOK = {"color_multiply": 1, "color_saturation": 1, "multiply_alpha": False, "strobe": 1}


def build(pictures: Pictures) -> Any:
    """The scene whose sequencer shows `pictures`, ungraded and pixel for pixel. Raises BadInput if there are none."""
    if isinstance(pictures, MaskPictures):
        scene = _of_mask(pictures)
    elif isinstance(pictures, StripPictures):
        scene = _of_strip(pictures)
    else:
        scene = _of_file(pictures)
    _ungraded(scene)
    return scene


def _of_mask(pictures: MaskPictures) -> Any:
    """A mask's coordinates refer to the picture that it is rendered in, so the clip's size is all that it needs; pixel
    aspects have no part in it. Its strip ends one frame before the mask does, and holds the last frame after that.

    Soft edges stay at 8 bits: with `use_float` 5.2 takes them for linear light, and makes them wider.
    """
    with bpy.data.libraries.load(pictures.blend, link=False) as (_, wanted):
        wanted.masks = [pictures.mask]
    mask: Any = wanted.masks[0]
    mask.frame_start, mask.frame_end = pictures.mask_first, pictures.mask_last + 1
    scene = bpy.data.scenes.new("Matte")
    _set_size(scene, pictures.size)
    strips = versions.top_strips(scene)
    for channel in (1, 2):
        strip = versions.new_mask(strips, mask, name="Matte", channel=channel, frame=0)
        versions.set_timing(strip, pictures.start, length=pictures.length, source_first=pictures.offset)
    _show_second_last_pixel_as_last(strip, pictures.size)
    return scene


def _show_second_last_pixel_as_last(strip: Any, size: tuple[int, int]) -> None:
    """Blender leaves the last pixel of a mask strip, in the upper right corner, as memory happened to be."""
    width, height = size
    strip.crop.min_x, strip.crop.max_x, strip.crop.min_y = width - 2, 1, height - 1
    strip.transform.offset_x = 1
    strip.transform.filter = "NEAREST"
    strip.blend_type = "ALPHA_OVER"


def _of_strip(pictures: StripPictures) -> Any:
    with bpy.data.libraries.load(pictures.blend, link=False) as (_, wanted):
        wanted.scenes = [pictures.scene]
    scene: Any = wanted.scenes[0]
    strip = versions.strip_named(scene, pictures.name)
    if strip is None:
        raise BadInput(f"The strip {pictures.name} cannot be found in a copy of {pictures.scene}: rename it.")
    levels = [strip, *_isolate(scene, strip)]
    strip.blend_type = "ALPHA_OVER"
    _fix(scene, strip, _OPACITY)
    if not pictures.as_placed:
        for level in levels:
            _fix(scene, level, _OPACITY | _PLACE)
        if versions.kind_of(strip) in ("movie", "image"):
            _set_size(scene, _size_of(strip))
    if not pictures.has_look:
        _fix(scene, strip, _LOOK)
        versions.remove_modifiers(scene, strip)
    return scene


def _of_file(pictures: FilePictures) -> Any:
    scene = bpy.data.scenes.new("Picture")
    make = versions.new_movie if pictures.is_movie else versions.new_image
    strip = make(versions.top_strips(scene), pictures.path, name="Picture", channel=1, frame=0)
    strip.blend_type = "REPLACE"
    _set_size(scene, _size_of(strip))
    return scene


def form_of(path: str) -> tuple[str, str]:
    """The colour mode and depth in which a PNG holds all that Blender reads from a movie or picture file."""
    image = bpy.data.images.load(path)
    # Blender knows depth only once it has read the file.
    is_deep = bool(image.size[0]) and image.is_float
    return "RGBA" if image.depth in _WITH_ALPHA else "RGB", "16" if is_deep else "8"


def _isolate(scene: Any, strip: Any) -> list[Any]:
    """Show nothing but `strip` (and what it is made of), even where it is hidden: all else on its level and on those
    above is muted. Returns the meta strips that hold it."""
    metas, shown = [], strip
    while shown is not None:
        around = shown.parent_meta()
        if around is not None:
            metas.append(around)
        for other in versions.top_strips(scene if around is None else around):
            other.mute = other != shown
        for channel in (scene.sequence_editor if around is None else around).channels:
            channel.mute = False
        shown = around
    return metas


def _fix(scene: Any, strip: Any, values: Mapping[str, float]) -> None:
    """Set properties of `strip`, whatever animates them."""
    curves = versions.fcurves_of(scene)
    root = strip.path_from_id()
    for path, value in values.items():
        if curves is not None and (curve := curves.find(f"{root}.{path}")) is not None:
            curves.remove(curve)
        owner, _, name = path.rpartition(".")
        of = getattr(strip, owner, None) if owner else strip
        if hasattr(of, name):
            setattr(of, name, value)


def _size_of(strip: Any) -> tuple[int, int]:
    element = strip.elements[0]
    return element.orig_width, element.orig_height


def _set_size(scene: Any, size: tuple[int, int]) -> None:
    scene.render.resolution_x, scene.render.resolution_y = size


def _ungraded(scene: Any) -> None:
    scene.display_settings.display_device = "sRGB"
    view, render = scene.view_settings, scene.render
    view.view_transform, view.look = "Standard", "None"
    view.exposure, view.gamma, view.use_curve_mapping = 0, 1, False
    if hasattr(view, "use_white_balance"):
        view.use_white_balance = False
    render.dither_intensity = 0
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1
    render.use_sequencer, render.use_compositing = True, False
    render.use_border = render.use_stamp = render.use_multiview = False
