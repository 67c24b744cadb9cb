# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs whose results are sequences of thousands of files are listed all the same."""

from __future__ import annotations

import json
from fractions import Fraction

from bridge_api.v1 import edit_pb2
from bridge_server.checks import Report, report_to_json
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from maskedit.request import Extent, FrameRange, MediaFacts
from plugin_client.core.jobs import Jobs
from tests.serving import ServerProcess

JOBS, FRAMES = 20, 1500


def test_every_job_is_listed_however_many_files_it_delivered(own_server: ServerProcess) -> None:
    own_server.data_dir.mkdir(parents=True)
    store = JobStore(own_server.data_dir / "jobs.sqlite")
    facts = MediaFacts(frame_count=FRAMES, width=64, height=64, rate=Fraction(24), pixel_format="gray")
    bounds, frames = Extent(x=0, y=0, width=64, height=64), FrameRange(first=0, last=FRAMES - 1)
    report = report_to_json(Report(facts=facts, frames=frames, region_frames=(0,), bounds=bounds))
    files = [
        {"name": f"result/result.{number:04d}.png", "size_bytes": 1 << 20, "sha256": "0" * 64}
        for number in range(FRAMES)
    ]
    result = json.dumps({"files": files, "stage_seconds": {}, "adapter_reused": False})
    edit = edit_pb2.EditRequest(model="bundled").SerializeToString()
    ids = [f"{number:032x}" for number in range(JOBS)]
    for job_id in ids:
        store.add(NewJob(job_id=job_id, idempotency_key=job_id, request=edit, report=report))
        store.claim()
        store.move(job_id, JobState.SUCCEEDED, result=result)
    store.close()
    with own_server.start().connect() as connection:
        assert [job.job_id for job in Jobs(connection).list(limit=200)] == ids[::-1]
