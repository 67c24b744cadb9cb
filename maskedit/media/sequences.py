# SPDX-License-Identifier: GPL-3.0-or-later
"""Image sequences as clips: `shot.%04d.exr` names one picture per frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from maskedit.errors import InputError
from maskedit.media.colour import PlateColour, colour_tags
from maskedit.media.pictures import PictureHeader, read_header, read_samples
from maskedit.media.pixels import ColourModel
from maskedit.media.plate import PlateFrame
from maskedit.request import AlphaMode, FieldOrder, MediaFacts

_NUMBER = re.compile(r"%(?:0(\d{1,2}))?d")
_PICTURE = re.compile(r"(.*?)(\d+)(\.(?:png|exr))")
_DEFAULT_RATE = Fraction(24)


def is_sequence(path: str | Path) -> bool:
    """Whether the file name holds one frame number, written %d or %04d."""
    return len(_NUMBER.findall(Path(path).name)) == 1


def numbered(path: str | Path, number: int) -> Path:
    """The file of picture `number`: `shot.%04d.exr`, 7 → `shot.0007.exr`."""
    digits = _NUMBER.search(Path(path).name)
    assert digits is not None
    return Path(path).with_name(_NUMBER.sub(f"{number:0{digits[1] or 1}d}", Path(path).name))


def sequence_in(folder: Path) -> str:
    """The PNG or EXR sequence in `folder`, as `shot.%04d.exr`; of several the one of the folder's own name.

    Raises InputError for a folder that holds none, or leaves open which.
    """
    digits: dict[tuple[str, str], int] = {}
    for file in folder.iterdir():
        if match := _PICTURE.fullmatch(file.name):
            before, number, after = match.groups()
            digits[before, after] = min(digits.get((before, after), len(number)), len(number))
    found = [name for name in sorted(digits) if len(digits) == 1 or name[0] == f"{folder.name}."]
    if not found:
        raise InputError(f"The folder {folder} holds no result: give a clip, or a sequence as shot.%04d.png.")
    before, after = found[0]
    return str(folder / f"{before}%0{digits[found[0]]}d{after}")


def first_number_of(path: str) -> int:
    """The lowest number of the sequence `path` on disk. Raises InputError if there are no pictures."""
    return _numbers_on_disk(Path(path))[0]


class ImageSequence:
    """A sequence on disk. `first_number` is the number of frame 0; None takes the lowest there is.

    Raises InputError: no such pictures, a gap in the numbers, a picture that cannot be read.
    """

    def __init__(self, path: str, *, first_number: int | None = None) -> None:
        self._path = path
        numbers = _numbers_on_disk(Path(path))
        self._first = numbers[0] if first_number is None else first_number
        numbers = [number for number in numbers if number >= self._first]
        if not numbers or numbers[0] != self._first:
            raise InputError(f"{numbered(path, self._first).name} is missing: check the first number of {path}.")
        for number, found in enumerate(numbers, start=self._first):
            if number != found:
                raise InputError(f"{numbered(path, number).name} is missing: the sequence has a gap there.")
        self.facts = _describe(read_header(numbered(path, self._first)), frame_count=len(numbers))
        self._colour = PlateColour(matrix="gbr", range="pc")

    def frames(self, first: int, last: int) -> Iterator[PlateFrame]:
        """Frames `first` to `last` of the sequence, both included, read one by one."""
        for number in range(first, last + 1):
            header, samples = read_samples(numbered(self._path, self._first + number))
            yield PlateFrame(
                number=number,
                planes=_planes(samples, header.layout.model),
                pixel_format=header.layout.name,
                colour=self._colour,
                pts=number,
                duration=1,
                time_base=1 / self.facts.rate,
            )


def _planes(samples: np.ndarray, model: ColourModel) -> tuple[np.ndarray, ...]:
    """(H, W, C) samples in file order as planes in the order of the planar formats."""
    channels = [np.ascontiguousarray(samples[..., channel]) for channel in range(samples.shape[-1])]
    if model is ColourModel.RGB:
        colour, alpha = (channels[:3], channels[3:]) if len(channels) > 2 else (channels[:1] * 3, channels[1:])
        channels = [colour[1], colour[2], colour[0], *alpha]
    for channel in channels:
        channel.flags.writeable = False
    return tuple(channels)


def _describe(header: PictureHeader, *, frame_count: int) -> MediaFacts:
    tags = colour_tags(header.layout, height=header.height, matrix=2, range=2, primaries=2, transfer=2)
    if header.primaries:
        tags["primaries"] = header.primaries
    alpha = AlphaMode.PREMULTIPLIED if header.premultiplied else AlphaMode.STRAIGHT
    return MediaFacts(
        frame_count=frame_count,
        width=header.width,
        height=header.height,
        rate=header.rate or _DEFAULT_RATE,
        pixel_format=header.layout.name,
        bit_depth=header.layout.depth,
        pixel_aspect=header.pixel_aspect,
        field_order=FieldOrder.PROGRESSIVE,
        alpha_mode=alpha if header.layout.has_alpha else AlphaMode.NONE,
        start_timecode=header.timecode,
        reel=header.reel,
        **tags,
    )


def _numbers_on_disk(path: Path) -> list[int]:
    before, after = _NUMBER.split(path.name)[:: 2 if _NUMBER.groups else 1][:2]
    width = _NUMBER.search(path.name)
    assert width is not None
    name = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent}: check the path.")
    matches = (name.fullmatch(file.name) for file in path.parent.iterdir())
    numbers = sorted(int(match[1]) for match in matches if match and numbered(path, int(match[1])).name == match[0])
    if not numbers:
        raise InputError(f"There are no pictures {path.name} in {path.parent.absolute()}: check the path.")
    return numbers
