# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft's part in a finished edit, frame by frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.checking import check_edit
from maskedit.drafting import source_drafts
from maskedit.finishing import finished
from maskedit.media import write_picture
from maskedit.models.family import Limits
from maskedit.preparing import prepare
from maskedit.presets import BEST
from maskedit.progress import SilentReporter, Stage
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Region
from maskedit.shot import Shot

LIMITS = Limits(grid_px=16, cell_px=8, temporal_factor=4, budget_px=48 * 48, max_frames=81)
HEIGHT, WIDTH, FRAMES = 96, 128, 4


@pytest.fixture
def painted(tmp_path: Path, write_clip) -> EditRequest:  # type: ignore[no-untyped-def]
    """A still clip of noise whose middle is painted with other noise on frame 0."""
    generator = np.random.default_rng(3)
    plate = generator.integers(60, 200, (HEIGHT, WIDTH, 3), np.uint8)
    matte = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    matte[:, 24:72, 32:96] = 255
    edited = plate.astype(np.float32) / 255
    edited[24:72, 32:96] = generator.random((48, 64, 3), np.float32)
    write_picture(tmp_path / "edited.png", edited)
    files = [
        write_clip("clip.mkv", np.stack([plate] * FRAMES)),
        write_clip("matte.mkv", matte),
        tmp_path / "edited.png",
    ]
    target, drawn, picture = (MediaReference(locations=(str(path),)) for path in files)
    region = Region(mattes=(Matte(media=drawn),), grow_px=0, feather_px=0)
    return EditRequest(target=target, regions=(region,), keyframes=(Keyframe(frame=0, image=picture),))


class Stages(SilentReporter):
    def __init__(self) -> None:
        self.seen: list[tuple[Stage, int]] = []

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.seen.append((stage, done))


def pictures(request: EditRequest, *, trust: float, detail: float, reporter: SilentReporter) -> tuple[Shot, list]:
    """The finished frames of a model that made grey of everything."""
    checked = check_edit(request)
    shot = prepare(request, checked, limits=LIMITS, context=Fraction(1, 4), reporter=SilentReporter())
    rendered = {frame: shot.at(frame)[0] * 0 for frame in range(FRAMES)}
    recipe = replace(BEST, draft_trust=trust, draft_detail=detail)
    with finished(rendered, shot, request=request, checked=checked, recipe=recipe, reporter=reporter) as generated:
        return shot, [generated(frame) for frame in range(FRAMES)]


def test_a_model_left_alone_is_only_enlarged(painted: EditRequest) -> None:
    reporter = Stages()
    shot, frames = pictures(painted, trust=0.0, detail=0.0, reporter=reporter)
    for number, (picture, rect) in enumerate(frames):
        assert rect == shot.track.at(number).rect
        np.testing.assert_allclose(picture, 0.5, atol=1e-6)
    # No draft is made that nobody asked for.
    assert reporter.seen == []


def test_where_the_draft_is_sure_and_trusted_it_is_what_is_shown(painted: EditRequest) -> None:
    reporter = Stages()
    _, frames = pictures(painted, trust=1.0, detail=1.0, reporter=reporter)
    checked = check_edit(painted)
    with source_drafts(painted, checked, tick=lambda done: None) as (_, drafts):
        for (picture, rect), (at, draft) in zip(frames, drafts, strict=True):
            rows, columns = slice(24 - rect.y, 72 - rect.y), slice(32 - rect.x, 96 - rect.x)
            there = draft.picture[24 - at.y : 72 - at.y, 32 - at.x : 96 - at.x]
            sure = draft.confidence[24 - at.y : 72 - at.y, 32 - at.x : 96 - at.x]
            assert sure.mean() > 0.8
            np.testing.assert_allclose(picture[rows, columns][sure == 1], there[sure == 1], atol=1e-5)
    # Whoever waits sees the stage that it belongs to, and can cancel it.
    assert {stage for stage, _ in reporter.seen} == {Stage.COMPOSITE}
