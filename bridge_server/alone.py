# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m bridge_server.alone --data-dir DIR`: one edit without a server, for a render farm's task or a script.

The edit comes as the first line of stdin, in base64; the job's events, then the job or a refusal, go to stdout (see
rpc/lines.py). It is the server's own queue with this one job in it, kept in a folder of its own and without a door;
models, caches and adapters are those of the data folder, so that an edit that was stopped goes on from its last
checkpoint. The end of stdin, SIGTERM or Ctrl-C cancels the job; after the job the end of stdin says that its result was
taken.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

from bridge_server.adapters import AdapterShelf
from bridge_server.app import build_parts
from bridge_server.checks import CHECKER
from bridge_server.dispatch.local import WORKER
from bridge_server.errors import ServerError
from bridge_server.rpc.lines import edit_from_line, event_line, job_line, refusal_line
from bridge_server.rpc.server import Parts
from bridge_server.settings import Settings
from maskedit.errors import MaskEditError
from maskedit.request import EditRequest

_LONGEST_EDIT = 8 << 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="bridge_server.alone", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    data_dir = parser.parse_args().data_dir.absolute()
    os.umask(0o077)
    # A token is for a server, which there is none of here, and nothing for the children that read media.
    os.environ.pop("MASKEDIT_TOKEN", None)
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr), wrapper_class=structlog.make_filtering_bound_logger(30)
    )
    with _home(data_dir) as home:
        asyncio.run(_run(data_dir, home))


async def _run(data_dir: Path, home: Path) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stdin = asyncio.StreamReader(limit=_LONGEST_EDIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    # Not from the environment: what a server on this machine is told, its doors above all, is not meant for this.
    settings = Settings.model_construct(
        data_dir=data_dir, media_roots=(Path(data_dir.anchor),), worker_idle_minutes=0.0
    )
    parts = build_parts(settings, worker=WORKER, checker=CHECKER, home=home)
    try:
        await _edit(parts, await stdin.readline(), stdin, stop)
    except (MaskEditError, ServerError) as error:
        _say(refusal_line(str(error)))
    finally:
        await parts.scheduler.drain()
        parts.store.close()


async def _edit(parts: Parts, line: bytes, stdin: asyncio.StreamReader, stop: asyncio.Event) -> None:
    parent = asyncio.create_task(stdin.read())
    parent.add_done_callback(lambda _: stop.set())
    request, sent = edit_from_line(line)
    request = await asyncio.to_thread(_with_whole_ids, request, parts.shelf)
    queued = asyncio.create_task(
        parts.submission.submit(request, sent=sent, idempotency_key=secrets.token_hex(16), same_machine=True)
    )
    cancelling = asyncio.create_task(_cancel(parts, queued, stop))
    job_id = (await queued).job_id
    await parts.scheduler.start()
    async for event in parts.feed.follow(job_id):
        _say(event_line(event))
    cancelling.cancel()
    job = await asyncio.to_thread(parts.store.get, job_id)
    _say(await asyncio.to_thread(job_line, job, parts.store, folder=parts.folders.root))
    await parent  # who has the files by then


async def _cancel(parts: Parts, queued: asyncio.Task, stop: asyncio.Event) -> None:
    await stop.wait()
    await asyncio.wait([queued])
    if queued.exception() is None:
        await parts.scheduler.cancel(queued.result().job_id)


@contextmanager
def _home(data_dir: Path) -> Iterator[Path]:
    """A folder for this one job; those of processes that were killed are removed with it."""
    homes = data_dir / "alone"
    homes.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = homes / secrets.token_hex(8)
    lock = home.with_suffix(".lock")
    with FileLock(lock):
        for other in {*homes.glob("*.lock")} - {lock}:
            with suppress(Timeout, OSError), FileLock(other, blocking=False):
                shutil.rmtree(other.with_suffix(""), ignore_errors=True)
                other.unlink()
        home.mkdir(mode=0o700)
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _with_whole_ids(request: EditRequest, shelf: AdapterShelf) -> EditRequest:
    """People type the beginning of an adapter's id; one that fits none or several is left for the check to refuse."""
    known = [adapter.adapter_id for adapter in shelf.list()] if request.adapters else []
    uses = []
    for use in request.adapters:
        meant = [one for one in known if one.startswith(use.adapter_id)]
        uses.append(replace(use, adapter_id=meant[0]) if len(meant) == 1 else use)
    return replace(request, adapters=tuple(uses))


def _say(line: str) -> None:
    with suppress(BrokenPipeError):  # the parent is gone, which the end of stdin tells too
        sys.stdout.write(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
