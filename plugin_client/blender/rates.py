# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates, exactly, out of Blender's single-precision numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import bpy

from plugin_client.blender.versions import all_strips, timing_of

# Single precision tells rates apart to about one part in ten million; 24 and 24000/1001 lie a thousandth apart.
_TOLERANCE = 1e-5
_FAR_RATE = 1000


def exact_rate(frames_per_second: float) -> Fraction:
    """The rate that a float means: whole frames, whole frames by 1001 (SMPTE ST 12-1), else a simple fraction.

    Raises ValueError for a rate that is not above 0.
    """
    if frames_per_second <= 0:
        raise ValueError(f"{frames_per_second} frames per second")
    for rate in (
        Fraction(round(frames_per_second)),
        Fraction(round(frames_per_second * 1001 / 1000) * 1000, 1001),
    ):
        if abs(rate - frames_per_second) <= _TOLERANCE * frames_per_second:
            return rate
    return Fraction(frames_per_second).limit_denominator(1001)


def scene_rate(scene: Any) -> Fraction:
    """The scene's frames per second: 24 over 1.001 is 24000/1001."""
    return exact_rate(scene.render.fps / scene.render.fps_base)


def movie_rate(strip: Any) -> Fraction | None:
    """The rate that the file of a movie strip states; None if Blender cannot say."""
    return exact_rate(strip.fps) if strip.fps > 0 else None


def is_stretched(scene: Any, strip: Any) -> bool:
    """Whether a movie strip leaves out or doubles frames to keep its speed at the scene's rate.

    Movies that are dropped into the sequencer do so by default, those that a script adds do not, and Blender keeps the
    choice to itself. It shows when the scene's rate changes, so a copy of the scene is given another one: not to be
    called while Blender draws.
    """
    if movie_rate(strip) in (None, scene_rate(scene)):
        return False
    copy = scene.copy()
    try:
        (twin,) = (other for other in all_strips(copy) if other.name == strip.name)
        before = timing_of(twin).length
        copy.render.fps, copy.render.fps_base = _FAR_RATE, 1.0
        return timing_of(twin).length != before
    finally:
        bpy.data.scenes.remove(copy)
