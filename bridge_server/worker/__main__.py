# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m bridge_server.worker`: does one job after another, as its server tells it.

--data-dir DIR --cache DIR --events-fd N (an open pipe for one JSON line per event, see jobs/work.py) --spare-bytes N
(of the device's memory, what a plan leaves to other programs).

On stdin it hears a job as one line of JSON (jobs/tasks.py): it appends its stderr to that job's log, does it, and says
the outcome, then "ready" once another may come, and "taken" when it has. Between two jobs the model of the first stays
loaded and nothing else of it stays. After a job called its last one, or one that went wrong in a way that the next
might feel, it ends instead.

Meanwhile "cancel" on stdin stops the job at its next report, and so does "halt", which says that it will be gone on
with: tuning leaves a checkpoint where it stands. "sample" and "save" are answered at the next step of tuning. SIGTERM
is a "halt" for the job, and ends the worker. The end of stdin means that the server is gone, and ends the worker at
once.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_server.fingerprints import refuse_changed
from bridge_server.jobs.tasks import Task, gain_mark
from bridge_server.jobs.work import Ending, Outcome
from bridge_server.worker.channel import Channel
from bridge_server.worker.loop import work_on
from bridge_server.worker.results import describe_results
from maskedit.faults import Point, reach
from maskedit.progress import Stage
from maskedit.request import EditRequest, Preset

if TYPE_CHECKING:
    from maskedit.bench import Bench
    from maskedit.record import EditResult


def main() -> None:
    parser = argparse.ArgumentParser(prog="bridge_server.worker", description=__doc__)
    for name in ("data-dir", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--events-fd", type=int, required=True)
    parser.add_argument("--spare-bytes", type=int, default=0)
    options = parser.parse_args()
    channel = Channel(options.events_fd)
    editor = Editor(options.data_dir, cache=options.cache, channel=channel, spare_bytes=options.spare_bytes)
    work_on(channel, editor.edit, tidy=editor.tidy, planned=editor.planned_bytes)


class Editor:
    """Does the jobs. What it keeps between them lies on its bench."""

    def __init__(self, data_dir: Path, *, cache: Path, channel: Channel, spare_bytes: int) -> None:
        self._data_dir = data_dir
        self._cache = cache
        self._channel = channel
        self._spare_bytes = spare_bytes
        self._bench: Bench | None = None

    def edit(self, request: EditRequest, task: Task) -> Outcome:
        """The whole of one job."""
        self._channel.report(Stage.PREPARE, 0, total=1, message="Loading the method.")
        refuse_changed(request, inputs=task.output.parent)
        done = self._drafted(request, task) if request.preset is Preset.DRAFT else self._tuned(request, task)
        beside = (done.record, done.traced) if done.traced else (done.record,)
        paths = (*(path for each in done.delivered for path in _files(each.path)), *beside)
        files = describe_results(paths, task.output)
        reach(Point.RESULT_DESCRIBED)
        said = {"files": files, "stage_seconds": dict(done.stage_seconds), "adapter_reused": done.adapter_reused}
        return Outcome(ending=Ending.SUCCEEDED, result=said)

    def tidy(self) -> None:
        """Leave nothing of the last job but its model."""
        if self._bench is not None:
            self._bench.clear()

    def planned_bytes(self) -> int:
        """What the model of the job under way was planned to take; 0 before that is known."""
        return 0 if self._bench is None else self._bench.planned_bytes

    def _drafted(self, request: EditRequest, task: Task) -> EditResult:
        """A draft is there in seconds: torch, which takes some to load, stays out of it."""
        from maskedit.drafting import run_draft

        return run_draft(request, output=task.output, reporter=self._channel)

    def _tuned(self, request: EditRequest, task: Task) -> EditResult:
        # Imported here, because it takes seconds and a cancel is heard from the first line on.
        from maskedit.bench import Bench
        from maskedit.caching import told_of_saved
        from maskedit.catalogue import Catalogue
        from maskedit.edit import run_edit

        latents = self._cache / "latents"

        def saved(path: Path) -> None:
            # A GPU may render latents that differ by a rounding each time: as a gain they would have no end.
            if path.parent != latents:
                with suppress(OSError):
                    gain_mark(task.output.parent).touch()

        self._bench = self._bench or Bench(spare_bytes=self._spare_bytes)
        with told_of_saved(saved):
            return run_edit(
                request,
                output=task.output,
                cache=self._cache,
                reporter=self._channel,
                models=Catalogue(self._data_dir),
                bench=self._bench,
                ran_out=task.ran_out,
            )


def _files(path: Path) -> Iterator[Path]:
    """The file, or every file in the folder of a sequence."""
    yield from sorted(path.iterdir()) if path.is_dir() else [path]


if __name__ == "__main__":
    main()
