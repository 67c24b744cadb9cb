# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit jobs list|show|watch|cancel|retry|delete|move|pause|resume`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.destination import check_out, format_of
from plugin_client.cli.edit import describe
from plugin_client.cli.following import follow, summary
from plugin_client.cli.parsing import add_server_options, connect_from
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from plugin_client.core.job import PRIORITIES, Job, JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.progress import stage_words


def add_to(verbs: Any) -> None:
    """Register the verb and its own verbs."""
    jobs = verbs.add_parser("jobs", help="list, watch and steer jobs").add_subparsers(
        dest="jobs_verb", required=True, metavar="VERB"
    )
    listing = _verb(jobs, "list", _list, "the newest jobs", of_job=False)
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="at most N jobs (default 20)")
    _verb(jobs, "show", _show, "one job: state, progress, result")
    watch = _verb(jobs, "watch", _watch, "follow a job to its end and fetch its result")
    watch.add_argument("--out", metavar="PATH", help="where the result shall go")
    _verb(jobs, "cancel", _cancel, "stop a job")
    retry = _verb(jobs, "retry", _retry, "queue the same edit again")
    retry.add_argument("--watch", action="store_true", help="follow the new job to its end")
    _verb(jobs, "delete", _delete, "remove a job that has ended, with its files on the server")
    move = _verb(jobs, "move", _move, "give a job that waits another place among those of its priority, or another one")
    move.add_argument(
        "place",
        nargs="?",
        type=_place,
        metavar="PLACE",
        help="how many jobs go before it; 0 = the next of its priority",
    )
    move.add_argument("--priority", choices=PRIORITIES, help="its priority from now on")
    _verb(jobs, "pause", _pause, "start no further job; those that run go on", of_job=False)
    _verb(jobs, "resume", _resume, "start jobs again", of_job=False)


def _verb(jobs: Any, name: str, run: Any, words: str, *, of_job: bool = True) -> argparse.ArgumentParser:
    parser = jobs.add_parser(name, help=words)
    if of_job:
        parser.add_argument("job_id", metavar="JOB")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, words on stderr")
    add_server_options(parser)
    parser.set_defaults(run=lambda options: _run(run, options))
    return parser


def _run(run: Any, options: argparse.Namespace) -> int:
    console = console_for(as_json=options.json)
    with connect_from(options) as connection:
        facts = run(connection, options, console)
    if options.json:
        print_json(facts)
    return 0


def _list(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    found = Jobs(connection).list(limit=options.limit)
    paused = connection.system().queue_paused
    if not options.json:
        table = Table(Column("job", min_width=32, no_wrap=True), "made", "state", "clip", box=None, pad_edge=False)
        for job in found:
            made = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
            table.add_row(job.job_id, made, _state_words(job), job.name)
        console.print(table if found else "No jobs yet: `maskedit edit` makes one.")
        if paused:
            console.print("The queue is paused and starts nothing: `maskedit jobs resume` lets it go on.")
    return {"jobs": [_facts(job) for job in found], "queue_paused": paused}


def _show(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    job = Jobs(connection).get(options.job_id)
    if not options.json:
        console.print(f"{job.job_id}  {job.name}\n{_state_words(job)}")
        for file in job.result.files if job.result else ():
            console.print(f"{file.path or file.name}  {file.size_bytes} bytes")
    return _facts(job)


def _watch(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    out = _out_of(options)
    job = follow(connection, options.job_id, console=console, out=out)
    if not options.json and out is not None:
        describe(job, out, console=console)
    elif not options.json:
        console.print(f"Done: fetch the result with `maskedit jobs watch {job.job_id} --out PATH`.")
    return summary(job, out=out)


def _cancel(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    jobs = Jobs(connection)
    jobs.cancel(options.job_id)
    for _ in jobs.watch(options.job_id):
        pass
    job = jobs.get(options.job_id)
    if not options.json:
        console.print(f"{job.job_id}: {_state_words(job)}")
    return _facts(job)


def _retry(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    jobs = Jobs(connection)
    job_id = jobs.retry(options.job_id)
    console.print(f"Job {job_id}")
    job = follow(connection, job_id, console=console) if options.watch else jobs.get(job_id)
    return _facts(job)


def _delete(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    Jobs(connection).delete(options.job_id)
    console.print(f"Deleted {options.job_id}")
    return {"job_id": options.job_id, "deleted": True}


def _move(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    jobs = Jobs(connection)
    if options.place is None and options.priority is None:
        raise BadInput("It is not said where the job shall go: give its PLACE, or --priority.")
    if options.priority is not None:
        jobs.prioritise(options.job_id, options.priority)
    if options.place is not None:
        jobs.move(options.job_id, options.place)
    job = jobs.get(options.job_id)
    console.print(f"{job.job_id}: {_state_words(job)}")
    return _facts(job) | {"place": job.queue_position}


def _pause(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    Jobs(connection).pause_queue(True)
    console.print("The queue is paused: what runs goes on, nothing new starts until `maskedit jobs resume`.")
    return {"queue_paused": True}


def _resume(connection: Connection, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    Jobs(connection).pause_queue(False)
    console.print("The queue goes on.")
    return {"queue_paused": False}


def _place(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no place: give how many jobs go before it, 0 or more")
    return int(text)


def _out_of(options: argparse.Namespace) -> Path | None:
    return check_out(options.out, format_of(options.out), sources=()) if options.out else None


def _facts(job: Job) -> dict[str, Any]:
    facts = summary(job) | {
        "name": job.name,
        "created_at": job.created_at.isoformat(),
        "priority": job.priority,
    }
    if job.result is not None:
        facts["files"] = [file.path or file.name for file in job.result.files]
    if job.last_event is not None and job.state is JobState.RUNNING:
        facts |= {"stage": job.last_event.stage, "done": job.last_event.done, "total": job.last_event.total}
    return facts | ({"error": job.error} if job.error else {})


def _state_words(job: Job) -> str:
    match job.state:
        case JobState.QUEUED:
            place = f"queued, {job.queue_position} before it" if job.queue_position else "queued"
            return place if job.priority == "normal" else f"{place}, {job.priority} priority"
        case JobState.RUNNING if job.last_event is not None and job.last_event.total:
            event = job.last_event
            return f"running: {stage_words(event.stage)} {100 * event.done // event.total} %"
        case JobState.FAILED:
            return f"failed: {job.error}"
        case _:
            return job.state.value
