# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a project lies before its first save: in the data folder, so that it is found again after a crash."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from PyQt6.QtCore import QLockFile

from maskedit.errors import OutputError
from plugin_client.core.datadir import data_dir

DOCUMENT = "document.json"
_LOCK = ".open"


class UnsavedWorkspace:
    """A private folder, marked as in use while this object lives. Fits `Project.replace(scratch=…)`.

    Raises OutputError if the data folder cannot be written to.
    """

    def __init__(self, folder: Path | None = None) -> None:
        try:
            if folder is None:
                root = _root()
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder = Path(tempfile.mkdtemp(prefix="project-", dir=root))
        except OSError as error:
            raise OutputError(
                f"The data folder {data_dir()} cannot be written to ({error.strerror}): make room or change its "
                "permissions."
            ) from error
        self.name = str(folder)
        self._lock = _lock_of(folder)
        self._lock.tryLock(0)

    def release(self) -> None:
        """Leave the folder as it is for a later start to find."""
        self._lock.unlock()

    def cleanup(self) -> None:
        """Delete the folder; what a player still holds open stays until the next start clears it."""
        self._lock.unlock()
        shutil.rmtree(self.name, ignore_errors=True)


def left_behind() -> list[Path]:
    """Folders of unsaved projects that no running panel holds, newest first; those without a document are deleted."""
    found = []
    for folder in sorted(_root().glob("project-*"), key=lambda each: each.stat().st_mtime_ns, reverse=True):
        lock = _lock_of(folder)
        if not lock.tryLock(0):
            continue
        lock.unlock()
        if (folder / DOCUMENT).is_file():
            found.append(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return found


def _root() -> Path:
    return data_dir() / "panel" / "unsaved"


def _lock_of(folder: Path) -> QLockFile:
    lock = QLockFile(str(folder / _LOCK))
    # A lock lasts as long as its process, however long it stays open.
    lock.setStaleLockTime(0)
    return lock
