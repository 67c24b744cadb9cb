# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client says of the time left, against the time that it took: over real events of a paced job.

With -s the figures of docs/reliability.md are printed; ETA_STEPS makes the runs longer than the suite has time for.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass

import pytest

from bridge_api.v1 import edit_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.course import Course
from plugin_client.core.jobs import Jobs
from tests.serving import submit

STEPS = int(os.environ.get("ETA_STEPS", "44"))
PAUSE = 0.1


@dataclass(frozen=True)
class Promise:
    """At `at`, seconds of the monotonic clock, `left` seconds were said to be left of the stage."""

    at: float
    left: float

    def ratio(self, end: float) -> float:
        """Of what was said to what it took."""
        return self.left / (end - self.at)


def promises_of(connection: Connection, job_id: str) -> tuple[list[Promise], float]:
    """What was said after every event while there was a second to go, and when the tuning really ended."""
    course, found, end = Course(), [], 0.0
    for event in Jobs(connection).watch(job_id):
        course.take(event)
        if event.stage and event.done == event.total:
            end = time.monotonic()
        elif course.seconds_left is not None:
            found.append(Promise(time.monotonic(), course.seconds_left))
    return [each for each in found if end - each.at > 1], end


@pytest.mark.parametrize(
    ("pace", "least", "most"),
    [
        # As fast all the time: each promise is near the truth.
        ("steady", 0.75, 1.35),
        # Half as fast from the middle on, which nobody could know: not half, and never too much.
        ("slowing", 0.4, 1.35),
    ],
)
def test_the_time_left_is_near_what_it_takes(
    connection: Connection, edit: edit_pb2.EditRequest, pace: str, least: float, most: float
) -> None:
    script = f"steps={STEPS} pause={PAUSE}" + (f" slower={STEPS // 2}" if pace == "slowing" else "")
    began = time.monotonic()
    promises, end = promises_of(connection, submit(connection, edit, script))
    ratios = [each.ratio(end) for each in promises]
    late = [each.ratio(end) for each in promises if end - each.at < (end - began) / 3] or ratios
    misses = [abs(each.left - (end - each.at)) for each in promises]
    print(
        f"\n{pace}: {len(ratios)} promises in {end - began:.1f} s; said / taken {min(ratios):.2f} to "
        f"{max(ratios):.2f}, median {statistics.median(ratios):.2f}; wrong by {statistics.median(misses):.2f} s, at "
        f"most {max(misses):.2f}; in the last third {min(late):.2f} to {max(late):.2f}"
    )
    assert len(ratios) >= 4
    assert least <= min(ratios) and max(ratios) <= most
