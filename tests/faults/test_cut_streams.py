# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams cut at each chunk and at each event go on from there, with nothing missing and nothing twice."""

from __future__ import annotations

import hashlib
import itertools
import random
import time
from collections.abc import Iterator

import grpc
import pytest

from bridge_api.v1 import asset_pb2, edit_pb2
from plugin_client.core.connection import Connection
from tests.serving import ServerProcess, states, submit, watch

MIB = 1 << 20


class _CutError(Exception):
    """The client's end of a stream breaks."""


def parts(content: bytes, offset: int, *, chunks: int | None = None) -> Iterator[asset_pb2.UploadAssetRequest]:
    """An upload from `offset`; one that breaks after so many `chunks`."""
    asset_id = hashlib.sha256(content).hexdigest()
    begin = asset_pb2.UploadBegin(asset_id=asset_id, size_bytes=len(content), offset=offset)
    yield asset_pb2.UploadAssetRequest(begin=begin)
    for number, start in enumerate(range(offset, len(content), MIB)):
        if number == chunks:
            raise _CutError
        yield asset_pb2.UploadAssetRequest(data=content[start : start + MIB])
    if chunks is not None:
        raise _CutError


def go_on(connection: Connection, content: bytes) -> int:
    """Resume an upload as docs/protocol.md says; returns the offset it went on from."""
    asset_id = hashlib.sha256(content).hexdigest()
    while True:
        offset = connection.assets.GetUpload(asset_pb2.GetUploadRequest(asset_id=asset_id)).offset
        try:
            connection.assets.UploadAsset(parts(content, offset))
            return offset
        except grpc.RpcError as error:
            # The server may not have noticed the cut yet, or still have been writing when it was asked.
            assert error.code() in (grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION)  # type: ignore[attr-defined]
            time.sleep(0.02)


def test_a_transfer_goes_on_wherever_it_was_cut(server: ServerProcess, budget: dict[str, int]) -> None:
    count, chance = budget["cut_chunks"], random.Random(5)
    with server.connect() as connection:
        for cut in range(count + 1):
            content = chance.randbytes(count * MIB - 100)
            with pytest.raises(grpc.RpcError):
                connection.assets.UploadAsset(parts(content, 0, chunks=cut))
            assert go_on(connection, content) <= cut * MIB

            request = asset_pb2.DownloadAssetRequest(asset_id=hashlib.sha256(content).hexdigest())
            stream = connection.assets.DownloadAsset(request)
            begun = b"".join(piece.data for piece in itertools.islice(stream, cut))
            stream.cancel()
            request.offset = len(begun)
            rest = b"".join(piece.data for piece in connection.assets.DownloadAsset(request))
            assert begun + rest == content
    print(f'{{"streams cut": {2 * (count + 1)}, "chunks of 1 MiB": {count}}}')


def test_watching_goes_on_after_each_event(server: ServerProcess, edit: edit_pb2.EditRequest) -> None:
    with server.connect() as connection:
        job_id = submit(connection, edit, "steps=12 pause=0.01")
        seen = []
        while not seen or states(seen)[-1] != "SUCCEEDED":
            seen.append(next(iter(watch(connection, job_id, after=seen[-1].sequence if seen else 0))))
        everything = list(watch(connection, job_id))
    assert [event.sequence for event in seen] == [event.sequence for event in everything]
    assert seen == everything
