# SPDX-License-Identifier: GPL-3.0-or-later
"""What a second Blender is asked to render, as plain values that go to it as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeAlias

# Stands before every line that the second Blender says to the first, apart from all that Blender prints by itself.
MARK = "maskedit> "
MATTE, CUT_OUT, PICTURE, CLIP = "matte", "cut-out", "picture", "clip"


@dataclass(frozen=True, kw_only=True)
class MaskPictures:
    """A mask of the file `blend`, white on black, in pictures of `size`.

    At frame `start` it is shown as it is at its own frame `mask_first` + `offset`, and so on for `length` frames, but
    never beyond its frame `mask_last`. Before and after, all is black.
    """

    blend: str
    mask: str
    mask_first: int
    mask_last: int
    offset: int
    start: int
    length: int
    size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class StripPictures:
    """The strip `name` of `scene` in the file `blend`, on its own, at the scene's frames.

    `as_placed`: as it lies in the scene's picture, else as it comes, uncropped: a file in its own size, all else as
    large as the scene's picture. `has_look`: with its modifiers, colour multiplier and strobe.
    """

    blend: str
    scene: str
    name: str
    as_placed: bool = False
    has_look: bool = True


@dataclass(frozen=True, kw_only=True)
class FilePictures:
    """A movie from frame 0 on, or the one picture of a picture file, in its own size."""

    path: str
    is_movie: bool


Pictures: TypeAlias = MaskPictures | StripPictures | FilePictures
_KINDS: dict[str, type] = {kind.__name__: kind for kind in (MaskPictures, StripPictures, FilePictures)}


@dataclass(frozen=True, kw_only=True)
class RenderJob:
    """`pictures` of the frames `first` to `last` into `folder`, without loss and without any grading.

    `form`: MATTE (8-bit gray PNG), CUT_OUT (RGBA), PICTURE (RGB, or what the file holds) or CLIP (a movie in RGB at the
    scene's rate).
    """

    pictures: Pictures
    first: int
    last: int
    form: str
    folder: str


def to_line(job: RenderJob) -> str:
    """The job as one line of text."""
    return json.dumps({"kind": type(job.pictures).__name__} | asdict(job))


def from_line(line: str) -> RenderJob:
    """The inverse of `to_line`."""
    plain = json.loads(line)
    kind = _KINDS[plain.pop("kind")]
    return RenderJob(**plain | {"pictures": kind(**plain["pictures"])})
