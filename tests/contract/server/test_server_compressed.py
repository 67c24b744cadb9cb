# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads as compressed messages: a thousand times smaller on the way than on the server's disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import grpc
import psutil
import pytest
from grpc import StatusCode

from bridge_api.v1 import asset_pb2, asset_pb2_grpc
from plugin_client.core.token_channel import TokenChannel
from tests.serving import ServerProcess

MIB = 1 << 20
Parts = Iterator[asset_pb2.UploadAssetRequest]


@pytest.fixture
def compressing(own_server: ServerProcess) -> Iterator[asset_pb2_grpc.AssetServiceStub]:
    """A client that compresses what it sends, and messages of any size, to a server with room for 8 MB."""
    own_server.options += ("--asset-quota-gb", "0.008")
    said = own_server.start().facts
    options = (("grpc.max_send_message_length", -1),)
    with grpc.insecure_channel(said["address"], options, compression=grpc.Compression.Gzip) as channel:
        yield asset_pb2_grpc.AssetServiceStub(TokenChannel(channel, lambda: said["token"]))  # type: ignore[arg-type]


def zeros(size: int, *, announced: int | None = None, piece: int = MIB) -> Parts:
    said = size if announced is None else announced
    asset_id = hashlib.sha256(bytes(size)).hexdigest()
    yield asset_pb2.UploadAssetRequest(begin=asset_pb2.UploadBegin(asset_id=asset_id, size_bytes=said))
    for start in range(0, size, piece):
        yield asset_pb2.UploadAssetRequest(data=bytes(min(piece, size - start)))


def refusal(stub: asset_pb2_grpc.AssetServiceStub, parts: Parts) -> StatusCode:
    with pytest.raises(grpc.RpcError) as call:
        stub.UploadAsset(parts, timeout=20)
    return call.value.code()


def on_disk(server: ServerProcess) -> int:
    return sum(path.stat().st_size for path in (server.data_dir / "assets").rglob("*") if path.is_file())


def test_what_counts_is_what_lands_on_the_disk(
    compressing: asset_pb2_grpc.AssetServiceStub, own_server: ServerProcess
) -> None:
    assert compressing.UploadAsset(zeros(6 * MIB), timeout=20).size_bytes == 6 * MIB == on_disk(own_server)
    assert refusal(compressing, zeros(3 * MIB)) is StatusCode.RESOURCE_EXHAUSTED
    assert refusal(compressing, zeros(2 * MIB, announced=MIB)) is StatusCode.INVALID_ARGUMENT
    assert on_disk(own_server) <= 7 * MIB


def test_a_message_that_unpacks_beyond_the_limit_is_not_unpacked(
    compressing: asset_pb2_grpc.AssetServiceStub, own_server: ServerProcess
) -> None:
    process = psutil.Process(own_server.pid)
    before = process.memory_info().rss
    size = 100 * MIB
    assert refusal(compressing, zeros(size, announced=MIB, piece=size)) is StatusCode.RESOURCE_EXHAUSTED
    assert on_disk(own_server) == 0 and process.memory_info().rss - before < 50 * MIB
    assert compressing.UploadAsset(zeros(MIB), timeout=20).size_bytes == MIB
