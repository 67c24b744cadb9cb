# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a result is, in numbers that need no downloaded weights (torch-free).

Outside the paste matte the result is held against the source, inside the drawn matte against the truth, where there
is one. No single figure suffices: SSIM is blind to a slight drift that the mean error sees, warp error is blind to an
edit that fades out, which PSNR against truth sees. Every score stands beside what doing nothing would score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from maskedit.colour import View, view_of
from maskedit.compositing import composite
from maskedit.errors import InputError
from maskedit.finish_marks import FinishMarks
from maskedit.geometry import Rect
from maskedit.integrating import grain_of
from maskedit.mattes import drawn_and_paste
from maskedit.measures import (
    Picture,
    Selection,
    Tally,
    flip,
    flow_to_previous,
    inner_ring,
    psnr,
    samples_changed,
    similarity,
    warp_difference,
)
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.containers import open_clip
from maskedit.media.sequences import is_sequence, sequence_in
from maskedit.request import AlphaMode, FrameRange, MediaFacts, Region, WorkingColour

MEANS = (
    "background_mean_error", "seam_ring_error", "source_warp_error", "result_warp_error",
    "result_ssim", "source_ssim", "frozen_ssim", "result_flip", "source_flip", "frozen_flip",
)  # fmt: skip
SQUARES = ("background", "keyframe", "result", "source", "frozen")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is scored. `result` holds the source's frames `frames`; `truth` those, or as many as the source.

    `regions`: what was to change, with the edges that the paste matte was made with. `keyframes`: frame number → the
    picture that was given for it. A folder as `result` stands for the sequence in it; a `patch` is scored as it looks
    when it is laid over the source.
    """

    source: str
    result: str
    regions: tuple[Region, ...]
    frames: FrameRange
    truth: str = ""
    keyframes: Mapping[int, str] = field(default_factory=dict)
    patch: bool = False
    first_number: int = 0
    working_colour: WorkingColour = field(default_factory=WorkingColour)


@dataclass(frozen=True, kw_only=True)
class Scorecard:
    """`scores` of the whole clip; `frames`: the same, frame by frame; `equal`: what must not have changed.

    Errors are in 8-bit codes, PSNR in decibels (inf: identical; None: nothing to compare). Frames that were given as
    keyframes, and the one that the frozen baseline repeats, are left out of the comparison with the truth.
    """

    scores: dict[str, float | int | None]
    frames: list[dict[str, float | int | None]]
    equal: dict[str, bool]

    def as_json(self) -> dict[str, Any]:
        """The card with infinities, which JSON lacks, as the string "inf"."""
        return {
            "scores": _finite(self.scores),
            "equal": self.equal,
            "frames": [_finite(frame) for frame in self.frames],
        }


def score(subject: Subject) -> Scorecard:
    """Compare frame by frame, holding only a few frames at a time. Raises InputError for clips that do not match."""
    if Path(subject.result).is_dir():
        subject = replace(subject, result=sequence_in(Path(subject.result)))
    with ExitStack() as stack:
        source = stack.enter_context(ClipReader(subject.source, first_number=subject.first_number or None))
        result = stack.enter_context(ClipReader(subject.result))
        truth = stack.enter_context(ClipReader(subject.truth)) if subject.truth else None
        _check_sizes(subject, source.facts, result.facts, truth.facts if truth else None)
        view = view_of(source.facts, subject.working_colour)
        middle = Rect(source.facts.width // 2, source.facts.height // 2, 1, 1)
        grain = grain_of(source, subject.frames, around=middle, view=view)
        marks = _Marks(subject, view, FinishMarks(grain))
        first, last = subject.frames.first, subject.frames.last
        wanted = result.frames(0, len(subject.frames) - 1)
        offset = first if truth and truth.facts.frame_count == source.facts.frame_count else 0
        truths = truth.frames(offset, offset + last - first) if truth else None
        mattes = drawn_and_paste(subject.regions, facts=source.facts, frames=subject.frames)
        for plate, (_, drawn, paste) in zip(source.frames(first, last), mattes, strict=True):
            rendered = next(wanted)
            if subject.patch:
                multiplied = result.facts.alpha_mode is AlphaMode.PREMULTIPLIED
                rendered = _laid_over(plate, rendered, view=view, multiplied=multiplied)
            marks.compare(plate, rendered, view.shown(next(truths)) if truths else None, drawn=drawn, paste=paste)
        return Scorecard(scores=marks.summary(), frames=marks.frames, equal=_equal(subject, source.facts, result.facts))


class _Marks:
    """The running sums of one clip."""

    def __init__(self, subject: Subject, view: View, finish: FinishMarks) -> None:
        self._finish = finish
        self.frames: list[dict[str, float | int | None]] = []
        self._tallies = {name: Tally() for name in (*MEANS, *SQUARES)}
        self._changed = 0
        self._subject = subject
        self._view = view
        self._frozen: Picture | None = None
        self._before: tuple[Picture, Picture] | None = None

    def compare(
        self, plate: PlateFrame, rendered: PlateFrame, truth: Picture | None, *, drawn: Picture, paste: Picture
    ) -> None:
        number, source, result = plate.number, self._view.shown(plate), self._view.shown(rendered)
        # Where the paste is soft, at a drawn or subtracted edge, the source rightly shows through.
        outside, inside = paste == 0, (drawn >= 0.5) & (paste == 1)
        changed = samples_changed(plate, rendered, outside)
        self._changed += changed
        mark: dict[str, float | int | None] = {"frame": number, "samples_changed_outside": changed}
        self.frames.append(mark)
        self._square("background", result, source, outside)
        self._mean("background_mean_error", (result - source)[outside] * 255)
        expected = source if truth is None else truth
        self._mean("seam_ring_error", np.abs(result - expected)[inner_ring(paste)] * 255)
        self._finish.compare(source, result, expected, inside=inside, paste=paste, number=number)
        if number in self._subject.keyframes:
            self._square("keyframe", result, np.clip(self._view.painted(self._subject.keyframes[number]), 0, 1), inside)
        if truth is not None and inside.any():
            self._against_truth(truth, {"result": result, "source": source}, inside, number=number)
        if self._before is not None and inside.any():
            flow = flow_to_previous(source, self._before[0])
            for name, current, previous in zip(("source", "result"), (source, result), self._before, strict=True):
                self._mean(f"{name}_warp_error", warp_difference(current, previous, flow=flow, inside=inside))
        self._before = source, result

    def _against_truth(self, truth: Picture, pictures: dict[str, Picture], inside: Selection, *, number: int) -> None:
        if self._frozen is None:
            self._frozen = truth
        elif number not in self._subject.keyframes:
            for name, picture in {**pictures, "frozen": self._frozen}.items():
                self._square(name, picture, truth, inside)
                self._mean(f"{name}_ssim", similarity(picture, truth, inside))
                self._mean(f"{name}_flip", flip(picture, truth, inside))

    def _square(self, name: str, picture: Picture, reference: Picture, selected: Selection) -> None:
        if picture.shape != reference.shape:
            raise InputError(f"A picture to compare with is of another size than the clip: give {name} in its size.")
        difference = picture[selected].astype(np.float64) - reference[selected]
        self.frames[-1][f"{name}_psnr"] = psnr(self._tallies[name].add(difference**2))

    def _mean(self, name: str, values: np.ndarray) -> None:
        self.frames[-1][name] = self._tallies[name].add(values)

    def summary(self) -> dict[str, float | int | None]:
        means = {name: self._tallies[name].mean for name in MEANS}
        squares = {f"{name}_psnr": psnr(self._tallies[name].mean) for name in SQUARES}
        before, after = means["source_warp_error"], means["result_warp_error"]
        added = None if before is None or after is None else after - before
        counted = {"samples_changed_outside": self._changed, "added_warp_error": added}
        return {**counted, **squares, **means, **self._finish.summary()}


def _laid_over(plate: PlateFrame, patch: PlateFrame, *, view: View, multiplied: bool) -> PlateFrame:
    """The plate with the patch on it; `multiplied`: the patch's colours are multiplied by its alpha already."""
    alpha, colours = patch.alpha(), patch.encoded_rgb()
    if alpha is None:
        raise InputError("The result has no alpha, so it is no patch: score it as a whole frame.")
    if multiplied:
        colours = colours / np.maximum(alpha, 1e-6)[..., None]
    # A patch is in the plate's own encoding, which only floats let go beyond 0 to 1.
    unbounded = replace(view, scene=None) if plate.layout.is_float else None
    return composite(view.understood(plate), colours, x=0, y=0, paste_matte=alpha, view=unbounded)


def _check_sizes(subject: Subject, source: MediaFacts, result: MediaFacts, truth: MediaFacts | None) -> None:
    if subject.frames.last >= source.frame_count:
        raise InputError(f"The source has {source.frame_count} frames: give a range inside it.")
    if result.frame_count < len(subject.frames):
        raise InputError(
            f"The result has {result.frame_count} frames instead of {len(subject.frames)}: say which with --frames."
        )
    for name, facts in (("result", result), ("truth", truth)):
        if facts and (facts.width, facts.height) != (source.width, source.height):
            raise InputError(f"The {name} is of another size than the source: compare clips of one size.")
    if truth and truth.frame_count not in (source.frame_count, len(subject.frames)):
        raise InputError(f"The truth has {truth.frame_count} frames: it needs as many as the source or the result.")


def _equal(subject: Subject, source: MediaFacts, result: MediaFacts) -> dict[str, bool]:
    """Pictures carry neither rate nor sound, and a patch is delivered without sound."""
    pictures = is_sequence(subject.result)
    equal = {
        "frame_count": result.frame_count == len(subject.frames),
        "size": (result.width, result.height) == (source.width, source.height),
    }
    if not pictures:
        equal["rate"] = result.rate == source.rate
    if not pictures and not subject.patch:
        equal["audio"] = result.has_audio == source.has_audio and (
            not source.has_audio or _same_sound(subject.source, subject.result)
        )
    return equal


def _same_sound(source: str, result: str) -> bool:
    """Whether the result's first sound stream is an unbroken run of the source's packets."""
    run = _packets(result)
    packets = _packets(source)
    starts = (start for start, packet in enumerate(packets) if run and packet == run[0])
    return any(packets[start : start + len(run)] == run for start in starts)


def _packets(clip: str) -> list[bytes]:
    with open_clip(clip) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def _finite(marks: Mapping[str, float | int | None]) -> dict[str, float | int | str | None]:
    return {
        name: "inf" if value == math.inf else round(value, 6) if isinstance(value, float) else value
        for name, value in marks.items()
    }
