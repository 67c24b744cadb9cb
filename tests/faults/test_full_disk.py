# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk without room, for real: one sentence that says so, nothing half made, and on it goes once there is room."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch

from bridge_api.v1 import asset_pb2, job_pb2
from maskedit.caching import save_atomically
from maskedit.errors import OutputError
from maskedit.exchange import __main__ as exchange
from maskedit.media import ClipWriter, PlateFrame
from maskedit.media.pixels import layout_of
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, FrameRange, MediaFacts
from plugin_client.core.connection import Connection
from tests.faults.disks import Disk, disk
from tests.faults.told import edit_of, pieces, report_of_a_tiny_clip
from tests.serving import ServerProcess, finish, get, submit, wait_until

CONTENT = bytes(range(256)) * 8000
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with disk(tmp_path_factory.mktemp("full")) as one:
        yield one


@pytest.fixture
def roomy(made: Disk) -> Iterator[Disk]:
    yield made
    made.make_room()


@pytest.fixture(scope="module")
def server(made: Disk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    report = tmp_path_factory.mktemp("report") / "report.json"
    report.write_text(report_of_a_tiny_clip())
    process = ServerProcess(made.path / "data", environment={"PACED_REPORT": str(report)})
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture
def connection(server: ServerProcess) -> Iterator[Connection]:
    with server.connect() as opened:
        yield opened


def refused(call: Callable[[], object]) -> str:
    """The sentence with which the server says that it has no room."""
    with pytest.raises(grpc.RpcError) as failed:
        call()
    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, failed.value  # type: ignore[attr-defined]
    return str(failed.value.details())  # type: ignore[attr-defined]


def test_uploads_and_submissions_are_refused_in_a_sentence(
    roomy: Disk, server: ServerProcess, connection: Connection
) -> None:
    clip = b"a clip"
    connection.assets.UploadAsset(pieces(clip))
    edit = edit_of(hashlib.sha256(clip).hexdigest())
    roomy.fill(leaving=20_000_000)
    assert refused(lambda: connection.assets.UploadAsset(pieces(CONTENT))) == (
        "The server's disk has no room for 2 MB more: 0 MB are to spare beside the 1.1 GB that stay free, so delete "
        "old jobs with `maskedit jobs delete`, or make room there."
    )
    assert refused(lambda: submit(connection, edit, "steps=1", key="full")) == (
        "The result takes at least 0 MB and the server's disk has 0 MB to spare: delete old jobs with `maskedit jobs "
        "delete`, render fewer frames, or deliver a smaller format."
    )
    roomy.fill(leaving=0)
    without_figures = "The server's disk is full: free some space there."
    assert refused(lambda: submit(connection, edit, "steps=1", key="full")) == without_figures
    assert list((server.data_dir / "jobs").iterdir()) == []
    roomy.make_room()
    connection.assets.UploadAsset(pieces(CONTENT))
    job = finish(connection, submit(connection, edit, "steps=1", key="full"))
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED


def test_an_upload_that_fills_the_disk_goes_on_from_where_it_stood(roomy: Disk, connection: Connection) -> None:
    content = CONTENT[::-1]
    asset_id = hashlib.sha256(content).hexdigest()

    def held() -> int:
        return connection.assets.GetUpload(asset_pb2.GetUploadRequest(asset_id=asset_id)).offset

    def while_the_disk_fills() -> Iterator[asset_pb2.UploadAssetRequest]:
        for number, piece in enumerate(pieces(content)):
            if number == 4:
                wait_until(lambda: held() > 0)
                roomy.fill(leaving=0)
            yield piece

    sentence = refused(lambda: connection.assets.UploadAsset(while_the_disk_fills()))
    assert sentence == "The server's disk is full: free some space there."
    roomy.make_room()
    wait_until(lambda: connection.assets.UploadAsset(pieces(content, offset=held())).asset_id == asset_id)


def test_a_job_that_finds_the_disk_full_says_so_and_the_next_one_is_done(
    roomy: Disk, server: ServerProcess, connection: Connection, tmp_path: Path
) -> None:
    clip = b"a clip"
    connection.assets.UploadAsset(pieces(clip))
    hold = tmp_path / "go-on"
    job_id = submit(
        connection, edit_of(hashlib.sha256(clip).hexdigest()), f"steps=30 pause=0.02 checkpoint=1 hold={hold}"
    )
    wait_until(lambda: get(connection, job_id).last_event.done > 2)
    roomy.fill(leaving=0)
    # Its database has no room either: what happened is written down when there is some.
    wait_until(lambda: not server.workers() or get(connection, job_id).error, seconds=30)
    roomy.make_room()
    job = finish(connection, job_id)
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert "The disk of" in job.error and "is full: 0 MB are left" in job.error and "retry" in job.error
    hold.touch()
    request = job_pb2.RetryJobRequest(job_id=job_id, idempotency_key="again")
    again = finish(connection, connection.jobs.RetryJob(request).job_id)
    assert again.state == job_pb2.JOB_STATE_SUCCEEDED


@pytest.mark.parametrize(("name", "pixel_bytes"), [("MKV", 3), ("PNG", 8), ("CACHE", 8)])
def test_a_result_that_does_not_fit_says_how_much_is_needed(
    roomy: Disk, write_clip: Callable[..., Path], name: str, pixel_bytes: int
) -> None:
    """Noise, of which every format takes as much as it can: 200 frames of 160 x 160."""
    facts = MediaFacts(frame_count=200, width=160, height=160, rate=Fraction(25), pixel_format="gbrp")
    kind = DeliverableKind.FULL if name == "MKV" else DeliverableKind.PATCH
    format_ = DeliverableFormat[name]
    path = roomy.path / ("result" if format_.is_sequence else f"result{format_.suffix}")
    writer = ClipWriter(
        path,
        deliverable=Deliverable(kind=kind, format=format_),
        facts=facts,
        source=str(write_clip("clip.mkv", np.zeros((1, 160, 160, 3), np.uint8))),
        frames=FrameRange(first=0, last=199),
        first_number=0,
    )
    roomy.fill(leaving=2_000_000)
    there = set(roomy.path.iterdir())
    noise = np.random.default_rng(1)
    layout = layout_of(writer.pixel_format)
    with pytest.raises(OutputError) as failed, writer:
        for number in range(200):
            planes = [noise.random((160, 160)) * (1 if layout.is_float else (1 << layout.depth) - 1) for _ in "RGBA"]
            shown = tuple(plane.astype(layout.dtype) for plane in planes[: layout.plane_count])
            writer.write(PlateFrame(number=number, planes=shown, pixel_format=writer.pixel_format))
    said, _, rest = str(failed.value).partition(" and about ")
    megabytes, _, after = rest.partition(" ")
    assert said == f"{path.name} cannot be written (No space left on device,"
    assert after == "MB more are needed): make room or choose another place."
    # 2 MB of all are there.
    assert 0.8 < (2 + int(megabytes)) / (200 * 160 * 160 * pixel_bytes / 1e6) < 1.3
    assert set(roomy.path.iterdir()) == there


def test_an_export_that_does_not_fit_is_no_damaged_adapter(
    roomy: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {f"transformer.blocks.0.attn1.to_q.lora_{part}.weight": torch.ones(512, 512) for part in "AB"}
    metadata = {"format_version": "1", "rank": "512", "alpha": "512", "experts": "transformer"}
    save_atomically(own, tmp_path / "own.safetensors", metadata=metadata)
    asked = {"file": str(tmp_path / "own.safetensors"), "out": str(roomy.path / "out"), "format": "comfyui"}

    def converted() -> dict[str, object]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asked | {"expert": ""})))
        exchange.main()
        return json.loads(capsys.readouterr().out)

    roomy.fill(leaving=100_000)
    said = converted()
    wanted = f"The disk of {roomy.path} is full: 0 MB are left and about 2 MB more are needed: free some space there"
    assert not said["ok"] and str(said["error"]).startswith(wanted)
    roomy.make_room()
    assert converted() == {"ok": True}
