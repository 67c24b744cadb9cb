# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips as pictures by frame number: asked for on the UI thread, decoded elsewhere, kept while there is room."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import count
from threading import Lock

from PyQt6.QtCore import QObject, Qt, pyqtSignal, pyqtSlot

from maskedit.errors import InputError
from maskedit.request import MediaFacts
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.viewer.decoding import ClipSource, Decoding, Told
from plugin_client.panel.viewer.picture_cache import PictureCache, PictureKey
from plugin_client.panel.viewer.showing import Picture

_MOST_CLIPS = 8


class Footage(QObject):
    """One clip. Its pictures are uint8 (H, W, 3) RGB as a screen shows them, read-only.

    `opened`: `facts` are known now. `ready(frame)`: that frame's picture is there. `failed(sentence)`: the clip, or a
    frame of it, cannot be shown. Geometry stays in source pixels whatever `proxy_scale` is.
    """

    opened = pyqtSignal()
    ready = pyqtSignal(int)
    failed = pyqtSignal(str)

    _owners = count()

    def __init__(self, path: str, *, colour: str, cache: PictureCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path, self.colour = path, colour
        self.facts: MediaFacts | None = None
        self.error = ""
        self.proxy_scale = 1.0
        self._cache = cache
        self._owner = next(self._owners)
        self._faults: dict[int, str] = {}
        self._exact: ClipSource | None = None
        self._exact_lock = Lock()
        self._news: deque[Callable[[Footage], None]] = deque()
        bell = _Bell()
        bell.rung.connect(self._collect, Qt.ConnectionType.QueuedConnection)  # pyright: ignore[reportCallIssue]
        told = _telling(self._news, bell)
        self._decoding = Decoding(path, colour=colour, cache=cache, owner=self._owner, told=told)
        self.destroyed.connect(self._decoding.end)
        self._decoding.start()

    def picture(self, frame: int, *, full: bool = False) -> Picture | None:
        """The picture of `frame`, or None while it is decoded: `ready` follows. Of several frames that are waited for
        the one asked for last comes first, and only a few are kept in mind: ask again when painting again.

        `full`: at the source's size, where `proxy_scale` is less than 1.
        """
        picture = self._cache.get(PictureKey(self._owner, frame, full and self.proxy_scale < 1))
        if picture is None and not self.fault(frame):
            self._decoding.want(frame, full=full)
        return picture

    def held(self, frame: int) -> Picture | None:
        """The picture if it is there already; nothing is decoded for it."""
        return self._cache.get(PictureKey(self._owner, frame))

    def fault(self, frame: int) -> str:
        """Why `frame` cannot be shown, one sentence; "" if nothing is known against it."""
        return self.error or self._faults.get(frame, "")

    def prefetch(self, frame: int, direction: int) -> None:
        """Decode ahead of time what will be looked at from `frame` on, played in `direction` (0: standing still)."""
        self._decoding.plan(frame, direction)

    def held_frames(self) -> frozenset[int]:
        """The frames whose pictures are there."""
        return self._cache.frames(self._owner)

    def exact(self, frame: int) -> Picture:
        """The picture at the source's size, decoded while the caller waits: for background threads, which may ask for
        one frame after the other at a run's cost. Raises InputError."""
        if self.proxy_scale == 1 and (picture := self.held(frame)) is not None:
            return picture
        with self._exact_lock:
            if self._exact is None:
                self._exact = ClipSource(self.path, colour=self.colour)
            if not 0 <= frame < self._exact.facts.frame_count:
                raise InputError(f"The clip ends with frame {self._exact.facts.frame_count - 1}: choose one before it.")
            return self._exact.picture(frame, full=True)

    def close(self) -> None:
        """Forget the pictures and let go of the file for good."""
        self._decoding.end()
        self.rest()

    def rest(self) -> None:
        """Forget the pictures, and the file until somebody asks again."""
        self._cache.drop(self._owner)
        with self._exact_lock:
            if self._exact is not None:
                self._exact.__exit__()
                self._exact = None

    @pyqtSlot()
    def _collect(self) -> None:
        """Take up what the decoding thread has told since."""
        while self._news:
            self._news.popleft()(self)

    def _opened(self, facts: MediaFacts, divisor: int) -> None:
        if self.facts is None:
            self.facts, self.proxy_scale = facts, 1 / divisor
            self.opened.emit()

    def _lose(self, frame: int, sentence: str) -> None:
        self._faults[frame] = sentence
        self.failed.emit(sentence)

    def _fail(self, sentence: str) -> None:
        self.error = sentence
        self.failed.emit(sentence)


class _Bell(QObject):
    """Rung on the decoding thread, heard on the UI thread. It belongs to nobody else, so that it may be rung while the
    footage is taken down."""

    rung = pyqtSignal()


def _telling(news: deque[Callable[[Footage], None]], bell: _Bell) -> Told:
    """What a `Decoding` calls, so that a `Footage` finds it in `news`."""

    def tell(what: Callable[[Footage], None]) -> None:
        news.append(what)
        bell.rung.emit()

    return Told(
        opened=lambda facts, divisor: tell(lambda footage: footage._opened(facts, divisor)),
        ready=lambda frame: tell(lambda footage: footage.ready.emit(frame)),
        lost=lambda frame, sentence: tell(lambda footage: footage._lose(frame, sentence)),
        failed=lambda sentence: tell(lambda footage: footage._fail(sentence)),
    )


class FootageLibrary(QObject):
    """The clips that are looked at, each opened once, in one cache of `preferences.cache_bytes`.

    The last few stay open; one that was not asked for since rests when others take its place.
    """

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.cache = PictureCache(preferences.cache_bytes)
        self._clips: OrderedDict[tuple[str, str], Footage] = OrderedDict()
        preferences.changed.connect(lambda _: self._resize(preferences.cache_bytes))

    def open(self, path: str, *, colour: str = "") -> Footage:
        """The footage of `path`, a file or sequence pattern; `colour` overrules its tags, as `WorkingColour.name`.

        Returns at once: what is wrong with the file comes by `Footage.failed`.
        """
        key = path, colour
        footage = self._clips.get(key)
        if footage is None:
            footage = self._clips[key] = Footage(path, colour=colour, cache=self.cache, parent=self)
            while len(self._clips) > _MOST_CLIPS:
                self._clips.popitem(last=False)[1].rest()
        self._clips.move_to_end(key)
        return footage

    def forget(self, path: str) -> None:
        """The file is another one now, or gone: the next `open` reads it anew."""
        for key in [key for key in self._clips if key[0] == path]:
            self._clips.pop(key).close()

    def clear(self) -> None:
        """Empty the cache."""
        for footage in self._clips.values():
            footage.rest()

    def _resize(self, limit: int) -> None:
        self.cache.limit = limit
