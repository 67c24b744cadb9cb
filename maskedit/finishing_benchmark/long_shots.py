# SPDX-License-Identifier: GPL-3.0-or-later
"""Long takes and large ones: what drifts over 129 frames from one keyframe, and how much memory an 8K source takes."""

from __future__ import annotations

import subprocess
import sys
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
from maskedit.request import EditRequest, to_json

_LONG = LongTake(width=640, height=360, frames=129)
_LARGE = LongTake(width=7680, height=4320, frames=3)
_MEMORY_GB = 8.0
# From the region's edge, which the paste softens, in pixels.
_MARGIN_PX = 6

# Run apart, so that nothing but the edit counts.
_PEAK = """
import resource, sys
from pathlib import Path
from maskedit.drafting import run_draft
from maskedit.progress import SilentReporter
from maskedit.request import from_json
folder = Path(sys.argv[1])
run_draft(from_json((folder / "request.json").read_bytes()), output=folder / "out", reporter=SilentReporter())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak if sys.platform == "darwin" else 1024 * peak)
"""


def measure() -> list[Row]:
    """The figures of a long draft and of a large one."""
    with TemporaryDirectory() as folder:
        request = _LONG.request(Path(folder))
        result = run_draft(request, output=Path(folder) / "out", reporter=SilentReporter()).result
        colours, places = errors(result, _LONG)
    what = f"draft of {_LONG.frames} frames, {_LONG.width}x{_LONG.height}, one keyframe, camera walks, region grows"
    return [
        Row(name="Drift of colour", what=what, figure=per_50_frames(colours), unit="codes / 50 frames", most=1.0),
        Row(name="Drift of place", what=what, figure=per_50_frames(places), unit="px / 50 frames", most=0.5),
        Row(
            name="Memory, 8K source",
            what=f"most of the draft's process, {_LARGE.width}x{_LARGE.height}",
            figure=peak_bytes(_LARGE) / 1e9,
            unit="GB",
            most=_MEMORY_GB,
        ),
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


def step_at(values: NDArray[np.float64], joins: list[int]) -> float:
    """How much greater the step of `values` (T, n) is into the frames `joins` than into all others, on average."""
    steps = np.linalg.norm(np.diff(values, axis=0), axis=-1)
    at = np.isin(np.arange(1, len(values)), joins)
    return float(steps[at].mean() / steps[~at].mean())


def peak_bytes(take: LongTake) -> int:
    """The most memory that the draft of a take holds at once, in a process of its own."""
    with TemporaryDirectory() as folder:
        request: EditRequest = take.request(Path(folder))
        (Path(folder) / "request.json").write_text(to_json(request), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, folder], capture_output=True, text=True, check=True, timeout=600
        )
    return int(done.stdout)
