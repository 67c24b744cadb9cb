# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker without a model: it speaks the real protocol, and its request's prompt says what it does.

`steps=20 pause=0.05`: so many steps, with so many seconds before each. `slower=10`: twice as many from step 10 on.
`linger=0.5`: so many seconds between its last word on its steps and its end.
`checkpoint=5`: writes one every 5 steps and goes on from it, and one where it stands when it is halted. `die=7`:
kills itself before step 7. `hold=FILE`: waits before its last step until that file is there. `end=fail|crash|garbage`.
`grow=300`: takes so many MB of memory, and half of them once memory has run out.
`stubborn=1`: hears no cancel, and has a child that does not either. What is asked of it meanwhile it says again.
`phases=1`: passes by every stage and every point of maskedit/faults.py that a tuning worker does. The result lists the
steps that each attempt did; its log says which process it was.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TextIO

from bridge_server.jobs.tasks import Task, gain_mark
from bridge_server.jobs.work import Ending, Outcome
from bridge_server.worker.channel import Channel
from bridge_server.worker.loop import work_on
from bridge_server.worker.results import describe_results
from maskedit.faults import Point, reach
from maskedit.progress import Cancelled, Stage
from maskedit.request import EditRequest
from maskedit.whole import written_whole

PLANNED_BYTES = 5_000_000_000


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("data-dir", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--events-fd", type=int, required=True)
    parser.add_argument("--spare-bytes", type=int)
    options = parser.parse_args()
    channel = Channel(options.events_fd)
    work_on(channel, partial(work, options=options, channel=channel), planned=lambda: PLANNED_BYTES)


def work(request: EditRequest, task: Task, *, options: argparse.Namespace, channel: Channel) -> Outcome:
    ran_out = "" if task.ran_out is None else f" ran_out {task.ran_out}"
    print(f"process {os.getpid()}{ran_out}", file=sys.stderr, flush=True)
    text = task.request.read_bytes()
    script = dict(word.split("=") for word in request.prompt.split())
    steps, pause, every = int(script.get("steps", 3)), float(script.get("pause", 0)), int(script.get("checkpoint", 0))
    if "stubborn" in script:
        be_stubborn(task.output)
    checkpoint = options.cache / f"{hashlib.sha256(text).hexdigest()}.checkpoint"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    task.output.mkdir(exist_ok=True)
    stages = list(Stage) if "phases" in script else []
    for stage in stages[:2]:
        channel.report(stage, 1, total=1)
    result = task.output / "result.txt"
    with result.open("a") as file:
        for step in range(first, steps):
            if step == int(script.get("die", -1)):
                os.kill(os.getpid(), signal.SIGKILL)
            while step == steps - 1 and not Path(script.get("hold", "/")).exists():
                time.sleep(0.02)
            time.sleep(2 * pause if step >= int(script.get("slower", steps)) else pause)
            print(step, file=file, flush=True)
            try:
                ask = channel.report(Stage.TUNE_MOTION, step + 1, total=steps, message=f"step {step}")
                if ask is not None:
                    channel.report(Stage.TUNE_MOTION, step + 1, total=steps, message=f"asked to {ask}")
            except Cancelled as stop:
                if every and stop.resumes:
                    keep(checkpoint, step + 1, steps=file)
                raise
            if every and (step + 1) % every == 0:
                keep(checkpoint, step + 1, steps=file)
    taken = bytearray(int(script.get("grow", 0)) * 1_000_000 // (1 if task.ran_out is None else 2))
    taken[::4096] = b"x" * len(taken[::4096])  # or the kernel would only promise it
    for stage in stages[3:]:
        channel.report(stage, 1, total=1)
    for point in (Point.TUNED, Point.RESULT_SYNC, Point.RESULT_RENAME, Point.RESULT_RENAMED, Point.RESULT_DESCRIBED):
        reach(point)
    time.sleep(float(script.get("linger", 0)))
    return end(script.get("end", ""), result, options.events_fd)


def keep(checkpoint: Path, done: int, *, steps: TextIO) -> None:
    os.fsync(steps.fileno())  # who goes on from the checkpoint does not write them again
    with written_whole(checkpoint, renaming=Point.TENSORS_RENAME, renamed=Point.TENSORS_RENAMED) as unfinished:
        reach(Point.TENSORS_WRITE)
        unfinished.write_text(str(done))
    gain_mark(Path(steps.name).parents[1]).touch()


def end(how: str, result: Path, events_fd: int) -> Outcome:
    if how == "fail":
        return Outcome(ending=Ending.FAILED, message="The script says so: write another.")
    if how == "crash":
        sys.exit(9)
    if how == "garbage":
        os.write(events_fd, b'{"progress": {"stage"\n')
        time.sleep(60)
    said = {
        "files": describe_results([result], result.parent),
        "stage_seconds": {"tune_motion": 1.5},
        "adapter_reused": True,
    }
    return Outcome(ending=Ending.SUCCEEDED, result=said)


def be_stubborn(output: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Channel.report = lambda *_, **__: None  # type: ignore[method-assign]
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    output.with_name("pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(300)


if __name__ == "__main__":
    main()
