# SPDX-License-Identifier: GPL-3.0-or-later
"""The asset service's stub, whose uploads are serialised by us: protobuf takes over a millisecond for 1 MiB."""

from __future__ import annotations

from functools import lru_cache

import grpc

from bridge_api.v1 import asset_pb2, asset_pb2_grpc

_UPLOAD = "/{}/UploadAsset".format(asset_pb2.DESCRIPTOR.services_by_name["AssetService"].full_name)


def asset_stub(channel: grpc.Channel) -> asset_pb2_grpc.AssetServiceStub:
    """The generated stub, with `part_to_wire` for what it uploads."""
    stub = asset_pb2_grpc.AssetServiceStub(channel)
    stub.UploadAsset = channel.stream_unary(
        _UPLOAD, request_serializer=part_to_wire, response_deserializer=asset_pb2.UploadAssetResponse.FromString
    )
    return stub


def part_to_wire(part: asset_pb2.UploadAssetRequest) -> bytes:
    """`part.SerializeToString()`, quicker by ten times for a piece of data."""
    data = part.data
    return _head(len(data)) + data if data else part.SerializeToString()


@lru_cache(4)
def _head(size: int) -> bytes:
    """What precedes so many bytes of data in a message."""
    whole = asset_pb2.UploadAssetRequest(data=bytes(size)).SerializeToString()
    return whole[: len(whole) - size]
