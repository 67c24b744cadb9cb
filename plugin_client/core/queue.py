# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's queue as people see it: whose turn it is, how far a waiting job can be moved, and why it still waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from plugin_client.core.job import PRIORITIES, Job, JobState


@dataclass(frozen=True)
class Line:
    """The jobs in the order in which the server takes them: running ones, waiting ones, then what ended last.

    Of the waiting ones drafts come first, because they wait for each other only.
    """

    running: tuple[Job, ...] = ()
    waiting: tuple[Job, ...] = ()
    ended: tuple[Job, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them."""
        return (*self.running, *self.waiting, *self.ended)

    def get(self, job_id: str) -> Job | None:
        """The job of that id, None where the line has none."""
        return next((job for job in self.jobs if job.job_id == job_id), None)

    def peers(self, job_id: str) -> tuple[Job, ...]:
        """All that wait for the same as that job, itself among them; () where it does not wait."""
        mine = next((job for job in self.waiting if job.job_id == job_id), None)
        return () if mine is None else tuple(job for job in self.waiting if job.is_draft is mine.is_draft)

    def place(self, job_id: str) -> int:
        """How many jobs go before a waiting one. Raises ValueError where it does not wait."""
        return [job.job_id for job in self.peers(job_id)].index(job_id)

    def places(self, job_id: str) -> range:
        """The places that a job may be moved to: among those of its own priority. Empty where it does not wait."""
        peers = self.peers(job_id)
        mine = next((job.priority for job in peers if job.job_id == job_id), "")
        alike = [number for number, job in enumerate(peers) if job.priority == mine]
        return range(alike[0], alike[-1] + 1) if alike else range(0)

    def moved(self, job_id: str, place: int) -> Line:
        """This line as the server will have it once `place` jobs go before a waiting one."""
        peers, places = list(self.peers(job_id)), self.places(job_id)
        if not places:
            return self
        mine = peers.pop(self.place(job_id))
        peers.insert(min(max(place, places[0]), places[-1]), mine)
        return self._with(peers)

    def prioritised(self, job_id: str, priority: str) -> Line:
        """This line as the server will have it once a waiting job has another priority: the last of that."""
        others = list(self.peers(job_id))
        if not others:
            return self
        mine = others.pop(self.place(job_id))
        rank = PRIORITIES.index(priority)
        ahead = sum(PRIORITIES.index(job.priority) >= rank for job in others)
        return self._with([*others[:ahead], replace(mine, priority=priority), *others[ahead:]])

    def _with(self, peers: Iterable[Job]) -> Line:
        """This line with `peers` in that order, and whoever waits for something else as it was."""
        numbered = tuple(replace(job, queue_position=number) for number, job in enumerate(peers))
        others = (job for job in self.waiting if job.is_draft is not numbered[0].is_draft)
        return replace(self, waiting=_in_order((*numbered, *others)))


def line_of(unfinished: Iterable[Job], ended: Iterable[Job] = ()) -> Line:
    """The line of jobs as the server lists them, newest first."""
    jobs = tuple(unfinished)
    return Line(
        running=tuple(job for job in reversed(jobs) if job.state is not JobState.QUEUED),
        waiting=_in_order(job for job in jobs if job.state is JobState.QUEUED),
        ended=tuple(ended),
    )


def waiting_words(job: Job, *, paused: bool = False) -> str:
    """Why a queued job does not run yet: "next", "waits behind 2, high priority"; `paused`: the queue is."""
    of_drafts = " of the drafts" if job.is_draft else ""
    if job.queue_position:
        words = f"waits behind {job.queue_position}{of_drafts}"
    elif paused:
        words = "paused"
    else:
        words = _reason(job) or f"next{of_drafts}"
    return words if job.priority == "normal" else f"{words}, {job.priority} priority"


def _reason(job: Job) -> str:
    """What the server has said of a job that is first and does not start; "" where it only waits for its turn."""
    said = job.last_event
    # The first event is the submission's own, with notes on the edit.
    if said is None or said.sequence <= 1 or not said.message:
        return ""
    return said.message[:1].lower() + said.message[1:].rstrip(".")


def _in_order(waiting: Iterable[Job]) -> tuple[Job, ...]:
    return tuple(sorted(waiting, key=lambda job: (not job.is_draft, job.queue_position)))
