# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image editor saves, noticed as it happens, and told when it is whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PyQt6.QtCore import QFileSystemWatcher, QObject, QTimer, pyqtSignal

from maskedit.errors import InputError
from plugin_client.panel.keyframes.pictures import Work, whole_size
from plugin_client.panel.model.working import in_background

_log = logging.getLogger(__name__)
# A file counts as written when neither its size nor its time has changed for so long.
_SETTLED_MS = 200
# Some file systems tell nobody: what is watched is looked at now and then as well.
_LOOK_MS = 1500
# A file that does not become whole is given up after so many looks, until it changes again.
_MOST_TRIES = 50

_Stamp = tuple[int, int, int]
OnSaved = Callable[[Path, tuple[int, int]], None]
"""Told of a picture that was saved and its width and height."""


@dataclass
class _Watched:
    work: Work
    saved: OnSaved
    known: dict[Path, _Stamp]
    pending: dict[Path, _Pending] = field(default_factory=dict)


@dataclass
class _Pending:
    stamp: _Stamp
    tries: int = 0
    reading: bool = False


class SaveWatcher(QObject):
    """Follows pictures that are with an image editor, and their neighbours of the same name and another kind.

    A save may overwrite the file, replace it by another of its name, or grow over seconds: it is told once, when it
    has settled and can be decoded. `given_up(sentence)`: what lies there is no picture even after some seconds.
    """

    given_up = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watched: dict[Path, _Watched] = {}
        self._system = QFileSystemWatcher(self)
        self._system.fileChanged.connect(self._look)
        self._system.directoryChanged.connect(self._look)
        self._settling, self._now_and_then = QTimer(self), QTimer(self)
        self._settling.setSingleShot(True)
        for timer, wait_ms in ((self._settling, _SETTLED_MS), (self._now_and_then, _LOOK_MS)):
            timer.setInterval(wait_ms)
            timer.timeout.connect(self._look)

    @property
    def works(self) -> list[Work]:
        """What is with an image editor."""
        return [watched.work for watched in self._watched.values()]

    def watch(self, work: Work, saved: OnSaved) -> None:
        """Call `saved` for each save of `work` from now on; what lies there now is known."""
        self._watched[_key(work)] = _Watched(work, saved, {file: _stamp(file) for file in work.saves()})
        self._arm()
        self._now_and_then.start()

    def forget(self, work: Work) -> None:
        """No longer watch it."""
        self._watched.pop(_key(work), None)
        self._arm()
        if not self._watched:
            self._now_and_then.stop()

    def clear(self) -> None:
        """No longer watch anything."""
        for work in self.works:
            self.forget(work)

    def _look(self) -> None:
        self._arm()
        for watched in tuple(self._watched.values()):
            for file in watched.work.saves():
                self._look_at(watched, file)

    def _look_at(self, watched: _Watched, file: Path) -> None:
        try:
            stamp = _stamp(file)
        except OSError:
            return
        if stamp == watched.known.get(file):
            return
        pending = watched.pending.get(file)
        if pending is None or pending.stamp != stamp:
            watched.pending[file] = _Pending(stamp)
            self._settling.start()
        elif not pending.reading and pending.tries < _MOST_TRIES:
            pending.reading = True
            in_background(
                lambda: whole_size(file),
                owner=self,
                done=lambda size: self._whole(watched, file, pending, size),
                failed=lambda error: self._not_yet(watched, file, pending, error),
            )

    def _whole(self, watched: _Watched, file: Path, pending: _Pending, size: tuple[int, int]) -> None:
        if not self._is_still(watched, file, pending):
            return
        del watched.pending[file]
        watched.known[file] = pending.stamp
        watched.saved(file, size)

    def _not_yet(self, watched: _Watched, file: Path, pending: _Pending, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            _log.error("a saved picture could not be looked at", exc_info=error)
        pending.reading = False
        pending.tries += 1
        if not self._is_still(watched, file, pending):
            return
        if pending.tries < _MOST_TRIES:
            self._settling.start()
        else:
            self.given_up.emit(f"{file.name} cannot be read as it was saved: save it again as PNG, TIFF or JPEG.")

    def _is_still(self, watched: _Watched, file: Path, pending: _Pending) -> bool:
        """Whether what was read is what lies there, and still of interest; if not, it will be looked at again."""
        try:
            same = _stamp(file) == pending.stamp
        except OSError:
            same = False
        if not same:
            self._settling.start()
        return same and self._watched.get(_key(watched.work)) is watched and watched.pending.get(file) is pending

    def _arm(self) -> None:
        """Watch the folders, and the files anew that were replaced by others of their name."""
        wanted = {str(each.picture.parent) for each in self.works}
        wanted |= {str(file) for each in self.works for file in each.saves()}
        armed = {*self._system.files(), *self._system.directories()}
        if gone := armed - wanted:
            self._system.removePaths(sorted(gone))
        if new := wanted - armed:
            self._system.addPaths(sorted(new))


def _key(work: Work) -> Path:
    return work.picture.with_suffix("")


def _stamp(file: Path) -> _Stamp:
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino
