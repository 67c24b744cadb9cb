# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's look at the document before it is run, made again a moment after each change that matters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.findings import Check, Estimate, check_of
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import references_of
from plugin_client.core.upload import make_available
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.project import Project
from plugin_client.panel.running.remedies import flag_in
from plugin_client.panel.running.session import Session
from plugin_client.panel.running.submitting import Order, edit_of
from plugin_client.panel.running.wording import in_words, plain

_PAUSE_MS = 900


@dataclass(frozen=True)
class Said:
    """One finding as the panel shows it. `severity`: "error", "warning" or "note"; `flag`: see `remedies`."""

    severity: str
    sentence: str
    flag: str = ""


class Preflight(QObject):
    """`said`: the findings, the worst first. `refused`: the first of them is why the edit cannot be run as it is.

    `busy`: a check is under way; what is said may be of the document before.
    """

    changed = pyqtSignal()

    def __init__(self, project: Project, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project, self._session = project, session
        self.said: tuple[Said, ...] = ()
        self.estimates: tuple[Estimate, ...] = ()
        self.busy = False
        self._checked: Document | None = None
        self._connected = session.connected
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._check)
        project.changed.connect(self._look)
        project.facts_changed.connect(self._look)
        session.changed.connect(self._follow_session)
        self._look()

    @property
    def is_far(self) -> bool:
        """Whether the server is on another machine: it would have to be sent the clip for a look at it."""
        system = self._session.system
        return system is not None and not system.same_machine

    @property
    def refused(self) -> str:
        """Why the edit would be refused, "" if it would not, or if nothing is known."""
        return self.said[0].sentence if self.said and self.said[0].severity == "error" else ""

    def _follow_session(self) -> None:
        if self._session.connected != self._connected:
            self._connected = self._session.connected
            self._checked = None
            self._look()

    def _look(self, *_: object) -> None:
        document = self._project.document
        if self._checked is not None and _matters(document) == _matters(self._checked):
            return
        self._timer.start()

    def _check(self) -> None:
        document, facts = self._project.document, self._project.facts
        if self.busy:  # its answer will look again
            return
        if facts is None or not document.keyframes or not self._session.connected or self.is_far:
            self._checked = None
            self._answer((), ())
            return
        order = Order(document=document, facts=facts, workspace=self._project.workspace, name="Preflight")
        self.busy, self._checked = True, document
        self.changed.emit()

        def do(connection: Connection) -> Check:
            edit = edit_of(order)
            make_available(connection, references_of(edit))
            return check_of(Jobs(connection).check(edit))

        def done(check: Check) -> None:
            said = (Said(each.severity, plain(each.sentence), each.flag) for each in check.findings)
            self._answer(tuple(said), check.estimates)

        def failed(error: Exception) -> None:
            if isinstance(error, ClientError) and not isinstance(error, BadInput):
                self._checked = None  # the server went away: checked again when it is back
                self._answer((), ())
                return
            self._answer((Said("error", in_words(error), flag_in(str(error))),), ())

        self._session.call(do, done, failed, owner=self)

    def _answer(self, said: tuple[Said, ...], estimates: tuple[Estimate, ...]) -> None:
        self.busy = False
        self.said, self.estimates = said, estimates
        self.changed.emit()
        if self._checked is not None:
            self._look()


def _matters(document: Document) -> Any:
    """What of a document a check depends on: the seed and its lock are all the same to it."""
    return replace(document, choices=replace(document.choices, seed=0, seed_locked=False, prompt=""))
