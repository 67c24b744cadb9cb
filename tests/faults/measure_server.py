# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server costs and how fast it moves bytes: `python -m tests.faults.measure_server [--megabytes N]`.

Prints one JSON object. Transfers are measured beside a bare gRPC stream between two processes of the same run, whose
server neither hashes nor stores: `bare` carries bytes, `framed` the same messages as ours as protobuf writes them.
`storing` is what an upload needs besides, by itself: taken from memory, hashed, on the disk and under its name. From
these come two limits of `up / bare`. `here`: where transfer and storing share this machine's cores and leave none idle.
`cores to spare`: where neither waits for the other, and the slower one decides, each as it was measured with the
machine for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import grpc.aio
import psutil

from bridge_api.v1 import asset_pb2, edit_pb2, job_pb2
from bridge_server.assets import AssetStore
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.store import JobStore
from plugin_client.core.pieces import AssetStub, Piece
from tests.serving import REAL, ServerProcess

MIB = 1 << 20
JOBS = 1000
ROUNDS = 5
IDLE_SECONDS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--bare-server", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare_server:
        asyncio.run(_serve_bare())
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_measure(Path(folder), options.megabytes), indent=1))


def _measure(folder: Path, megabytes: int) -> dict[str, float]:
    _fill(folder / "full", JOBS)
    figures = {"start seconds": statistics.median(_starts(folder / "empty", count=ROUNDS))}
    server = ServerProcess(folder / "full", command=REAL).start()
    try:
        with server.connect() as connection:
            connection.system()
            time.sleep(IDLE_SECONDS)
            figures["idle RSS MB"] = psutil.Process(server.pid).memory_info().rss / 1e6
            for size in (50, 200):
                figures[f"{size} of {JOBS} jobs ms"] = 1e3 * _best(lambda size=size: _list(connection.jobs, size))
            figures[f"all {JOBS} jobs ms"] = 1e3 * _best(lambda: _list_all(connection.jobs))
            figures |= _transfers(connection.assets, megabytes, server=psutil.Process(server.pid), folder=folder)
    finally:
        server.stop()
    return {name: round(figure, 3) for name, figure in figures.items()}


def _fill(data_dir: Path, count: int) -> None:
    """A store of so many queued jobs whose queue is paused."""
    data_dir.mkdir()
    store = JobStore(data_dir / "jobs.sqlite")
    store.set_paused(True)
    edit = edit_pb2.EditRequest(prompt="a red house under a blue sky", keyframes=[edit_pb2.Keyframe(frame=0)])
    for number in range(count):
        new = NewJob(job_id=str(number), idempotency_key=str(number), request=edit.SerializeToString(), report="{}")
        store.add(new)
    store.close()


def _starts(data_dir: Path, *, count: int) -> Iterator[float]:
    """Seconds from the start of the process to the runtime file of a server that answers."""
    for _ in range(count):
        server = ServerProcess(data_dir, command=REAL)
        began = time.perf_counter()
        server.start()
        with server.connect() as connection:
            connection.system()
            yield time.perf_counter() - began
        server.stop()


def _best(work: Callable[[], object]) -> float:
    """Seconds: the least of a few rounds, which is what the work takes where nothing else runs."""
    return min(_timed(work) for _ in range(ROUNDS))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _list(jobs: object, size: int, token: str = "") -> str:
    page = jobs.ListJobs(job_pb2.ListJobsRequest(page_size=size, page_token=token))  # type: ignore[attr-defined]
    assert len(page.jobs) == size
    return page.next_page_token


def _list_all(jobs: object) -> None:
    token = _list(jobs, 200)
    while token:
        token = _list(jobs, 200, token)


def _transfers(assets: AssetStub, megabytes: int, *, server: psutil.Process, folder: Path) -> dict[str, float]:
    """Bytes per second up and down, ours and bare, in turns, so that what else the machine does hits both."""
    command = [sys.executable, "-m", "tests.faults.measure_server", "--bare-server"]
    forgetful = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert forgetful.stdout is not None
    store = AssetStore(folder / "storing", quota_bytes=1 << 40)
    costs: dict[str, list[Cost]] = {}
    try:
        with grpc.insecure_channel(f"127.0.0.1:{int(forgetful.stdout.readline())}", options=_LIMITS) as channel:
            bare_up, bare_down = channel.stream_unary("/bare/up"), channel.unary_stream("/bare/down")
            framed_up = channel.stream_unary(
                "/bare/framed_up", request_serializer=asset_pb2.UploadAssetRequest.SerializeToString
            )
            framed_down = channel.unary_stream(
                "/bare/framed_down", response_deserializer=asset_pb2.DownloadAssetResponse.FromString
            )
            bare = psutil.Process(forgetful.pid)
            amount = str(megabytes).encode()
            for _ in range(ROUNDS):
                content = os.urandom(MIB) * (megabytes - 1) + os.urandom(MIB)
                begin = asset_pb2.UploadBegin(asset_id=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
                request = asset_pb2.DownloadAssetRequest(asset_id=begin.asset_id)
                turns: dict[str, tuple[psutil.Process | None, Callable[[], object]]] = {
                    "bare up": (bare, partial(bare_up, _pieces(content))),
                    "up": (server, partial(assets.UploadAsset, _upload(content, begin))),
                    "framed up": (bare, partial(framed_up, _messages(content, begin))),
                    "storing": (None, partial(_store, store, content, begin.asset_id)),
                    "framed down": (bare, lambda: _drain(framed_down(amount))),
                    "bare down": (bare, lambda: _drain(bare_down(amount))),
                    "down": (server, partial(_download, assets, request)),
                }
                for name, (serving, work) in turns.items():
                    costs.setdefault(name, []).append(Cost.of(work, serving))
                store.path(begin.asset_id).unlink()
    finally:
        forgetful.kill()
        forgetful.wait()
    return _summary(costs, megabytes)


def _summary(costs: dict[str, list[Cost]], megabytes: int) -> dict[str, float]:
    rates = {name: megabytes * MIB / 1e6 / min(cost.wall for cost in each) for name, each in costs.items()}
    client = {name: 1e3 / megabytes * statistics.median(cost.client for cost in each) for name, each in costs.items()}
    server = {name: 1e3 / megabytes * statistics.median(cost.server for cost in each) for name, each in costs.items()}
    ratios = {f"{way} / {floor}": rates[way] / rates[f"{floor} {way}"] for way in _WAYS for floor in ("bare", "framed")}
    storing_ms = client.pop("storing")
    busy_ms = client["bare up"] + server["bare up"] + storing_ms
    # One MiB of a bare stream, beside what its work and the storing's take of all cores together.
    shared = 1e3 * MIB / 1e6 / rates["bare up"] / (busy_ms / len(os.sched_getaffinity(0)))
    ratios["up / bare at most, here"] = min(1.0, shared)
    ratios["up / bare at most, cores to spare"] = min(1.0, rates["storing"] / rates["bare up"])
    return (
        {f"{name} MB/s": rate for name, rate in rates.items()}
        | {f"{name} client CPU ms per MiB": each for name, each in client.items()}
        | {f"{name} server CPU ms per MiB": server[name] for name in client}
        | {"storing CPU ms per MiB": storing_ms}
        | ratios
    )


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of the processor on either side."""

    wall: float
    client: float
    server: float

    @classmethod
    def of(cls, work: Callable[[], object], serving: psutil.Process | None) -> Cost:
        """What `work` takes in this process, and in the one that serves it."""
        client, server = time.process_time(), _cpu_seconds(serving)
        wall = _timed(work)
        return cls(wall, time.process_time() - client, _cpu_seconds(serving) - server)


def _cpu_seconds(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return times.user + times.system


def _store(store: AssetStore, content: bytes, asset_id: str) -> None:
    """What the server does with an upload, without any transfer."""
    with store.receive(asset_id, size_bytes=len(content), offset=0) as upload:
        for piece in _pieces(content):
            upload.write(piece)
        upload.finish()


def _download(assets: AssetStub, request: asset_pb2.DownloadAssetRequest) -> None:
    _drain(assets.DownloadAsset(request))


_WAYS = ("up", "down")
_LIMITS = (("grpc.max_receive_message_length", 4 * MIB), ("grpc.max_send_message_length", 4 * MIB))


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), MIB):
        yield content[start : start + MIB]


def _upload(content: bytes, begin: asset_pb2.UploadBegin) -> Iterator[asset_pb2.UploadAssetRequest | Piece]:
    """As the client sends a file."""
    yield asset_pb2.UploadAssetRequest(begin=begin)
    for piece in _pieces(content):
        yield Piece(piece)


def _messages(content: bytes, begin: asset_pb2.UploadBegin) -> Iterator[asset_pb2.UploadAssetRequest]:
    yield asset_pb2.UploadAssetRequest(begin=begin)
    for piece in _pieces(content):
        yield asset_pb2.UploadAssetRequest(data=piece)


def _drain(stream: Iterator[object]) -> None:
    for _ in stream:
        pass


async def _serve_bare() -> None:
    """Takes bytes and forgets them, gives bytes out of memory; says its port first."""

    async def up(pieces: AsyncIterator[object], context: object) -> bytes:
        async for _ in pieces:
            pass
        return b"done"

    async def down(request: bytes, context: object) -> AsyncIterator[bytes]:
        piece = os.urandom(MIB)
        for _ in range(int(request)):
            yield piece

    async def framed_down(request: bytes, context: object) -> AsyncIterator[asset_pb2.DownloadAssetResponse]:
        async for piece in down(request, context):
            yield asset_pb2.DownloadAssetResponse(data=piece)

    handlers = {
        "framed_up": grpc.stream_unary_rpc_method_handler(
            up, request_deserializer=asset_pb2.UploadAssetRequest.FromString
        ),
        "framed_down": grpc.unary_stream_rpc_method_handler(
            framed_down, response_serializer=asset_pb2.DownloadAssetResponse.SerializeToString
        ),
        "up": grpc.stream_unary_rpc_method_handler(up),
        "down": grpc.unary_stream_rpc_method_handler(down),
    }
    server = grpc.aio.server(options=_LIMITS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare", handlers),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    main()
