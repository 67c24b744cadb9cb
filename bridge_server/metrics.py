# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's figures as Prometheus reads them: `GET /metrics` on loopback, off unless asked for.

Everything but the sums in `tally` is looked up when somebody asks, so that a server which nobody watches does no work
for it. Not to be imported before metrics are wanted: prometheus_client costs a twentieth of a second.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bridge_server.errors import StartError
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.tally import TALLY, Count, Tally

_REQUEST_SECONDS = 5.0
# Nobody has to say who they are: more would take the descriptors and threads that jobs need.
_AT_ONCE = 8
# Walking a large cache takes long, and its size changes slowly.
_SIZES_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Figures:
    """A Prometheus collector over the job store, the folders by name, and the process's tally."""

    def __init__(self, store: JobStore, folders: Mapping[str, Path], *, tally: Tally = TALLY) -> None:
        self._store = store
        self._folders = dict(folders)
        self._tally = tally
        self._sizes: dict[str, int] = {}
        self._sized_at = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """Called by the registry, in a thread."""
        yield from self._queue()
        for count, name, words in (
            (Count.UPLOADED_BYTES, "maskedit_upload_bytes", "Bytes received of media and adapters"),
            (Count.DOWNLOADED_BYTES, "maskedit_download_bytes", "Bytes sent of results, media and adapters"),
            (
                Count.DEAD_WORKERS,
                "maskedit_worker_deaths",
                "Attempts whose worker died, so that the job was queued again",
            ),
        ):
            yield CounterMetricFamily(name, words, value=self._tally.total(count))
        stages = CounterMetricFamily("maskedit_stage_seconds", "Seconds that jobs spent in a stage", labels=["stage"])
        for stage, seconds in self._tally.sums(Count.STAGE_SECONDS).items():
            stages.add_metric([stage], seconds)
        yield stages
        sizes = GaugeMetricFamily("maskedit_store_bytes", "Bytes on disk, once a minute", labels=["store"])
        for name, size in self._measured().items():
            sizes.add_metric([name], size)
        yield sizes

    def _queue(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("maskedit_jobs", "Jobs by state", labels=["state"])
        for state in JobState:
            jobs.add_metric([state.lower()], self._store.count(state))
        yield jobs
        lanes = GaugeMetricFamily("maskedit_queued_jobs", "Queued jobs by what they wait for", labels=["lane"])
        for lane, count in self._store.queue_lengths().items():
            lanes.add_metric([lane], count)
        yield lanes
        oldest = self._store.oldest_queued_ms()
        wait = max(0.0, time.time() - oldest / 1000) if oldest else 0.0
        yield GaugeMetricFamily(
            "maskedit_queue_oldest_seconds", "How long the oldest queued job has waited", value=wait
        )
        yield SummaryMetricFamily(
            "maskedit_queue_wait_seconds",
            "How long jobs waited for their first worker",
            count_value=int(self._tally.total(Count.STARTED_JOBS)),
            sum_value=self._tally.total(Count.WAITED_SECONDS),
        )

    def _measured(self) -> dict[str, int]:
        if time.monotonic() - self._sized_at > _SIZES_SECONDS:
            self._sizes = {name: size_of(path) for name, path in self._folders.items()}
            self._sized_at = time.monotonic()
        return self._sizes


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; one with two names there counts once. 0 where there is none."""
    if path.is_file():
        return path.stat().st_size
    seen: dict[tuple[int, int], int] = {}
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):  # removed meanwhile
                facts = os.lstat(os.path.join(folder, name))
                seen[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(seen.values())


@asynccontextmanager
async def metrics_served(address: str, *, store: JobStore, data_dir: Path) -> AsyncIterator[None]:
    """Answer at `address` (loopback HOST:PORT) for the length of the block. Raises StartError if the port is taken."""
    registry = CollectorRegistry()
    names = ("assets", "cache", "jobs", "logs", "models")
    folders = {name: data_dir / name for name in names} | {"database": data_dir / "jobs.sqlite"}
    registry.register(Figures(store, folders))
    ProcessCollector(registry=registry)
    host, _, port = address.rpartition(":")
    places, reading = asyncio.Semaphore(_AT_ONCE), asyncio.Lock()

    async def figures() -> bytes:
        async with reading:
            return await asyncio.to_thread(generate_latest, registry)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not places.locked():
            async with places:
                with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    async with asyncio.timeout(_REQUEST_SECONDS):
                        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                        writer.write(await _response(head, figures))
                        await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(answer, host.strip("[]"), int(port))
    except OSError as error:
        raise StartError(f"Metrics cannot be served at {address} ({error.strerror}): choose another port.") from error
    async with server:
        yield


async def _response(head: str, figures: Callable[[], Awaitable[bytes]]) -> bytes:
    line, *fields = head.split("\r\n")
    said = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    # A web page whose host name was made to point here must not read along: it sends that name.
    if said.get("host", "").rpartition(":")[0] not in _LOOPBACK:
        return _http("403 Forbidden", b"Ask for this machine by its loopback address.\n")
    if line.split(" ")[:2] != ["GET", "/metrics"]:
        return _http("404 Not Found", b"There is only GET /metrics.\n")
    return _http("200 OK", await figures(), content_type=CONTENT_TYPE_LATEST)


def _http(status: str, body: bytes, *, content_type: str = "text/plain; charset=utf-8") -> bytes:
    head = (f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "Connection: close")
    return "\r\n".join((*head, "", "")).encode() + body
