# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comp lays over one another, and where on its time line each of it lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from maskedit.errors import InputError
from maskedit.media import probe
from maskedit.media.sequences import first_number_of, is_sequence, numbered, sequence_in
from maskedit.request import AlphaMode, FrameRange, MediaFacts


@dataclass(frozen=True, kw_only=True)
class Footage:
    """A movie, or a sequence as `shot.%04d.exr`, that fills the comp's frames from `start` on.

    `first`: the number of its first frame by its own counting, which is 1 for movies in Nuke and irrelevant in Fusion.
    """

    path: str
    facts: MediaFacts
    start: int
    first: int = 1

    @property
    def length(self) -> int:
        return self.facts.frame_count

    @property
    def end(self) -> int:
        """The comp's last frame that it fills."""
        return self.start + self.length - 1

    @property
    def last(self) -> int:
        return self.first + self.length - 1

    @property
    def is_sequence(self) -> bool:
        return is_sequence(self.path)

    @property
    def first_file(self) -> str:
        """The file itself, or a sequence's first picture."""
        return str(numbered(self.path, self.first)) if self.is_sequence else self.path

    @property
    def is_multiplied(self) -> bool:
        """Whether its colours are multiplied by its alpha."""
        return self.facts.alpha_mode is AlphaMode.PREMULTIPLIED


@dataclass(frozen=True, kw_only=True)
class Layers:
    """`over`: the region's colours, a patch or a fill, which the matte lays over the plate."""

    plate: Footage
    over: Footage
    matte: Footage

    @property
    def rate(self) -> Fraction:
        return self.plate.facts.rate


def layers_of(plate: str, over: str, matte: str, *, frames: FrameRange | None = None) -> Layers:
    """The layers of a comp: `plate` whole, and of it the frames `frames` (None: all) beneath `over` and `matte`.

    The comp counts as the plate does: a sequence by its own numbers, a movie from 1. Raises InputError for files that
    cannot be read or do not fit together.
    """
    below = footage(plate)
    if not below.is_sequence:
        below = footage(plate, start=1)
    start = below.start + (frames.first if frames else 0)
    length = len(frames) if frames else below.length
    found = []
    for path in (over, matte):
        each = footage(path, start=start)
        if each.length != length or start + length - 1 > below.end:
            raise InputError(
                f"{Path(path).name} has {each.length} frames, not the {length} of the range: give --frames."
            )
        if (each.facts.width, each.facts.height) != (below.facts.width, below.facts.height):
            raise InputError(f"{Path(path).name} is of another size than the plate: give what was delivered for it.")
        found.append(each)
    if found[0].path.lower().endswith(".exr") and not below.path.lower().endswith((".exr", ".dpx")):
        raise InputError(
            f"{Path(over).name} holds the plate's own values, which hosts take for linear light in an EXR: deliver it "
            "as mov or png for a comp."
        )
    return Layers(plate=below, over=found[0], matte=found[1])


def footage(path: str, *, start: int | None = None) -> Footage:
    """The movie, sequence or sequence's folder at `path`; `start` None takes a sequence's own first number.

    Raises InputError.
    """
    absolute = os.path.abspath(path)
    if os.path.isdir(absolute):
        absolute = sequence_in(Path(absolute))
    first = first_number_of(absolute) if is_sequence(absolute) else 1
    return Footage(path=absolute, facts=probe(absolute), start=first if start is None else start, first=first)


def named_from(path: str, folder: Path) -> tuple[str, bool]:
    """(`path` with forward slashes, whether it is relative): relative to `folder` for what lies in it or below."""
    place = Path(path)
    if place.is_relative_to(folder):
        return place.relative_to(folder).as_posix(), True
    return place.as_posix(), False
