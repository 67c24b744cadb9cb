# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that speaks the real protocol and takes its orders from the prompt: `steps=40 pause=0.05 end=fail`.

It renders nothing: its result is the clip's bytes as they came, which is enough to follow jobs and fetch files.
"""

import argparse
import hashlib
import json
import shutil
import time
from functools import partial
from pathlib import Path

from bridge_server.jobs.tasks import Task
from bridge_server.jobs.work import Ending, Outcome
from bridge_server.worker.channel import Channel
from bridge_server.worker.loop import work_on
from maskedit.progress import Stage
from maskedit.request import EditRequest


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("data-dir", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--events-fd", type=int, required=True)
    parser.add_argument("--spare-bytes", type=int)
    channel = Channel(parser.parse_args().events_fd)
    work_on(channel, partial(work, channel=channel))


def work(request: EditRequest, task: Task, *, channel: Channel) -> Outcome:
    script = dict(word.split("=") for word in request.prompt.split())
    for stage in (Stage.TUNE_MOTION, Stage.RENDER):
        steps = int(script.get("steps", 3))
        for done in range(steps + 1):
            channel.report(stage, done, total=steps)
            time.sleep(float(script.get("pause", 0)))
    return ending(script, request, task.output)


def ending(script: dict[str, str], request: EditRequest, output: Path) -> Outcome:
    if script.get("end") == "fail":
        return Outcome(ending=Ending.FAILED, message="The script says so: write another.")
    output.mkdir(parents=True, exist_ok=True)
    result, record = output / f"result.{request.deliverables[0].format}", output / "result.maskedit.json"
    shutil.copyfile(request.target.path, result)
    record.write_text(json.dumps({"scorecard": {"background_psnr": "inf"}}))
    files = [
        {
            "name": path.name,
            "size_bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in (result, record)
    ]
    said = {"files": files, "stage_seconds": {"render": 1.5, "tune_motion": 2.25}, "adapter_reused": True}
    return Outcome(ending=Ending.SUCCEEDED, result=said)


if __name__ == "__main__":
    main()
