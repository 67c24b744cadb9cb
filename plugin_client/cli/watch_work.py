# SPDX-License-Identifier: GPL-3.0-or-later
"""One claimed request of a watch folder on its way: checked, submitted once, followed, fetched, reported."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from plugin_client.cli.comps import write_comps
from plugin_client.cli.edit import checked_out, offer, options_from, with_known_names
from plugin_client.cli.following import succeeded, summary
from plugin_client.cli.parsing import connect_from
from plugin_client.cli.watch_folder import Claim
from plugin_client.cli.watch_requests import RESULTS, read_request
from plugin_client.core.download import fetch_result
from plugin_client.core.errors import ClientError, JobCancelled, JobFailed, ServerUnreachable
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import build_edit

Say = Callable[[str], None]


def work_off(claim: Claim, options: argparse.Namespace, *, roots: Sequence[Path], say: Say) -> dict[str, Any]:
    """Bring `claim` to its end and return its report. `options`: those of the watcher, which say what server to use.

    A request that is at fault, or whose job fails, ends in `failed`. Raises ServerUnreachable where the server cannot
    take it now, and OSError where the folder cannot be written: the claim stays, and is gone on with later.
    """
    report: dict[str, Any] = {"request": claim.request.name, "started": claim.state.setdefault("started", _now())}
    sentence = ""
    if not claim.has_ended:
        try:
            report |= _edited(claim, options, roots=roots, say=say)
        except ServerUnreachable:
            raise
        except ClientError as error:
            sentence = str(error)
            state = {JobFailed: "FAILED", JobCancelled: "CANCELLED"}.get(type(error), "REFUSED")
            report |= {"state": state, "job_id": claim.job_id or None, "result": None, "error": sentence}
        report["ended"] = _now()
    report = claim.end(report, sentence=sentence)
    say(f"{claim.name}: {report['error']}" if "error" in report else f"{claim.name}: done, {report['result']}")
    return report


def _edited(claim: Claim, options: argparse.Namespace, *, roots: Sequence[Path], say: Say) -> dict[str, Any]:
    request = read_request(claim.request, folder=claim.folder, roots=roots)
    edit = options_from(request)
    if Path(request.out).parent == claim.folder / RESULTS:
        Path(request.out).parent.mkdir(exist_ok=True)
    out = checked_out(request.out, edit)
    with connect_from(options) as connection:
        jobs = Jobs(connection)
        if not claim.job_id:
            wire = with_known_names(connection, build_edit(edit))
            offer(connection, wire, console=Console(quiet=True))
            claim.note(job_id=jobs.submit(wire, key=claim.key, priority=request.priority))
        say(f"{claim.name}: job {claim.job_id}")
        for _ in jobs.watch(claim.job_id):
            pass
        job = succeeded(jobs.get(claim.job_id))
        fetch_result(connection, job, out)
    comps = write_comps(request.comp, job, out, plate=request.clip)
    return summary(job, out=out) | ({"comps": [str(comp) for comp in comps]} if comps else {})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
