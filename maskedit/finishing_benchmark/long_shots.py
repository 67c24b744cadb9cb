# SPDX-License-Identifier: GPL-3.0-or-later
"""What drifts over 129 frames from one keyframe, under a camera that walks, of a region that grows."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.drafting import run_draft
from maskedit.finishing_benchmark import Row
from maskedit.finishing_benchmark.long_scene import LongTake
from maskedit.media import ClipReader
from maskedit.progress import SilentReporter

_TAKE = LongTake(width=640, height=360, frames=129)
# From the region's edge, which the paste softens, in pixels.
_MARGIN_PX = 6


def measure() -> list[Row]:
    """The figures of a small one."""
    return drift(_TAKE)


def drift(take: LongTake) -> list[Row]:
    """How far the draft of a take leaves the truth from frame to frame."""
    with TemporaryDirectory() as folder:
        request = take.request(Path(folder))
        result = run_draft(request, output=Path(folder) / "out", reporter=SilentReporter()).result
        colours, places = errors(result, take)
    what = (
        f"draft of {take.frames} frames at {take.width}x{take.height} from one keyframe, under a camera that walks; "
        "the region grows 1.8 times"
    )
    return [
        Row(name="Drift of colour", what=what, figure=per_50_frames(colours), unit="codes / 50 frames", most=1.0),
        Row(name="Drift of place", what=what, figure=per_50_frames(places), unit="px / 50 frames", most=0.5),
    ]


def errors(result: Path, take: LongTake) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far each frame of a take's result lies from the truth inside the region.

    (T, 3): the mean of its colours less the truth's, in 8-bit codes. (T, 2): where the truth's pixels are, x and y.
    """
    colours, places = [], []
    with ClipReader(result) as clip:
        for plate in clip.frames(0, take.frames - 1):
            _, truth, matte = take.shown(plate.number)
            x, y, width, height = cv2.boundingRect(matte)
            inner = (
                slice(max(y, 0) + _MARGIN_PX, y + height - _MARGIN_PX),
                slice(max(x, 0) + _MARGIN_PX, x + width - _MARGIN_PX),
            )
            made, wanted = plate.rgb()[inner] * np.float32(255), truth[inner].astype(np.float32)
            colours.append((made - wanted).mean(axis=(0, 1), dtype=np.float64))
            window = cv2.createHanningWindow(made.shape[1::-1], cv2.CV_32F)
            places.append(cv2.phaseCorrelate(wanted.mean(axis=-1), made.mean(axis=-1), window)[0])
    return np.array(colours), np.array(places)


def per_50_frames(values: NDArray[np.float64]) -> float:
    """The slope of the straight line through `values` (T, n) over 50 frames, of the component that drifts most."""
    slopes = np.polyfit(np.arange(len(values)), values, 1)[0]
    return float(50 * np.abs(slopes).max())
