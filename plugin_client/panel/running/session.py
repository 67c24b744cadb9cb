# SPDX-License-Identifier: GPL-3.0-or-later
"""The server behind the panel: found, started where it is this machine's own, and found again when it goes away."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from PyQt6.QtCore import QObject, QThreadPool, pyqtSignal
from PyQt6.sip import isdeleted

from plugin_client.core.connection import Connection
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, ClientError, status_of
from plugin_client.core.local_server import connect, running_server
from plugin_client.core.system import System, system_of
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.working import in_background
from plugin_client.panel.running.wording import in_words

HEARTBEAT_SECONDS = 2.0
# Longer than a local server takes to start again.
_CALL_PATIENCE_SECONDS = 20.0
_PREFERENCES = ("server", "token", "certificate", "client_certificate", "client_key")
# Calls wait for the network, not for the processor; they must not take turns with decoding.
_CALLS_AT_ONCE = 4
_CLOSE_MS = 10_000

Answer = TypeVar("Answer")


class ServerState(StrEnum):
    """REFUSED: it answers, but will not or cannot work with this panel. LOST: it was there, or does not answer."""

    SEARCHING = "searching"
    STARTING = "starting"
    CONNECTED = "connected"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True)
class _Seen:
    """What the keeper found out."""

    state: ServerState
    words: str
    system: System | None = None


class Session(QObject):
    """Looks for the server from its making on: the one that the preferences name, else this machine's own.

    `state` and `words`, a sentence, say how that stands; `system` is what the server said of itself last, None before.
    A heartbeat notices within seconds that the server is gone; it is then looked for, a local one started again,
    until it is there. `failed` carries the sentence of a call that nobody else takes care of.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)
    _seen = pyqtSignal(object)

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._where = self._chosen()
        self._now = _Seen(ServerState.SEARCHING, "Looking for the server …")
        self._again, self._over = threading.Event(), threading.Event()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_CALLS_AT_ONCE)
        self._calls: set[Connection] = set()
        self._seen.connect(self._take)
        preferences.changed.connect(self._follow)
        # The keeper must not hold on to a session that its window has thrown away.
        self._telling = threading.Lock()
        over, again, telling = self._over, self._again, self._telling

        def end() -> None:
            with telling:  # nothing is told by a session that is being taken apart
                over.set()
            again.set()

        self._end = end
        self.destroyed.connect(end)
        threading.Thread(target=self._keep, name="maskedit-session", daemon=True).start()

    @property
    def state(self) -> ServerState:
        """How it stands."""
        return self._now.state

    @property
    def words(self) -> str:
        """The same, as a sentence for the user."""
        return self._now.words

    @property
    def system(self) -> System | None:
        """What the server said of itself last; it may be gone by now."""
        return self._now.system

    @property
    def connected(self) -> bool:
        """Whether the server answered at the last heartbeat."""
        return self._now.state is ServerState.CONNECTED

    def look_again(self) -> None:
        """Ask the server now, or look for it, rather than at the next heartbeat."""
        self._again.set()

    def close(self) -> None:
        """Stop looking, and break off calls that wait. The server goes on, and so do its jobs."""
        self._end()
        # The keeper may be the last to hold this session: what Qt then destroys must call nothing of Python's any more.
        with suppress(TypeError):
            self.destroyed.disconnect(self._end)
        for connection in tuple(self._calls):
            connection.close()
        # Qt waits for the pool too when it takes the session apart, but holds the lock that the calls need to end.
        self._pool.clear()
        self._pool.waitForDone(_CLOSE_MS)

    def connection(self) -> Connection:
        """A connection of the caller's own, to be used and closed on a thread that may wait.

        Raises BadInput or ServerUnreachable.
        """
        for file in self._where[2:]:
            if file and not Path(file).is_file():
                raise BadInput(f"There is no certificate {file}: choose it again in the settings.")
        found = connect(**dict(zip(_PREFERENCES, self._where, strict=True)), data_dir=data_dir())
        found.patience_seconds = _CALL_PATIENCE_SECONDS
        return found

    def call(
        self,
        do: Callable[[Connection], Answer],
        done: Callable[[Answer], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
        *,
        owner: QObject | None = None,
    ) -> None:
        """Run `do` with a connection on another thread; `done(its answer)` or `failed(its exception)` follow here.

        Neither is called once `owner` (the session, if none is given) is gone. Without `failed` the signal of that
        name carries the exception's sentence.
        """

        def run() -> Answer:
            with self.connection() as connection:
                self._calls.add(connection)
                try:
                    return do(connection)
                finally:
                    self._calls.discard(connection)

        def tell(error: Exception) -> None:
            self.failed.emit(in_words(error))

        in_background(run, owner=owner or self, done=done, failed=failed or tell, pool=self._pool)

    def _chosen(self) -> tuple[str, ...]:
        """The values of _PREFERENCES."""
        server, *others = (getattr(self._preferences, name) for name in _PREFERENCES)
        return server or os.environ.get("MASKEDIT_SERVER", ""), *others

    def _follow(self, name: str) -> None:
        if name in _PREFERENCES:
            self._where = self._chosen()
            self._again.set()

    def _take(self, seen: _Seen) -> None:
        seen = _Seen(seen.state, seen.words, seen.system or self._now.system)
        if seen != self._now:
            self._now = seen
            self.changed.emit()

    # What follows runs in the keeper's thread.

    def _keep(self) -> None:
        was_there = False
        while not self._over.is_set():
            where = self._where
            try:
                with self._found(restarts=was_there) as connection:
                    while where == self._where and not self._over.is_set():
                        system = system_of(connection.system(), address=connection.endpoint.address)
                        was_there = True
                        self._tell(ServerState.CONNECTED, system.words(client="this panel"), system)
                        self._wait()
            except ClientError as error:
                self._tell(*_trouble(error, was_there=was_there, local=not where[0]))
                self._wait()

    def _found(self, *, restarts: bool) -> Connection:
        if not self._where[0] and running_server(data_dir()) is None:
            again = "The server on this machine has stopped: starting it again, its jobs go on …"
            self._tell(ServerState.STARTING, again if restarts else "Starting the server on this machine …")
        return self.connection()

    def _wait(self) -> None:
        self._again.wait(HEARTBEAT_SECONDS)
        self._again.clear()

    def _tell(self, state: ServerState, words: str, system: System | None = None) -> None:
        with self._telling:
            if not self._over.is_set() and not isdeleted(self):
                self._seen.emit(_Seen(state, words, system))


def _trouble(error: ClientError, *, was_there: bool, local: bool) -> tuple[ServerState, str]:
    if status_of(error) not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
        return (ServerState.LOST if local and was_there else ServerState.REFUSED), in_words(error)
    if was_there:
        return ServerState.LOST, "The server does not answer any more: looking for it, its jobs go on when it is back …"
    return ServerState.LOST, "No server answers at the address in the settings: start it there, or check the address."
