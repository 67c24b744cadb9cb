# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of files: on the wire as protobuf would write them, and written in their order, or not at all any more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from bridge_api.v1 import asset_pb2
from bridge_server.rpc import pieces as servers
from bridge_server.rpc.files import PIECE_BYTES, write_behind
from bridge_server.rpc.pieces import part_from_wire, piece_to_wire
from plugin_client.core import pieces as clients
from plugin_client.core.pieces import part_to_wire, piece_from_wire

sizes = st.one_of(st.integers(0, 300), st.sampled_from([127, 128, 16383, 16384, PIECE_BYTES, PIECE_BYTES + 1]))


@given(size=sizes, first=st.binary(max_size=3))
def test_a_piece_is_what_protobuf_makes_of_it(size: int, first: bytes) -> None:
    data = first.ljust(size, b"x")
    part = asset_pb2.UploadAssetRequest(data=data)
    assert part_to_wire(part) == part.SerializeToString()
    for kind in (asset_pb2.DownloadAssetResponse, asset_pb2.DownloadResultResponse):
        assert piece_to_wire(kind(data=data)) == kind(data=data).SerializeToString()


@given(size=sizes, first=st.binary(max_size=3))
def test_a_piece_is_read_as_it_was_sent_and_not_copied(size: int, first: bytes) -> None:
    data = first.ljust(size, b"x")
    part = part_from_wire(part_to_wire(clients.Piece(data)))
    assert isinstance(part, servers.Piece) and isinstance(part.data, memoryview) and part.data == data
    wire = piece_to_wire(servers.Piece(data))
    answer = piece_from_wire(wire)
    assert answer.data == data
    assert not data or (isinstance(answer.data, memoryview) and answer.data.obj is wire)


# Heads of other fields, of sizes in more bytes than needed or without an end, and of sizes that are not so.
heads = st.lists(st.sampled_from([0x00, 0x02, 0x05, 0x0A, 0x12, 0x18, 0x7F, 0x80, 0x85, 0xFF]), max_size=7).map(bytes)


@given(wire=st.one_of(st.binary(max_size=12), st.builds(bytes.__add__, heads, st.binary(max_size=140))))
def test_what_is_no_plain_piece_is_read_as_protobuf_reads_it(wire: bytes) -> None:
    for read, kind in (
        (part_from_wire, asset_pb2.UploadAssetRequest),
        (piece_from_wire, asset_pb2.DownloadAssetResponse),
        (piece_from_wire, asset_pb2.DownloadResultResponse),
    ):
        try:
            expected = kind.FromString(wire).data
        except DecodeError:
            with pytest.raises(DecodeError):
                read(wire)
        else:
            assert read(wire).data == expected


def test_what_begins_an_upload_is_no_piece() -> None:
    begin = asset_pb2.UploadAssetRequest(begin=asset_pb2.UploadBegin(asset_id="0" * 64, size_bytes=7, offset=3))
    assert asset_pb2.UploadAssetRequest.FromString(part_to_wire(begin)) == begin == part_from_wire(part_to_wire(begin))


async def arriving(count: int, *, after_each: Callable[[], object] = lambda: None) -> AsyncIterator[bytes]:
    for number in range(count):
        yield number.to_bytes(2, "big")
        after_each()
        await asyncio.sleep(0)


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_pieces_are_written_in_their_order(count: int) -> None:
    written: list[bytes] = []
    asyncio.run(write_behind(arriving(count), written.append))
    assert written == [number.to_bytes(2, "big") for number in range(count)]


def test_a_slow_disk_holds_the_sender_back() -> None:
    taken = 0
    disk = threading.Event()
    most_ahead = 0
    written = 0

    def take() -> None:
        nonlocal taken, most_ahead
        taken += 1
        most_ahead = max(most_ahead, taken - written)
        if taken == 3:
            disk.set()

    def write(piece: bytes) -> None:
        nonlocal written
        disk.wait(10)
        time.sleep(0.001)
        written += 1

    asyncio.run(write_behind(arriving(60, after_each=take), write))
    assert written == 60
    # A batch that is being written, one that waits, and the piece at hand.
    assert 2 <= most_ahead <= 17


def test_after_a_failed_write_no_other_is_tried() -> None:
    written: list[bytes] = []

    def write(piece: bytes) -> None:
        written.append(piece)
        if len(written) == 5:
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        asyncio.run(write_behind(arriving(200), write))
    assert len(written) == 5


def test_a_cut_stream_leaves_no_write_under_way() -> None:
    written: list[bytes] = []

    async def cut() -> AsyncIterator[bytes]:
        async for piece in arriving(4):
            yield piece
        raise ConnectionError

    def write(piece: bytes) -> None:
        time.sleep(0.01)
        written.append(piece)

    with pytest.raises(ConnectionError):
        asyncio.run(write_behind(cut(), write))
    settled = list(written)
    time.sleep(0.03)
    assert written == settled == sorted(settled)
