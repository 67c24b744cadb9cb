# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a project off the disk: exactly as it was, or as much of it as can be read, and what is lost said.

Nothing is changed, only a damaged document is put aside, so that the next save does not overwrite it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskedit.errors import InputError
from maskedit.media import probe
from maskedit.request import MediaFacts
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.takes import Take
from plugin_client.panel.storing import format as stored
from plugin_client.panel.storing.opened import Opened, View


def load_project(folder: Path) -> Opened:
    """The project in `folder`. Raises InputError if there is nothing of a project, or one of a newer MaskEdit."""
    folder = folder.absolute()
    if not folder.is_dir():
        raise InputError(f"There is no project {folder}: check whether it was moved or its disk is attached.")
    values, losses = _document_values(folder)
    takes, lost_takes = _load_takes(folder)
    losses += lost_takes
    if values is not None:
        document, lost = stored.read_document(values.get("document"))
        losses += lost
    elif takes:
        document = takes[-1].document
        losses.append("The document itself is lost: what you see is as it was at the last run.")
    else:
        raise InputError(f"{folder} holds nothing of a MaskEdit project: choose a folder that ends in .maskedit.")
    values = values or {}
    document, facts, lost = _find_clip(document, _mapping(values.get("clip")), folder)
    losses += lost
    document, lost = _check_files(document, folder)
    losses += lost
    return Opened(
        document=document,
        facts=facts,
        folder=folder,
        takes=tuple(takes),
        view=_view(_mapping(values.get("view"))),
        losses=tuple(losses),
    )


def load_clip(path: Path) -> Opened:
    """A new project of the clip at `path`, a video or an image sequence pattern. Raises InputError."""
    return Opened(document=Document(clip=str(path.absolute())), facts=probe(path.absolute()))


def same_clip(facts: MediaFacts, folder: Path) -> bool:
    """Whether a clip is like the one that the project in `folder` was saved with: its size and number of frames."""
    kept = _mapping(_mapping(_read_json(folder / stored.DOCUMENT)).get("clip"))
    return all(
        kept.get(name, value) == value
        for name, value in (("frames", facts.frame_count), ("width", facts.width), ("height", facts.height))
    )


def _document_values(folder: Path) -> tuple[Mapping[str, Any] | None, list[str]]:
    """What the newest readable document file holds, None if none is."""
    newest, previous = folder / stored.DOCUMENT, folder / stored.PREVIOUS
    values = _project_values(newest)
    if values is not None:
        return values, []
    if newest.exists():
        with suppress(OSError):  # a project on a read-only disk opens too
            shutil.move(newest, folder / stored.DAMAGED)
    values = _project_values(previous)
    if values is not None:
        return values, ["The last save is damaged: what you see is the one before it."]
    return None, []


def _project_values(path: Path) -> Mapping[str, Any] | None:
    values = _read_json(path)
    if not isinstance(values, Mapping) or values.get("format") != stored.PROJECT_FORMAT:
        return None
    if isinstance(values.get("version"), int) and values["version"] > stored.VERSION:
        raise InputError(f"{path.parent} was saved by a newer MaskEdit: update MaskEdit to open it.")
    return values


def _load_takes(folder: Path) -> tuple[list[Take], list[str]]:
    """The takes, oldest first: in the order of the list, or by their dates if that is lost."""
    listing = _mapping(_read_json(folder / stored.TAKES)).get("takes")
    listed = [job for job in listing if isinstance(job, str)] if isinstance(listing, list) else None
    losses = []
    takes = []
    places = sorted((folder / stored.TAKES_FOLDER).glob(f"*/{stored.TAKE}"))
    for place in places:
        if listed is not None and place.parent.name not in listed:
            continue  # it was taken off the list, its files stay
        try:
            take = stored.read_take(_read_json(place))
        except ValueError:
            losses.append(
                f"The take in {stored.TAKES_FOLDER}/{place.parent.name} is damaged: its files are still there."
            )
            continue
        missing = [name for name in ("result", "thumbnail") if getattr(take, name) and not _there(take, name, folder)]
        if "result" in missing:
            losses.append(f"The result of the take “{take.name}” is missing: its settings are still there.")
        takes.append(replace(take, **dict.fromkeys(missing, "")))
    if listed is not None:
        found = {place.parent.name for place in places}
        gone = sum(job not in found for job in listed)
        losses += [f"{gone} of the {len(listed)} takes are missing from the folder."] if gone else []
        return sorted(takes, key=lambda take: listed.index(take.job_id)), losses
    if places:
        losses.append("The list of takes was lost and has been put together again from their folders.")
    return sorted(takes, key=lambda take: take.created), losses


def _there(take: Take, name: str, folder: Path) -> bool:
    return (folder / getattr(take, name)).exists()


def _find_clip(
    document: Document, kept: Mapping[str, Any], folder: Path
) -> tuple[Document, MediaFacts | None, list[str]]:
    """The clip where it was, or as far from the folder as it was when both were moved."""
    if not document.clip:
        return document, None, ["Which clip it was is lost: open it again with File > Find clip."]
    places = [document.clip]
    if isinstance(kept.get("beside"), str) and kept["beside"]:
        places.append(os.path.normpath(folder / kept["beside"]))
    reason = ""
    for place in places:
        try:
            return replace(document, clip=place), probe(place), []
        except InputError as error:
            reason = reason or str(error)
    return document, None, [f"The clip cannot be opened: {reason}"]


def _check_files(document: Document, folder: Path) -> tuple[Document, list[str]]:
    """The document without keyframes whose pictures are gone; mattes stay, their disk may only be away."""
    gone = [keyframe for keyframe in document.keyframes if not (folder / keyframe.path).is_file()]
    losses = [f"The picture of the keyframe on frame {keyframe.frame} is missing: paint it again." for keyframe in gone]
    losses += [
        f"The matte {matte.path} is missing: attach its disk or choose it again."
        for matte in document.mattes
        if "%" not in matte.path and not (folder / matte.path).exists()
    ]
    return replace(document, keyframes=tuple(each for each in document.keyframes if each not in gone)), losses


def _view(plain: Mapping[str, Any]) -> View:
    frame, take = plain.get("frame"), plain.get("take")
    return View(frame=frame if isinstance(frame, int) else 0, take=take if isinstance(take, str) else "")


def _read_json(path: Path) -> Any:
    """What the file holds, None if it is missing or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
