# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads over the wire: resumed where they were cut, checked, found again, fetched back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc import StatusCode

from bridge_api.v1 import asset_pb2, edit_pb2, job_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.media import reference
from tests.serving import ServerProcess, finish, submit, wait_until

MIB = 1 << 20


def parts(
    content: bytes, *, offset: int = 0, upto: int | None = None, claimed: bytes | None = None
) -> Iterator[asset_pb2.UploadAssetRequest]:
    asset_id = hashlib.sha256(content if claimed is None else claimed).hexdigest()
    begin = asset_pb2.UploadBegin(asset_id=asset_id, size_bytes=len(content), offset=offset)
    yield asset_pb2.UploadAssetRequest(begin=begin)
    for start in range(offset, len(content) if upto is None else upto, MIB):
        yield asset_pb2.UploadAssetRequest(data=content[start : start + MIB])


def held(connection: Connection, content: bytes) -> tuple[int, bool]:
    request = asset_pb2.GetUploadRequest(asset_id=hashlib.sha256(content).hexdigest())
    answer = connection.assets.GetUpload(request)
    return answer.offset, answer.complete


def refusal(connection: Connection, messages: Iterator[asset_pb2.UploadAssetRequest]) -> StatusCode:
    with pytest.raises(grpc.RpcError) as call:
        connection.assets.UploadAsset(messages)
    return call.value.code()  # type: ignore[attr-defined]


def download(connection: Connection, content: bytes, *, offset: int = 0) -> list[bytes | memoryview]:
    asset_id = hashlib.sha256(content).hexdigest()
    request = asset_pb2.DownloadAssetRequest(asset_id=asset_id, offset=offset)
    return [response.data for response in connection.assets.DownloadAsset(request)]


def test_what_goes_up_comes_down(connection: Connection) -> None:
    content = os.urandom(2 * MIB + 5)
    answer = connection.assets.UploadAsset(parts(content))
    assert (answer.asset_id, answer.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert held(connection, content) == (len(content), True)
    pieces = download(connection, content)
    assert [len(piece) for piece in pieces] == [MIB, MIB, 5]
    assert b"".join(pieces) == content
    assert b"".join(download(connection, content, offset=MIB + 7)) == content[MIB + 7 :]


def test_an_upload_that_is_cut_goes_on_from_the_servers_offset(connection: Connection) -> None:
    content = os.urandom(3 * MIB)

    def cut() -> Iterator[asset_pb2.UploadAssetRequest]:
        yield from parts(content, upto=2 * MIB)
        wait_until(lambda: held(connection, content)[0] == 2 * MIB)
        raise ConnectionError("the client is gone")

    with pytest.raises(grpc.RpcError):
        connection.assets.UploadAsset(cut())
    assert held(connection, content) == (2 * MIB, False)

    def go_on() -> bool:
        try:
            connection.assets.UploadAsset(parts(content, offset=2 * MIB))
        except grpc.RpcError as error:
            assert error.code() is StatusCode.ABORTED  # type: ignore[attr-defined]
            return False  # the server has not noticed yet that the first call is over
        return True

    wait_until(go_on)
    assert held(connection, content) == (3 * MIB, True)


def test_another_offset_is_refused(connection: Connection) -> None:
    content = os.urandom(2 * MIB)
    assert refusal(connection, parts(content, offset=MIB)) is StatusCode.FAILED_PRECONDITION


def test_an_upload_that_ends_early_is_refused_and_kept(connection: Connection) -> None:
    content = os.urandom(2 * MIB)
    assert refusal(connection, parts(content, upto=MIB)) is StatusCode.FAILED_PRECONDITION
    assert held(connection, content) == (MIB, False)


def test_wrong_bytes_are_data_loss(connection: Connection) -> None:
    content = os.urandom(100)
    assert refusal(connection, parts(b"x" * 100, claimed=content)) is StatusCode.DATA_LOSS
    assert held(connection, content) == (0, False)


def test_a_file_too_big_for_the_disk_is_refused_at_once(connection: Connection) -> None:
    begin = asset_pb2.UploadBegin(asset_id="0" * 64, size_bytes=1 << 60)
    assert refusal(connection, iter([asset_pb2.UploadAssetRequest(begin=begin)])) is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [asset_pb2.UploadAssetRequest()],
        [asset_pb2.UploadAssetRequest(data=b"x")],
        [asset_pb2.UploadAssetRequest(begin=asset_pb2.UploadBegin(asset_id="../../x", size_bytes=1))],
    ],
)
def test_uploads_that_begin_wrongly_are_refused(
    connection: Connection, messages: list[asset_pb2.UploadAssetRequest]
) -> None:
    assert refusal(connection, iter(messages)) is StatusCode.INVALID_ARGUMENT


def test_missing_assets_are_not_found(connection: Connection) -> None:
    with pytest.raises(grpc.RpcError) as call:
        download(connection, b"never uploaded")
    assert call.value.code() is StatusCode.NOT_FOUND  # type: ignore[attr-defined]


def test_the_server_says_what_it_can_read_has_and_lacks(connection: Connection, tmp_path: Path) -> None:
    uploaded = os.urandom(50)
    connection.assets.UploadAsset(parts(uploaded))
    here, changed, stored, lacking = (reference(str(_write(tmp_path / name))) for name in ("a", "b", "c", "d"))
    changed.quick_fingerprint = "0" * 64
    for one in (stored, lacking):
        one.ClearField("locations")
    stored.asset_ids.append(hashlib.sha256(uploaded).hexdigest())
    lacking.asset_ids.extend([stored.asset_ids[0], "f" * 64])
    request = asset_pb2.FindAssetsRequest(references=[here, changed, stored, lacking])
    found = connection.assets.FindAssets(request).found
    assert [asset_pb2.Availability.Name(one.availability).removeprefix("AVAILABILITY_") for one in found] == [
        "READABLE",
        "UPLOAD_NEEDED",
        "STORED",
        "UPLOAD_NEEDED",
    ]
    assert [list(one.missing_asset_ids) for one in found] == [[], [], [], ["f" * 64]]
    assert found[0].reason == "" != found[1].reason


def test_an_edit_runs_on_uploads_alone(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest
) -> None:
    for one in (edit.target, edit.regions[0].mattes[0].media, edit.keyframes[0].image):
        content = Path(one.locations[0]).read_bytes()
        connection.assets.UploadAsset(parts(content))
        one.ClearField("locations")
        one.asset_ids.append(hashlib.sha256(content).hexdigest())
    job_id = submit(connection, edit)
    assert finish(connection, job_id).state == job_pb2.JOB_STATE_SUCCEEDED
    assert (server.data_dir / "jobs" / job_id / "inputs" / "1" / "clip.mkv").stat().st_nlink == 2


def _write(path: Path) -> Path:
    path.write_bytes(os.urandom(10))
    return path
