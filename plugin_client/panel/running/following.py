# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches jobs, each on a thread of its own, through every loss of the server, until they have ended."""

from __future__ import annotations

import threading

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.sip import isdeleted

from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.jobs import Jobs
from plugin_client.panel.running.session import Session

_PAUSE_SECONDS = 1.0


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
        self._stops: dict[str, threading.Event] = {}
        stops = self._stops
        self.destroyed.connect(lambda: [stop.set() for stop in stops.values()])

    def follow(self, job_id: str) -> None:
        """Begin to watch the job, from its first event on, unless it is being watched."""
        if job_id not in self._stops:
            stop = self._stops[job_id] = threading.Event()
            name = f"maskedit-job-{job_id[:8]}"
            threading.Thread(target=self._follow, args=(job_id, stop), name=name, daemon=True).start()

    def leave(self, job_id: str) -> None:
        """Stop watching the job; it goes on."""
        if stop := self._stops.pop(job_id, None):
            stop.set()

    def leave_all(self) -> None:
        """Stop watching."""
        for job_id in tuple(self._stops):
            self.leave(job_id)

    def _follow(self, job_id: str, stop: threading.Event) -> None:
        seen = 0
        while not stop.is_set():
            try:
                with self._session.connection() as connection:
                    jobs = Jobs(connection)
                    for event in jobs.watch(job_id, after_sequence=seen):
                        seen = event.sequence
                        self._tell(stop, "happened", job_id, event)
                        if stop.is_set():
                            return
                    self._tell(stop, "ended", job_id, jobs.get(job_id))
                return
            except BadInput:
                self._tell(stop, "gone", job_id)
                return
            except ClientError:
                # The session says what is wrong with the server; this waits until that is over.
                stop.wait(_PAUSE_SECONDS)

    def _tell(self, stop: threading.Event, signal: str, *what: object) -> None:
        if not stop.is_set() and not isdeleted(self):
            getattr(self, signal).emit(*what)
