# SPDX-License-Identifier: GPL-3.0-or-later
"""From a document to an edit that a server can take, with its pictures frozen as they are now (no Qt).

A job reads its files when its turn comes: a keyframe that is painted on meanwhile must not change it. So pictures are
kept under names that their content decides, as the mattes are.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maskedit.errors import OutputError
from maskedit.media.writer import check_deliverable
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, MediaFacts
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.jobs import Jobs
from plugin_client.core.media import full_hash
from plugin_client.core.requests import (
    EditOptions,
    GivenAdapter,
    Picture,
    Wanted,
    WireEdit,
    build_edit,
    references_of,
)
from plugin_client.core.upload import make_available
from plugin_client.panel.mattes.files import matte_files
from plugin_client.panel.model.document import Document

MATTES, KEYFRAMES = "mattes", "keyframes"
OnBytes = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run to be started: `document` of a clip with these `facts`, its relative paths in `workspace`.

    `name`: what the take will be called.
    `adapters` and `settings` stand for more than the document says: a re-render starts from a take's adapter.
    """

    document: Document
    facts: MediaFacts
    workspace: Path
    name: str
    adapters: tuple[GivenAdapter, ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()


def edit_of(order: Order) -> WireEdit:
    """The edit, its files looked at, its mattes written. Raises BadInput, InputError or OutputError, one sentence."""
    document, choices = order.document, order.document.choices
    if not document.clip:
        raise BadInput("There is no clip yet: open one first.")
    if not document.keyframes:
        raise BadInput("There is no keyframe yet: edit a frame first, it shows what the region shall look like.")
    mattes = matte_files(document, order.facts, order.workspace / MATTES, workspace=order.workspace)
    return build_edit(
        EditOptions(
            clip=document.clip,
            mattes=mattes,
            keyframes=tuple(
                Picture(frame=each.frame, path=str(order.workspace / each.path)) for each in document.keyframes
            ),
            frames=document.frames,
            model=choices.model,
            preset=choices.preset,
            prompt=choices.prompt,
            seed=choices.seed,
            grow_px=choices.grow_px,
            feather_px=choices.feather_px,
            loosening=choices.loosening,
            composite=choices.composite,
            deliverables=deliverables_for(order.facts),
            finish=dict(choices.finish),
            settings=dict(choices.settings) | dict(order.settings),
            adapters=order.adapters,
            care=choices.care,
            colour=choices.colour,
            name=f"{Path(document.clip).stem}, {order.name}",
        )
    )


def deliverables_for(facts: MediaFacts) -> tuple[Wanted, ...]:
    """The whole frame without loss, and the matte that pasted it: what every export and every fix is made from.

    FFV1 in the clip's own samples; pictures of floats where FFV1 has no name for these.
    """
    try:
        check_deliverable(facts, Deliverable(kind=DeliverableKind.FULL, format=DeliverableFormat.MKV))
    except OutputError:
        return Wanted("full", "exr"), Wanted("matte", "mkv")
    return Wanted("full", "mkv"), Wanted("matte", "mkv")


def frozen(document: Document, workspace: Path) -> Document:
    """The document with its keyframes as they are now, as files in `workspace` that nothing will change.

    Raises BadInput for a picture that cannot be read, OutputError where there is no room for its copy.
    """
    return replace(
        document,
        keyframes=tuple(replace(each, path=_kept(workspace / each.path, workspace)) for each in document.keyframes),
    )


def _kept(picture: Path, workspace: Path) -> str:
    try:
        kept = f"{KEYFRAMES}/kept-{full_hash(picture)[:16]}{picture.suffix}"
        if not (workspace / kept).exists():
            (workspace / KEYFRAMES).mkdir(parents=True, exist_ok=True)
            part = workspace / f"{kept}.part"
            shutil.copyfile(picture, part)
            part.replace(workspace / kept)
    except FileNotFoundError as error:
        raise BadInput(f"The keyframe picture {picture.name} is gone: edit that frame anew, or remove it.") from error
    except OSError as error:
        raise OutputError(
            f"The keyframe picture {picture.name} cannot be kept ({error.strerror}): make room on the disk."
        ) from error
    return kept


def send(connection: Connection, edit: WireEdit, *, on_bytes: OnBytes | None = None) -> str:
    """Give the server the files it lacks, and queue the edit; returns the job id. Raises ClientErrors."""
    make_available(connection, references_of(edit), on_bytes=on_bytes)
    return Jobs(connection).submit(edit)
