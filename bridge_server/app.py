# SPDX-License-Identifier: GPL-3.0-or-later
"""The composition root: builds everything, starts, serves until told to stop, drains."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio  # pyright: ignore[reportAttributeAccessIssue]

from bridge_server import logs
from bridge_server.adapters import AdapterShelf
from bridge_server.assets import AssetStore
from bridge_server.checks import CHECKER, Checker
from bridge_server.conversion import Converter
from bridge_server.dispatch.local import WORKER, LocalDispatcher
from bridge_server.errors import StartError, StoreError
from bridge_server.folders import JobFolders
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.troubles import Troubles
from bridge_server.jobs.work import Dispatcher
from bridge_server.keeping import Keeping, kept_tidy, what_goes
from bridge_server.notify import Manager
from bridge_server.references import References
from bridge_server.room import cache_kept_trim
from bridge_server.rotation import RENEWAL, ask_for_renewal, kept_fresh
from bridge_server.rpc.auth import Token
from bridge_server.rpc.ports import Tls, listen
from bridge_server.rpc.server import Parts, build_server
from bridge_server.runtime import announced, sole_server
from bridge_server.settings import Settings, given_token, load_settings
from bridge_server.sharing import MachineProbe, QuietGate
from bridge_server.submission import Submission
from maskedit.catalogue import Catalogue
from maskedit.devices import Device, find_devices

# What calls under way get to finish when the server stops.
_GRACE_SECONDS = 2.0
_GIVING_WAY = ("nice", "-n", "10")
_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1
_LOG = structlog.get_logger()


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns 0, 2 for settings that do not fit, 3 where the server cannot start."""
    os.umask(0o077)
    try:
        settings, token = load_settings(argv), given_token()
    except StartError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        if settings.new_token:
            ask_for_renewal(settings.data_dir)
        elif settings.what_goes:
            print(what_goes(settings))
        else:
            asyncio.run(serve(settings, token=token))
    except (StartError, StoreError) as error:
        print(error, file=sys.stderr)
        return 3
    return 0


async def serve(
    settings: Settings, *, token: str = "", worker: Sequence[str] = WORKER, checker: Sequence[str] = CHECKER
) -> None:
    """`serving` until SIGTERM or SIGINT; a new token at each SIGUSR1."""
    _share_heaps()
    logs.configure(settings.data_dir / "logs" / "server.log")
    manager = Manager()
    stop, renewal = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if RENEWAL is not None:
        asyncio.get_running_loop().add_signal_handler(RENEWAL, renewal.set)
    async with serving(
        settings, token=token, renewal=renewal, service=manager.waits, worker=worker, checker=checker
    ) as address:
        _LOG.info("serving", address=address, data_dir=str(settings.data_dir))
        manager.tell("READY=1")
        await stop.wait()
        _LOG.info("stopping")
        manager.tell("STOPPING=1")


@asynccontextmanager
async def serving(
    settings: Settings,
    *,
    token: str = "",
    renewal: asyncio.Event | None = None,
    service: bool = False,
    worker: Sequence[str] = WORKER,
    checker: Sequence[str] = CHECKER,
) -> AsyncIterator[str]:
    """A server for the length of the block; yields the address that it serves on.

    `token` "" = a random one, replaced whenever `renewal` is set; `service`: a service manager has started it;
    `worker` and `checker` are the commands of the child processes. Raises StartError.
    """
    with sole_server(settings.data_dir):
        parts = build_parts(settings, worker=worker, checker=checker, home=settings.data_dir)
        secret = Token(token)
        server, health = build_server(parts, token=secret)
        address = listen(server, settings.listen, tls=_tls(settings))
        certificate = str(settings.tls_cert or "")
        await asyncio.to_thread(_sweep, parts)
        await parts.scheduler.start()
        await server.start()
        await health.set("", health_pb2.HealthCheckResponse.SERVING)
        try:
            async with AsyncExitStack() as stack:
                quota = int(settings.cache_quota_gb * 1e9)
                await stack.enter_async_context(cache_kept_trim(settings.data_dir / "cache", quota_bytes=quota))
                keeping = Keeping.of(settings, store=parts.store, folders=parts.folders, shelf=parts.shelf)
                await stack.enter_async_context(kept_tidy(keeping, gone=parts.feed.announce))
                await stack.enter_async_context(_health_kept(health, parts.scheduler.troubles))
                if settings.metrics:
                    # Here, because importing it costs memory and time that most servers need not spend.
                    from bridge_server.metrics import metrics_served

                    figures = metrics_served(settings.metrics, store=parts.store, data_dir=settings.data_dir)
                    await stack.enter_async_context(figures)
                announce = stack.enter_context(
                    announced(
                        settings.data_dir,
                        address=address,
                        token=secret.value,
                        certificate=certificate,
                        service=service,
                    )
                )
                if not token:
                    asked = renewal or asyncio.Event()
                    fresh = kept_fresh(secret, announce, asked=asked, hours=settings.token_hours)
                    await stack.enter_async_context(fresh)
                yield address
        finally:
            await health.enter_graceful_shutdown()
            await asyncio.gather(parts.scheduler.drain(), server.stop(_GRACE_SECONDS))
            parts.store.close()


@asynccontextmanager
async def _health_kept(health: aio.HealthServicer, troubles: Troubles) -> AsyncIterator[None]:
    """For the length of the block, health says SERVING while the server can start jobs."""

    async def follow() -> None:
        async for trouble in troubles.changes():
            said = health_pb2.HealthCheckResponse
            await health.set("", said.NOT_SERVING if trouble else said.SERVING)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()


def _tls(settings: Settings) -> Tls | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Tls(cert=settings.tls_cert, key=settings.tls_key, client_ca=settings.tls_client_ca)


def build_parts(settings: Settings, *, worker: Sequence[str], checker: Sequence[str], home: Path) -> Parts:
    """Everything but the doors. `home` holds jobs and uploads; models, caches and adapters lie in the data folder."""
    data_dir = settings.data_dir
    cache = data_dir / "cache"
    cache.mkdir(mode=0o700, exist_ok=True)
    store = JobStore(home / "jobs.sqlite")
    folders = JobFolders(home / "jobs", logs=data_dir / "logs")
    assets = AssetStore(home / "assets", quota_bytes=int(settings.asset_quota_gb * 1e9))
    references = References(assets, roots=settings.media_roots, private=data_dir)
    models = Catalogue(data_dir)
    shelf = AdapterShelf(cache / "adapters", quota_bytes=int(settings.adapter_quota_gb * 1e9))
    feed = EventFeed(store)
    worker = _polite(worker, settings)
    dispatcher = _dispatcher(settings, cache=cache, logs=folders.logs, worker=worker)
    gate = QuietGate(MachineProbe(os.getpid())) if settings.sharing == "idle" else None
    scheduler = Scheduler(store, feed, dispatcher=dispatcher, folder=folders.root, gate=gate)
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


def _polite(worker: Sequence[str], settings: Settings) -> Sequence[str]:
    """The worker's command, to which what `sharing` and `spare_memory_gb` ask for is added."""
    spare = ("--spare-bytes", str(_spare_bytes(settings))) if settings.spare_memory_gb else ()
    return (*(() if settings.sharing == "none" else _GIVING_WAY), *worker, *spare)


def _devices(settings: Settings) -> list[Device]:
    """The machine's, with the memory that jobs may take."""
    spare = _spare_bytes(settings)
    return [replace(each, memory_bytes=max(0, each.memory_bytes - spare)) for each in find_devices()]


def _spare_bytes(settings: Settings) -> int:
    return int(settings.spare_memory_gb * 1e9)


def _dispatcher(settings: Settings, *, cache: Path, logs: Path, worker: Sequence[str]) -> Dispatcher:
    idle_seconds = 60 * settings.worker_idle_minutes
    if settings.dispatch == "local":
        return LocalDispatcher(
            settings.data_dir,
            cache=cache,
            logs=logs,
            devices=_devices(settings),
            command=worker,
            idle_seconds=idle_seconds,
        )
    try:
        # Only where it is asked for: it is big and need not be installed.
        from bridge_server.dispatch.ray import RayDispatcher
    except ImportError as error:
        raise StartError("dispatch=ray needs Ray: install maskedit[ray], here and on every node.") from error
    return RayDispatcher(
        settings.ray_address,
        data_dir=settings.data_dir,
        cache=cache,
        logs=logs,
        command=worker,
        idle_seconds=idle_seconds,
        spare_bytes=_spare_bytes(settings),
    )


def _sweep(parts: Parts) -> None:
    if parts.store.is_new:
        _set_aside(parts.folders.root)
    parts.folders.sweep({job.job_id for job in parts.store.list(limit=-1)})
    parts.shelf.sweep()


def _set_aside(jobs: Path) -> None:
    """Keep the folders of jobs, with their results, whose database is gone: the new one knows none of them."""
    if any(jobs.iterdir()):
        aside = next(path for path in (jobs.with_name(f"jobs.{n}") for n in count(1)) if not path.exists())
        jobs.rename(aside)
        jobs.mkdir(mode=0o700)
        _LOG.warning("jobs without their database are set aside", folder=str(aside))


def _share_heaps() -> None:
    """Have all threads use two heaps, where the C library lets us choose (glibc, mallopt(3)).

    By default each thread gets its own, whose gaps no other fills: over 10,000 jobs they come to 10 MB. And what is
    freed goes back to the system at once, so that each piece of an upload gets fresh pages: 8 % of what it costs.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_ARENA_MAX, 2)
            mallopt(_M_MMAP_THRESHOLD, 4 << 20)
            mallopt(_M_TRIM_THRESHOLD, 8 << 20)
