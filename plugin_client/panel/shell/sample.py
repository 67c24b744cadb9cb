# SPDX-License-Identifier: GPL-3.0-or-later
"""The example that ships, as a project: everything for a first edit is there."""

from __future__ import annotations

import shutil
from pathlib import Path

from maskedit.demo import KEYFRAME, ROTO, SOURCE
from maskedit.mattes.roto import read_roto
from maskedit.media import probe
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Choices, Document, KeyframePicture
from plugin_client.panel.storing.format import KEYFRAMES
from plugin_client.panel.storing.opened import Opened, lay_on
from plugin_client.panel.storing.unsaved import UnsavedWorkspace


def read_sample() -> Opened:
    """The demo clip with its roto and its edited first frame, as a project that was never saved.

    Raises OutputError if the data folder cannot be written to.
    """
    workspace = UnsavedWorkspace()
    picture = Path(KEYFRAMES, "frame-0000.png")
    (Path(workspace.name) / KEYFRAMES).mkdir(exist_ok=True)
    shutil.copyfile(KEYFRAME, Path(workspace.name) / picture)
    roto = read_roto(str(ROTO))
    document = Document(
        clip=str(SOURCE),
        shapes=roto.shapes,
        strokes=roto.strokes,
        keyframes=(KeyframePicture(frame=0, path=picture.as_posix()),),
        choices=Choices(preset="draft"),
    )
    return Opened(document=document, facts=probe(SOURCE), scratch=workspace)


def open_sample(desk: Desk) -> None:
    """Lay the sample on the desk, here and now."""
    lay_on(desk, read_sample())


def is_sample(document: Document) -> bool:
    """Whether that is the example's clip."""
    return document.clip == str(SOURCE)
