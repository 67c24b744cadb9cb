# SPDX-License-Identifier: GPL-3.0-or-later
"""A keyframe's files: the plate on its way to the image editor, and painted pictures on their way back (no Qt).

`keyframes/painting/frame-0012.png` is what an image editor works on, `frame-0012.plate.png` beside it stays as
exported. What comes back is kept under a name that its content decides, so that undo finds every version again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maskedit.colour.__main__ import export_frame
from maskedit.errors import InputError, OutputError
from maskedit.media import read_picture
from maskedit.media.pictures import PICTURE_SUFFIXES
from plugin_client.core.keeping import copy_whole
from plugin_client.core.media import full_hash

KEYFRAMES = "keyframes"
PAINTING = f"{KEYFRAMES}/painting"
# Programs keep their layers in files of their own beside the picture.
LAYERED = (".kra", ".xcf", ".psd", ".psb", ".ora", ".afphoto", ".af", ".clip")
_PLATE = ".plate.png"
# What an interrupted JPEG lacks: its end. Programs may leave a little behind it.
_JPEG_END, _JPEG_TAIL = b"\xff\xd9", 4096


@dataclass(frozen=True)
class Work:
    """One frame with an image editor. `picture`: the file to open; `plate`: the frame as it was, to compare with."""

    frame: int
    picture: Path
    plate: Path

    @property
    def opened(self) -> Path:
        """What an editor is given: the layers of the last time, if they were saved beside the picture."""
        layered = [self.picture.with_suffix(suffix) for suffix in LAYERED]
        found = [file for file in layered if file.is_file()]
        return max(found, key=lambda file: file.stat().st_mtime_ns, default=self.picture)

    def saves(self) -> Iterator[Path]:
        """The pictures of that name as they lie there now, whatever their kind."""
        for suffix in sorted(PICTURE_SUFFIXES):
            if (file := self.picture.with_suffix(suffix)).is_file():
                yield file


def export_work(
    clip: str, frame: int, *, workspace: Path, colour: str, name: str = "", index: int | None = None
) -> Work:
    """Write `frame` of `clip` as the model sees it, 16 bits a sample, for an image editor. Blocks.

    `name`: what the file is called instead of frame-NNNN; `index`: where the frame lies in the clip, if not at
    `frame`. A picture of an earlier time gives way; layers beside it stay. Raises InputError or OutputError.
    """
    folder = workspace / PAINTING
    stem = name or f"frame-{frame:04d}"
    work = Work(frame, folder / f"{stem}.png", folder / f"{stem}{_PLATE}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in work.saves():
            old.unlink()
        export_frame(clip, frame if index is None else index, out=work.plate, colour=colour)
        shutil.copyfile(work.plate, work.picture)
    except (InputError, OutputError):
        raise
    except OSError as error:
        raise OutputError(f"Frame {frame} cannot be exported ({error.strerror}): make room on the disk.") from error
    return work


def resume_work(work: Work, painted: Path) -> Work:
    """Put the keyframe as it is now in place of the exported plate. Blocks. Raises OutputError."""
    resumed = Work(work.frame, work.picture.with_suffix(painted.suffix.lower()), work.plate)
    try:
        if resumed.picture != work.picture:
            work.picture.unlink(missing_ok=True)
        shutil.copyfile(painted, resumed.picture)
    except OSError as error:
        raise OutputError(
            f"Keyframe {work.frame} cannot be opened for painting ({error.strerror}): remove it, or make room."
        ) from error
    return resumed


def whole_size(picture: Path) -> tuple[int, int]:
    """(width, height) of a picture, decoded to its last pixel. Blocks.

    Raises InputError, also for a file that is only half written.
    """
    if picture.suffix.lower() in (".jpg", ".jpeg"):
        # Decoders fill in what a JPEG lacks.
        with picture.open("rb") as file:
            file.seek(max(0, picture.stat().st_size - _JPEG_TAIL))
            if _JPEG_END not in file.read():
                raise InputError(f"{picture.name} is only half written: save it again.")
    height, width = read_picture(picture).shape[:2]
    return width, height


def kept(picture: Path, frame: int, *, workspace: Path) -> str:
    """Copy a picture to where this project's keyframes lie; its path relative to `workspace`. Blocks.

    The same picture of the same frame is kept once. Raises InputError, OutputError.
    """
    try:
        path = f"{KEYFRAMES}/frame-{frame:04d}-{full_hash(picture)[:12]}{picture.suffix.lower()}"
        target = workspace / path
        if not target.exists():
            copy_whole(picture, target)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {picture.name} any more: choose it again.") from error
    except OSError as error:
        raise OutputError(
            f"{picture.name} cannot be kept with the project ({error.strerror}): make room on the disk."
        ) from error
    return path
