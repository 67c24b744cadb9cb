# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake Resolve with a project open, and real clips to cut in it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.stage import Stage, grey_of

NumberedClip = Callable[..., Path]


@pytest.fixture
def numbered_clip(write_clip: Callable[..., Path]) -> NumberedClip:
    """numbered_clip(name, frames, rate=): 32×16 lossless, frame n in the flat grey `grey_of(n)`."""

    def write(name: str, frames: int, *, rate: Fraction = Fraction(24)) -> Path:
        greys = np.array([grey_of(number) for number in range(frames)], np.uint8)
        pictures = np.broadcast_to(greys[:, None, None, None], (frames, 16, 32, 3)).copy()
        return write_clip(name, pictures, codec="qtrle", pixel_format="rgb24", rate=rate)

    return write


@pytest.fixture
def stage() -> Stage:
    """A Studio 21.0 with a saved project at 24 frames a second and a 32×16 timeline."""
    return Stage(FakeResolve())
