# SPDX-License-Identifier: GPL-3.0-or-later
"""What a submission leaves when its client goes away at the worst moment, and what it lets the others wait for."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import threading
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, cast

import grpc.aio
import pytest

from bridge_api.v1 import adapter_pb2, edit_pb2
from bridge_server import checks, submission
from bridge_server.app import build_parts
from bridge_server.checks import Report, report_to_json
from bridge_server.jobs.rows import JobRow, NewJob
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.rpc import edit as rpc_edit
from bridge_server.rpc.adapter import AdapterServicer
from bridge_server.rpc.server import Parts
from bridge_server.rpc.translate import to_proto
from bridge_server.settings import Settings
from maskedit.errors import InputError
from maskedit.request import (
    EditRequest,
    Extent,
    FrameRange,
    Keyframe,
    Matte,
    MediaFacts,
    MediaReference,
    Preset,
    Region,
)

REPORT = Report(
    facts=MediaFacts(frame_count=2, width=64, height=64, rate=Fraction(24), pixel_format="gray"),
    frames=FrameRange(first=0, last=1),
    region_frames=(0, 1),
    bounds=Extent(x=0, y=0, width=64, height=64),
)


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    """A server's parts, whose check finds every edit good and whose workers end at once."""
    settings = Settings(data_dir=tmp_path, media_roots=(tmp_path,))
    checker = (sys.executable, "-c", f"print({report_to_json(REPORT)!r})")
    made = build_parts(settings, worker=("false",), checker=checker, home=tmp_path)
    yield made
    await made.scheduler.drain()
    made.store.close()


def edit_of(parts: Parts) -> EditRequest:
    content = b"pixels"
    asset_id = hashlib.sha256(content).hexdigest()
    with parts.assets.receive(asset_id, size_bytes=len(content), offset=0) as upload:
        upload.write(content)
        upload.finish()
    clip = MediaReference(asset_ids=(asset_id,), display_name="clip.mov")
    region = Region(mattes=(Matte(media=clip),))
    return EditRequest(
        target=clip, regions=(region,), keyframes=(Keyframe(frame=0, image=clip),), preset=Preset.DRAFT, model="bundled"
    )


async def test_a_client_that_goes_away_while_its_job_is_written_has_a_whole_job_that_starts(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, begun, go_on = JobStore.add, threading.Event(), threading.Event()

    def slowly(store: JobStore, job: NewJob) -> JobRow:
        begun.set()
        assert go_on.wait(10)
        return add(store, job)

    monkeypatch.setattr(JobStore, "add", slowly)
    await parts.scheduler.start()
    submit = parts.submission.submit(edit_of(parts), sent=b"sent", idempotency_key="key", same_machine=True)
    submitting = asyncio.create_task(submit)
    await asyncio.to_thread(begun.wait, 20)
    submitting.cancel()
    await asyncio.sleep(0.2)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await submitting
    job = parts.store.list()[0]
    assert (parts.folders.root / job.job_id / "request.json").exists()
    async with asyncio.timeout(20):
        while parts.store.get(job.job_id).state is JobState.QUEUED:
            await asyncio.sleep(0.02)
    assert parts.store.get(job.job_id).attempts


class HereContext:
    """A call from this machine."""

    def peer(self) -> str:
        return "unix:"


async def test_a_large_edit_is_read_and_written_beside_the_event_loop(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which has every other client to answer: an edit of as many parts as may come takes a second each time."""
    where: dict[str, set[int]] = {}

    def noted(call: Callable[..., Any], about: str, *given: Any) -> Any:
        where.setdefault(about, set()).add(threading.get_ident())
        return call(*given)

    for module, name in ((rpc_edit, "from_proto"), (checks, "to_json"), (submission, "to_json")):
        monkeypatch.setattr(module, name, partial(noted, getattr(module, name), f"{module.__name__}.{name}"))
    edit, servicer = to_proto(edit_of(parts), edit_pb2.EditRequest()), rpc_edit.EditServicer(parts.submission)
    here = cast(grpc.aio.ServicerContext, HereContext())
    await servicer.CheckEdit(edit_pb2.CheckEditRequest(edit=edit), here)
    await servicer.SubmitEdit(edit_pb2.SubmitEditRequest(edit=edit, idempotency_key="key"), here)
    assert len(where) == 3
    assert not any(threading.get_ident() in threads for threads in where.values())


async def test_a_client_elsewhere_names_no_folder_of_this_machine(parts: Parts) -> None:
    folder = str(parts.models.find("bundled").directory)
    assert submission.usable_model(parts.models, folder, same_machine=True)
    with pytest.raises(InputError, match="There is no model"):
        submission.usable_model(parts.models, folder, same_machine=False)


@pytest.mark.parametrize("name", ["x" * 101, "a\x1b[31m", "two\nlines", "\u202e"])
async def test_an_adapters_name_is_short_and_plain(parts: Parts, name: str) -> None:
    async def begin() -> AsyncIterator[adapter_pb2.ImportAdapterRequest]:
        begun = adapter_pb2.ImportAdapterRequest()
        begun.begin.name, begun.begin.sha256, begun.begin.size_bytes = name, "0" * 64, 10
        yield begun

    servicer = AdapterServicer(parts.shelf, parts.converter, models=parts.models)
    with pytest.raises(InputError, match="printable characters"):
        await servicer.ImportAdapter(begin(), cast(grpc.aio.ServicerContext, HereContext()))
