# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that keep a server busy and note what it tells them, and the look at a server whether that still holds.

The jobs are tests/children/paced_worker.py's, on uploaded media.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from random import Random
from uuid import UUID

import grpc

from bridge_api.v1 import asset_pb2, edit_pb2, job_pb2, media_pb2
from bridge_server.checks import Report, report_to_json
from maskedit.request import Extent, FrameRange, MediaFacts, from_json
from plugin_client.core.connection import Connection
from tests.serving import FINAL, ServerProcess, get, submit, watch

STEPS = 12
_PIECE_BYTES = 128 << 10
_LARGEST_BYTES = 700_000


@dataclass
class Told:
    """Uploads, jobs and results by their ids, as the server has acknowledged them.

    `sent`: uploads without an answer yet; `keys`, `edits`: what jobs were made of; `states`, `numbers`: of the last
    event seen; `asked`: jobs that were to be cancelled or deleted, whose end nobody knows until there is an answer.
    """

    assets: set[str] = field(default_factory=set)
    sent: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    edits: dict[str, edit_pb2.EditRequest] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    results: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)


class Clients:
    """One that uploads and `editors` that edit what is uploaded, each in a thread, for the length of the block."""

    def __init__(self, server: ServerProcess, *, seed: int, editors: int = 2) -> None:
        self._server = server
        self._told = Told()
        self._lock = threading.Lock()
        self._over = threading.Event()
        tasks = [self._upload, *[self._edit] * editors]
        self._threads = [
            threading.Thread(target=self._repeat, args=(task, Random(f"{seed} {number}")))
            for number, task in enumerate(tasks)
        ]
        self.trouble: list[Exception] = []

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def told(self) -> Told:
        """What the server has said up to now."""
        with self._lock:
            return deepcopy(self._told)

    def _repeat(self, task: Callable[[Connection, Random], None], dice: Random) -> None:
        try:
            with self._server.connect() as connection:
                while not self._over.is_set():
                    task(connection, dice)
        except Exception as error:
            self.trouble.append(error)

    def _upload(self, connection: Connection, dice: Random) -> None:
        content = dice.randbytes(dice.randrange(1, _LARGEST_BYTES))
        asset_id = hashlib.sha256(content).hexdigest()
        with self._lock:
            self._told.sent[asset_id] = content
        connection.assets.UploadAsset(pieces(content), timeout=60)
        with self._lock:
            self._told.assets.add(asset_id)
            del self._told.sent[asset_id]

    def _edit(self, connection: Connection, dice: Random) -> None:
        assets = sorted(self.told().assets)
        if not assets:
            return
        key = UUID(int=dice.getrandbits(128)).hex
        edit = edit_of(dice.choice(assets))
        job_id = submit(connection, edit, _script(key), key=key)
        with self._lock:
            self._told.keys[job_id], self._told.edits[job_id] = key, edit
            self._told.states[job_id] = job_pb2.JOB_STATE_QUEUED
        fate = dice.choice(("done", "done", "cancelled", "deleted"))
        if fate == "cancelled":
            self._over.wait(dice.uniform(0, 0.3))
            self._cancel(connection, job_id)
        for event in watch(connection, job_id):
            with self._lock:
                self._told.states[job_id], self._told.numbers[job_id] = event.state, event.sequence
        files = {file.name: file.sha256 for file in get(connection, job_id).result.files}
        with self._lock:
            self._told.results[job_id] = files
        if fate == "deleted":
            self._delete(connection, job_id)

    def _cancel(self, connection: Connection, job_id: str) -> None:
        with self._lock:
            self._told.asked.add(job_id)
        state = connection.jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id), timeout=60).state
        with self._lock:
            self._told.states[job_id] = state

    def _delete(self, connection: Connection, job_id: str) -> None:
        with self._lock:
            self._told.asked.add(job_id)
        connection.jobs.DeleteJob(job_pb2.DeleteJobRequest(job_id=job_id), timeout=60)
        with self._lock:
            self._told.gone.add(job_id)


def check(told: Told, connection: Connection, data_dir: Path) -> None:
    """Assert that the server on `data_dir` holds what was told, and goes on with it to the end."""
    for asset_id in told.assets:
        assert _downloaded(connection, asset_id) == asset_id
    for asset_id, content in told.sent.items():
        _send_rest(connection, content)
        assert _downloaded(connection, asset_id) == asset_id
    for job_id, key in told.keys.items():
        if job_id in told.asked and _is_gone(connection, job_id):
            continue
        assert job_id not in told.gone
        _check_job(told, connection, job_id, data_dir / "jobs" / job_id)
        assert submit(connection, told.edits[job_id], _script(key), key=key) == job_id


def _check_job(told: Told, connection: Connection, job_id: str, folder: Path) -> None:
    (clip,) = from_json((folder / "request.json").read_bytes()).target.locations
    assert hashlib.sha256(Path(clip).read_bytes()).hexdigest() in told.assets
    before, now = told.states[job_id], get(connection, job_id).state
    assert before not in FINAL or now == before, (before, now)
    # Whoever watched before the cut goes on watching after the last event seen, and hears of the end.
    heard = list(watch(connection, job_id, after=told.numbers.get(job_id, 0)))
    assert before in FINAL or heard[-1].state in FINAL
    changes = [event.state for event in watch(connection, job_id) if event.stage == job_pb2.STAGE_UNSPECIFIED]
    assert [state in FINAL for state in changes] == [False] * (len(changes) - 1) + [True]
    job = get(connection, job_id)
    expected = {job_pb2.JOB_STATE_SUCCEEDED} | ({job_pb2.JOB_STATE_CANCELLED} if job_id in told.asked else set())
    assert job.state in expected, job.error
    files = {file.name: file.sha256 for file in job.result.files}
    assert told.results.get(job_id, files) == files
    for name, sha256 in files.items():
        request = asset_pb2.DownloadResultRequest(job_id=job_id, name=name)
        content = b"".join(piece.data for piece in connection.assets.DownloadResult(request, timeout=60))
        assert hashlib.sha256(content).hexdigest() == sha256
        # The worker appends: what an attempt had not synced when the power went came back as zeros.
        assert {int(step) for step in content.replace(b"\0", b" ").split()} == set(range(STEPS))


def pieces(content: bytes, *, offset: int = 0) -> Iterator[asset_pb2.UploadAssetRequest]:
    """An upload from `offset` on."""
    asset_id = hashlib.sha256(content).hexdigest()
    begin = asset_pb2.UploadBegin(asset_id=asset_id, size_bytes=len(content), offset=offset)
    yield asset_pb2.UploadAssetRequest(begin=begin)
    for start in range(offset, len(content), _PIECE_BYTES):
        yield asset_pb2.UploadAssetRequest(data=content[start : start + _PIECE_BYTES])


def edit_of(asset_id: str) -> edit_pb2.EditRequest:
    """An edit whose media are all that one upload: for checks that do not look at them."""
    media = media_pb2.MediaReference(asset_ids=[asset_id], display_name="clip.mkv")
    region = edit_pb2.Region(mattes=[edit_pb2.Matte(media=media)])
    return edit_pb2.EditRequest(target=media, regions=[region], keyframes=[edit_pb2.Keyframe(frame=0, image=media)])


def report_of_a_tiny_clip() -> str:
    """What a check finds, for a server that does not look."""
    return report_to_json(
        Report(
            facts=MediaFacts(frame_count=5, width=64, height=64, rate=Fraction(25), pixel_format="bgr0"),
            frames=FrameRange(first=0, last=4),
            region_frames=(0,),
            bounds=Extent(x=0, y=0, width=64, height=64),
        )
    )


def _script(key: str) -> str:
    return f"steps={STEPS} checkpoint=4 pause=0.01 phases=1 round={key}"


def _downloaded(connection: Connection, asset_id: str) -> str:
    digest = hashlib.sha256()
    for piece in connection.assets.DownloadAsset(asset_pb2.DownloadAssetRequest(asset_id=asset_id), timeout=60):
        digest.update(piece.data)
    return digest.hexdigest()


def _send_rest(connection: Connection, content: bytes) -> None:
    """As a client does it: from the server's offset on, and where what it holds is damaged, all of it once more."""
    asset_id = hashlib.sha256(content).hexdigest()
    for _ in range(2):
        held = connection.assets.GetUpload(asset_pb2.GetUploadRequest(asset_id=asset_id), timeout=20)
        try:
            connection.assets.UploadAsset(pieces(content, offset=held.offset), timeout=60)
            return
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.DATA_LOSS  # type: ignore[attr-defined]
    raise AssertionError("an upload was refused twice")


def _is_gone(connection: Connection, job_id: str) -> bool:
    try:
        get(connection, job_id)
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]
        return True
    return False
