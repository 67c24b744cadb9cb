# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are there whole or not at all, and what to say when they cannot be written."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from maskedit.errors import OutputError
from plugin_client.core.placing import put_in_place

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turns what goes wrong inside into an OutputError, one sentence about `folder`."""
    try:
        yield
    except shutil.Error as error:  # of many files; the first says what is wrong
        raise OutputError(f"{folder} cannot be written: {error.args[0][0][2]}.") from error
    except OSError as error:
        if error.errno in _FULL:
            what = "the disk is full: make room, or save the project elsewhere"
        elif error.errno in _FORBIDDEN:
            what = "you may not write there: change its permissions, or save the project elsewhere"
        else:
            what = f"{error.strerror or error}: check the disk, or save the project elsewhere"
        raise OutputError(f"{folder} cannot be written, {what}.") from error


def write_json(path: Path, values: Any, *, previous: Path | None = None) -> None:
    """Put `values` in place of what `path` holds, in one step; `previous` gets what it held if that differs.

    Raises OSError; then `path` is as it was.
    """
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    if path.is_file():
        if path.read_bytes() == text:
            return
        if previous is not None:
            shutil.copyfile(path, previous)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        partial.write_bytes(text)
        put_in_place(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
