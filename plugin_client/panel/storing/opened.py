# SPDX-License-Identifier: GPL-3.0-or-later
"""A project as it comes off the disk, and how it is laid on the desk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskedit.request import MediaFacts
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.project import Scratch
from plugin_client.panel.model.takes import Take


@dataclass(frozen=True, kw_only=True)
class View:
    """Where one looked: the playhead's frame and the take that was shown, "" = the plate."""

    frame: int = 0
    take: str = ""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A project that can be laid on the desk. `takes`: oldest first.

    `facts` None: its clip is missing. `folder`: where it is saved, None = never; then its files lie in `scratch`.
    `losses`: what could not be read, a sentence each. `saved`: False if it is lost unless it is saved now.
    """

    document: Document
    facts: MediaFacts | None
    folder: Path | None = None
    scratch: Scratch | None = None
    takes: tuple[Take, ...] = ()
    view: View = View()
    losses: tuple[str, ...] = ()
    saved: bool = True


def lay_on(desk: Desk, opened: Opened) -> None:
    """Put `opened` in place of what lies on the desk, looking where one looked. Nothing is asked: save before."""
    desk.playhead.stop()
    desk.project.replace(
        opened.document, opened.facts, folder=opened.folder, scratch=opened.scratch, saved=opened.saved
    )
    desk.takes.replace(opened.takes, current=opened.view.take)
    desk.playhead.seek(opened.view.frame)
