# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit's way through the server: checked, queued, run, fetched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import grpc
import pytest
from grpc import StatusCode

from bridge_api.v1 import asset_pb2, edit_pb2, job_pb2, media_pb2
from plugin_client.core.connection import Connection
from tests.serving import ServerProcess, finish, get, states, submit, watch


def refusal(call: grpc.RpcError) -> tuple[StatusCode, str]:
    return call.code(), call.details() or ""  # type: ignore[attr-defined]


def test_an_edit_is_checked_against_its_media(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    edit.frames.CopyFrom(media_pb2.FrameRange(first=0, last=3))
    found = connection.edits.CheckEdit(edit_pb2.CheckEditRequest(edit=edit), timeout=60)
    assert (found.facts.frame_count, found.facts.width, found.facts.height) == (5, 64, 64)
    assert (found.facts.rate.numerator, found.facts.rate.denominator) == (25, 1)
    assert (found.frames.first, found.frames.last) == (0, 3)
    assert list(found.region_frames) == [0, 1, 2, 3]
    assert found.bounds == media_pb2.Extent(x=16, y=16, width=32, height=32)


def test_a_job_runs_and_its_result_can_be_fetched(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest
) -> None:
    job_id = submit(connection, edit, "steps=3 pause=0.11")
    events = list(watch(connection, job_id))
    assert states(events) == ["QUEUED", "RUNNING", "SUCCEEDED"]
    steps = [(event.done, event.total) for event in events if event.stage == job_pb2.STAGE_TUNE_MOTION]
    assert steps == [(1, 3), (2, 3), (3, 3)]

    job = get(connection, job_id)
    assert job.created_at.ToNanoseconds() <= job.started_at.ToNanoseconds() <= job.ended_at.ToNanoseconds()
    assert (job.attempts, job.error, job.last_event) == (1, "", events[-1])
    assert job.edit.target == edit.target
    assert job.result.adapter_reused and dict(job.result.stage_seconds) == {"tune_motion": 1.5}
    assert (job.result.facts.frame_count, job.result.frames.last) == (5, 4)

    (file,) = connection.assets.ListResultFiles(asset_pb2.ListResultFilesRequest(job_id=job_id)).files
    assert [file] == list(job.result.files)
    pieces = connection.assets.DownloadResult(asset_pb2.DownloadResultRequest(job_id=job_id, name=file.name))
    content = b"".join(piece.data for piece in pieces)
    assert content == b"0\n1\n2\n" == Path(file.path).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.size_bytes)
    rest = asset_pb2.DownloadResultRequest(job_id=job_id, name=file.name, offset=4)
    assert b"".join(piece.data for piece in connection.assets.DownloadResult(rest)) == b"2\n"


def test_one_key_makes_one_job(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    first = submit(connection, edit, key="one-key")
    assert submit(connection, edit, key="one-key") == first
    with pytest.raises(grpc.RpcError) as call:
        submit(connection, edit, "steps=2", key="one-key")
    assert refusal(call.value)[0] is StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize("key", ["", "x" * 65, "two words", "ümlaut"])
def test_a_key_has_to_be_one(connection: Connection, edit: edit_pb2.EditRequest, key: str) -> None:
    with pytest.raises(grpc.RpcError) as call:
        connection.edits.SubmitEdit(edit_pb2.SubmitEditRequest(idempotency_key=key, edit=edit))
    assert refusal(call.value)[0] is StatusCode.INVALID_ARGUMENT


def spoil(edit: edit_pb2.EditRequest, how: str) -> None:
    match how:
        case "no region":
            edit.ClearField("regions")
        case "keyframe beyond the end":
            edit.keyframes[0].frame = 77
        case "unknown model":
            edit.model = "dreams"
        case "unknown preset":
            edit.preset = 42  # type: ignore[assignment]
        case "not uploaded":
            edit.target.quick_fingerprint = "0" * 64
        case "not a video":
            edit.target.CopyFrom(edit.keyframes[0].image)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("no region", "An edit needs a region"),
        ("keyframe beyond the end", "Keyframe 77 lies outside frames 0-4"),
        ("unknown model", "There is no model 'dreams'"),
        ("unknown preset", "field preset has the value 42"),
        ("not uploaded", "clip.mkv has to be uploaded first: the server sees another file at that path."),
        ("not a video", "key.png"),
    ],
)
def test_a_bad_edit_is_refused_with_one_sentence_and_leaves_nothing(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest, how: str, sentence: str
) -> None:
    folders = set((server.data_dir / "jobs").iterdir())
    spoil(edit, how)
    for call in (
        lambda: submit(connection, edit),
        lambda: connection.edits.CheckEdit(edit_pb2.CheckEditRequest(edit=edit)),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            call()
        code, details = refusal(refused.value)
        assert code is StatusCode.INVALID_ARGUMENT
        assert sentence in details
        assert "\n" not in details and "Traceback" not in details
    assert set((server.data_dir / "jobs").iterdir()) == folders


def test_a_failed_job_says_why(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    job = finish(connection, submit(connection, edit, "end=fail"))
    assert (job.state, job.error) == (job_pb2.JOB_STATE_FAILED, "The script says so: write another.")
    assert not job.HasField("result")
    assert job.last_event.message == job.error


def test_fields_that_this_server_does_not_know_are_kept(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    newer = edit_pb2.EditRequest.FromString(edit.SerializeToString() + b"\xca\x3e\x03new")  # field 1001
    job_id = submit(connection, newer)
    assert get(connection, job_id).edit.SerializeToString(deterministic=True) == newer.SerializeToString(
        deterministic=True
    )


def test_only_result_files_can_be_downloaded(connection: Connection, edit: edit_pb2.EditRequest) -> None:
    job_id = submit(connection, edit)
    finish(connection, job_id)
    for name in ("", "nothing.mkv", "../request.json", "/etc/passwd", "result.txt/", "./result.txt", "\0"):
        with pytest.raises(grpc.RpcError) as call:
            list(connection.assets.DownloadResult(asset_pb2.DownloadResultRequest(job_id=job_id, name=name)))
        assert refusal(call.value)[0] is StatusCode.NOT_FOUND


def test_a_take_whose_files_were_removed_says_so(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest
) -> None:
    take = submit(connection, edit)
    finish(connection, take)
    (server.data_dir / "jobs" / take / "output" / "result.txt").unlink()
    edit.rerender.parent_take = take
    edit.rerender.frames.add(first=0, last=1)
    for call, code in (
        (lambda: submit(connection, edit), StatusCode.INVALID_ARGUMENT),
        (
            lambda: list(
                connection.assets.DownloadResult(asset_pb2.DownloadResultRequest(job_id=take, name="result.txt"))
            ),
            StatusCode.NOT_FOUND,
        ),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            call()
        assert refusal(refused.value)[0] is code
        assert "result.txt" in refusal(refused.value)[1] and "removed from the server" in refusal(refused.value)[1]
