# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real files for any test: clips through a real encoder."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import settings

# The same examples on every run, and no failure because a machine is busy.
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("suite")

# A shell has what it starts in the background ignore Ctrl-C, and every process that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

WriteClip = Callable[..., Path]


@pytest.fixture
def write_clip(tmp_path: Path) -> WriteClip:
    """write_clip(name, frames, codec=, pixel_format=, rate=, pts=): (T, H, W, 3 or 4) uint8 frames as a video file.

    `pts` are numbers of 1/rate seconds, for variable frame rates. Returns the path.
    """

    def write(
        name: str,
        frames: np.ndarray,
        *,
        codec: str = "ffv1",
        pixel_format: str = "bgr0",
        rate: Fraction = Fraction(25),
        pts: Sequence[int] | None = None,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, options=options or {})
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = pixel_format
            for number, samples in enumerate(frames):
                picture = av.VideoFrame.from_ndarray(samples, format="rgba" if samples.shape[-1] == 4 else "rgb24")
                frame = picture.reformat(format=pixel_format)
                frame.pts = number if pts is None else pts[number]
                frame.time_base = 1 / rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write
