# SPDX-License-Identifier: GPL-3.0-or-later
"""Image strips as numbered files: which pattern they follow, and which part of the sequence they show."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from plugin_client.core.errors import BadInput
from plugin_client.core.media import is_sequence, sequence_files
from plugin_client.core.timeline import FrameRange

_DIGITS = re.compile(r"(\d+)")


def shown_part(folder: str, names: Sequence[str]) -> tuple[str, FrameRange]:
    """The pattern of the picture files `names` in `folder`, and which of its frames they are.

    Frames are counted from 0 at the sequence's first file on disk, whether the strip shows it or not. Raises BadInput
    if the names are not numbered one after the other, or files are missing.
    """
    pattern, numbers = _pattern(folder, names)
    for before, number in pairwise(numbers):
        if number != before + 1:
            raise BadInput(f"The strip goes from picture {before} to {number}: give it pictures without gaps or jumps.")
    path = os.path.join(folder, pattern)
    files = sequence_files(path)
    lost = next((name for name in names if Path(folder, name) not in files.values()), None)
    if lost is not None:
        raise BadInput(f"There is no file {os.path.join(folder, lost)}: bring it back, or cut the strip before it.")
    first = min(files)
    return path, FrameRange(numbers[0] - first, numbers[-1] - first)


def file_showing(media: str, frame: int) -> Path:
    """The file with the picture of `frame`, counted from 0: of a sequence that frame's own, else `media` itself.

    Raises BadInput if the sequence has no such file.
    """
    if not is_sequence(media):
        return Path(media)
    files = tuple(sequence_files(media).values())
    if not 0 <= frame < len(files):
        raise BadInput(f"The sequence {media} has {len(files)} pictures: choose a frame from 0 to {len(files) - 1}.")
    return files[frame]


def _pattern(folder: str, names: Sequence[str]) -> tuple[str, list[int]]:
    """`shot.%04d.png` for `shot.0007.png` and so on, and the numbers of `names`."""
    parts = [_DIGITS.split(name) for name in names]
    first = parts[0]
    changing = [
        place for place in range(1, len(first), 2) if any(part[place : place + 1] != [first[place]] for part in parts)
    ]
    place = changing[-1] if changing else len(first) - 2
    fixed = {(*part[:place], *part[place + 1 :]) for part in parts}
    if place < 1 or len(fixed) != 1:
        raise BadInput("The pictures of the strip are not one numbered sequence: name them as shot.0001.png and on.")
    before, after = "".join(first[:place]), "".join(first[place + 1 :])
    digits = [part[place] for part in parts]
    width = _width(digits, re.compile(rf"{re.escape(before)}(\d+){re.escape(after)}"), folder)
    numbers = [int(number) for number in digits]
    pattern = f"{before}%0{width}d{after}" if width > 1 else f"{before}%d{after}"
    if not is_sequence(pattern) or [f"{number:0{width}d}" for number in numbers] != digits:
        raise BadInput("The pictures of the strip are numbered in two ways: name them as shot.0001.png and on.")
    return pattern, numbers


def _width(digits: list[str], name: re.Pattern[str], folder: str) -> int:
    """How many digits the sequence pads its numbers to. From 10 and 11 alone nobody can tell: 8, 9 or 08, 09 can."""
    there = os.listdir(folder) if os.path.isdir(folder) else []
    known = [*digits, *(match[1] for match in map(name.fullmatch, there) if match)]
    width = min(map(len, digits))
    is_padded = any(len(number) == width and number.startswith("0") for number in known)
    return width if is_padded else min(map(len, known))
