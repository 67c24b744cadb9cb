# SPDX-License-Identifier: GPL-3.0-or-later
"""What a path that was chosen or dropped stands for: a project, a clip, a picture."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from maskedit.errors import InputError
from plugin_client.core.media import number_in
from plugin_client.panel.storing import format as stored
from plugin_client.panel.storing.loading import load_clip, load_project
from plugin_client.panel.storing.opened import Opened
from plugin_client.panel.storing.saving import SUFFIX
from plugin_client.panel.storing.unsaved import UnsavedWorkspace

VIDEO_SUFFIXES = frozenset(
    (".mp4", ".mov", ".mkv", ".mxf", ".avi", ".m4v", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".y4m", ".dv")
)
PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".exr", ".tif", ".tiff", ".dpx", ".webp", ".bmp"))
_NUMBER = re.compile(r"(\d+)(?=\D*$)")


class Kind(Enum):
    """PICTURE: a single one, no clip."""

    PROJECT = "project"
    CLIP = "clip"
    PICTURE = "picture"


@dataclass(frozen=True)
class Source:
    """`path`: of a clip made of pictures its pattern, `shot.%04d.exr`."""

    kind: Kind
    path: Path


def source_of(path: Path) -> Source | None:
    """What `path` is, by its name and its neighbours; None for anything that MaskEdit does not open."""
    if path.is_dir():
        if path.suffix == SUFFIX or (path / stored.DOCUMENT).is_file():
            return Source(Kind.PROJECT, path)
        pictures = sorted(each for each in path.iterdir() if each.suffix.lower() in PICTURE_SUFFIXES)
        source = source_of(pictures[0]) if pictures else None
        return source if source is not None and source.kind is Kind.CLIP else None
    if path.name == stored.DOCUMENT:
        return Source(Kind.PROJECT, path.parent)
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES or "%" in path.name:
        return Source(Kind.CLIP, path)
    if suffix not in PICTURE_SUFFIXES:
        return None
    pattern = pattern_of(path)
    return Source(Kind.PICTURE, path) if pattern is None else Source(Kind.CLIP, pattern)


def pattern_of(picture: Path) -> Path | None:
    """The image sequence that `picture` belongs to, None if no neighbour differs from it by its number alone."""
    number = _NUMBER.search(picture.stem)
    if number is None:
        return None
    digits = number[1]
    names = [each.name for each in picture.parent.iterdir() if each.suffix == picture.suffix]
    # Numbers of one length first; without leading zeros they may also have grown by a digit.
    for padding in (f"0{len(digits)}", "") if not digits.startswith("0") else (f"0{len(digits)}",):
        pattern = f"{picture.stem[: number.start()]}%{padding}d{picture.stem[number.end() :]}{picture.suffix}"
        if sum(number_in(name, pattern) is not None for name in names) > 1:
            return picture.with_name(pattern)
    return None


def open_source(path: Path) -> Opened:
    """The project at `path`, or a new one of the clip there. Raises InputError, OutputError. Takes its time."""
    source = source_of(path)
    if source is None or source.kind is Kind.PICTURE:
        if not path.exists() and "%" not in path.name:
            raise InputError(f"There is no {path}: check whether it was moved or its disk is attached.")
        raise InputError(f"{path.name} is neither a clip nor a project: open a video, an image sequence or a project.")
    if source.kind is Kind.PROJECT:
        return load_project(source.path)
    opened = load_clip(source.path)
    return replace(opened, scratch=UnsavedWorkspace())
