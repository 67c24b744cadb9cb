# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame cache `NAME.mefc`, byte by byte: a patch of each frame, which a plugin inside a host maps and shows.

docs/frame-cache.md is the authority for this layout; the plugin's reader is written from it. All numbers are
little-endian. A reader looks at `published` first, then holds the entry and the samples against their checksums.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

from maskedit.errors import InputError, OutputError
from maskedit.media.colour import PRIMARIES, TRANSFERS, UNSPECIFIED, code_point
from maskedit.media.timecode import shifted
from maskedit.request import FrameRange, MediaFacts

SUFFIX = ".mefc"
MAGIC = b"MASKEDFC"
VERSION = 1
HEADER_BYTES = 4096
ENTRY_BYTES = 64
ALIGNMENT = 4096
PIXEL_BYTES = 8
"""Red, green, blue, alpha, an IEEE half each."""
PUBLISHED_AT = 40
"""Where in an entry the flag lies that is written last, by itself."""
MAX_SIDE = 1 << 15
MAX_SLOTS = 1 << 20
_HALF_RGBA = 1
_HEADER = struct.Struct("<8s6Iq6I3Q32s16s32s")
_ENTRY = struct.Struct("<2Q4i2I")  # up to `published`
_FLAG_AND_SUM = struct.Struct("<2I")
_SUM = struct.Struct("<I")
_TAKE = re.compile("[0-9a-f]{32}")


def is_frame_cache(path: str | Path) -> bool:
    """Whether the name says that it is one."""
    return Path(path).suffix.lower() == SUFFIX


def aligned(offset: int) -> int:
    """The next place, from `offset` on, at which samples may begin."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True, kw_only=True)
class CacheHeader:
    """What a whole cache says of itself. `first_frame`: the number of the clip's frame that slot 0 shows.

    `primaries`, `transfer`: code points of ITU-T H.273 as the clip is tagged, 2 where it says nothing. `take`: 32
    hexadecimal digits that tell this file's contents from any other's. `timecode`: that of slot 0.
    """

    width: int
    height: int
    slot_count: int
    rate: Fraction
    first_frame: int = 0
    pixel_aspect: Fraction = Fraction(1)
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    timecode: str = ""
    reel: str = ""
    take: str = "0" * 32
    file_bytes: int = 0

    @classmethod
    def of(cls, facts: MediaFacts, frames: FrameRange, *, first_number: int = 0) -> Self:
        """That of a cache which shows `frames` of the clip with these facts; its take and its size are still open.

        `first_number`: what the clip's frame 0 is called, where it is a sequence.
        """
        timecode = facts.start_timecode and shifted(facts.start_timecode, frames.first, facts.rate)
        return cls(
            width=facts.width,
            height=facts.height,
            slot_count=len(frames),
            rate=facts.rate,
            first_frame=first_number + frames.first,
            pixel_aspect=facts.pixel_aspect,
            primaries=code_point(PRIMARIES, facts.primaries),
            transfer=code_point(TRANSFERS, facts.transfer),
            timecode=_within(timecode, 16),
            reel=_within(facts.reel, 32),
        )

    @property
    def index_bytes(self) -> int:
        return ENTRY_BYTES * self.slot_count

    @property
    def data_offset(self) -> int:
        """Where the samples of all slots begin."""
        return aligned(HEADER_BYTES + self.index_bytes)

    def pack(self) -> bytes:
        """The first 4096 bytes. Raises OutputError for what the format cannot hold."""
        if fault := self._fault():
            raise OutputError(f"A frame cache cannot hold {fault}: ask for exr.")
        fields = _HEADER.pack(
            *(MAGIC, VERSION, HEADER_BYTES, self.width, self.height, _HALF_RGBA, self.slot_count, self.first_frame),
            *(*self.rate.as_integer_ratio(), *self.pixel_aspect.as_integer_ratio(), self.primaries, self.transfer),
            *(HEADER_BYTES, self.data_offset, self.file_bytes),
            *(text.encode() for text in (self.take, self.timecode, self.reel)),
        )
        head = fields.ljust(HEADER_BYTES - _SUM.size, b"\0")
        return head + _SUM.pack(zlib.crc32(head))

    @classmethod
    def unpack(cls, head: bytes, *, size: int, name: str) -> Self:
        """From a file's first 4096 bytes. `size`: the file's, in bytes. Raises InputError, one sentence."""
        if head[: len(MAGIC)] != MAGIC:
            raise InputError(f"{name} is no frame cache: make one with `maskedit frames make`.")
        if len(head) < HEADER_BYTES:
            raise InputError(f"{name} is cut short within its header: copy or make it again.")
        (_, version, header_bytes, width, height, kind, slots, first, *rest) = _HEADER.unpack_from(head)
        if version != VERSION:
            raise InputError(f"{name} is a frame cache of version {version}, not {VERSION}: make it again.")
        if zlib.crc32(head[: -_SUM.size]) != _SUM.unpack(head[-_SUM.size :])[0]:
            raise InputError(f"{name} is damaged in its header: copy or make it again.")
        rate, rate_scale, aspect, aspect_scale, primaries, transfer, index, data, file_bytes, *texts = rest
        # Checked before they become fractions, which would lose a zero below and a common factor.
        terms = (rate, rate_scale, aspect, aspect_scale)
        if (header_bytes, kind, index) != (HEADER_BYTES, _HALF_RGBA, HEADER_BYTES) or not all(terms):
            raise InputError(f"{name} holds frames in a form that is not known here: make it again.")
        header = cls(
            width=width,
            height=height,
            slot_count=slots,
            rate=Fraction(rate, rate_scale),
            first_frame=first,
            pixel_aspect=Fraction(aspect, aspect_scale),
            primaries=primaries,
            transfer=transfer,
            file_bytes=file_bytes,
            take=texts[0].decode("ascii", "replace"),
            timecode=texts[1].rstrip(b"\0").decode(errors="replace"),
            reel=texts[2].rstrip(b"\0").decode(errors="replace"),
        )
        fault = header._fault() or ("" if data == header.data_offset <= file_bytes else "frames outside the file")
        if fault or max(terms) >= 1 << 31:
            raise InputError(f"{name} claims {fault or 'a rate or aspect out of range'}: make it again.")
        if size < file_bytes:
            raise InputError(f"{name} is cut short at {size} of {file_bytes} bytes: copy or make it again.")
        return header

    def _fault(self) -> str:
        """What of it the format does not allow, in words; "" if nothing."""
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            return f"pictures of {self.width}x{self.height}"
        if not 1 <= self.slot_count <= MAX_SLOTS:
            return f"{self.slot_count} frames"
        if abs(self.first_frame) >= 1 << 53:
            return f"frame {self.first_frame}"
        if not all(0 < term < 1 << 31 for each in (self.rate, self.pixel_aspect) for term in each.as_integer_ratio()):
            return f"{self.rate} frames a second with a pixel aspect of {self.pixel_aspect}"
        if not _TAKE.fullmatch(self.take):
            return "a take without a proper name"
        return ""


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """A slot's line in the index: where its samples lie, and which rectangle of the plate (pixels) they fill.

    A rectangle of 0x0 has no samples: the patch is transparent all over. `checksum`: CRC-32 of the samples.
    """

    slot: int
    offset: int = 0
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0
    checksum: int = 0

    @property
    def data_bytes(self) -> int:
        return self.width * self.height * PIXEL_BYTES

    def pack(self, *, published: bool) -> bytes:
        """The 64 bytes."""
        fields = _ENTRY.pack(
            *(self.offset, self.data_bytes, self.x, self.y, self.width, self.height, self.checksum, self.slot)
        )
        return (fields + _FLAG_AND_SUM.pack(published, zlib.crc32(fields))).ljust(ENTRY_BYTES, b"\0")

    @classmethod
    def unpack(cls, line: bytes, slot: int, *, header: CacheHeader, name: str) -> Self | None:
        """Slot number `slot`; None while it is not published. Raises InputError, one sentence, for a damaged one."""
        published, checksum = _FLAG_AND_SUM.unpack_from(line, PUBLISHED_AT)
        if not published:
            return None
        damaged = InputError(f"Frame {header.first_frame + slot} of {name} is damaged in the index: make it again.")
        if published != 1 or zlib.crc32(line[:PUBLISHED_AT]) != checksum:
            raise damaged
        offset, data_bytes, x, y, width, height, data_sum, number = _ENTRY.unpack_from(line)
        entry = cls(slot=number, offset=offset, x=x, y=y, width=width, height=height, checksum=data_sum)
        if entry.data_bytes:
            within = min(x, y) >= 0 and min(width, height) > 0
            within = within and x + width <= header.width and y + height <= header.height
            placed = offset % ALIGNMENT == 0 and header.data_offset <= offset <= header.file_bytes - data_bytes
        else:
            within, placed = (x, y, width, height) == (0, 0, 0, 0), offset == data_sum == 0
        if not (within and placed and data_bytes == entry.data_bytes and number == slot):
            raise damaged
        return entry


def _within(text: str, limit: int) -> str:
    """As much of `text` as `limit` bytes of UTF-8 hold."""
    return text.encode()[:limit].decode(errors="ignore")
