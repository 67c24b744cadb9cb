# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's dispatcher in a memory cgroup: `python limited_server.py GROUP FOLDER`.

Has a paced worker do the job in FOLDER/job, and prints what came of it as JSON: ending, message, what it heard.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from bridge_server.dispatch.local import LocalDispatcher
from bridge_server.jobs.work import Progress, WorkOrder
from maskedit.devices import Device

WORKER = (sys.executable, str(Path(__file__).with_name("paced_worker.py")))
CPU = Device(device_id="cpu", name="", memory_bytes=0, free_memory_bytes=0)


async def serve(folder: Path) -> None:
    places = {"cache": folder / "cache", "logs": folder / "logs"}
    for place in places.values():
        place.mkdir()
    heard: list[str] = []

    async def hear(progress: Progress) -> None:
        heard.append(progress.message)

    dispatcher = LocalDispatcher(folder, **places, devices=[CPU], command=WORKER)
    order = WorkOrder(job_id="job", folder=folder / "job")
    outcome = await dispatcher.run(order, hear)
    print(json.dumps({"ending": outcome.ending, "message": outcome.message, "heard": heard}))


if __name__ == "__main__":
    (Path(sys.argv[1]) / "cgroup.procs").write_text(str(os.getpid()))
    asyncio.run(serve(Path(sys.argv[2])))
