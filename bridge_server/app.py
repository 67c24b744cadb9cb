# SPDX-License-Identifier: GPL-3.0-or-later
"""The composition root: builds everything, starts, serves until told to stop, drains."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from grpc_health.v1 import health_pb2

from bridge_server.adapters import AdapterShelf
from bridge_server.assets import AssetStore
from bridge_server.checks import CHECKER, Checker
from bridge_server.conversion import Converter
from bridge_server.dispatch.local import WORKER, LocalDispatcher
from bridge_server.errors import StartError
from bridge_server.folders import JobFolders
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.store import JobStore
from bridge_server.references import References
from bridge_server.rpc.ports import listen
from bridge_server.rpc.server import Parts, build_server
from bridge_server.runtime import announced, sole_server
from bridge_server.settings import Settings, given_token, load_settings
from bridge_server.submission import Submission
from maskedit.catalogue import Catalogue
from maskedit.devices import find_devices

# What calls under way get to finish when the server stops.
_GRACE_SECONDS = 2.0
_LOG = structlog.get_logger()


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns 0, 2 for settings that do not fit, 3 where the server cannot start."""
    os.umask(0o077)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        settings, token = load_settings(argv), given_token()
    except StartError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(settings, token=token))
    except StartError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


async def serve(
    settings: Settings, *, token: str = "", worker: Sequence[str] = WORKER, checker: Sequence[str] = CHECKER
) -> None:
    """`serving` until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings, token=token, worker=worker, checker=checker) as address:
        _LOG.info("serving", address=address, data_dir=str(settings.data_dir))
        await stop.wait()
        _LOG.info("stopping")


@asynccontextmanager
async def serving(
    settings: Settings, *, token: str = "", worker: Sequence[str] = WORKER, checker: Sequence[str] = CHECKER
) -> AsyncIterator[str]:
    """A server for the length of the block; yields the address that it serves on.

    `token` "" = a random one; `worker` and `checker` are the commands of the child processes. Raises StartError.
    """
    with sole_server(settings.data_dir):
        parts = _build_parts(settings, worker, checker)
        token = token or secrets.token_hex(32)
        server, health = build_server(parts, token=token)
        address = listen(server, settings.listen, cert=settings.tls_cert, key=settings.tls_key)
        certificate = str(settings.tls_cert or "")
        await asyncio.to_thread(_sweep, parts)
        await parts.scheduler.start()
        await server.start()
        await health.set("", health_pb2.HealthCheckResponse.SERVING)
        try:
            with announced(settings.data_dir, address=address, token=token, certificate=certificate):
                yield address
        finally:
            await health.enter_graceful_shutdown()
            await asyncio.gather(parts.scheduler.drain(), server.stop(_GRACE_SECONDS))
            parts.store.close()


def _build_parts(settings: Settings, worker: Sequence[str], checker: Sequence[str]) -> Parts:
    data_dir = settings.data_dir
    cache = data_dir / "cache"
    cache.mkdir(mode=0o700, exist_ok=True)
    store = JobStore(data_dir / "jobs.sqlite")
    folders = JobFolders(data_dir / "jobs", logs=data_dir / "logs")
    assets = AssetStore(data_dir / "assets", quota_bytes=int(settings.asset_quota_gb * 1e9))
    references = References(assets, roots=settings.media_roots, private=data_dir)
    models = Catalogue(data_dir)
    shelf = AdapterShelf(cache / "adapters", quota_bytes=int(settings.adapter_quota_gb * 1e9))
    feed = EventFeed(store)
    dispatcher = LocalDispatcher(data_dir, cache=cache, logs=folders.logs, devices=find_devices(), command=worker)
    scheduler = Scheduler(store, feed, dispatcher=dispatcher, folder=folders.root, cache=cache)
    submission = Submission(
        store=store,
        scheduler=scheduler,
        references=references,
        checker=Checker((*checker, "--data-dir", str(data_dir))),
        models=models,
        shelf=shelf,
        folders=folders,
    )
    return Parts(
        store=store,
        feed=feed,
        scheduler=scheduler,
        submission=submission,
        assets=assets,
        references=references,
        folders=folders,
        shelf=shelf,
        converter=Converter(data_dir),
        models=models,
    )


def _sweep(parts: Parts) -> None:
    parts.folders.sweep({job.job_id for job in parts.store.list(limit=-1)})
    parts.shelf.sweep()
