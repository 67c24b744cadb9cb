# SPDX-License-Identifier: GPL-3.0-or-later
"""From files to the shot: the crop goes with the region, every frame at its own place, decoded once."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from maskedit import preparing
from maskedit.checking import check_edit
from maskedit.geometry import bounds_of, crop_to_model, matte_to_model
from maskedit.media import ClipReader, write_picture
from maskedit.models import Limits
from maskedit.preparing import prepare
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.request import EditRequest, FrameRange, Keyframe, Matte, MediaReference, Region
from maskedit.shot import Shot, to_video

WIDTH, HEIGHT, FRAMES = 240, 90, 12
LIMITS = Limits(grid_px=8, cell_px=4, temporal_factor=4, budget_px=48 * 48, max_frames=9)


class Counting(SilentReporter):
    def __init__(self, stop_at: int | None = None) -> None:
        self.seen: list[int] = []
        self.stop_at = stop_at

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.seen.append(done)
        if len(self.seen) == self.stop_at:
            raise Cancelled


@pytest.fixture
def sources(tmp_path: Path, write_clip) -> tuple[EditRequest, np.ndarray]:  # type: ignore[no-untyped-def]
    """A box that crosses a clip of noise, with frame 4 painted white."""
    clip = np.random.default_rng(1).integers(0, 200, (FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    mattes = np.zeros_like(clip)
    for number in range(FRAMES):
        mattes[number, 30:54, 6 + 18 * number : 28 + 18 * number] = 255
    write_picture(tmp_path / "white.png", np.ones((HEIGHT, WIDTH, 3), np.float32))
    files = [write_clip("clip.mkv", clip), write_clip("matte.mkv", mattes), tmp_path / "white.png"]
    target, matte, picture = (MediaReference(locations=(str(path),)) for path in files)
    request = EditRequest(
        target=target,
        regions=(Region(mattes=(Matte(media=matte),), grow_px=1, feather_px=1),),
        keyframes=(Keyframe(frame=4, image=picture),),
        frames=FrameRange(first=2, last=9),
    )
    return request, clip


def shot_of(request: EditRequest, reporter: SilentReporter | None = None) -> Shot:
    reporter = reporter or SilentReporter()
    return prepare(request, check_edit(request), limits=LIMITS, context=Fraction(1, 4), reporter=reporter)


def test_every_frame_is_cropped_at_its_own_place(sources) -> None:
    request, clip = sources
    shot = shot_of(request)
    assert shot.track.moves
    for number in range(2, 10):
        plan = shot.track.at(number)
        plate, edit_matte = shot.at(number)
        expected = to_video(crop_to_model(clip[number][plan.rect.slices].astype(np.float32) / 255, plan))
        torch.testing.assert_close(plate, expected, atol=1e-6, rtol=0)
        # The paste matte: the box as it is on this frame and the ones beside, grown by one and feathered by one.
        paste = np.zeros((HEIGHT, WIDTH), np.float32)
        first, last = max(number - 1, 2), min(number + 1, 9)
        paste[28:56, 4 + 18 * first : 30 + 18 * last] = 1
        bounds = bounds_of(paste)
        assert bounds is not None and plan.rect.covers(bounds)
        drawn_bounds = bounds_of(matte_to_model(paste, plan))
        assert drawn_bounds == bounds_of(edit_matte[0, 0, 0].numpy())


def test_the_keyframe_lies_in_its_own_frames_crop_and_is_the_plate_outside(sources) -> None:
    request, _ = sources
    shot = shot_of(request)
    plate, edit_matte = shot.at(4)
    outside = (edit_matte == 0).expand_as(plate)
    assert sorted(shot.edited) == [4]
    assert torch.equal(shot.edited[4][outside], plate[outside])
    assert shot.edited[4][~outside].amax() == pytest.approx(1)
    assert plate[~outside].amax() < 0.6


def test_the_clip_is_decoded_once(sources, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class Watched(ClipReader):
        def __init__(self, *args: object, **kwargs: object) -> None:
            opened.append(args)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(preparing, "ClipReader", Watched)
    shot_of(sources[0])
    assert len(opened) == 1


def test_progress_never_steps_back_and_looking_for_the_region_can_be_cancelled(sources) -> None:
    reporter = Counting()
    shot_of(sources[0], reporter)
    assert reporter.seen == sorted(reporter.seen)
    assert reporter.seen[-1] == 8
    with pytest.raises(Cancelled):
        shot_of(sources[0], Counting(stop_at=3))


def test_a_small_region_costs_less_where_it_is_not_to_be_enlarged(sources) -> None:
    request, _ = sources
    how = {"limits": replace(LIMITS, budget_px=192 * 192), "context": Fraction(1, 4), "reporter": SilentReporter()}
    full, plain = (prepare(request, check_edit(request), enlargement=most, **how) for most in (4.0, 1.0))
    assert full.video[0, 0, 0].numel() > plain.video[0, 0, 0].numel()
    # The crop ends on whole cells, so a little more than the source's own size is what it comes to.
    for number in range(2, 10):
        plan = plain.track.at(number)
        assert plan.model_width <= 1.25 * plan.rect.width and plan.model_height <= 1.25 * plan.rect.height
