# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip on a timeline of the fake, read as a shot, and a result to be placed over it."""

from __future__ import annotations

from typing import Any

from plugin_client.core.host import Marks, Shot
from plugin_client.resolve.placing import Placed, put_result
from plugin_client.resolve.reading import read_item
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.timecode import RATES
from tests.hosts.resolve.stage import Stage

MARKS = Marks(job_id="job-7", name="red car", prompt="a red car", seed=3)


class Scene:
    """Frames 10-29 of a clip at frame 40 of a timeline, read as a shot, and a result for it."""

    def __init__(self, numbered_clip, *, rate: str = "24", media_rate: str = "", **fake: str) -> None:
        self.stage = Stage(FakeResolve(**fake), rate=rate)
        media_rate = media_rate or rate
        name = "_".join([rate, media_rate, *fake.values()]).replace(" ", "")
        path = numbered_clip(f"{name}.mov", 90, rate=RATES[media_rate])
        clip = self.stage.clip(path)
        self.source = by_hand.place(self.stage.timeline, clip, track=1, start=self.stage.start + 40, source=(10, 30))
        (item,) = self.stage.items()
        self.shot: Shot = read_item(self.stage.project, self.stage.timeline, item).shot
        # Bright where the source is dark: a frame of it tells which one it is.
        self.result = numbered_clip(f"result_{name}.mov", 110, rate=RATES[media_rate])

    def put(self, **changed: Any) -> Placed:
        return put_result(self.stage.resolve, str(self.result), self.shot, **{"marks": MARKS, **changed})

    def span(self, track: int) -> list[tuple[int, int]]:
        return [(one.GetStart() - self.stage.start, one.GetDuration()) for one in self.stage.items(track)]
