# SPDX-License-Identifier: GPL-3.0-or-later
"""JobService."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc.aio

from bridge_api.v1 import edit_pb2, job_pb2, job_pb2_grpc
from bridge_server.folders import JobFolders
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.rows import JobRow
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.rpc.auth import same_machine
from bridge_server.rpc.job_messages import event_message, job_list, job_message, priority_of, state_number
from bridge_server.rpc.translate import enum_value, from_proto
from bridge_server.submission import Submission
from maskedit.errors import InputError
from maskedit.progress import Ask
from maskedit.request import EditRequest

_PAGE, _LARGEST_PAGE = 50, 200
# Clients take 4 MiB at once, and a job that delivers sequences names thousands of files.
_LARGEST_PAGE_BYTES = 3 << 20
# The number of a job, which fits into 63 bits.
_PAGE_TOKEN = re.compile(r"[0-9]{0,18}")
_LARGEST_SEQUENCE = 2**63 - 1
_STATE = job_pb2.DESCRIPTOR.enum_types_by_name["JobState"]


class JobServicer(job_pb2_grpc.JobServiceServicer):
    def __init__(
        self, store: JobStore, feed: EventFeed, *, scheduler: Scheduler, submission: Submission, folders: JobFolders
    ) -> None:
        self._store = store
        self._feed = feed
        self._scheduler = scheduler
        self._submission = submission
        self._folders = folders

    async def GetJob(self, request: job_pb2.GetJobRequest, context: grpc.aio.ServicerContext) -> job_pb2.GetJobResponse:
        job = await asyncio.to_thread(self._describe, request.job_id, self._shown_folder(context))
        return job_pb2.GetJobResponse(job=job)

    async def ListJobs(
        self, request: job_pb2.ListJobsRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.ListJobsResponse:
        return await asyncio.to_thread(self._list, request, self._shown_folder(context))

    async def WatchJob(
        self, request: job_pb2.WatchJobRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[job_pb2.WatchJobResponse]:
        after = min(request.after_sequence, _LARGEST_SEQUENCE)
        async for event in self._feed.follow(request.job_id, after=after):
            yield job_pb2.WatchJobResponse(event=event_message(event, with_preview=True))

    async def CancelJob(
        self, request: job_pb2.CancelJobRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.CancelJobResponse:
        job = await self._scheduler.cancel(request.job_id)
        return job_pb2.CancelJobResponse(state=state_number(job.state))

    async def RetryJob(
        self, request: job_pb2.RetryJobRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.RetryJobResponse:
        old = await asyncio.to_thread(self._store.get, request.job_id)
        job = await self._submission.submit(
            await asyncio.to_thread(from_proto, edit_pb2.EditRequest.FromString(old.request), EditRequest),
            sent=old.request,
            idempotency_key=request.idempotency_key,
            same_machine=same_machine(context),
            retry_of=old.job_id,
            priority=old.priority,
        )
        return job_pb2.RetryJobResponse(job_id=job.job_id)

    async def DeleteJob(
        self, request: job_pb2.DeleteJobRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.DeleteJobResponse:
        await asyncio.to_thread(self._store.delete, request.job_id)
        await asyncio.to_thread(self._folders.remove, request.job_id)
        self._feed.announce(request.job_id)
        return job_pb2.DeleteJobResponse()

    async def SetQueuePaused(
        self, request: job_pb2.SetQueuePausedRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.SetQueuePausedResponse:
        await asyncio.to_thread(self._store.set_paused, request.paused)
        self._scheduler.wake()
        return job_pb2.SetQueuePausedResponse()

    async def MoveJob(
        self, request: job_pb2.MoveJobRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.MoveJobResponse:
        priority = priority_of(request.priority)
        position = await asyncio.to_thread(self._store.reorder, request.job_id, request.position, priority=priority)
        return job_pb2.MoveJobResponse(position=position)

    async def SampleNow(
        self, request: job_pb2.SampleNowRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.SampleNowResponse:
        await self._scheduler.ask(request.job_id, Ask.SAMPLE)
        return job_pb2.SampleNowResponse()

    async def SaveNow(
        self, request: job_pb2.SaveNowRequest, context: grpc.aio.ServicerContext
    ) -> job_pb2.SaveNowResponse:
        await self._scheduler.ask(request.job_id, Ask.SAVE)
        return job_pb2.SaveNowResponse()

    def _shown_folder(self, context: grpc.aio.ServicerContext) -> Path | None:
        """Paths mean something to clients on this machine only."""
        return self._folders.root if same_machine(context) else None

    def _describe(self, job_id: str, folder: Path | None) -> job_pb2.Job:
        return job_message(self._store.get(job_id), self._store, folder=folder)

    def _list(self, request: job_pb2.ListJobsRequest, folder: Path | None) -> job_pb2.ListJobsResponse:
        if not _PAGE_TOKEN.fullmatch(request.page_token) or request.page_size < 0:
            raise InputError("The page of jobs asked for does not exist: start from the first one.")
        states = [enum_value(_STATE, number, JobState, path="states") for number in {*request.states}]
        size = min(request.page_size or _PAGE, _LARGEST_PAGE)
        below = int(request.page_token or 0)
        # One more than shown tells whether there is a next page.
        jobs = self._store.list(states=[JobState(state) for state in states], below=below, limit=size + 1)
        shown = _one_page(jobs[:size])
        return job_pb2.ListJobsResponse(
            jobs=job_list(self._store, shown, folder=folder),
            next_page_token=str(shown[-1].number) if len(jobs) > len(shown) else "",
            queue_paused=self._store.paused,
        )


def _one_page(jobs: Sequence[JobRow]) -> Sequence[JobRow]:
    """The first of them, as many as fit into one answer, and at least one if there is any."""
    left = _LARGEST_PAGE_BYTES
    for count, job in enumerate(jobs):
        # A result's files get their paths as well.
        left -= len(job.request) + 2 * len(job.result)
        if count and left < 0:
            return jobs[:count]
    return jobs
