# SPDX-License-Identifier: GPL-3.0-or-later
"""One edit without a server: a child process does it and ends with it, as a task of a render farm wants it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from google.protobuf.json_format import ParseDict

from bridge_api.v1 import job_pb2
from plugin_client.core.errors import BadInput, JobCancelled, JobFailed, TransferError
from plugin_client.core.job import Event, Job, JobState
from plugin_client.core.job_wire import event_of, job_of
from plugin_client.core.keeping import copy_whole
from plugin_client.core.requests import WireEdit
from plugin_client.core.results import destination_of

_MODULE = "bridge_server.alone"


class Alone:
    """An edit in a child process. Iterate over its events, `take` its result, and `close` it, whatever happens."""

    def __init__(self, request: WireEdit, *, data_dir: Path) -> None:
        """Start it; models, caches and adapters are those in `data_dir`. Raises BadInput where it is not installed."""
        if find_spec(_MODULE.partition(".")[0]) is None:
            raise BadInput("An edit without a server needs more than the client: install maskedit[server].")
        self._job: Job | None = None
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE, "--data-dir", str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):  # it could not start, which its end tells
            self._child.stdin.write(base64.b64encode(request.SerializeToString()) + b"\n")
            self._child.stdin.flush()

    def __iter__(self) -> Iterator[Event]:
        """Every event to the job's end. Raises BadInput with the sentence of a refusal."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            said = json.loads(line)
            if "refused" in said:
                raise BadInput(said["refused"])
            if "job" in said:
                self._job = job_of(ParseDict(said["job"], job_pb2.Job()))
                return
            yield event_of(ParseDict(said["event"], job_pb2.JobEvent()))

    def take(self, out: Path) -> Job:
        """The finished job, its files at `out` as `results.destination_of` says.

        It has no id, because nobody keeps it. Raises JobFailed, JobCancelled or TransferError.
        """
        job = self._job
        if job is None or job.state is JobState.FAILED:
            raise JobFailed((job and job.error) or "The edit's process ended without a word: run it again.")
        if job.state is JobState.CANCELLED or job.result is None:
            raise JobCancelled("The edit was cancelled.")
        for file in job.result.files:
            _place(Path(file.path), destination_of(file.name, out))
        return replace(job, job_id="")

    def close(self) -> None:
        """Cancel what still runs, wait for its end, and let it clear up."""
        assert self._child.stdin is not None and self._child.stdout is not None
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        for _ in self._child.stdout:  # a full pipe would keep it from ending
            pass
        self._child.wait()
        self._child.stdout.close()


def _place(file: Path, destination: Path) -> None:
    try:
        copy_whole(file, destination)
    except OSError as error:
        raise TransferError(
            f"{destination} cannot be written ({error.strerror}): make room or choose another place, then run the "
            "same edit again; what it learned is kept."
        ) from error
