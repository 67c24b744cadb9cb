# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame caches written: packed and whole before they get their name, or live, with frames that appear one by one.

What a reader has mapped never changes below it: a file is put in place by a rename, and a published frame stays.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from maskedit.errors import OutputError
from maskedit.faults import Point, reach
from maskedit.media.frame_cache import (
    ENTRY_BYTES,
    HEADER_BYTES,
    PIXEL_BYTES,
    PUBLISHED_AT,
    CacheEntry,
    CacheHeader,
    aligned,
)
from maskedit.media.plate import PlateFrame

_HALF_MAX = 65504


@dataclass(frozen=True, eq=False)
class Region:
    """What a patch shows: float16 (h, w, 4), R, G, B and straight alpha, whose first pixel lies at (x, y)."""

    samples: np.ndarray
    x: int = 0
    y: int = 0

    @classmethod
    def of(cls, plate: PlateFrame) -> Self:
        """The rectangle that holds all of a `gbrapf32le` patch whose alpha is above 0; 0x0 where nothing is.

        Values beyond a half's largest end there, those that are no numbers at 0; alpha is held between 0 and 1.
        """
        green, blue, red, alpha = plate.planes
        inside = alpha > 0
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not rows.size:
            return cls(np.zeros((0, 0, 4), np.float16))
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        shown = _halves(np.stack([red[part], green[part], blue[part], np.minimum(alpha[part], 1)], axis=-1))
        shown[~(shown[..., 3] > 0)] = 0
        return cls(shown, int(columns[0]), int(rows[0]))

    def entry(self, slot: int, offset: int) -> CacheEntry:
        """Its line in the index as slot number `slot`, with its samples at `offset` of the file."""
        height, width = self.samples.shape[:2]
        if not self.samples.size:
            return CacheEntry(slot=slot)
        checksum = zlib.crc32(self.data)
        return CacheEntry(slot=slot, offset=offset, x=self.x, y=self.y, width=width, height=height, checksum=checksum)

    @cached_property
    def data(self) -> bytes:
        """The samples as they lie in the file."""
        return np.ascontiguousarray(self.samples, "<f2").tobytes()


class PackedCache:
    """Writes a whole cache under a hidden name beside `path`, which it takes in the end: the deliverable `cache`.

    `header`: see `CacheHeader.of`. Each frame takes the room of what it shows, whatever its place in the plate.
    """

    error = None  # what is written is what was given, to a half's precision

    def __init__(self, path: Path, *, header: CacheHeader) -> None:
        header.pack()  # refused before anything is rendered
        self._path = path
        self.unfinished = _hidden(path)
        self._header = header
        self._entries: list[CacheEntry] = []
        self._file: BinaryIO | None = None
        self._end = header.data_offset

    def write(self, plate: PlateFrame) -> None:
        """The next slot."""
        self.add(Region.of(plate))

    def add(self, region: Region) -> None:
        """The next slot, as what it shows."""
        if self._file is None:
            self._file = self.unfinished.open("wb")
        entry = region.entry(len(self._entries), self._end)
        self._entries.append(entry)
        if entry.data_bytes:
            self._file.seek(self._end)
            self._file.write(region.data)
            self._end = aligned(self._end + entry.data_bytes)

    def finish(self) -> None:
        """Index and header, and all of it on the disk, still under the hidden name. Raises OutputError."""
        if self._file is None or len(self._entries) != self._header.slot_count:
            raise OutputError(f"{self._path.name} got {len(self._entries)} of its frames: render it again.")
        index = b"".join(entry.pack(published=True) for entry in self._entries)
        take = hashlib.sha256(index).hexdigest()[:32]
        self._file.truncate(self._end)
        self._file.seek(HEADER_BYTES)
        self._file.write(index)
        self._file.seek(0)
        self._file.write(replace(self._header, take=take, file_bytes=self._end).pack())
        self._file.flush()
        reach(Point.RESULT_SYNC)
        os.fsync(self._file.fileno())
        self._file.close()

    def publish(self) -> None:
        """Give the finished file its name."""
        reach(Point.RESULT_RENAME)
        os.replace(self.unfinished, self._path)
        reach(Point.RESULT_RENAMED)

    def clean_up(self) -> None:
        """Close and remove a file that was not published; after `publish` there is nothing left to remove."""
        if self._file is not None:
            with suppress(OSError):  # what cannot be written any more is thrown away anyhow
                self._file.close()
        self.unfinished.unlink(missing_ok=True)


class LiveCache:
    """Appears at `path` at once, at its full length and without a frame; each shows as soon as it is `publish`ed.

    Each slot has room for a whole plate, of which the disk holds what is written (the file is sparse). For disks of
    this machine: what is mapped over a network appears there when the file system likes.
    """

    def __init__(self, path: Path, *, header: CacheHeader) -> None:
        self._room = aligned(header.width * header.height * PIXEL_BYTES)
        self._header = replace(
            header, take=secrets.token_hex(16), file_bytes=header.data_offset + header.slot_count * self._room
        )
        temporary = _hidden(path)
        try:
            with temporary.open("wb") as file:
                file.truncate(self._header.file_bytes)
                file.write(self._header.pack())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        self._file = path.open("rb+", buffering=0)  # each write goes out by itself, and in this order

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def publish(self, slot: int, region: Region) -> None:
        """Show `region` as slot number `slot`, once and for all. Raises ValueError for one that is shown already."""
        at = HEADER_BYTES + ENTRY_BYTES * slot
        if self._read(at, ENTRY_BYTES)[PUBLISHED_AT : PUBLISHED_AT + 4] != b"\0\0\0\0":
            raise ValueError(f"slot {slot} is published: what a reader has mapped may not change")
        entry = region.entry(slot, self._header.data_offset + slot * self._room)
        if entry.data_bytes:
            self._write(entry.offset, region.data)
        self._write(at, entry.pack(published=False))
        flagged = entry.pack(published=True)
        self._write(at + PUBLISHED_AT, flagged[PUBLISHED_AT : PUBLISHED_AT + 4])

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def _write(self, offset: int, data: bytes) -> None:
        self._file.seek(offset)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def _halves(values: np.ndarray) -> np.ndarray:
    np.nan_to_num(values, copy=False, nan=0)
    return np.clip(values, -_HALF_MAX, _HALF_MAX, out=values).astype(np.float16)
