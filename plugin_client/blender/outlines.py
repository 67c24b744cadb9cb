# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a mask lies on a strip's picture, and where that lies in the scene's."""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, sin
from typing import Any

from plugin_client.blender import versions

Point = tuple[float, float]
_STEPS = 12


def mask_outlines(mask: Any, size: tuple[int, int]) -> list[list[Point]]:
    """The closed outlines of the mask's visible layers as it stands now, in pixels from the centre of a picture of
    `size`, y upwards. Blender counts a mask's points in units of the longer side, from the corner of the square that
    has the picture in its middle.
    """
    longer = max(size)
    outlines = []
    for layer in mask.layers:
        for spline in () if layer.hide else layer.splines:
            points = list(spline.points)
            if len(points) < 2:
                continue
            ends = points[1:] + points[:1] if spline.use_cyclic else points[1:]
            curve = [
                _scaled(at, longer)
                for begin, end in zip(points, ends, strict=False)
                for at in _bezier(begin.co, begin.handle_right, end.handle_left, end.co)
            ]
            outlines.append(curve if spline.use_cyclic else [*curve, _scaled(points[-1].co, longer)])
    return outlines


def in_scene(points: Iterable[Point], strip: Any, size: tuple[int, int]) -> list[Point]:
    """`points` of a picture of `size`, in pixels from its centre, as the strip's transform places them: in pixels from
    the centre of the scene's picture.
    """
    transform = strip.transform
    pivot_x, pivot_y = ((share - 0.5) * side for share, side in zip(transform.origin, size, strict=True))
    turn_x, turn_y = cos(transform.rotation), sin(transform.rotation)
    mirror_x, mirror_y = (-1 if strip.use_flip_x else 1), (-1 if strip.use_flip_y else 1)
    placed = []
    for x, y in points:
        wide, high = (x - pivot_x) * transform.scale_x, (y - pivot_y) * transform.scale_y
        placed.append(
            (
                mirror_x * (transform.offset_x + pivot_x + wide * turn_x - high * turn_y),
                mirror_y * (transform.offset_y + pivot_y + wide * turn_y + high * turn_x),
            )
        )
    return placed


def mask_of(scene: Any, strip: Any, masks: Any) -> Any | None:
    """The mask that the strip's edit has as its matte and that can be drawn at the playhead; None for other mattes.

    A mask strip shows its mask with an offset of its own: it can be drawn only where there is none.
    """
    edit = strip.maskedit_edit
    if edit.matte_kind == "mask":
        return masks.get(edit.matte_mask)
    chosen = versions.strip_named(scene, edit.matte_strip) if edit.matte_kind == "mask_strip" else None
    if chosen is None or versions.kind_of(chosen) != "mask" or chosen.mask is None:
        return None
    timing = versions.timing_of(chosen)
    return chosen.mask if timing.start - timing.source_first == chosen.mask.frame_start else None


def _bezier(begin: Any, out: Any, into: Any, end: Any) -> Iterable[Point]:
    for step in range(_STEPS):
        t = step / _STEPS
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        yield tuple(a * begin[axis] + b * out[axis] + c * into[axis] + d * end[axis] for axis in (0, 1))


def _scaled(at: Any, longer: float) -> Point:
    return (at[0] - 0.5) * longer, (at[1] - 0.5) * longer
