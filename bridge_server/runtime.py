# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes one server per data folder, and how clients on this machine find it.

DATA_DIR/server.json: {"version": 1, "address", "token", "pid", "api_minor", "certificate"}, mode 0600. It exists
while a server serves; one whose process is gone is stale and gets replaced.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bridge_server.errors import StartError
from maskedit.faults import Point, reach

API_MINOR = 5


@contextmanager
def sole_server(data_dir: Path) -> Iterator[None]:
    """Hold the data folder; made with mode 0700 if need be. Raises StartError if another server holds it.

    The lock is the kernel's, so it cannot outlive its process.
    """
    lock = FileLock(data_dir / "server.lock")
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire(blocking=False)
        # Whatever a dead server left: from here on, a runtime file is this server's.
        (data_dir / "server.json").unlink(missing_ok=True)
    except Timeout as error:
        raise StartError(f"A server already runs on {data_dir}: use that one, or give another --data-dir.") from error
    except OSError as error:
        raise StartError(f"The data folder {data_dir} cannot be used ({error.strerror}).") from error
    try:
        yield
    finally:
        lock.release()


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
def announced(data_dir: Path, *, address: str, token: str, certificate: str) -> Iterator[Callable[[str], None]]:
    """Let local clients find the server for the length of the block. `certificate`: path of a PEM file, or "".

    Yields what tells them another token. It raises OSError where the file cannot be written, which then stays as it is.
    Raises StartError where it cannot be written at first.
    """
    path = data_dir / "server.json"
    said = {
        "version": 1,
        "address": address,
        "pid": os.getpid(),
        "api_minor": API_MINOR,
        "certificate": certificate,
    }

    def say(token: str) -> None:
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.unlink(missing_ok=True)
        reach(Point.RUNTIME_WRITE)
        # Made readable to the owner only from its first byte on.
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({**said, "token": token}, file)
        reach(Point.RUNTIME_RENAME)
        fresh.replace(path)

    try:
        say(token)
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror}): free some space there.") from error
    try:
        yield say
    finally:
        path.unlink(missing_ok=True)
