# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of files as messages, past protobuf: it copies each piece twice more, and takes up to a millisecond for it.

A message that holds nothing but bytes is, on the wire, one byte for the field's number and type, the size as a varint,
then the bytes (protobuf.dev, Encoding).
"""

from __future__ import annotations

from typing import NamedTuple

from bridge_api.v1 import asset_pb2

_PART_TAG = asset_pb2.UploadAssetRequest(data=b"").SerializeToString()[0]
# Both answers have it: their only field is `bytes data = 1`.
_PIECE_TAG = asset_pb2.DownloadAssetResponse(data=b"?").SerializeToString()[0]


class Piece(NamedTuple):
    """What is asked of a message whose only field is `data`."""

    data: bytes | memoryview


def piece_to_wire(piece: Piece | asset_pb2.DownloadAssetResponse | asset_pb2.DownloadResultResponse) -> bytes:
    """What `SerializeToString` makes of a piece on its way to a client."""
    data = piece.data
    return _head(_PIECE_TAG, len(data)) + data if data else b""


def part_from_wire(wire: bytes) -> Piece | asset_pb2.UploadAssetRequest:
    """What `UploadAssetRequest.FromString` reads; of a message that is all data a Piece, which is a view of `wire`."""
    for length in range(2, min(5, len(wire)) + 1):
        head = _head(_PART_TAG, len(wire) - length)
        if len(head) == length and wire.startswith(head):
            return Piece(memoryview(wire)[length:])
    return asset_pb2.UploadAssetRequest.FromString(wire)


def _head(tag: int, size: int) -> bytes:
    """What precedes so many bytes of data."""
    head = bytearray((tag,))
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head)
