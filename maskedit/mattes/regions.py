# SPDX-License-Identifier: GPL-3.0-or-later
"""The effective paste matte of an edit: what its regions' mattes come to, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from maskedit.mattes.loosening import paste_mattes
from maskedit.mattes.readers import open_matte
from maskedit.presets import edges_for
from maskedit.request import FrameRange, MediaFacts, Region


def region_mattes(
    regions: Sequence[Region], *, facts: MediaFacts, frames: FrameRange
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The paste matte (H, W) float32 in [0, 1] of every frame in the range, with its clip frame number."""
    region = regions[0]
    drawn = open_matte(region.mattes[0], facts=facts).frames(frames.first, frames.last)
    edges = edges_for(region, frame_height=facts.height)
    return enumerate(paste_mattes((matte for _, matte in drawn), edges), start=frames.first)
