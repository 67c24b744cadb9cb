# SPDX-License-Identifier: GPL-3.0-or-later
"""Results into the media pool, in a folder of their own; the user's current folder stays the current one."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.media import is_sequence, sequence_files
from plugin_client.core.timeline import parse_rate
from plugin_client.resolve.api import ask, id_of, insist
from plugin_client.resolve.reading import pattern_of

FOLDER = "MaskEdit"
"""The media pool's folder for results."""


def import_result(pool: Any, media: str, undo: ExitStack, *, frames: int, rate: Fraction) -> tuple[Any, bool]:
    """The pool's clip of `media`, a file or a pattern of pictures, at `rate`, and whether it is new there.

    `undo` learns how to take it out again. `frames`: how many pictures belong to it. A file that is in the folder
    already is taken from there. Raises BadInput where Resolve does not read it.
    """
    current = ask(pool, "GetCurrentFolder")
    undo.callback(insist, pool, "SetCurrentFolder", current)
    folder = _folder(pool, undo)
    ask(pool, "SetCurrentFolder", folder, trouble=f"Resolve does not open its media pool's folder {FOLDER}.")
    there = folder.GetClipList() or folder.GetClipList() or []
    clip = next((one for one in there if _is_of(one, media)), None)
    is_new = clip is None
    if clip is None:
        clip = next((one for one in pool.ImportMedia([_told(media, frames)]) or [] if one is not None), None)
        if clip is None:
            raise BadInput(
                f"Resolve does not read {Path(media).name}: check that its disk is there and the file whole."
            )
        if id_of(clip) not in {id_of(one) for one in there}:
            undo.callback(insist, pool, "DeleteClips", [clip])
    before = parse_rate(str(ask(clip, "GetClipProperty", "FPS")))
    if before != rate:
        undo.callback(insist, clip, "SetClipProperty", "FPS", _label(before))
        trouble = f"Resolve does not take {_label(rate)} frames a second."
        ask(clip, "SetClipProperty", "FPS", _label(rate), trouble=trouble)
    ask(pool, "SetCurrentFolder", current)
    return clip, is_new


def _is_of(clip: Any, media: str) -> bool:
    """Whether the pool's clip is of that file or pattern."""
    path = clip.GetClipProperty("File Path") or clip.GetClipProperty("File Path") or ""
    return bool(path) and Path(pattern_of(path)) == Path(media)


def _folder(pool: Any, undo: ExitStack) -> Any:
    root = ask(pool, "GetRootFolder")
    named = [folder for folder in root.GetSubFolderList() or [] if folder.GetName() == FOLDER]
    if named:
        return named[0]
    made = ask(pool, "AddSubFolder", root, FOLDER, trouble="Resolve adds no folder to its media pool: try again.")
    undo.callback(insist, pool, "DeleteFolders", [made])
    return made


def _label(rate: Fraction) -> str:
    """A rate as Resolve's lists have it: 23.976, 25."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _told(media: str, frames: int) -> Any:
    """`media` as `ImportMedia` takes it."""
    if not is_sequence(media):
        return media
    first = min(sequence_files(media))
    return {"FilePath": media, "StartIndex": first, "EndIndex": first + frames - 1}
