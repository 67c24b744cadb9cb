# SPDX-License-Identifier: GPL-3.0-or-later
"""Stays with a job through every loss of its server, on a thread that may wait, until the job has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.job import Event, Job
from plugin_client.core.jobs import Jobs

_PAUSE_SECONDS = 1.0


class Following:
    """Watches one job. `sequence` is the number of the last event seen: who begins again there misses nothing.

    `connect` opens a connection of the following's own, and opens another when that one is lost for good.
    """

    def __init__(self, connect: Callable[[], Connection], job_id: str, *, after_sequence: int = 0) -> None:
        self.job_id, self.sequence = job_id, after_sequence
        self._connect = connect
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def run(
        self, on_event: Callable[[Event], None], *, on_lost: Callable[[ClientError], None] | None = None
    ) -> Job | None:
        """Tell every event after `sequence`, then return the job as it has ended, or None once `stop` was called.

        `on_lost` hears why the server is away, each time that it was looked for. Raises BadInput where the server
        does not know the job.
        """
        while not self._stopped.is_set():
            try:
                with self._opened() as connection:
                    return self._watch(Jobs(connection), on_event)
            except ClientError as error:
                if self._stopped.is_set():
                    break
                if isinstance(error, BadInput):
                    raise
                if on_lost is not None:
                    on_lost(error)
                self._stopped.wait(_PAUSE_SECONDS)
        return None

    def stop(self) -> None:
        """End the watching at once, from any thread; the job goes on."""
        with self._lock:
            self._stopped.set()
            if self._connection is not None:
                self._connection.close()

    def _opened(self) -> Connection:
        connection = self._connect()
        with self._lock:
            self._connection = connection
            if self._stopped.is_set():
                connection.close()
        return connection

    def _watch(self, jobs: Jobs, on_event: Callable[[Event], None]) -> Job | None:
        for event in jobs.watch(self.job_id, after_sequence=self.sequence):
            if self._stopped.is_set():
                return None
            self.sequence = event.sequence
            on_event(event)
        return jobs.get(self.job_id)
