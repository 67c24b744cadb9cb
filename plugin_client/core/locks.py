# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that one process holds against the others; the system lets go of them if it dies."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_POLL_SECONDS = 0.05


def hold(path: Path) -> IO[bytes] | None:
    """Hold the file, which is made if need be, until what is returned is closed; None if another holder has it.

    Raises OSError where the file cannot be made.
    """
    file = path.open("a+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file, waiting for as long as another holder has it. Raises OSError where it cannot be made."""
    while (file := hold(path)) is None:
        time.sleep(_POLL_SECONDS)
    with file:
        yield
