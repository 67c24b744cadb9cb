# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit.draft`, frame by frame as it is found, beginning at the keyframes (no Qt)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from maskedit.draft import Draft, Guide, Painting, carry, painting, tracks

Picture = NDArray[np.float32]


class Shot(Protocol):
    """Frames by index: `plate` (h, w, 3) and `edit_matte` (h, w) in [0, 1], and their guide."""

    def __len__(self) -> int: ...
    def plate(self, index: int) -> Picture: ...
    def edit_matte(self, index: int) -> Picture: ...
    def guide(self, index: int) -> Guide: ...


def progressive(
    shot: Shot, keyframes: Collection[int], *, edited: Callable[[int], Picture], focus: int
) -> Iterator[tuple[int, Draft]]:
    """Each frame once, with its index: what `maskedit.draft.draft` makes of them, in another order.

    Frames on one side of all keyframes come nearest first; the part that touches the index `focus` comes before the
    others. `edited`: the painted picture (h, w, 3) in [0, 1] of each of the `keyframes`, at least one. Frames and
    pictures are only asked for when their turn comes.
    """

    @cache
    def painted(index: int) -> Painting:
        return painting(shot.plate(index), shot.edit_matte(index), edited=edited(index), guide=shot.guide(index))

    done: set[int] = set()
    for span in _spans(sorted(keyframes), len(shot), focus=focus):
        # A track looks the same whichever way time runs, so that a span may be walked backwards.
        ends = sorted({place for place in (0, len(span) - 1) if span[place] in keyframes})
        for index, found in zip(span, tracks(Guides(shot, span), ends), strict=True):
            if index not in done:
                seen = [(track, painted(span[track.keyframe])) for track in found]
                yield index, carry(shot.plate(index), shot.edit_matte(index), seen=seen)
                done.add(index)


def _spans(keyframes: Sequence[int], count: int, *, focus: int) -> list[range]:
    """From a keyframe to the next one or to the clip's end, each leading away from its keyframe."""
    spans = [
        range(keyframes[-1], count),
        range(keyframes[0], -1, -1),
        *(range(earlier, later + 1) for earlier, later in pairwise(keyframes)),
    ]
    return sorted(spans, key=lambda span: min(abs(focus - span[0]), abs(focus - span[-1])))


class Guides(Sequence[Guide]):
    """The guides along a span, each made when it is needed."""

    def __init__(self, shot: Shot, span: range) -> None:
        self._shot, self._span = shot, span

    def __len__(self) -> int:
        return len(self._span)

    @overload
    def __getitem__(self, place: int) -> Guide: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Guide]: ...
    def __getitem__(self, place: int | slice) -> Guide | Sequence[Guide]:
        if isinstance(place, slice):
            return Guides(self._shot, self._span[place])
        return self._shot.guide(self._span[place])
