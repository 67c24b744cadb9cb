# SPDX-License-Identifier: GPL-3.0-or-later
"""The server behind the add-on: found, started where it is this machine's own, and how it stands, in words.

A heartbeat asks it every other second, while something runs or the panel is looked at, and rests otherwise.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plugin_client.blender.installed import NOT_FOUND, find_command
from plugin_client.blender.wording import in_words
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, ClientError, ServerUnreachable, status_of
from plugin_client.core.job import Job, JobState
from plugin_client.core.queue import Line

if TYPE_CHECKING:
    # Imported where they are used, on threads: gRPC takes longer than Blender's start-up may wait.
    from plugin_client.core.connection import Connection, Endpoint
    from plugin_client.core.system import System

HEARTBEAT_SECONDS = 2.0
_WANTED_SECONDS = 5.0
_CLOSE_SECONDS = 1.0
# Longer than a local server takes to start again.
_CALL_PATIENCE_SECONDS = 20.0
_OFFLINE = "Blender may not go online: allow it in Preferences › System › Network, or use the server on this machine."
_STOPPED = "No server runs on this machine: start it there, or allow the add-on to start it in its preferences."
_RESTS = "The server on this machine does not run: the next run starts it."


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """What the preferences say of the server. `server`: HOST:PORT or unix:PATH, "" = this machine's own.

    `command`: see `installed.find_command`; `auto_start`: whether this machine's server may be started; `online`:
    whether Blender may talk to other machines.
    """

    server: str = ""
    token: str = ""
    certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""
    command: str = ""
    auto_start: bool = True
    online: bool = False


def serve_command(preference: str) -> tuple[str, ...]:
    """What starts this machine's server. Raises ServerUnreachable where MaskEdit is not found."""
    command = find_command(preference)
    if not command:
        raise ServerUnreachable(NOT_FOUND)
    return (*command, "serve")


class Session:
    """`read_settings` is called on the main thread, by `keep_alive`; everything else may be called from any thread.

    `command`: what starts the server, from the preferences' `command`. `line`: who ran and who waited when the server
    was asked last; empty while nothing waits.
    """

    def __init__(
        self, read_settings: Callable[[], ServerSettings], *, command: Callable[[str], tuple[str, ...]] = serve_command
    ) -> None:
        self._read_settings, self._command = read_settings, command
        self._settings = read_settings()
        self._wanted_until = 0.0
        self._again, self._over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._asked: Connection | None = None
        self._words = ""
        self._system: System | None = None
        self.line, self._is_expecting = Line(), False
        self.is_connected = False

    def keep_alive(self) -> None:
        """Somebody wants to know how the server stands: it is asked for some seconds more."""
        settings = self._read_settings()
        if settings != self._settings:
            self._settings = settings
            self._again.set()
        self._wanted_until = time.monotonic() + _WANTED_SECONDS
        with self._lock:
            if self._keeper is None and not self._over.is_set():
                self._keeper = threading.Thread(target=self._keep, name="maskedit-session", daemon=True)
                self._keeper.start()

    def state_words(self) -> str:
        """How the server stands, a sentence; "" before that was looked for."""
        return self._words

    def models(self) -> tuple[str, ...]:
        """The models that the server could use when it was asked last."""
        system = self._system
        return tuple(model.name for model in system.models if not model.problems) if system is not None else ()

    def waiting(self, job_id: str) -> Job | None:
        """The job, if it waits in the queue as far as is known."""
        job = self.line.get(job_id)
        return job if job is not None and job.state is JobState.QUEUED else None

    @property
    def is_paused(self) -> bool:
        """Whether the queue started nothing when the server was asked last."""
        return self._system is not None and self._system.queue_paused

    def expect(self, line: Line) -> None:
        """Show that line until `look_again`: what the server was asked before knows nothing of it."""
        self.line, self._is_expecting = line, True

    def look_again(self) -> None:
        """Ask the server now rather than at the next heartbeat."""
        self._is_expecting = False
        self._again.set()

    def connection(self) -> Connection:
        """A connection of the caller's own, to be used and closed on a thread that may wait.

        This machine's server is started unless it runs. Raises BadInput or ServerUnreachable, with what to do.
        """
        return self._open(starts=self._settings.auto_start)

    def close(self) -> None:
        """Stop asking. The server goes on, and so do its jobs."""
        self._over.set()
        self._again.set()
        with self._lock:
            keeper, asked = self._keeper, self._asked
        if asked is not None:
            asked.close()
        if keeper is not None:
            keeper.join(_CLOSE_SECONDS)

    def _open(self, *, starts: bool) -> Connection:
        from plugin_client.core.connection import Connection, checked_endpoint
        from plugin_client.core.local_server import connect, ensure_server, running_server

        settings, folder = self._settings, data_dir()

        def locate() -> Endpoint:
            endpoint = running_server(folder)
            if endpoint is not None:
                return endpoint
            if not starts:
                raise ServerUnreachable(_RESTS if settings.auto_start else _STOPPED)
            return ensure_server(folder, command=self._command(settings.command))

        address = settings.server or os.environ.get("MASKEDIT_SERVER", "")
        if not address:
            return Connection(locate, patience_seconds=_CALL_PATIENCE_SECONDS)
        if not settings.online and not checked_endpoint(address).is_local:
            raise ServerUnreachable(_OFFLINE)
        for file in (settings.certificate, settings.client_certificate, settings.client_key):
            if file and not Path(file).is_file():
                raise BadInput(f"There is no certificate {file}: choose it again in the preferences.")
        found = connect(
            server=address,
            token=settings.token,
            certificate=settings.certificate,
            client_certificate=settings.client_certificate,
            client_key=settings.client_key,
            data_dir=folder,
        )
        found.patience_seconds = _CALL_PATIENCE_SECONDS
        return found

    # What follows runs in the keeper's thread.

    def _keep(self) -> None:
        while True:
            with self._lock:
                if self._over.is_set() or time.monotonic() > self._wanted_until:
                    self._keeper = None
                    return
            settings = self._settings
            if self._is_unborn():
                self._say("The server starts with the first run.")
                self._wait()
                continue
            try:
                with self._open(starts=False) as connection:
                    self._asked = connection
                    self._ask(connection, settings)
            except (ClientError, ValueError) as error:
                if self._over.is_set():
                    continue  # ValueError: gRPC's own, of the connection that `close` has closed
                self._say(_trouble(error, settings))
                self._wait()

    def _ask(self, connection: Connection, settings: ServerSettings) -> None:
        from plugin_client.core.jobs import Jobs
        from plugin_client.core.system import system_of

        while not self._over.is_set() and settings == self._settings and time.monotonic() <= self._wanted_until:
            # A local server that was started anew may listen elsewhere.
            self._system = system_of(connection.system(), address=connection.endpoint.address)
            line = Jobs(connection).line() if self._system.queued_jobs else Line()
            if not self._is_expecting:
                self.line = line
            self._say(self._system.words(client="this add-on"), is_connected=True)
            self._wait()

    def _is_unborn(self) -> bool:
        """Whether this machine's server is meant and was never started: known without gRPC."""
        if self._settings.server or os.environ.get("MASKEDIT_SERVER") or not self._settings.auto_start:
            return False
        return not (data_dir() / "server.json").exists()

    def _say(self, words: str, *, is_connected: bool = False) -> None:
        self._words, self.is_connected = words, is_connected

    def _wait(self) -> None:
        self._again.wait(HEARTBEAT_SECONDS)
        self._again.clear()


def _trouble(error: Exception, settings: ServerSettings) -> str:
    if not is_away(error):
        return in_words(error)
    if settings.server:
        return "No server answers at the address in the preferences: start it there, or check the address."
    return "The server does not answer: looking for it …"


def is_away(error: Exception) -> bool:
    """Whether `error` says only that the server does not answer, which may pass."""
    return status_of(error) in ("UNAVAILABLE", "DEADLINE_EXCEEDED")
