# SPDX-License-Identifier: GPL-3.0-or-later
"""A result that is shown as its source is: moved, cropped, graded and animated alike."""

from __future__ import annotations

from typing import Any

from plugin_client.blender import versions
from plugin_client.blender.animation import copy_animation
from plugin_client.blender.properties import copy_properties

_LOOKS = (
    "use_flip_x", "use_flip_y", "blend_alpha", "color_multiply", "color_saturation", "multiply_alpha", "strobe",
    "use_float", "use_linear_modifiers", "use_deinterlace",
)  # fmt: skip
# Where the source's own proxy lies.
_SOURCES_PROXY = frozenset({"filepath", "use_proxy_custom_file"})
# What files hold that Blender has rendered for display, and what movies are taken for.
_DISPLAY = "sRGB"


def make_alike(scene: Any, result: Any, source: Any) -> None:
    """Give `result` all that decides how `source` is shown, and its proxy settings; both are strips of `scene`.

    How they are blended and read is left alone. Where the result's pictures are not as large as the source's, it is
    scaled to cover the same place.
    """
    for name in _LOOKS:
        if hasattr(source, name) and hasattr(result, name):
            setattr(result, name, getattr(source, name))
    copy_properties(result.transform, source.transform)
    copy_properties(result.crop, source.crop)
    _fit(result, source)
    for modifier in source.modifiers:
        made = versions.new_modifier(scene, result, name=modifier.name, kind=modifier.type)
        if made is not None:
            copy_properties(made, modifier)
    if getattr(source, "use_proxy", False):
        result.use_proxy = True
        copy_properties(result.proxy, source.proxy, leave=_SOURCES_PROXY)
    moving = (*(f".{name}" for name in _LOOKS), ".transform.", ".crop.", ".modifiers[")
    copy_animation(scene, result, source, below=moving)


def read_alike(result: Any, source: Any | None, *, is_exr: bool) -> None:
    """Have `result`'s file read in the source's colour space, its alpha as the server writes it.

    `source` None: it is gone. Newer Blenders go by the tags in pictures, but not by the same ones in movies.
    """
    result.alpha_mode = "PREMUL" if is_exr else "STRAIGHT"
    settings = getattr(source, "colorspace_settings", None)
    if settings is not None:
        result.colorspace_settings.name = settings.name
    elif not is_exr:
        result.colorspace_settings.name = _DISPLAY


def _fit(result: Any, source: Any) -> None:
    """Scale and crop in the result's pixels."""
    (width, height), (shown_width, shown_height) = _size_of(source), _size_of(result)
    if not (width and height and shown_width and shown_height) or (width, height) == (shown_width, shown_height):
        return
    across, down = width / shown_width, height / shown_height
    result.transform.scale_x *= across
    result.transform.scale_y *= down
    for side, scale in (("min_x", across), ("max_x", across), ("min_y", down), ("max_y", down)):
        setattr(result.crop, side, round(getattr(source.crop, side) / scale))


def _size_of(strip: Any) -> tuple[int, int]:
    elements = getattr(strip, "elements", None)
    return (elements[0].orig_width, elements[0].orig_height) if elements else (0, 0)
