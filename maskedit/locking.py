# SPDX-License-Identifier: GPL-3.0-or-later
"""A take in parts: which frames are rendered anew, and the parent's frames that stay as they are (torch-free).

Locked frames are delivered sample for sample as the parent's result holds them, and given to the render as known.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np

from maskedit.colour import View
from maskedit.deliverable import Deliverable, DeliverableFormat, DeliverableKind, result_names
from maskedit.errors import InputError
from maskedit.geometry import Rect, windows
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.convert import straight
from maskedit.painting import Picture
from maskedit.request import (
    AlphaMode,
    EditRequest,
    FrameRange,
    MediaFacts,
    MediaReference,
    Rerender,
    from_json,
)

RECORD = "result.maskedit.json"
_LOSSY = (DeliverableFormat.MOV, DeliverableFormat.MP4)


@dataclass(frozen=True)
class Lineage:
    """Where a take's frames come from.

    `parent`: the job it goes on from, "" for a first take. `takes`: frame → the job whose result it was rendered for,
    for the locked ones only. `taught`: the keyframes' numbers that stage 1's lessons were laid around, () for its own.
    """

    parent: str = ""
    takes: Mapping[int, str] = field(default_factory=dict)
    taught: tuple[int, ...] = ()

    def runs(self, frames: FrameRange) -> list[dict[str, int | str]]:
        """Whose frames they are, from first to last; "" is this take itself."""
        numbers = range(frames.first, frames.last + 1)
        runs = [(take, [*run]) for take, run in groupby(numbers, key=lambda number: self.takes.get(number, ""))]
        return [{**asdict(FrameRange(first=run[0], last=run[-1])), "take": take} for take, run in runs]


@dataclass(frozen=True)
class Kept:
    """One of the parent's results, which stands for one of this take's deliverables.

    `multiplied`: its colours were multiplied by its alpha as they were written.
    """

    reader: ClipReader
    kind: DeliverableKind
    multiplied: bool

    def in_place_of(self, plate: PlateFrame, frame: PlateFrame) -> PlateFrame:
        """`frame` of this result with number and time of the source's `plate`, its samples as they were delivered."""
        planes = (straight(frame) if self.multiplied else frame).planes
        return replace(plate, planes=planes, pixel_format=frame.pixel_format, colour=frame.colour)


@dataclass(frozen=True)
class ParentTake:
    """What a take of `frames` keeps of its parent: the frames `locked`, none without a parent.

    `results`: the parent's, in the order of this take's deliverables; `shown`: the one whose pictures are looked at.
    """

    frames: FrameRange
    locked: frozenset[int] = frozenset()
    results: tuple[Kept, ...] = ()
    shown: Kept | None = None

    def beside(
        self, plates: Iterable[PlateFrame], *, deliverable: int = 0
    ) -> Iterator[tuple[PlateFrame, PlateFrame | None]]:
        """Each plate of the range, in order, with the parent's frame of that deliverable, or None if not locked."""
        if not self.locked:
            yield from ((plate, None) for plate in plates)
            return
        kept = self.results[deliverable]
        for plate, frame in zip(plates, kept.reader.frames(0, len(self.frames) - 1), strict=True):
            yield plate, kept.in_place_of(plate, frame) if plate.number in self.locked else None

    def picture(self, plate: PlateFrame, *, view: View, part: Rect) -> Picture:
        """`part` of the locked frame of that number (h, w, 3) in [0, 1], a patch laid over its `plate`."""
        assert self.shown is not None, "no frame is locked"
        place = plate.number - self.frames.first
        (frame,) = self.shown.reader.frames(place, place)
        shown = self.shown.in_place_of(plate, frame)
        picture, alpha = view.shown(shown, part=part.slices), shown.alpha()
        if self.shown.kind is DeliverableKind.FULL or alpha is None:
            return picture
        source = view.shown(plate, part=part.slices)
        return np.asarray(source + alpha[part.slices][..., None] * (picture - source), np.float32)


def rendered_frames(rerender: Rerender | None, frames: FrameRange) -> frozenset[int]:
    """The frames of the range `frames` to render: all of them, or those that a re-render names.

    Raises InputError for a range that reaches beyond.
    """
    numbers = range(frames.first, frames.last + 1)
    if rerender is None:
        return frozenset(numbers)
    for asked in rerender.frames:
        if asked.first < frames.first or asked.last > frames.last:
            raise InputError(
                f"Frames {asked.first}-{asked.last} cannot be rendered again: the take holds "
                f"{frames.first}-{frames.last}."
            )
    return frozenset(chain.from_iterable(range(asked.first, asked.last + 1) for asked in rerender.frames))


def lineage_of(rerender: Rerender | None, frames: FrameRange) -> Lineage:
    """Where the frames of a take come from; those that its parent had from a take before it are still that one's.

    Raises InputError where the parent's record cannot be read.
    """
    if rerender is None:
        return Lineage()
    record, rendered = _record_of(rerender), rendered_frames(rerender, frames)
    earlier = {
        number: run["take"]
        for run in record.get("frames", ())
        for number in range(run["first"], run["last"] + 1)
        if run["take"]
    }
    locked = (number for number in range(frames.first, frames.last + 1) if number not in rendered)
    taught = record.get("taught") or sorted(keyframe["frame"] for keyframe in record["request"]["keyframes"])
    takes = {number: earlier.get(number, rerender.parent_take) for number in locked}
    return Lineage(rerender.parent_take, takes, tuple(taught))


def locked_stretches(
    frames: FrameRange, locked: Collection[int], *, length: int, overlap: int
) -> tuple[tuple[int, ...], ...]:
    """The windows, at most `length` frames each, that render what is not `locked`, each in the order of rendering.

    A run of frames to render takes up to `overlap` locked ones on either side into its windows, fewer where it then
    fits into one. A window begins with frames that are there by then: forwards in time from the locked ones before the
    run, backwards where none are. Raises ValueError if no frame is locked, or unless 1 <= overlap < length.
    """
    if not locked or not 1 <= overlap < length:
        raise ValueError(f"{len(locked)} locked frames, windows of {length} that overlap by {overlap}")
    numbers = range(frames.first, frames.last + 1)
    runs = [(kept, [*run]) for kept, run in groupby(numbers, key=lambda number: number in locked)]
    found = []
    for place, (kept, run) in enumerate(runs):
        if kept:
            continue
        context = min(overlap, max(1, (length - len(run)) // 2))
        before = runs[place - 1][1][-context:] if place else []
        after = runs[place + 1][1][:context] if place + 1 < len(runs) else []
        way = [*before, *run, *after] if before else [*after[::-1], *run[::-1]]
        # As few windows as it takes, all as long as one another: a short last one would see the locked end only.
        count = len(windows(len(way), length=length, overlap=overlap))
        even = max(overlap + 1, -(-(len(way) - overlap) // count) + overlap)
        made = {*before, *after}
        for window in windows(len(way), length=min(even, length), overlap=overlap):
            stretch = tuple(way[i] for i in window)
            if not made.issuperset(stretch):
                found.append(stretch)
                made.update(stretch)
    return tuple(found)


@contextmanager
def open_parent(request: EditRequest, *, facts: MediaFacts, frames: FrameRange) -> Iterator[ParentTake]:
    """What the take `request`, of the frames `frames`, keeps of its parent; nothing locked if it has none.

    Raises InputError, one sentence, where the parent's results cannot be gone on from.
    """
    rerender, rendered = request.rerender, rendered_frames(request.rerender, frames)
    if rerender is None or len(rendered) == len(frames):
        yield ParentTake(frames)
        return
    parent = _request_of(rerender)
    names = result_names(parent.deliverables)
    with ExitStack() as readers:

        def opened(index: int) -> Kept:
            given, path = parent.deliverables[index], Path(rerender.folder) / names[index]
            pictures = path / f"{path.name}.%04d{given.format.suffix}"
            reader = readers.enter_context(ClipReader(pictures if given.format.is_sequence else path))
            if reader.facts.frame_count != len(frames):
                raise InputError(
                    f"The take {rerender.parent_take} holds {reader.facts.frame_count} frames and this edit "
                    f"{len(frames)}: ask for the same range of frames."
                )
            straight = given.kind is DeliverableKind.PATCH or facts.alpha_mode is AlphaMode.STRAIGHT
            multiplied = straight and reader.facts.alpha_mode is AlphaMode.PREMULTIPLIED
            return Kept(reader, given.kind, multiplied)

        yield ParentTake(
            frames,
            frozenset(range(frames.first, frames.last + 1)) - rendered,
            tuple(opened(_matching(wanted, parent.deliverables)) for wanted in request.deliverables),
            opened(_shown_by(parent.deliverables)),
        )


def check_parent(request: EditRequest, *, facts: MediaFacts, frames: FrameRange) -> None:
    """Raise InputError, one sentence, where `open_parent` would, or for a new keyframe in a locked frame."""
    with open_parent(request, facts=facts, frames=frames) as parent:
        if request.rerender is None or not parent.locked:
            return
        known = {keyframe.frame: keyframe.image for keyframe in _request_of(request.rerender).keyframes}
        for keyframe in request.keyframes:
            before = known.get(keyframe.frame, MediaReference())
            if keyframe.frame in parent.locked and before.quick_fingerprint != keyframe.image.quick_fingerprint:
                raise InputError(
                    f"Keyframe {keyframe.frame} lies in a locked frame, where it would not show: "
                    "name a range to render that holds it."
                )


def _request_of(rerender: Rerender) -> EditRequest:
    return from_json(json.dumps(_record_of(rerender)["request"]))


def _record_of(rerender: Rerender) -> dict[str, Any]:
    path = Path(rerender.folder) / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != "maskedit-take":
            raise ValueError("it is no take's record")
        return record
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The take {rerender.parent_take} has no record that can be read ({error}): render the whole range anew."
        ) from error


def _matching(wanted: Deliverable, given: Sequence[Deliverable]) -> int:
    """Which of the parent's results `wanted` has its locked frames from: of its kind, lossless, best of its format."""
    fitting = [i for i in _lossless(given) if given[i].kind is wanted.kind]
    if not fitting:
        formats = ", ".join(each for each in DeliverableFormat if each not in _LOSSY)
        raise InputError(
            f"The take was not delivered without loss as {wanted.kind}, so its frames cannot be kept as they are: "
            f"render it once as {formats}, or render the whole range anew."
        )
    return min(fitting, key=lambda i: given[i].format is not wanted.format)


def _shown_by(given: Sequence[Deliverable]) -> int:
    """Which of the parent's results shows its frames: a whole one, or else a patch."""
    for kind in (DeliverableKind.FULL, DeliverableKind.PATCH):
        if fitting := [i for i in _lossless(given) if given[i].kind is kind]:
            return fitting[0]
    raise InputError("The take has neither whole frames nor a patch without loss to go on from: render all of it anew.")


def _lossless(given: Sequence[Deliverable]) -> list[int]:
    return [i for i, each in enumerate(given) if each.format not in _LOSSY]
