# SPDX-License-Identifier: GPL-3.0-or-later
"""The asset service's stub, which reads and writes pieces of files past protobuf: it copies each twice more, and takes
up to a millisecond for it.

A message that holds nothing but bytes is, on the wire, one byte for the field's number and type, the size as a varint,
then the bytes (protobuf.dev, Encoding).
"""

from __future__ import annotations

from typing import NamedTuple

import grpc

from bridge_api.v1 import asset_pb2, asset_pb2_grpc

_SERVICE = asset_pb2.DESCRIPTOR.services_by_name["AssetService"].full_name
_PART_TAG = asset_pb2.UploadAssetRequest(data=b"").SerializeToString()[0]
# Both answers have it: their only field is `bytes data = 1`.
_PIECE_TAG = asset_pb2.DownloadResultResponse(data=b"?").SerializeToString()[0]


class Piece(NamedTuple):
    """What is asked of a message whose only field is `data`."""

    data: bytes | memoryview


class AssetStub:
    """The methods of the generated stub; what its downloads answer are Pieces, and what is uploaded may be."""

    def __init__(self, channel: grpc.Channel) -> None:
        stub = asset_pb2_grpc.AssetServiceStub(channel)
        self.FindAssets = stub.FindAssets
        self.GetUpload = stub.GetUpload
        self.ListResultFiles = stub.ListResultFiles
        self.UploadAsset = channel.stream_unary(
            f"/{_SERVICE}/UploadAsset",
            request_serializer=part_to_wire,
            response_deserializer=asset_pb2.UploadAssetResponse.FromString,
        )
        self.DownloadAsset = channel.unary_stream(
            f"/{_SERVICE}/DownloadAsset",
            request_serializer=asset_pb2.DownloadAssetRequest.SerializeToString,
            response_deserializer=piece_from_wire,
        )
        self.DownloadResult = channel.unary_stream(
            f"/{_SERVICE}/DownloadResult",
            request_serializer=asset_pb2.DownloadResultRequest.SerializeToString,
            response_deserializer=piece_from_wire,
        )


def part_to_wire(part: Piece | asset_pb2.UploadAssetRequest) -> bytes:
    """What `SerializeToString` makes of a part of an upload."""
    data = part.data
    if data or isinstance(part, Piece):
        return _head(_PART_TAG, len(data)) + data
    return part.SerializeToString()


def piece_from_wire(wire: bytes) -> Piece | asset_pb2.DownloadResultResponse:
    """What `FromString` of an answer reads; of one that is all data a Piece, which is a view of `wire`."""
    for length in range(2, min(5, len(wire)) + 1):
        head = _head(_PIECE_TAG, len(wire) - length)
        if len(head) == length and wire.startswith(head):
            return Piece(memoryview(wire)[length:])
    return asset_pb2.DownloadResultResponse.FromString(wire)


def _head(tag: int, size: int) -> bytes:
    """What precedes so many bytes of data."""
    head = bytearray((tag,))
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head)
