# SPDX-License-Identifier: GPL-3.0-or-later
"""MatteCache: the drawn matte of each frame for whoever shows it, made in the background."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QObject, QThreadPool, pyqtSignal

from maskedit.errors import InputError
from maskedit.mattes.roto import RotoFile
from plugin_client.core.requests import MatteFile
from plugin_client.panel.mattes.scene import Codes, Picture, Scene, reader_of, reduced, to_codes
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.working import in_background

_log = logging.getLogger(__name__)
# What is shown needs no more pixels than a large window has.
_MOST_PX = 1920 * 1088
_MOST_BYTES = 192 << 20
# How many frames are made ahead of a playhead that moves.
_AHEAD = 4


class MatteCache(QObject):
    """Shapes, strokes and imported files of the edit, combined as a server does it (see `files.pile`).

    `picture(frame)` never waits: it gives the matte that it has, the one before the last change if need be, or None,
    and `ready(frame)` follows. What is asked for last is made first; what did not change is not made again. `changed`:
    some of the mattes are others now. `faults`: why an imported file counts as empty, by its path.
    """

    ready = pyqtSignal(int)
    changed = pyqtSignal()
    faults_changed = pyqtSignal()

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._made = _Store(_MOST_BYTES)
        self._shown: dict[int, Hashable] = {}
        self._wanted: list[int] = []
        self._asked = 0
        self._is_working = False
        self._maker = _Maker()
        self._faults: dict[str, str] = {}
        self._scene: Scene | None = None
        project.changed.connect(self._follow)
        project.facts_changed.connect(self._begin_anew)
        project.folder_changed.connect(self._begin_anew)
        self._begin_anew()

    @property
    def faults(self) -> Mapping[str, str]:
        """Path of an imported file → one sentence about why it cannot be used."""
        return self._faults

    @property
    def is_empty(self) -> bool:
        """True if the document has no edit matte at all."""
        return self._scene is None or not self._scene.pile

    def picture(self, frame: int) -> Codes | None:
        """(H, W) uint8, 255 = edit, read-only, of at most about two million pixels, or None if it is not there yet."""
        if self._scene is None:
            return None
        look = self._scene.look(frame)
        found = self._made.get(look)
        if found is not None:
            self._shown[frame] = look
        else:
            self._want(frame)
            found = self._made.get(self._shown.get(frame))
        self._asked = frame
        return found

    def exact(self, frame: int) -> Codes:
        """(H, W) uint8 at the clip's own size. Blocks: for background threads. Raises InputError."""
        ((_, matte),) = self.snapshot().mattes(frame, frame)
        return to_codes(matte)

    def snapshot(self) -> Scene:
        """The mattes as they are now, at the clip's own size, to be read frame after frame on another thread.

        Raises InputError without a clip.
        """
        if self._scene is None:
            raise InputError("No clip is open: open one.")
        return replace(self._scene, facts=self._scene.source)

    def forget(self, path: str) -> None:
        """The file at `path` has been written anew: read it again."""
        self._maker = _Maker()
        self._made.clear()
        self.changed.emit()

    def _begin_anew(self) -> None:
        self._shown.clear()
        self._faults.clear()
        self._maker = _Maker()
        self._made.clear()
        self._look_at(self._project.document)

    def _follow(self, old: Document, new: Document) -> None:
        if (old.shapes, old.strokes, old.mattes) != (new.shapes, new.strokes, new.mattes):
            self._look_at(new)

    def _look_at(self, document: Document) -> None:
        facts = self._project.facts
        self._wanted.clear()
        if facts is None:
            self._scene = None
        else:
            small = reduced(facts, most_px=_MOST_PX)
            self._scene = Scene(document, facts, small, Path(self._project.workspace))
        self.changed.emit()

    def _want(self, frame: int) -> None:
        """Make `frame` next; if the playhead moves evenly, those after it then."""
        step = frame - self._asked
        facts = self._project.facts
        ahead = range(frame + step, frame + step * (_AHEAD + 1), step) if abs(step) in (1, 2) else range(0)
        within = [each for each in ahead if facts is not None and 0 <= each < facts.frame_count]
        self._wanted = [*reversed(within), frame]
        self._go_on()

    def _go_on(self) -> None:
        while self._wanted and not self._is_working and self._scene is not None:
            self._make(self._scene, self._wanted.pop())

    def _make(self, scene: Scene, frame: int) -> None:
        if self._made.get(scene.look(frame)) is not None:
            return
        self._is_working = True
        maker = self._maker
        in_background(
            partial(maker.made, scene, frame),
            owner=self,
            pool=self._pool,
            done=lambda made: self._take(maker, scene.look(frame), frame, *made),
            failed=self._give_up,
        )

    def _take(self, maker: _Maker, look: Hashable, frame: int, codes: Codes, faults: Mapping[str, str]) -> None:
        self._is_working = False
        if maker is self._maker:  # what was read before a file changed is nothing to show
            self._made.put(look, codes)
            # Even if the document has moved on since: under a moving hand it is the newest there is.
            self._shown[frame] = look
            known = {path: fault for path, fault in {**self._faults, **faults}.items() if fault}
            if known != self._faults:
                self._faults = known
                self.faults_changed.emit()
        self._go_on()
        self.ready.emit(frame)

    def _give_up(self, error: Exception) -> None:
        self._is_working = False
        _log.error("a matte could not be made", exc_info=error)
        self._go_on()


class _Maker:
    """Makes mattes on one thread, and keeps the imported files open: frame after frame costs least."""

    def __init__(self) -> None:
        self._files: dict[Hashable, _File] = {}

    def made(self, scene: Scene, frame: int) -> tuple[Codes, Mapping[str, str]]:
        """The matte of one frame, and what is wrong with each file that is used: "" or why it had to be left out."""
        used = {_key(laid.matte, scene) for laid in scene.pile if isinstance(laid.matte, MatteFile)}
        self._files = {key: file for key, file in self._files.items() if key in used}
        mattes: list[Picture | None] = []
        faults: dict[str, str] = {}
        for laid in scene.pile:
            if isinstance(laid.matte, RotoFile):
                reader = reader_of(laid.matte, scene.facts, workspace=scene.workspace)
                mattes.append(next(iter(reader.frames(frame, frame)))[1])
                continue
            key = _key(laid.matte, scene)
            try:
                if key not in self._files:
                    self._files[key] = _File(laid.matte, scene)
                mattes.append(self._files[key].at(frame))
                faults.setdefault(laid.matte.path, "")
            except InputError as error:
                self._files.pop(key, None)
                faults[laid.matte.path] = str(error)
                mattes.append(None)
        return to_codes(scene.combined(mattes)), faults


def _key(use: MatteFile, scene: Scene) -> Hashable:
    return use, scene.facts, scene.workspace


class _File:
    """An imported file as far as it was read."""

    def __init__(self, use: MatteFile, scene: Scene) -> None:
        self._last = scene.facts.frame_count - 1
        self._reader = reader_of(use, scene.facts, workspace=scene.workspace)
        self._running: Iterator[tuple[int, Picture]] = iter(())
        self._next = -1

    def at(self, frame: int) -> Picture:
        if frame != self._next:
            self._running = self._reader.frames(frame, self._last)
        self._next = frame + 1
        return next(self._running)[1]


class _Store:
    """Mattes by their looks, up to so many bytes; what was not asked for longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._held = most_bytes, 0
        self._kept: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(self, look: Hashable) -> Codes | None:
        found = self._kept.get(look)
        if found is not None:
            self._kept.move_to_end(look)
        return found

    def put(self, look: Hashable, codes: Codes) -> None:
        self._held += codes.nbytes - (self._kept[look].nbytes if look in self._kept else 0)
        self._kept[look] = codes
        self._kept.move_to_end(look)
        while self._held > self._most and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._held -= gone.nbytes

    def clear(self) -> None:
        self._kept.clear()
        self._held = 0
