# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs seen from the client: submit, watch, steer. A lost server is waited for and found again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import grpc

from bridge_api.v1 import edit_pb2, job_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.job import Event, Job, JobState
from plugin_client.core.job_wire import event_of, job_of, state_of
from plugin_client.core.queue import Line, line_of
from plugin_client.core.retrying import Patience, patiently

SUBMIT_SECONDS = 120.0
CALL_SECONDS = 30.0
_KNOWN = tuple(state for state in JobState if state is not JobState.UNKNOWN)
_LONGEST_LINE = 1000
_LAST = 2**31 - 1

Answer = TypeVar("Answer")


def new_key() -> str:
    """A key for one submission, to be kept before the first try and sent again with every further one."""
    return uuid.uuid4().hex


class Jobs:
    """The job calls of one connection. Failures are ClientErrors; calls that are safe to repeat are repeated."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self, edit: edit_pb2.EditRequest) -> edit_pb2.CheckEditResponse:
        """What a job for `edit` would work on. Raises BadInput with the server's sentence."""
        request = edit_pb2.CheckEditRequest(edit=edit)
        return self._call(lambda: self._connection.edits.CheckEdit(request, timeout=SUBMIT_SECONDS))

    def submit(self, edit: edit_pb2.EditRequest, *, key: str = "", priority: str = "normal") -> str:
        """Queue `edit`, once however often the answer gets lost; returns the job id. Raises BadInput.

        `key`: what makes it the same edit even for a client that was restarted meanwhile, see `new_key`. `priority`:
        one of PRIORITIES.
        """
        wire_priority = edit_pb2.Priority.Value(f"PRIORITY_{priority.upper()}")
        request = edit_pb2.SubmitEditRequest(idempotency_key=key or new_key(), edit=edit, priority=wire_priority)
        return self._call(lambda: self._connection.edits.SubmitEdit(request, timeout=SUBMIT_SECONDS)).job_id

    def get(self, job_id: str) -> Job:
        """The job as it is now. Raises BadInput if there is none."""
        request = job_pb2.GetJobRequest(job_id=job_id)
        return job_of(self._call(lambda: self._connection.jobs.GetJob(request, timeout=CALL_SECONDS)).job)

    def edit_of(self, job_id: str) -> edit_pb2.EditRequest:
        """The job's edit as it was sent. Raises BadInput if there is no such job."""
        request = job_pb2.GetJobRequest(job_id=job_id)
        return self._call(lambda: self._connection.jobs.GetJob(request, timeout=CALL_SECONDS)).job.edit

    def list(self, *, states: Sequence[JobState] = (), limit: int = 50) -> tuple[Job, ...]:
        """The newest jobs, newest first, at most `limit`, all states if none are named."""
        found: list[Job] = []
        token = ""
        while len(found) < limit:
            request = job_pb2.ListJobsRequest(
                page_size=min(limit - len(found), 200),
                page_token=token,
                states=[job_pb2.JobState.Value(f"JOB_STATE_{state.name}") for state in states],
            )
            page = self._call(lambda request=request: self._connection.jobs.ListJobs(request, timeout=CALL_SECONDS))
            found.extend(map(job_of, page.jobs))
            token = page.next_page_token
            if not token:
                break
        return tuple(found)

    def line(self, *, ended: int = 0) -> Line:
        """Who runs and who waits, and of those that have ended the newest, at most `ended`."""
        unfinished = self.list(states=[state for state in _KNOWN if not state.is_final], limit=_LONGEST_LINE)
        return line_of(unfinished, self.list(states=[state for state in _KNOWN if state.is_final], limit=ended))

    def cancel(self, job_id: str) -> JobState:
        """Ask the job to stop; returns its state after the call. Changes nothing on a job that has ended."""
        request = job_pb2.CancelJobRequest(job_id=job_id)
        return state_of(self._call(lambda: self._connection.jobs.CancelJob(request, timeout=CALL_SECONDS)).state)

    def retry(self, job_id: str, *, key: str = "", place: int | None = None) -> str:
        """Queue the same edit again; returns the new job's id. `key`: as in `submit`.

        `place`: how many jobs shall go before it, as far as priorities let it; None = all of its priority.
        """
        request = job_pb2.RetryJobRequest(job_id=job_id, idempotency_key=key or new_key())
        made = self._call(lambda: self._connection.jobs.RetryJob(request, timeout=SUBMIT_SECONDS)).job_id
        if place is not None:
            with suppress(BadInput):  # it has begun
                self.move(made, place)
        return made

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended, with its result files on the server."""
        request = job_pb2.DeleteJobRequest(job_id=job_id)
        self._call(lambda: self._connection.jobs.DeleteJob(request, timeout=CALL_SECONDS))

    def move(self, job_id: str, position: int) -> int:
        """Let `position` jobs go before a queued one, as far as priorities let it; returns how many do.

        Raises BadInput where it is not queued.
        """
        request = job_pb2.MoveJobRequest(job_id=job_id, position=position)
        return self._call(lambda: self._connection.jobs.MoveJob(request, timeout=CALL_SECONDS)).position

    def prioritise(self, job_id: str, priority: str) -> None:
        """Give a queued job another of PRIORITIES, behind those that have that already.

        Raises BadInput where it is not queued.
        """
        wire_priority = edit_pb2.Priority.Value(f"PRIORITY_{priority.upper()}")
        request = job_pb2.MoveJobRequest(job_id=job_id, position=_LAST, priority=wire_priority)
        self._call(lambda: self._connection.jobs.MoveJob(request, timeout=CALL_SECONDS))

    def pause_queue(self, paused: bool) -> None:
        """Let the queue start no further job, or go on; running jobs are left alone."""
        request = job_pb2.SetQueuePausedRequest(paused=paused)
        self._call(lambda: self._connection.jobs.SetQueuePaused(request, timeout=CALL_SECONDS))

    def sample_now(self, job_id: str) -> None:
        """Ask a job that is being tuned for a picture, which comes as an event. Raises BadInput where it is not."""
        request = job_pb2.SampleNowRequest(job_id=job_id)
        self._call(lambda: self._connection.jobs.SampleNow(request, timeout=CALL_SECONDS))

    def save_now(self, job_id: str) -> None:
        """Ask a job that is being tuned to keep its adapter as it is now. Raises BadInput where it is not."""
        request = job_pb2.SaveNowRequest(job_id=job_id)
        self._call(lambda: self._connection.jobs.SaveNow(request, timeout=CALL_SECONDS))

    def watch(self, job_id: str, *, after_sequence: int = 0) -> Iterator[Event]:
        """Every event after `after_sequence`, replayed, then live, until one with a final state.

        A cut stream is taken up again after the last event seen. Raises BadInput if there is no such job,
        ServerUnreachable if the server stays away.
        """
        patience = Patience(self._connection)
        state = JobState.UNKNOWN
        while not state.is_final:
            request = job_pb2.WatchJobRequest(job_id=job_id, after_sequence=after_sequence)
            stream = self._connection.jobs.WatchJob(request)
            try:
                for answer in stream:
                    patience.renew()
                    after_sequence = answer.event.sequence
                    event = event_of(answer.event)
                    state = event.state
                    yield event
                if not state.is_final:  # nothing new after the last event, or the server drains
                    state = self.get(job_id).state
            except grpc.RpcError as error:
                patience.wait_after(error)
            finally:
                stream.cancel()

    def _call(self, call: Callable[[], Answer]) -> Answer:
        return patiently(call, self._connection)
