# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mattes of an edit's regions come to, frame by frame: the drawn matte and the paste matte.

A region's mattes are combined in their order: an added one by the maximum, a subtracted one as a * (1 - b). The
combined matte is loosened, and cut off at what its mattes would leave of a frame that was wholly white: what has been
subtracted stays untouched, up to the subtracted matte's own soft edge, however far the rest is grown. Several regions
are the maximum of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import dropwhile, tee

import numpy as np
from numpy.typing import NDArray

from maskedit.mattes.combining import combine
from maskedit.mattes.loosening import paste_mattes
from maskedit.mattes.readers import open_matte
from maskedit.presets import edges_for
from maskedit.request import FrameRange, MediaFacts, Region

Picture = NDArray[np.float32]


def region_mattes(regions: Sequence[Region], *, facts: MediaFacts, frames: FrameRange) -> Iterator[tuple[int, Picture]]:
    """The paste matte (H, W) float32 in [0, 1] of every frame in the range, with its clip frame number.

    Streams: holds a few frames more than the regions are smoothed over. Raises InputError for mattes that cannot be
    used.
    """
    for number, _, paste in drawn_and_paste(regions, facts=facts, frames=frames):
        yield number, paste


def drawn_and_paste(
    regions: Sequence[Region], *, facts: MediaFacts, frames: FrameRange
) -> Iterator[tuple[int, Picture, Picture]]:
    """As `region_mattes`, with the drawn matte between: (number, drawn, paste), and drawn <= paste everywhere."""
    streams = [_drawn_and_paste(region, facts=facts, frames=frames) for region in regions]
    for number, pairs in enumerate(zip(*streams, strict=True), start=frames.first):
        drawn, paste = zip(*pairs, strict=True)
        yield number, reduce(np.maximum, drawn), reduce(np.maximum, paste)


def drawn_mattes(region: Region, *, facts: MediaFacts, frames: FrameRange) -> Iterator[tuple[int, Picture]]:
    """A region's combined matte of every frame, before any loosening. Raises InputError as `region_mattes`."""
    for number, (drawn, _) in enumerate(_combined(region, facts=facts, frames=frames), start=frames.first):
        yield number, drawn


def _drawn_and_paste(region: Region, *, facts: MediaFacts, frames: FrameRange) -> Iterator[tuple[Picture, Picture]]:
    combined, again = tee(_combined(region, facts=facts, frames=frames))
    edges = edges_for(region, frame_height=facts.height)
    loosened = paste_mattes((drawn for drawn, _ in again), edges)
    for (drawn, allowed), paste in zip(combined, loosened, strict=True):
        yield drawn, np.minimum(paste, allowed)


def _combined(region: Region, *, facts: MediaFacts, frames: FrameRange) -> Iterator[tuple[Picture, Picture]]:
    """(drawn, allowed) per frame: the mattes laid over black, and over white."""
    readers = [open_matte(matte, facts=facts).frames(frames.first, frames.last) for matte in region.mattes]
    black, white = (np.full((facts.height, facts.width), value, np.float32) for value in (0, 1))
    for numbered in zip(*readers, strict=True):
        mattes = [(picture, use.subtract) for (_, picture), use in zip(numbered, region.mattes, strict=True)]
        # White stays white until something is subtracted.
        yield combine(mattes, onto=black), combine(dropwhile(lambda use: not use[1], mattes), onto=white)
