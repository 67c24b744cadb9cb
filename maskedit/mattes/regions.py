# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mattes of an edit's regions come to, frame by frame, by purpose.

A region's mattes of one purpose are combined in their order: an added one by the maximum, a subtracted one as
a * (1 - b). Its edit mattes are loosened, and cut off at what they would leave of a frame that was wholly white: what
has been subtracted stays untouched, up to the subtracted matte's own soft edge, however far the rest is grown. Holdout
mattes take their share of that: whatever passes in front keeps its pixels. A composite matte limits what is pasted, as
it was drawn. Several regions are the maximum of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import dropwhile, repeat

import numpy as np
from numpy.typing import NDArray

from maskedit.forking import forked
from maskedit.geometry import Rect
from maskedit.mattes.combining import combine
from maskedit.mattes.loosening import paste_mattes
from maskedit.mattes.readers import open_matte
from maskedit.presets import edges_for
from maskedit.request import CompositeMatte, FrameRange, Loosening, Matte, MattePurpose, MediaFacts, Region

Picture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FrameMattes:
    """One frame's mattes, each (H, W) in [0, 1], `drawn` and `paste` <= `edit` but for what is held out.

    `drawn`: as the edit mattes draw it; `edit`: loosened, where change is allowed and the model generates; `paste`:
    what of that may be pasted; `ignore`: not trained on, None where no region says so.
    """

    drawn: Picture
    edit: Picture
    paste: Picture
    ignore: Picture | None = None


def of_purpose(region: Region, purpose: MattePurpose) -> tuple[Matte, ...]:
    """The region's mattes that serve `purpose`, in their order."""
    return tuple(matte for matte in region.mattes if matte.purpose is purpose)


def is_found(region: Region, *, frame_height: int) -> bool:
    """Whether the region is to be pasted where its result differs from the plate: if it says so, gives no matte for
    that itself, and is loosened at all."""
    edges = edges_for(region, frame_height=frame_height)
    loosened = edges.grow_px > 0 or edges.loosening is not Loosening.GROWN
    given = of_purpose(region, MattePurpose.COMPOSITE)
    return region.composite is CompositeMatte.FOUND and loosened and not given


def reach_of(regions: Sequence[Region], *, drawn: Rect, facts: MediaFacts) -> Rect:
    """What loosening can make of regions that are drawn within `drawn`: beyond it, nothing is ever pasted."""
    edges = [edges_for(region, frame_height=facts.height) for region in regions]
    # A box or a hull lies within the bounds of what it is drawn around.
    reach = max(each.grow_px + each.feather_px for each in edges)
    return drawn.grown(reach, frame_width=facts.width, frame_height=facts.height)


def region_mattes(
    regions: Sequence[Region], *, facts: MediaFacts, frames: FrameRange, within: Rect | None = None
) -> Iterator[tuple[int, Picture]]:
    """Where change is allowed, (H, W) float32 in [0, 1], of every frame in the range with its clip frame number.

    `within`: of these pixels alone (h, w), which have to hold all that the mattes can reach (see `reach_of`); of large
    frames much less is held then. Streams: holds a few frames more than the regions are smoothed over. Raises
    InputError for mattes that cannot be used.
    """
    for number, mattes in purpose_mattes(regions, facts=facts, frames=frames, within=within):
        yield number, mattes.edit


def drawn_and_paste(
    regions: Sequence[Region], *, facts: MediaFacts, frames: FrameRange
) -> Iterator[tuple[int, Picture, Picture]]:
    """(number, drawn, paste) of every frame: the drawn matte, and beyond which nothing is ever pasted.

    Without holdout and composite mattes drawn <= paste everywhere. Otherwise as `region_mattes`.
    """
    for number, mattes in purpose_mattes(regions, facts=facts, frames=frames):
        yield number, mattes.drawn, mattes.paste


def purpose_mattes(
    regions: Sequence[Region], *, facts: MediaFacts, frames: FrameRange, within: Rect | None = None
) -> Iterator[tuple[int, FrameMattes]]:
    """All the mattes of every frame in the range, with its clip frame number. Otherwise as `region_mattes`."""
    part = within or Rect(0, 0, facts.width, facts.height)
    streams = [_frame_mattes(region, facts=facts, frames=frames, part=part) for region in regions]
    for number, found in enumerate(zip(*streams, strict=True), start=frames.first):
        ignored = [mattes.ignore for mattes in found if mattes.ignore is not None]
        yield (
            number,
            FrameMattes(
                drawn=reduce(np.maximum, [mattes.drawn for mattes in found]),
                edit=reduce(np.maximum, [mattes.edit for mattes in found]),
                paste=reduce(np.maximum, [mattes.paste for mattes in found]),
                ignore=reduce(np.maximum, ignored) if ignored else None,
            ),
        )


def drawn_mattes(region: Region, *, facts: MediaFacts, frames: FrameRange) -> Iterator[tuple[int, Picture]]:
    """A region's combined edit matte of every frame, before any loosening. Raises InputError as `region_mattes`."""
    mattes, part = of_purpose(region, MattePurpose.EDIT), Rect(0, 0, facts.width, facts.height)
    for number, (drawn, _) in enumerate(_combined(mattes, facts=facts, frames=frames, part=part), start=frames.first):
        yield number, drawn


def _frame_mattes(region: Region, *, facts: MediaFacts, frames: FrameRange, part: Rect) -> Iterator[FrameMattes]:
    drawn_as = of_purpose(region, MattePurpose.EDIT)
    combined, again = forked(_combined(drawn_as, facts=facts, frames=frames, part=part), 2)
    edges = edges_for(region, frame_height=facts.height)
    loosened = paste_mattes((drawn for drawn, _ in again), edges)
    held_out, shown, ignored = (
        _given(of_purpose(region, purpose), facts=facts, frames=frames, part=part)
        for purpose in (MattePurpose.HOLDOUT, MattePurpose.COMPOSITE, MattePurpose.IGNORE)
    )
    for (drawn, allowed), loose, holdout, composite, ignore in zip(
        combined, loosened, held_out, shown, ignored, strict=True
    ):
        edit = np.minimum(loose, allowed)
        if holdout is not None:
            edit = edit * (1 - holdout)
        # What runs out at the loosened edge has to, and what is held out stays so: the model made nothing there.
        yield FrameMattes(drawn, edit, edit if composite is None else np.minimum(edit, composite), ignore)


def _given(mattes: Sequence[Matte], *, facts: MediaFacts, frames: FrameRange, part: Rect) -> Iterator[Picture | None]:
    """The combined matte of every frame as it was drawn, or None for each where there are none."""
    if not mattes:
        return repeat(None, len(frames))
    return (drawn for drawn, _ in _combined(mattes, facts=facts, frames=frames, part=part))


def _combined(
    mattes: Sequence[Matte], *, facts: MediaFacts, frames: FrameRange, part: Rect
) -> Iterator[tuple[Picture, Picture]]:
    """(drawn, allowed) per frame, within `part`: the mattes laid over black, and over white."""
    readers = [open_matte(matte, facts=facts).frames(frames.first, frames.last) for matte in mattes]
    black, white = (np.full((part.height, part.width), value, np.float32) for value in (0, 1))
    for numbered in zip(*readers, strict=True):
        pictures = [(picture[part.slices], use.subtract) for (_, picture), use in zip(numbered, mattes, strict=True)]
        # White stays white until something is subtracted.
        yield combine(pictures, onto=black), combine(dropwhile(lambda use: not use[1], pictures), onto=white)
