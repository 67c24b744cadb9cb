# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's result into the format that is wanted: whole frames, or the region alone with straight alpha (no Qt).

The region's colours are what has to lie over the plate by the delivered matte for the take to come out: a soft edge
already shows some of the plate, which is taken out of it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskedit.colour import check_deliverables
from maskedit.compositing import patch_frame
from maskedit.errors import InputError, OutputError
from maskedit.media import ClipReader, ClipWriter, PlateFrame
from maskedit.media.sequences import first_number_of, is_sequence
from maskedit.media.writer import check_deliverable
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, FrameRange, MediaFacts
from plugin_client.core.results import delivered
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.fetching import readable

FORMATS = {
    DeliverableFormat.MOV: "ProRes 4444 (.mov)",
    DeliverableFormat.MKV: "FFV1, lossless (.mkv)",
    DeliverableFormat.MP4: "H.264 (.mp4)",
    DeliverableFormat.PNG: "PNG sequence, 16 bit",
    DeliverableFormat.EXR: "EXR sequence, half float",
    DeliverableFormat.CACHE: "Frame cache for OpenFX (.mefc)",
}


@dataclass(frozen=True, kw_only=True)
class Export:
    """`result` and `matte` of a take, over `clip`, whose frame `first` is the result's first; written to `out`.

    `alpha`: the region alone. `matte` is None where the take has none, which an export without alpha does not need.
    """

    result: Path
    matte: Path | None
    clip: str
    first: int
    format: DeliverableFormat
    alpha: bool
    out: Path


def export_of(take: Take, project: Project, *, format: DeliverableFormat, alpha: bool, out: Path) -> Export:
    """What exporting `take` means. Raises InputError where its files are not there."""
    result = project.path_of(take.result)
    if not take.result or not result.exists():
        raise InputError(f"The files of {take.name} are not there: choose Fetch again.")
    return Export(
        result=result,
        matte=delivered(result, "matte"),
        clip=take.document.clip,
        first=take.document.frames.first if take.document.frames is not None else 0,
        format=format,
        alpha=alpha,
        out=out,
    )


def why_not(facts: MediaFacts, format: DeliverableFormat, *, alpha: bool) -> str:
    """Why a result with these facts cannot be written so, a sentence; "" if it can."""
    wanted = _deliverable(format, alpha=alpha)
    try:
        check_deliverable(facts, wanted)
        check_deliverables(facts, (wanted,))
    except (InputError, OutputError) as error:
        return str(error)
    return ""


def export(wanted: Export, *, go_on: Callable[[int, int], bool] = lambda done, total: True) -> Path | None:
    """Write it and return where it lies: a file, or a sequence's folder. Nothing is left of one that breaks off.

    `go_on(done, total)` after each frame: False gives up, and None is returned. Raises InputError for files that
    cannot be read, OutputError for what cannot be written.
    """
    if wanted.out.resolve() in {wanted.result.resolve(), Path(wanted.clip).resolve()}:
        raise OutputError(f"{wanted.out.name} is the clip or the take itself: choose another name.")
    with ClipReader(readable(wanted.result)) as result:
        facts = result.facts
        if reason := why_not(facts, wanted.format, alpha=wanted.alpha):
            raise OutputError(reason)
        count = facts.frame_count
        frames = FrameRange(first=0, last=count - 1)
        writer = ClipWriter(
            wanted.out,
            facts=facts,
            deliverable=_deliverable(wanted.format, alpha=wanted.alpha),
            source=str(readable(wanted.result)),
            frames=frames,
            first_number=_first_number(wanted),
        )
        pictures = _patches(wanted, result) if wanted.alpha else result.frames(0, count - 1)
        try:
            with writer:
                for done, picture in enumerate(pictures, start=1):
                    writer.write(picture)
                    if not go_on(done, count):
                        raise _GivenUp
        except _GivenUp:
            return None
    return wanted.out


class _GivenUp(Exception):
    """The user has changed their mind; leaving the writer by it leaves nothing behind."""


def _patches(wanted: Export, result: ClipReader) -> Iterator[PlateFrame]:
    if wanted.matte is None:
        raise InputError("This take has no matte to cut its region out with: export the full frame, or run it again.")
    last = result.facts.frame_count - 1
    with ClipReader(wanted.clip) as clip, ClipReader(wanted.matte) as mattes:
        plates = clip.frames(wanted.first, wanted.first + last)
        for plate, frame, matte in zip(plates, result.frames(0, last), mattes.frames(0, last), strict=True):
            weight = matte.planes[0].astype(np.float32) / np.float32(np.iinfo(matte.planes[0].dtype).max)
            yield patch_frame(frame, _beneath(plate, frame, weight), x=0, y=0, paste_matte=weight)


def _beneath(plate: PlateFrame, frame: PlateFrame, weight: np.ndarray) -> np.ndarray:
    """float32 (H, W, 3): what lies over `plate` by `weight` (H, W) where that gives `frame`."""
    shown, below = frame.encoded_rgb(), plate.encoded_rgb()
    soft = (weight > 0) & (weight < 1)
    share = weight[soft][:, None]
    shown[soft] = below[soft] + (shown[soft] - below[soft]) / share
    return shown if frame.layout.is_float else np.clip(shown, 0, 1)


def _first_number(wanted: Export) -> int | None:
    """Sequences, and the frames of a cache, are numbered as the clip is."""
    base = first_number_of(wanted.clip) if is_sequence(wanted.clip) else 0
    return base + wanted.first


def _deliverable(format: DeliverableFormat, *, alpha: bool) -> Deliverable:
    return Deliverable(kind=DeliverableKind.PATCH if alpha else DeliverableKind.FULL, format=format)
