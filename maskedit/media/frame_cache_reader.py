# SPDX-License-Identifier: GPL-3.0-or-later
"""FrameCache: a `.mefc` read slot by slot, every byte that is shown held against its checksum; and as a clip."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from maskedit.errors import InputError
from maskedit.media.colour import PlateColour, colour_tags
from maskedit.media.containers import check_size
from maskedit.media.frame_cache import ENTRY_BYTES, HEADER_BYTES, CacheEntry, CacheHeader
from maskedit.media.pixels import layout_of
from maskedit.media.plate import PlateFrame
from maskedit.request import AlphaMode, FieldOrder, MediaFacts

_PIXEL_FORMAT = "gbrapf32le"


class FrameCache:
    """An open cache. It is read, not mapped, so that a file which is cut short meanwhile gives a sentence too.

    Frames may appear in it while it is open. Raises InputError, one sentence, for whatever is wrong with the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        try:
            self._file = self.path.open("rb")
            self.header = self._read_header()
        except OSError as error:
            raise InputError(f"{self.path.name} cannot be read ({error.strerror}): check the path.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def entry(self, slot: int) -> CacheEntry | None:
        """The index's line of `slot`, from 0; None while its frame is not published. Raises InputError if damaged."""
        line = self._read(HEADER_BYTES + ENTRY_BYTES * slot, ENTRY_BYTES)
        return CacheEntry.unpack(line, slot, header=self.header, name=self.path.name)

    def samples(self, entry: CacheEntry) -> np.ndarray:
        """float16 (h, w, 4): R, G, B and straight alpha of the entry's rectangle. Raises InputError if damaged."""
        data = self._read(entry.offset, entry.data_bytes)
        if zlib.crc32(data) != entry.checksum:
            number = self.header.first_frame + entry.slot
            raise InputError(f"Frame {number} of {self.path.name} is damaged: copy or make the file again.")
        return np.frombuffer(data, "<f2").reshape(entry.height, entry.width, 4)

    def _read_header(self) -> CacheHeader:
        try:
            size = self._file.seek(0, 2)
            self._file.seek(0)
            return CacheHeader.unpack(self._file.read(HEADER_BYTES), size=size, name=self.path.name)
        except BaseException:
            self._file.close()
            raise

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(size)
        if len(data) < size:
            raise InputError(f"{self.path.name} was cut short while it was read: copy or make it again.")
        return data


class FrameCacheClip:
    """The cache as a clip of RGBA frames of the plate's size, whose frame 0 is slot 0 (see `ClipReader`)."""

    def __init__(self, path: str) -> None:
        self._path = path
        with FrameCache(path) as cache:
            header = cache.header
            check_size(header.width, header.height, name=cache.path.name)
        tags = colour_tags(
            layout_of("gbrap16le"),  # these floats are a clip's signal, which is guessed as that of pictures is
            height=header.height,
            matrix=0,
            range=2,
            primaries=header.primaries,
            transfer=header.transfer,
        )
        self.facts = MediaFacts(
            frame_count=header.slot_count,
            width=header.width,
            height=header.height,
            rate=header.rate,
            pixel_format=_PIXEL_FORMAT,
            bit_depth=layout_of(_PIXEL_FORMAT).depth,
            pixel_aspect=header.pixel_aspect,
            field_order=FieldOrder.PROGRESSIVE,
            alpha_mode=AlphaMode.STRAIGHT,
            start_timecode=header.timecode,
            reel=header.reel,
            **tags,
        )

    def frames(self, first: int, last: int) -> Iterator[PlateFrame]:
        """Frames `first` to `last`, both included. Raises InputError for one that is not published."""
        colour = PlateColour(matrix="gbr", range="pc")
        with FrameCache(self._path) as cache:
            for slot in range(first, last + 1):
                entry = cache.entry(slot)
                if entry is None:
                    raise InputError(f"Frame {slot} of {cache.path.name} is not rendered yet: wait for it.")
                planes = np.zeros((4, self.facts.height, self.facts.width), np.float32)
                part = planes[:, entry.y : entry.y + entry.height, entry.x : entry.x + entry.width]
                part[...] = cache.samples(entry)[..., [1, 2, 0, 3]].transpose(2, 0, 1)
                planes.flags.writeable = False
                yield PlateFrame(
                    number=slot,
                    planes=tuple(planes),
                    pixel_format=_PIXEL_FORMAT,
                    colour=colour,
                    pts=slot,
                    duration=1,
                    time_base=1 / self.facts.rate,
                )
