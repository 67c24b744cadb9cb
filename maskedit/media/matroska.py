# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixel aspect of a finished Matroska file, which libavformat writes only from a field that PyAV cannot reach.

The muxer leaves room: beside the video settings, which say "display size unknown", it puts a Void of 11 bytes. Both
together hold an aspect (RFC 9559, sections 5.1.4.1.28.8 to 5.1.4.1.28.14), so nothing else in the file moves.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from maskedit.errors import OutputError

_SEGMENT, _TRACKS, _ENTRY, _VIDEO, _VOID, _CRC = 0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0xEC, 0xBF
_DISPLAY_UNIT = 0x54B2
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class _Element:
    identity: int
    start: int
    body: int
    end: int


def write_pixel_aspect(path: Path, pixel_aspect: Fraction, *, width: int, height: int) -> None:
    """Give the first video track of `path` (pixels: `width` x `height`) its pixel aspect. Raises OutputError."""
    display = (pixel_aspect * width / height).limit_denominator(0xFFFF)
    with open(path, "r+b") as file:
        head = file.read(_HEAD_BYTES)
        try:
            tracks = _child(head, _child(head, None, _SEGMENT), _TRACKS)
            entry = _child(head, tracks, _ENTRY)
            settings = _child(head, entry, _VIDEO)
            body = b"".join(
                head[child.start : child.end] for child in _children(head, settings) if child.identity != _DISPLAY_UNIT
            )
            # DisplayWidth in three bytes, DisplayHeight in two, DisplayUnit 3: their quotient is the display aspect.
            body += b"\x54\xb0\x83" + display.numerator.to_bytes(3, "big")
            body += b"\x54\xba\x82" + display.denominator.to_bytes(2, "big") + b"\x54\xb2\x81\x03"
            parts = {_VIDEO: bytes([_VIDEO, 0x80 | len(body)]) + body, _VOID: b""}
            changed = b"".join(
                parts.get(child.identity, head[child.start : child.end]) for child in _children(head, entry)
            )
            checksum = _child(head, tracks, _CRC)
        except (StopIteration, IndexError, OverflowError, ValueError) as error:
            raise OutputError(_NO_ROOM) from error
        if len(changed) != entry.end - entry.body or len(body) >= 0x7F:
            raise OutputError(_NO_ROOM)
        head = head[: entry.body] + changed + head[entry.end :]
        crc = zlib.crc32(head[checksum.end : tracks.end]).to_bytes(4, "little")
        file.seek(0)
        file.write(head[: checksum.body] + crc + head[checksum.end :])


_NO_ROOM = "The mkv has no room for the clip's pixel aspect: ask for mov."


def _child(data: bytes, parent: _Element | None, identity: int) -> _Element:
    return next(child for child in _children(data, parent) if child.identity == identity)


def _children(data: bytes, parent: _Element | None) -> Iterator[_Element]:
    at, end = (parent.body, min(parent.end, len(data))) if parent else (0, len(data))
    while at < end:
        identity_length = _length(data[at])
        body = at + identity_length + _length(data[at + identity_length])
        coded = int.from_bytes(data[at + identity_length : body], "big")
        size = coded & ((1 << 7 * (body - at - identity_length)) - 1)
        yield _Element(int.from_bytes(data[at : at + identity_length], "big"), at, body, body + size)
        at = body + size


def _length(first: int) -> int:
    """Bytes of a variable-length integer, from its first: as many as its leading zero bits, and one more."""
    return 9 - first.bit_length()
