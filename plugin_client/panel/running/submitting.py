# SPDX-License-Identifier: GPL-3.0-or-later
"""From a document to an edit that a server can take, with its pictures frozen as they are now (no Qt).

Pictures are kept under names that their content decides (`core.keeping` says why), as the mattes are.
"""

from __future__ import annotations

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
from plugin_client.core.keeping import kept_picture
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

    Raises BadInput for a picture that cannot be read, ClientError where there is no room for its copy.
    """

    def kept(picture: str) -> str:
        return f"{KEYFRAMES}/{kept_picture(workspace / picture, workspace / KEYFRAMES).name}"

    return replace(document, keyframes=tuple(replace(each, path=kept(each.path)) for each in document.keyframes))


def send(connection: Connection, edit: WireEdit, *, on_bytes: OnBytes | None = None, priority: str = "normal") -> str:
    """Give the server the files it lacks, and queue the edit; returns the job id. Raises ClientErrors."""
    make_available(connection, references_of(edit), on_bytes=on_bytes)
    return Jobs(connection).submit(edit, priority=priority)
