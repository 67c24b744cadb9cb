# SPDX-License-Identifier: GPL-3.0-or-later
"""Plates into a numbered sequence: 16-bit PNG or half-float EXR, one picture a frame, numbered as the clip's frames."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from maskedit.errors import OutputError
from maskedit.media.colour import CHROMATICITIES, PRIMARIES, TRANSFERS, UNSPECIFIED, code_point
from maskedit.media.pictures import Attribute, write_samples
from maskedit.media.plate import PlateFrame
from maskedit.media.sequences import is_sequence, numbered
from maskedit.media.timecode import packed, shifted
from maskedit.request import AlphaMode, Deliverable, DeliverableFormat, DeliverableKind, MediaFacts, Origin


class SequenceSink:
    """Writes pictures into a hidden folder beside `path` (a folder, or a numbered name in one), then moves them in.

    `first_number`: what the clip's frame 0 is called. Straight alpha stays straight in PNG; in EXR the colours are
    multiplied by it, as that format prescribes.
    """

    error = None  # what is written is what was given, to the format's own precision

    def __init__(self, path: Path, *, deliverable: Deliverable, facts: MediaFacts, first_number: int) -> None:
        self._folder = path.parent if is_sequence(path) else path
        self._name = path.name if is_sequence(path) else f"{path.name}.%04d{deliverable.format.suffix}"
        self.unfinished = self._folder.with_name(f".{self._folder.name}.partial")
        straight = deliverable.kind is DeliverableKind.PATCH or facts.alpha_mode is AlphaMode.STRAIGHT
        self._multiplied = straight and deliverable.format is DeliverableFormat.EXR
        self._begun = False
        self._first_number = first_number
        self._facts = facts
        self._exr = deliverable.format is DeliverableFormat.EXR
        self._attributes: dict[str, Attribute] = {
            "PixelAspectRatio": float(facts.pixel_aspect),
            "FramesPerSecond": facts.rate,
        }
        if facts.reel:
            self._attributes["reelName"] = facts.reel
        if deliverable.kind is not DeliverableKind.MATTE:  # a matte is no colour
            self._attributes |= _colour_attributes(facts, exr=self._exr)

    def write(self, plate: PlateFrame) -> None:
        if not self._begun:
            self.clean_up()  # what a killed run left behind must not slip into this sequence
            self.unfinished.mkdir()
            self._begun = True
        green, blue, red, *alpha = plate.planes
        samples = np.stack([red, green, blue, *alpha], axis=-1)
        if self._multiplied:
            samples[..., :3] *= samples[..., 3:]
        if plate.layout.is_float:
            samples = samples.astype(np.float16)
        attributes = self._attributes | self._timecode(plate.number)
        name = numbered(self.unfinished / self._name, self._first_number + plate.number)
        write_samples(name, samples, attributes=attributes)

    def finish(self) -> None:
        """Nothing is left to write: every picture is whole when it is written."""

    def publish(self) -> None:
        """Give the pictures their folder's name; in one that is there already, others stay and same names are replaced.

        Raises OutputError.
        """
        try:
            if not self._folder.exists():
                os.replace(self.unfinished, self._folder)
                return
            for picture in sorted(self.unfinished.iterdir()):
                os.replace(picture, self._folder / picture.name)
            self.unfinished.rmdir()
        except OSError as error:
            raise OutputError(f"The pictures cannot be moved to {self._folder}: {error}.") from error

    def clean_up(self) -> None:
        """Remove the pictures of a sequence that was not published."""
        shutil.rmtree(self.unfinished, ignore_errors=True)

    def _timecode(self, number: int) -> dict[str, Attribute]:
        """That of frame `number`: as EXR's own attribute, or as text in a PNG, which has none."""
        start = self._facts.start_timecode
        if not start:
            return {}
        timecode = shifted(start, number, self._facts.rate)
        bits = packed(timecode) if self._exr else None
        return {"timecode": timecode} if bits is None else {"smpte:TimeCode": (bits, 0)}


def _colour_attributes(facts: MediaFacts, *, exr: bool) -> dict[str, Attribute]:
    """What is tagged, none invented: EXR's chromaticities, and PNG's cICP chunk, which says RGB in full range."""
    primaries, transfer = code_point(PRIMARIES, facts.primaries), code_point(TRANSFERS, facts.transfer)
    if exr:
        known = facts.primaries.origin is not Origin.GUESSED and facts.primaries.name in CHROMATICITIES
        return {"chromaticities": CHROMATICITIES[facts.primaries.name]} if known else {}
    if UNSPECIFIED in (primaries, transfer):
        return {}
    return {"CICP": (primaries, transfer, 0, 1)}
