# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes one server per data folder, and how clients on this machine find it.

DATA_DIR/server.json: {"version": 1, "address", "token", "pid", "api_minor", "certificate"}, mode 0600. It exists
while a server serves; one whose process is gone is stale and gets replaced. A server that a service manager keeps adds
"service": true, and leaves only that behind, so that clients leave the next start to that manager.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bridge_server.errors import StartError
from maskedit.faults import Point, reach
from maskedit.whole import written_whole

API_MINOR = 6


@contextmanager
def sole_server(data_dir: Path) -> Iterator[None]:
    """Hold the data folder, made if need be, with mode 0700. Raises StartError if another server holds it, or if
    somebody else could change what lies in it.

    The lock is the kernel's, so it cannot outlive its process.
    """
    lock = FileLock(data_dir / "server.lock")
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name != "nt":
            _close_to_others(data_dir)
        lock.acquire(blocking=False)
        # Whatever a dead server left: from here on, a runtime file is this server's.
        for left in (data_dir / "server.json", *data_dir.glob(".server.json.*")):
            left.unlink(missing_ok=True)
    except Timeout as error:
        raise StartError(f"A server already runs on {data_dir}: use that one, or give another --data-dir.") from error
    except OSError as error:
        raise StartError(f"The data folder {data_dir} cannot be used ({error.strerror}).") from error
    try:
        yield
    finally:
        lock.release()


def _close_to_others(folder: Path) -> None:
    """Who may put files there can pass another server off as this one, and settings and models as its own."""
    facts, me = folder.stat(), os.geteuid()
    if facts.st_uid == me:
        folder.chmod(stat.S_IMODE(facts.st_mode) & ~0o077)
    elif me != 0 and (facts.st_uid != 0 or facts.st_mode & stat.S_IWOTH):
        raise StartError(f"Others may write to {folder}: give a --data-dir that belongs to you.")


def is_served(data_dir: Path) -> bool:
    """Whether a server holds the data folder right now."""
    if not data_dir.is_dir():
        return False
    try:
        with FileLock(data_dir / "server.lock").acquire(blocking=False):
            return False
    except Timeout:
        return True


@contextmanager
def announced(
    data_dir: Path, *, address: str, token: str, certificate: str, service: bool = False
) -> Iterator[Callable[[str], None]]:
    """Let local clients find the server for the length of the block. `certificate`: path of a PEM file, or "".

    `service`: a service manager starts and stops this server, so clients shall start no other on the folder.
    Yields what tells them another token. It raises OSError where the file cannot be written, which then stays as it is.
    Raises StartError where it cannot be written at first.
    """
    path = data_dir / "server.json"
    kept = {"service": True} if service else {}
    said = {
        "version": 1,
        "address": address,
        "pid": os.getpid(),
        "api_minor": API_MINOR,
        "certificate": certificate,
        **kept,
    }

    def say(token: str) -> None:
        write({**said, "token": token})

    def write(facts: Mapping[str, object]) -> None:
        with written_whole(path, renaming=Point.RUNTIME_RENAME) as fresh:
            reach(Point.RUNTIME_WRITE)
            # Made readable to the owner only from its first byte on.
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(facts, file)

    try:
        say(token)
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror}): free some space there.") from error
    try:
        yield say
    finally:
        path.unlink(missing_ok=True)
        if service:
            with suppress(OSError):
                write({"version": 1, **kept})
