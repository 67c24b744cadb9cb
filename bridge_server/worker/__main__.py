# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m bridge_server.worker`: does the one job that its options describe, then ends.

--request FILE (an EditRequest as JSON) --output DIR --cache DIR --data-dir DIR --log FILE (where stderr goes)
--events-fd N (an open pipe for one JSON line per event, see jobs/work.py). "cancel" on stdin or SIGTERM stops the work
at its next report, "sample" and "save" are answered at the next step of tuning; the end of stdin means that the server
is gone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from bridge_server.jobs.work import Ending, Outcome
from bridge_server.worker.channel import Channel
from maskedit.errors import MaskEditError
from maskedit.faults import Point, reach
from maskedit.progress import Cancelled, Stage
from maskedit.request import EditRequest, Preset, from_json

if TYPE_CHECKING:
    from maskedit.record import EditResult

# Longer than a worker whose server was killed needs to notice it.
_PREDECESSOR_SECONDS = 30


def main() -> None:
    parser = argparse.ArgumentParser(prog="bridge_server.worker", description=__doc__)
    for name in ("request", "output", "cache", "data-dir", "log"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--events-fd", type=int, required=True)
    options = parser.parse_args()
    channel = Channel(options.events_fd)
    reach(Point.WORKER_BEGUN)
    # Two workers never do the same job: one whose server died may still be on its way out.
    with FileLock(options.output.with_suffix(".lock"), timeout=_PREDECESSOR_SECONDS):
        reach(Point.WORKER_ALONE)
        channel.finish(_attempt(options, channel))


def _attempt(options: argparse.Namespace, channel: Channel) -> Outcome:
    try:
        request = from_json(options.request.read_bytes())
        channel.report(Stage.PREPARE, 0, total=1, message="Loading the method.")
        return _edit(request, options, channel)
    except Cancelled:
        return Outcome(ending=Ending.CANCELLED)
    except MaskEditError as error:
        return Outcome(ending=Ending.FAILED, message=str(error))
    except MemoryError:
        return _out_of_memory()
    except Exception:
        traceback.print_exc()
        return Outcome(
            ending=Ending.FAILED, message=f"The edit stopped on an unexpected error: its details are in {options.log}."
        )


def _edit(request: EditRequest, options: argparse.Namespace, channel: Channel) -> Outcome:
    done = _drafted(request, options, channel) if request.preset is Preset.DRAFT else _tuned(request, options, channel)
    beside = (done.record, done.traced) if done.traced else (done.record,)
    paths = (*(path for each in done.delivered for path in _files(each.path)), *beside)
    files = [_describe(path, options.output) for path in paths]
    reach(Point.RESULT_DESCRIBED)
    said = {"files": files, "stage_seconds": dict(done.stage_seconds), "adapter_reused": done.adapter_reused}
    return Outcome(ending=Ending.SUCCEEDED, result=said)


def _drafted(request: EditRequest, options: argparse.Namespace, channel: Channel) -> EditResult:
    """A draft is there in seconds: torch, which takes some to load, stays out of it."""
    from maskedit.drafting import run_draft

    return run_draft(request, output=options.output, reporter=channel)


def _tuned(request: EditRequest, options: argparse.Namespace, channel: Channel) -> EditResult:
    # Imported here, because it takes seconds and a cancel is heard from the first line on.
    import torch

    from maskedit.catalogue import Catalogue
    from maskedit.edit import run_edit

    try:
        models = Catalogue(options.data_dir)
        return run_edit(request, output=options.output, cache=options.cache, reporter=channel, models=models)
    except torch.OutOfMemoryError as error:
        traceback.print_exc()
        raise MemoryError from error


def _out_of_memory() -> Outcome:
    sentence = "Memory ran out: close other programs, or take a faster preset, a shorter range or a smaller model."
    return Outcome(ending=Ending.FAILED, message=sentence)


def _files(path: Path) -> Iterator[Path]:
    """The file, or every file in the folder of a sequence."""
    yield from sorted(path.iterdir()) if path.is_dir() else [path]


def _describe(path: Path, output: Path) -> dict[str, Any]:
    """Name, size and hash of a result file, which is synced first: SUCCEEDED promises that it survives."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.relative_to(output).as_posix(), "size_bytes": path.stat().st_size, "sha256": digest}


if __name__ == "__main__":
    main()
