# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches jobs, each on a thread of its own, through every loss of the server, until they have ended."""

from __future__ import annotations

import threading

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.sip import isdeleted

from plugin_client.core.errors import BadInput
from plugin_client.core.following import Following
from plugin_client.panel.running.session import Session


class Follower(QObject):
    """`happened(job_id, Event)` for everything new of a followed job; then `ended(job_id, Job)`, or `gone(job_id)` if
    the server does not know it (any more). All on the UI thread.
    """

    happened = pyqtSignal(str, object)
    ended = pyqtSignal(str, object)
    gone = pyqtSignal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._followed: dict[str, Following] = {}
        followed = self._followed
        self.destroyed.connect(lambda: [following.stop() for following in followed.values()])

    def follow(self, job_id: str) -> None:
        """Begin to watch the job, from its first event on, unless it is being watched."""
        if job_id not in self._followed:
            following = self._followed[job_id] = Following(self._session.connection, job_id)
            name = f"maskedit-job-{job_id[:8]}"
            threading.Thread(target=self._follow, args=(following,), name=name, daemon=True).start()

    def leave(self, job_id: str) -> None:
        """Stop watching the job; it goes on."""
        if following := self._followed.pop(job_id, None):
            following.stop()

    def leave_all(self) -> None:
        """Stop watching."""
        for job_id in tuple(self._followed):
            self.leave(job_id)

    def _follow(self, following: Following) -> None:
        job_id = following.job_id
        try:
            # The session says what is wrong with a server that is away.
            job = following.run(lambda event: self._tell("happened", job_id, event))
        except BadInput:
            self._tell("gone", job_id)
            return
        if job is not None:
            self._tell("ended", job_id, job)

    def _tell(self, signal: str, *what: object) -> None:
        if not isdeleted(self):
            getattr(self, signal).emit(*what)
