# SPDX-License-Identifier: GPL-3.0-or-later
"""Plates into a numbered sequence: 16-bit PNG or half-float EXR, one picture a frame, numbered as the clip's frames."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from maskedit.errors import OutputError
from maskedit.media.pictures import write_samples
from maskedit.media.plate import PlateFrame
from maskedit.media.sequences import is_sequence, numbered
from maskedit.request import AlphaMode, Deliverable, DeliverableFormat, DeliverableKind, MediaFacts


class SequenceSink:
    """Writes pictures into a hidden folder beside `path` (a folder, or a numbered name in one), then moves them in.

    Straight alpha stays straight in PNG; in EXR the colours are multiplied by it, as that format prescribes.
    """

    def __init__(self, path: Path, *, deliverable: Deliverable, facts: MediaFacts) -> None:
        self._folder = path.parent if is_sequence(path) else path
        self._name = path.name if is_sequence(path) else f"{path.name}.%04d.{deliverable.format}"
        self._temporary = self._folder.with_name(f".{self._folder.name}.partial")
        straight = deliverable.kind is DeliverableKind.PATCH or facts.alpha_mode is AlphaMode.STRAIGHT
        self._multiplied = straight and deliverable.format is DeliverableFormat.EXR
        self._begun = False
        self._attributes = {
            "PixelAspectRatio": float(facts.pixel_aspect),
            "FramesPerSecond": facts.rate,
        }

    def write(self, plate: PlateFrame) -> None:
        if not self._begun:
            self.clean_up()  # what a killed run left behind must not slip into this sequence
            self._temporary.mkdir()
            self._begun = True
        green, blue, red, *alpha = plate.planes
        samples = np.stack([red, green, blue, *alpha], axis=-1)
        if self._multiplied:
            samples[..., :3] *= samples[..., 3:]
        if plate.layout.is_float:
            samples = samples.astype(np.float16)
        write_samples(numbered(self._temporary / self._name, plate.number), samples, attributes=self._attributes)

    def finish(self) -> None:
        """Move the pictures under their folder's name; others that lie there already stay, same names are replaced."""
        try:
            self._folder.mkdir(exist_ok=True)
            for picture in sorted(self._temporary.iterdir()):
                os.replace(picture, self._folder / picture.name)
            self._temporary.rmdir()
        except OSError as error:
            raise OutputError(f"The pictures cannot be moved to {self._folder}: {error}.") from error

    def clean_up(self) -> None:
        """Remove the pictures of a sequence that was not finished."""
        shutil.rmtree(self._temporary, ignore_errors=True)
