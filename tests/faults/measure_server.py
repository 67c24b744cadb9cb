# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server costs and how fast it moves bytes: `python -m tests.faults.measure_server [--megabytes N]`.

Prints one JSON object. Transfers are measured beside a bare gRPC stream between two processes of the same run, whose
server neither hashes nor stores: `bare` carries bytes, `framed` the same messages as ours. `alone` is what an upload
needs besides: SHA-256 over the same bytes, and bringing them to the disk, in one process. Where transfer, hash and disk
share a few cores, the CPU times say what ratio is to be had: `up / bare at most`.
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
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import psutil

from bridge_api.v1 import asset_pb2, edit_pb2, job_pb2
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.store import JobStore
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


def _transfers(assets: object, megabytes: int, *, server: psutil.Process, folder: Path) -> dict[str, float]:
    """Bytes per second up and down, ours and bare, in turns, so that what else the machine does hits both."""
    command = [sys.executable, "-m", "tests.faults.measure_server", "--bare-server"]
    bare = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert bare.stdout is not None
    costs: dict[str, list[Cost]] = {}
    try:
        with grpc.insecure_channel(f"127.0.0.1:{int(bare.stdout.readline())}", options=_LIMITS) as channel:
            bare_up, bare_down = channel.stream_unary("/bare/up"), channel.unary_stream("/bare/down")
            framed_up = channel.stream_unary(
                "/bare/framed_up", request_serializer=asset_pb2.UploadAssetRequest.SerializeToString
            )
            framed_down = channel.unary_stream(
                "/bare/framed_down", response_deserializer=asset_pb2.DownloadAssetResponse.FromString
            )
            processes = (psutil.Process(), server, psutil.Process(bare.pid))
            for _ in range(ROUNDS):
                content = os.urandom(MIB) * (megabytes - 1) + os.urandom(MIB)
                asset_id = hashlib.sha256(content).hexdigest()
                request = asset_pb2.DownloadAssetRequest(asset_id=asset_id)
                turns = {
                    "bare up": lambda content=content: bare_up(_pieces(content)),
                    "up": lambda content=content, name=asset_id: assets.UploadAsset(_upload(content, name)),  # type: ignore[attr-defined]
                    "framed up": lambda content=content, name=asset_id: framed_up(_upload(content, name)),
                    "alone": lambda content=content: _hash_and_store(content, folder / "alone"),
                    "framed down": lambda: _drain(framed_down(str(megabytes).encode())),
                    "bare down": lambda: _drain(bare_down(str(megabytes).encode())),
                    "down": lambda request=request: _drain(assets.DownloadAsset(request)),  # type: ignore[attr-defined]
                }
                for name, work in turns.items():
                    costs.setdefault(name, []).append(Cost.of(work, processes))
    finally:
        bare.kill()
        bare.wait()
    rates = {name: megabytes * MIB / 1e6 / min(cost.wall for cost in each) for name, each in costs.items()}
    cpu = {name: statistics.median(cost.cpu for cost in each) for name, each in costs.items()}
    ratios = {f"{way} / {floor}": rates[way] / rates[f"{floor} {way}"] for way in _WAYS for floor in ("bare", "framed")}
    ratios["up / bare at most"] = cpu["bare up"] / (cpu["bare up"] + cpu["alone"])
    return (
        {f"{name} MB/s": rate for name, rate in rates.items()}
        | {f"{name} CPU ms per MiB": 1e3 * seconds / megabytes for name, seconds in cpu.items()}
        | ratios
    )


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of all cores."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, work: Callable[[], object], processes: Sequence[psutil.Process]) -> Cost:
        """What `work` takes, its CPU time in these processes."""
        before = _cpu_seconds(processes)
        wall = _timed(work)
        return cls(wall, _cpu_seconds(processes) - before)


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


def _hash_and_store(content: bytes, path: Path) -> None:
    """What the server does with an upload, without any transfer."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in _pieces(content):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


_WAYS = ("up", "down")
_LIMITS = (("grpc.max_receive_message_length", 4 * MIB), ("grpc.max_send_message_length", 4 * MIB))


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), MIB):
        yield content[start : start + MIB]


def _upload(content: bytes, asset_id: str) -> Iterator[asset_pb2.UploadAssetRequest]:
    yield asset_pb2.UploadAssetRequest(begin=asset_pb2.UploadBegin(asset_id=asset_id, size_bytes=len(content)))
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
