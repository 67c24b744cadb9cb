# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips and pictures around an example: its matte as a video, the recoloured truth, the edited frame (torch-free)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskedit.compositing import composite
from maskedit.mattes import open_matte
from maskedit.media import ClipReader, ClipWriter, PlateFrame, write_picture
from maskedit.media.colour import PlateColour
from maskedit.recolour import FOX, Ramp, recolour
from maskedit.request import ColourTag, Deliverable, FrameRange, Matte, MediaReference, Origin


def plates_with_mattes(source: Path, matte: Path) -> Iterator[tuple[PlateFrame, np.ndarray]]:
    """Every frame of a clip with its matte (H, W). Raises InputError if they do not fit together."""
    with ClipReader(source) as clip:
        last = clip.facts.frame_count - 1
        mattes = open_matte(Matte(media=MediaReference(locations=(str(matte),))), facts=clip.facts).frames(0, last)
        for plate, (_, drawn) in zip(clip.frames(0, last), mattes, strict=True):
            yield plate, drawn


def write_matte(source: Path, matte: Path, *, out: Path) -> None:
    """The matte of every frame of `source`, as a lossless 8-bit grey video of its rate and size, with its sound."""
    with ClipReader(source) as clip:
        facts = clip.facts
    full_range = ColourTag(name="pc", origin=Origin.TAGGED)
    grey = replace(facts, pixel_format="gray", bit_depth=8, range=full_range)
    frames = FrameRange(first=0, last=facts.frame_count - 1)
    with ClipWriter(out, facts=grey, deliverable=Deliverable(), source=str(source), frames=frames) as writer:
        for plate, drawn in plates_with_mattes(source, matte):
            samples = np.rint(drawn * 255).astype(np.uint8)
            writer.write(replace(plate, planes=(samples,), pixel_format="gray", colour=PlateColour(range="pc")))


def write_truth(source: Path, matte: Path, *, out: Path, ramp: Ramp = FOX) -> None:
    """`source` recoloured inside its matte on every frame, lossless in its own pixel format, with its sound.

    This is what a perfect edit from the recoloured first frame would give back.
    """
    with ClipReader(source) as clip:
        facts = clip.facts
    frames = FrameRange(first=0, last=facts.frame_count - 1)
    with ClipWriter(out, facts=facts, deliverable=Deliverable(), source=str(source), frames=frames) as writer:
        for plate, drawn in plates_with_mattes(source, matte):
            coloured = recolour(plate.rgb(), np.ones_like(drawn), ramp=ramp)
            writer.write(composite(plate, coloured, x=0, y=0, paste_matte=drawn))


def write_keyframe(source: Path, matte: Path, *, out: Path, ramp: Ramp = FOX) -> None:
    """Frame 0 of `source`, recoloured inside its matte: an 8-bit picture, elsewhere the frame as decoded."""
    plate, drawn = next(plates_with_mattes(source, matte))
    write_picture(out, recolour(plate.rgb(), drawn, ramp=ramp))
