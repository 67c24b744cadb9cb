# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over each frame of the plate: the finished picture, and the matte that it shows through (torch-free).

Regions that leave it to the result are pasted where that differs from the plate (see `mattes.found`), the others
wherever their mattes allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from maskedit.colour import view_of
from maskedit.forking import forked
from maskedit.geometry import Rect, placed
from maskedit.locking import ParentTake
from maskedit.mattes import composite_matte, edited, is_found, painted, purpose_mattes, steadied
from maskedit.media import PlateFrame
from maskedit.painting import Picture, keyframe_picture
from maskedit.request import EditRequest, MediaFacts, Region

Generated = Callable[[int], tuple[Picture, Rect]]


@dataclass(frozen=True, eq=False)
class Fill:
    """What goes over `plate`: `picture` (h, w, 3) in [0, 1] at `rect`, where `matte` (h, w) in [0, 1] says so."""

    plate: PlateFrame
    picture: Picture
    rect: Rect
    matte: Picture

    @property
    def whole_matte(self) -> Picture:
        """The matte at the plate's size (H, W)."""
        return placed(self.matte, at=self.rect, within=Rect(0, 0, self.plate.width, self.plate.height))


@dataclass(frozen=True, eq=False)
class _Loose:
    """Of the regions whose matte is to be found: `drawn` and `paste` (h, w) in [0, 1] over the fill's rectangle, and
    `noticed`, where the picture leaves the plate, over all that a paste can reach on any frame."""

    drawn: Picture
    paste: Picture
    noticed: np.ndarray


def fills(
    request: EditRequest,
    *,
    plates: Iterable[PlateFrame],
    facts: MediaFacts,
    parent: ParentTake,
    generated: Generated,
    reach: Rect,
) -> Iterator[Fill]:
    """The fill of each of `plates`, in order.

    `generated`: frame number → picture and rectangle, asked in order for every frame that is not locked. Keyframes are
    as they were painted, locked frames as the `parent` holds them. `reach`: what a paste can reach on any frame (see
    `mattes.reach_of`). Streams: while mattes are found, two frames more are read ahead. Raises ValueError where a
    picture does not cover what is pasted.
    """
    loose = [region for region in request.regions if is_found(region, frame_height=facts.height)]
    fixed = [region for region in request.regions if region not in loose]
    found = _noticed(request, loose, fixed, plates=plates, facts=facts, parent=parent, generated=generated, reach=reach)
    if not loose:
        return (fill for fill, _ in found)
    return _found(found, reach=reach)


def _found(noticed: Iterator[tuple[Fill, _Loose]], *, reach: Rect) -> Iterator[Fill]:
    fills, again = forked(noticed, 2)
    for (fill, loose), steady in zip(fills, steadied(each.noticed for _, each in again), strict=True):
        found = placed(steady, at=reach, within=fill.rect)
        shown = composite_matte(found, drawn=loose.drawn, paste=loose.paste)
        yield replace(fill, matte=np.maximum(fill.matte, shown))


def _noticed(
    request: EditRequest,
    loose: Sequence[Region],
    fixed: Sequence[Region],
    *,
    plates: Iterable[PlateFrame],
    facts: MediaFacts,
    parent: ParentTake,
    generated: Generated,
    reach: Rect,
) -> Iterator[tuple[Fill, _Loose]]:
    """Each fill with the matte of the regions `fixed` alone, and what those that are `loose` need to be found."""
    keyframes = {keyframe.frame: keyframe for keyframe in request.keyframes}
    view = view_of(facts, request.working_colour)
    black = np.zeros((reach.height, reach.width), np.float32)

    def mattes(regions: Sequence[Region]) -> Iterator[tuple[Picture, Picture]]:
        if not regions:
            return repeat((black, black), len(parent.frames))
        found = purpose_mattes(regions, facts=facts, frames=parent.frames, within=reach)
        return ((matte.drawn, matte.paste) for _, matte in found)

    for plate, (drawn, paste), (_, matte) in zip(plates, mattes(loose), mattes(fixed), strict=True):
        look = edited
        if plate.number in parent.locked:
            picture, rect = parent.picture(plate, view=view, part=reach), reach
        else:
            picture, rect = generated(plate.number)
            picture = np.clip(picture, 0, 1, dtype=np.float32)
            if plate.number in keyframes:
                picture, look = keyframe_picture(keyframes[plate.number], plate, view=view, part=rect), painted
        drawn, paste, fixed_matte = (placed(each, at=reach, within=rect) for each in (drawn, paste, matte))
        if np.count_nonzero(fixed_matte) < np.count_nonzero(matte):
            raise ValueError("the paste matte reaches beyond the generated picture")
        noticed = np.zeros(drawn.shape, bool)
        if paste.any():
            noticed = look(view.shown(plate, part=rect.slices), picture, drawn=drawn, paste=paste)
        yield Fill(plate, picture, rect, fixed_matte), _Loose(drawn, paste, placed(noticed, at=rect, within=reach))
