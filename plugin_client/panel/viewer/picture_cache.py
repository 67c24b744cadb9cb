# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoded pictures in memory, bounded in bytes: what was looked at longest ago goes first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from plugin_client.panel.viewer.showing import Picture

# The part of the cache that prefetching may fill; the rest is for single looks elsewhere.
_PLANNED = 0.9


@dataclass(frozen=True)
class PictureKey:
    """`owner` tells clips apart. `full`: at the source's size where the clip is otherwise shown reduced."""

    owner: int
    frame: int
    full: bool = False


class PictureCache:
    """Pictures of several clips, used by several threads. `limit` in bytes holds always, also while it is lowered."""

    def __init__(self, limit: int) -> None:
        self._pictures: OrderedDict[PictureKey, Picture] = OrderedDict()
        self._limit = limit
        self._used = 0
        self._claims: set[int] = set()
        self._lock = Lock()

    @property
    def used(self) -> int:
        """Bytes held."""
        return self._used

    @property
    def limit(self) -> int:
        """Bytes that may be held."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._lock:
            self._limit = limit
            self._make_room()

    def get(self, key: PictureKey) -> Picture | None:
        """The picture, which counts as looked at now; None if it is not held."""
        with self._lock:
            picture = self._pictures.get(key)
            if picture is not None:
                self._pictures.move_to_end(key)
            return picture

    def put(self, key: PictureKey, picture: Picture) -> None:
        """Hold a picture, unless it alone is larger than the limit."""
        with self._lock:
            self._take(key)
            self._pictures[key] = picture
            self._used += picture.nbytes
            self._make_room()

    def frames(self, owner: int) -> frozenset[int]:
        """The frames of a clip that are held at the size at which it is shown."""
        with self._lock:
            return frozenset(key.frame for key in self._pictures if key.owner == owner and not key.full)

    def drop(self, owner: int) -> None:
        """Forget a clip's pictures."""
        with self._lock:
            self._claims.discard(owner)
            for key in [key for key in self._pictures if key.owner == owner]:
                self._take(key)

    def claim(self, owner: int) -> None:
        """A clip wants to fill its share ahead of time."""
        with self._lock:
            self._claims.add(owner)

    def release(self, owner: int) -> None:
        """It no longer does; its pictures stay while there is room."""
        with self._lock:
            self._claims.discard(owner)

    def share(self, picture_bytes: int) -> int:
        """How many pictures of that size each clip that claims one may hold ahead of time."""
        with self._lock:
            return int(self._limit * _PLANNED) // max(1, picture_bytes) // max(1, len(self._claims))

    def _take(self, key: PictureKey) -> None:
        picture = self._pictures.pop(key, None)
        if picture is not None:
            self._used -= picture.nbytes

    def _make_room(self) -> None:
        while self._used > self._limit:
            self._take(next(iter(self._pictures)))
