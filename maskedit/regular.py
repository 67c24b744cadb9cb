# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening what somebody else has named: files alone, whatever lies under the name (torch-free).

A pipe would be waited for until somebody writes to it, and a device read without end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegularError(OSError):
    """Something lies there, and it is no file."""


def open_regular(path: Path) -> BinaryIO:
    """The file for reading, at once. Raises OSError, NotRegularError for a pipe, a device or a socket."""
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 (the caller closes it)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise NotRegularError(errno.EINVAL, "it is no regular file", str(path))


def read_small(path: Path, *, most_bytes: int = 64 << 20) -> bytes:
    """All of a file that is small if it is what it should be. Raises OSError as `open_regular`, or for a larger one."""
    with open_regular(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
