# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting a project on disk: into its folder, or with all its files into another one."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from maskedit.request import MediaFacts
from plugin_client.core.placing import bring_to_disk, put_in_place
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.takes import Take
from plugin_client.panel.storing import format as stored
from plugin_client.panel.storing.opened import View
from plugin_client.panel.storing.writing import write_json, writing_to

SUFFIX = ".maskedit"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything that is saved, at one moment: it can be written on any thread. `takes`: oldest first."""

    document: Document
    facts: MediaFacts | None
    takes: tuple[Take, ...]
    view: View
    workspace: Path


def snapshot(desk: Desk) -> Snapshot:
    """What lies on the desk now."""
    return Snapshot(
        document=desk.project.document,
        facts=desk.project.facts,
        takes=tuple(reversed(desk.takes.takes)),
        view=View(frame=desk.playhead.frame, take=desk.takes.current),
        workspace=desk.project.workspace,
    )


def write_into(folder: Path, project: Snapshot) -> None:
    """Write the project into `folder`, where its files already lie. Raises OutputError; then the last save stands."""
    with writing_to(folder):
        _write(folder, project)


def write_as(folder: Path, project: Snapshot) -> None:
    """Write the project with its keyframes, takes and other files as the new `folder`, in place of one that is there.

    Raises OutputError; then nothing has changed.
    """
    if folder == project.workspace:
        return write_into(folder, project)
    partial, old = (folder.with_name(f".{folder.name}.{uuid4().hex[:8]}-{part}") for part in ("new", "old"))
    with writing_to(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copytree(project.workspace, partial, ignore=shutil.ignore_patterns(".*", "document*.json"))
            _write(partial, project)
            # Before the old one is moved away: between the two renames there is no project of that name.
            bring_to_disk(partial)
            if folder.exists():
                os.replace(folder, old)
            put_in_place(partial, folder)
        except OSError:
            if old.exists() and not folder.exists():
                os.replace(old, folder)
            raise
        finally:
            for rest in (partial, old):
                shutil.rmtree(rest, ignore_errors=True)


def _write(folder: Path, project: Snapshot) -> None:
    for take in project.takes:
        place = folder / take.folder
        place.parent.mkdir(exist_ok=True)
        place.mkdir(exist_ok=True)
        write_json(place / stored.TAKE, stored.plain_take(take, workspace=project.workspace))
    jobs = [take.job_id for take in project.takes]
    write_json(folder / stored.TAKES, {"format": stored.TAKES_FORMAT, "version": stored.VERSION, "takes": jobs})
    values = {
        "format": stored.PROJECT_FORMAT,
        "version": stored.VERSION,
        "document": stored.plain_document(project.document, workspace=project.workspace),
        "clip": _clip_values(folder, project),
        "view": {"frame": project.view.frame, "take": project.view.take},
    }
    write_json(folder / stored.DOCUMENT, values, previous=folder / stored.PREVIOUS)


def _clip_values(folder: Path, project: Snapshot) -> dict[str, object]:
    """What finds the clip again beside a folder that was moved, and tells it from another of the same name."""
    clip, facts = project.document.clip, project.facts
    try:
        beside = os.path.relpath(clip, folder) if clip else ""
    except ValueError:  # another drive
        beside = ""
    values: dict[str, object] = {"beside": Path(beside).as_posix() if beside else ""}
    if facts is not None:
        values |= {"frames": facts.frame_count, "width": facts.width, "height": facts.height}
    return values
