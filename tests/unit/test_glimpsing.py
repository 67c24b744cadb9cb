# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at an edit while it is tuned: refused where memory is short, and stopped as the tuning is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from maskedit.caching import LatentCache
from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.glimpsing import Glimpse
from maskedit.models.wan import WanImageToVideo
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.rendering import Sampling
from maskedit.request import FrameRange
from maskedit.shot import Shot

AT = (Stage.TUNE_MOTION, 3, 10)
FRAMES = 9


class Watching(SilentReporter):
    """Keeps where the edit is said to be; cancels at the `stop`th report."""

    def __init__(self, *, stop: int = 0) -> None:
        self.seen: list[tuple[Stage, int, int]] = []
        self._stop = stop

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.seen.append((stage, done, total))
        if len(self.seen) == self._stop:
            raise Cancelled


@pytest.fixture
def glimpse(plain_wan: WanImageToVideo, tmp_path: Path) -> Glimpse:
    generator = torch.Generator().manual_seed(0)
    matte = torch.zeros(1, 1, FRAMES, 16, 16)
    matte[..., 4:12, 4:12] = 1
    shot = Shot(
        frames=FrameRange(first=0, last=FRAMES - 1),
        track=CropTrack.still(CropPlan(Rect(0, 0, 16, 16), 16, 16), frames=range(FRAMES)),
        video=torch.rand(1, 3, FRAMES, 16, 16, generator=generator) * 2 - 1,
        edit_matte=matte,
        edited={0: torch.rand(1, 3, 1, 16, 16, generator=generator) * 2 - 1},
    )
    return Glimpse(
        model=plain_wan,
        shot=shot,
        stretches=shot.stretches(length=FRAMES, overlap=1),
        sampling=Sampling(steps=50, guidance=1.0, seed=4),
        prompt="",
        cache=LatentCache(tmp_path),
    )


def test_it_is_a_small_picture_made_in_few_steps_while_the_edit_stays_where_it_is(glimpse: Glimpse) -> None:
    reporter = Watching()
    picture = glimpse.picture("now", reporter=reporter, at=AT)
    assert picture is not None
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (16, 16, 3)
    assert set(reporter.seen) == {AT} and len(reporter.seen) < 12


def test_a_cancel_is_heard_meanwhile(glimpse: Glimpse) -> None:
    with pytest.raises(Cancelled):
        glimpse.picture("now", reporter=Watching(stop=2), at=AT)


def test_without_memory_for_the_codec_there_is_none(glimpse: Glimpse) -> None:
    reporter, plan = Watching(), glimpse.model.plan
    glimpse.model.plan = replace(plan, share_codec=False)
    try:
        assert glimpse.picture("now", reporter=reporter, at=AT) is None
    finally:
        glimpse.model.plan = plan
    assert reporter.seen == []
