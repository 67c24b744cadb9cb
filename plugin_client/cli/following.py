# SPDX-License-Identifier: GPL-3.0-or-later
"""Stay with a job until its result is there: progress, Ctrl-C, the files, and what is said about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from plugin_client.cli.apart import Apart, call_apart
from plugin_client.cli.console import ask, is_interactive
from plugin_client.cli.progress import TransferDisplay, display_for
from plugin_client.core.connection import Connection
from plugin_client.core.download import fetch_result
from plugin_client.core.errors import ClientError, JobCancelled, JobFailed, ServerUnreachable
from plugin_client.core.job import Job, JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.results import delivered_at, record_beside


class StillRunning(ClientError):
    """The user stopped watching; the job goes on."""

    exit_code = 130


def follow(connection: Connection, job_id: str, *, console: Console, out: Path | None = None) -> Job:
    """The job once it has succeeded, with its result at `out` if given. Ctrl-C asks once whether to cancel it.

    Raises JobFailed, JobCancelled, StillRunning, TransferError or ServerUnreachable, each with its `job_id`.
    """
    try:
        job = _ended(Jobs(connection), job_id, console)
        if out is not None:
            fetch_result(connection, job, out, on_bytes=TransferDisplay(console, "Fetching the result"))
    except ServerUnreachable as error:
        sentence = str(error).rstrip(".")
        lost = ServerUnreachable(f"{sentence}; the job stays there, `maskedit jobs watch {job_id}` goes on with it.")
        lost.job_id = job_id
        raise lost from error
    except ClientError as error:
        error.job_id = job_id
        raise
    return job


def succeeded(job: Job) -> Job:
    """`job`, which has ended, if it ended well. Raises JobFailed or JobCancelled."""
    if job.state is JobState.FAILED:
        raise JobFailed(job.error or f"The job failed without a reason: see the server's log for {job.job_id}.")
    if job.state is JobState.CANCELLED:
        raise JobCancelled(f"The job {job.job_id} was cancelled.")
    return job


def summary(job: Job, *, out: Path | None = None) -> dict[str, Any]:
    """The contract's `--json` fields of a job, those of its result if it has one; no id where no server keeps it."""
    facts: dict[str, Any] = {
        "job_id": job.job_id or None,
        "state": job.state.name,
        "result": str(out) if out is not None else None,
    }
    if job.result is not None:
        facts |= {
            "frames": len(job.result.frames),
            "rate": f"{job.result.rate.numerator}/{job.result.rate.denominator}",
            "width": job.result.width,
            "height": job.result.height,
            "adapter_reused": job.result.adapter_reused,
            "stage_seconds": {stage: round(seconds, 2) for stage, seconds in job.result.stage_seconds.items()},
            "scorecard": record_beside(out).get("scorecard") if out is not None else None,
            "deliverables": delivered_at(out) if out is not None else None,
            "next_keyframe": record_beside(out).get("next_keyframe") if out is not None else None,
        }
    return facts


def next_keyframe_words(job: Job, out: Path) -> str:
    """Which frame of the take at `out` to paint next, in one sentence; "" if hardly anything would be gained."""
    record = record_beside(out)
    if not (hint := record.get("next_keyframe")):
        return ""
    frame, unsure = hint["frame"], round(100 * record["uncertainty"][str(hint["frame"])])
    given = f"`maskedit fix {job.job_id} --keyframe {frame}=IMAGE --out PATH`"
    if not job.job_id:  # made without a server, which alone could go on from it
        given = f"the edit again with one more `--keyframe {frame}=IMAGE`"
    return f"Frame {frame} would help most, no keyframe shows {unsure} % of its region: correct it and run {given}."


def _ended(jobs: Jobs, job_id: str, console: Console) -> Job:
    events = Apart(jobs.watch(job_id))
    try:
        with display_for(console) as display:
            for event in events:
                display.show(event)
    except KeyboardInterrupt:
        if not _wants_cancel():
            raise StillRunning(f"The job goes on: watch it with `maskedit jobs watch {job_id}`.") from None
        next(call_apart(lambda: jobs.cancel(job_id)))
        for _ in events:
            pass
    return succeeded(jobs.get(job_id))


def _wants_cancel() -> bool:
    """Ask; yes where nobody can be asked, or where Ctrl-C comes again."""
    if not is_interactive():
        return True
    try:
        return ask("\nCancel the job too? [y/N] ").strip().lower().startswith("y")
    except KeyboardInterrupt:
        return True
