# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases on real footage: a cut-out of the example that ships, and the edits of it whose answer is known."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

import numpy as np

from maskedit.benchmark.cases import Case, Clip
from maskedit.demo import ROTO, SOURCE
from maskedit.demo.clips import plates_with_mattes
from maskedit.geometry import Rect
from maskedit.recolour import FOX, recolour

# The head and what it moves through, pixel for pixel.
_CUT_OUT = Rect(72, 0, 256, 256)


def recoloured(
    *, name: str, about: str, frames: int, keyframes: tuple[int, ...] = (0,), judged: tuple[int, ...] = ()
) -> Case:
    """The head recoloured on every frame by the same rule."""
    source, matte = _example(frames)
    pairs = zip(source / np.float32(255), matte / np.float32(255), strict=True)
    truth = np.stack([_codes(recolour(rgb, drawn, ramp=FOX)) for rgb, drawn in pairs])
    return Case(name=name, about=about, source=source, truth=truth, matte=matte, keyframes=keyframes, judged=judged)


def unchanged(*, name: str, about: str, frames: int) -> Case:
    """The keyframe is the frame itself, so the clip is its own perfect edit."""
    source, matte = _example(frames)
    return Case(name=name, about=about, source=source, truth=source, matte=matte)


@lru_cache(maxsize=2)
def _example(frames: int) -> tuple[Clip, Clip]:
    """The first `frames` frames (T, H, W, 3) of the example and their mattes (T, H, W), in 8 bits."""
    shown = [(plate.rgb(), drawn) for plate, drawn in islice(plates_with_mattes(SOURCE, ROTO), frames)]
    pictures, mattes = (np.stack([_codes(each[_CUT_OUT.slices]) for each in clip]) for clip in zip(*shown, strict=True))
    return pictures, mattes


def _codes(picture: np.ndarray) -> Clip:
    return np.rint(picture * 255).astype(np.uint8)
