# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering a shot: windows joined, the plate kept, reports and cancelling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from maskedit import rendering
from maskedit.caching import LatentCache
from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.rendering import Sampling, render_shot
from maskedit.request import FrameRange
from maskedit.shot import Shot

SAMPLING = Sampling(steps=2, guidance=1.0, seed=4)


def shot_of(frames: int, keyframe: int) -> Shot:
    generator = torch.Generator().manual_seed(0)
    matte = torch.zeros(1, 1, frames, 16, 16)
    matte[..., 4:12, 4:12] = 1
    matte[:, :, 3] = 0
    return Shot(
        frames=FrameRange(first=0, last=frames - 1),
        track=CropTrack.still(CropPlan(Rect(0, 0, 16, 16), 16, 16), frames=range(frames)),
        video=torch.rand(1, 3, frames, 16, 16, generator=generator) * 2 - 1,
        edit_matte=matte,
        edited={keyframe: torch.rand(1, 3, 1, 16, 16, generator=generator) * 2 - 1},
    )


def rendered(
    model: WanImageToVideo, shot: Shot, cache: Path, *, length: int = 5, reporter: SilentReporter | None = None
) -> dict[int, torch.Tensor]:
    return render_shot(
        model,
        shot,
        shot.stretches(length=length, overlap=1),
        sampling=SAMPLING,
        prompt="",
        adapter_key="none",
        cache=LatentCache(cache),
        reporter=reporter or SilentReporter(),
    )


def test_every_frame_comes_back_with_its_plate_outside_the_region(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    shot = shot_of(9, keyframe=4)
    frames = rendered(plain_wan, shot, tmp_path)
    assert sorted(frames) == list(range(9))
    torch.testing.assert_close(frames[4], shot.edited[4])
    for number, picture in frames.items():
        plate, matte = shot.at(number)
        assert picture.abs().max() <= 1
        if number != 4:
            assert torch.equal(picture[matte.expand_as(picture) == 0], plate[matte.expand_as(plate) == 0])
    assert torch.equal(frames[3], shot.at(3)[0])


def test_a_later_window_is_given_the_frames_of_the_one_before(
    plain_wan: WanImageToVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = shot_of(9, keyframe=0)
    given = []
    encode = rendering.render_conditioning

    def spy(model, window, **how):  # type: ignore[no-untyped-def]
        given.append((window.given, window.frames, window.video.clone()))
        return encode(model, window, **how)

    monkeypatch.setattr(rendering, "render_conditioning", spy)
    frames = rendered(plain_wan, shot, tmp_path)
    (_, _, first), (kept, second_frames, second) = given
    torch.testing.assert_close(first[:, :, :1], shot.edited[0])
    assert (kept, second_frames[0]) == ((0,), 4)
    assert torch.equal(second[:, :, :1], frames[4])
    assert torch.equal(second[:, :, 1:], shot.video[:, :, 5:9])


def test_the_seed_decides_and_the_cache_repeats(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    shot = shot_of(5, keyframe=0)
    first = rendered(plain_wan, shot, tmp_path / "a")
    again = rendered(plain_wan, shot, tmp_path / "a")
    fresh = rendered(plain_wan, shot, tmp_path / "b")
    assert all(torch.equal(first[n], again[n]) and torch.equal(first[n], fresh[n]) for n in range(5))
    other = render_shot(
        plain_wan,
        shot,
        shot.stretches(length=5, overlap=1),
        sampling=Sampling(steps=2, guidance=1.0, seed=5),
        prompt="",
        adapter_key="none",
        cache=LatentCache(tmp_path / "a"),
        reporter=SilentReporter(),
    )
    assert not torch.equal(first[1], other[1])


class Counting(SilentReporter):
    def __init__(self, stop_at: int | None = None) -> None:
        self.seen: list[tuple[int, int]] = []
        self.previews: list[bytes] = []
        self.stop_at = stop_at

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        assert stage is Stage.RENDER
        self.seen.append((done, total))
        self.previews += [preview] if preview else []
        if done == self.stop_at:
            raise Cancelled


def test_progress_runs_over_all_windows_without_a_step_back(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    reporter = Counting()
    rendered(plain_wan, shot_of(9, keyframe=0), tmp_path, reporter=reporter)
    assert [done for done, _ in reporter.seen] == sorted(done for done, _ in reporter.seen)
    assert reporter.seen[-1] == (4, 4)


def test_each_window_can_be_looked_at_when_it_is_done(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    reporter, shot = Counting(), shot_of(9, keyframe=0)
    frames = rendered(plain_wan, shot, tmp_path, reporter=reporter)
    assert len(reporter.previews) == 2
    shown = cv2.imdecode(np.frombuffer(reporter.previews[-1], np.uint8), cv2.IMREAD_GRAYSCALE)
    truth = cv2.cvtColor((frames[8][0, :, 0].permute(1, 2, 0).numpy() + 1) * 127.5, cv2.COLOR_RGB2GRAY)
    # JPEG spares the luma of noise; that of another frame is off by 50 on average.
    assert np.abs(shown - truth).mean() < 10


def test_cancelling_passes_through_and_leaves_no_half_window(plain_wan: WanImageToVideo, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        rendered(plain_wan, shot_of(9, keyframe=0), tmp_path, reporter=Counting(stop_at=3))
    reporter = Counting()
    rendered(plain_wan, shot_of(9, keyframe=0), tmp_path, reporter=reporter)
    # The first window came from the cache: only the second one's steps were taken.
    assert [done for done, _ in reporter.seen] == [2, 2, 3, 4]


def sampled(model: WanImageToVideo, *, strength: float, steps: int = 8) -> tuple[list[float], torch.Tensor]:
    """The timesteps that the model was asked at, and what it was shown first, from a draft of all ones."""
    seen: list[float] = []
    shown: list[torch.Tensor] = []

    def predict(latents: torch.Tensor, timestep: torch.Tensor, *, conditioning: Conditioning) -> torch.Tensor:
        seen.append(timestep.item())
        shown.append(latents)
        return torch.zeros_like(latents)

    model.predict = predict  # type: ignore[method-assign]
    conditioning = Conditioning(torch.zeros(1, 52, 2, 4, 4), Embeddings(torch.zeros(1, 1, 32)))
    rendering.sample_latents(
        model,
        conditioning,
        unconditional=None,
        sampling=Sampling(steps=steps, guidance=1.0, seed=0, draft_strength=strength),
        draft=None if strength == 1 else torch.ones(1, 48, 2, 4, 4),
    )
    return seen, shown[0]


def test_from_noise_every_step_is_taken_with_the_models_shift(clean_wan: WanImageToVideo) -> None:
    seen, first = sampled(clean_wan, strength=1.0)
    assert len(seen) == 8
    assert seen[0] > 990
    assert seen[4] > 600, "half the steps lie where noise is thick"
    torch.testing.assert_close(first, rendering.initial_noise((1, 48, 2, 4, 4), seed=0))


@pytest.mark.parametrize(("strength", "steps"), [(0.9, 7), (0.5, 4), (0.3, 2), (0.01, 1)])
def test_from_a_draft_only_the_steps_below_its_noise_are_taken(
    clean_wan: WanImageToVideo, strength: float, steps: int
) -> None:
    seen, first = sampled(clean_wan, strength=strength)
    assert len(seen) == steps
    assert seen == sorted(seen, reverse=True)
    t = seen[0] / 1000
    assert t <= max(strength, 0.13) + 0.001
    noise = rendering.initial_noise((1, 48, 2, 4, 4), seed=0)
    torch.testing.assert_close(first, (1 - t) * 1 + t * noise, atol=0.01, rtol=0)


def test_a_render_from_the_draft_counts_its_own_steps_only(clean_wan: WanImageToVideo, tmp_path: Path) -> None:
    shot, reporter = shot_of(9, keyframe=0), Counting()
    frames = render_shot(
        clean_wan,
        shot,
        shot.stretches(length=5, overlap=1),
        sampling=Sampling(steps=4, guidance=1.0, seed=4, draft_strength=0.5),
        prompt="",
        adapter_key="none",
        cache=LatentCache(tmp_path),
        reporter=reporter,
    )
    assert sorted(frames) == list(range(9))
    assert {total for _, total in reporter.seen} == {4}
    assert reporter.seen[-1] == (4, 4)


def test_a_painted_frame_stays_as_painted_and_is_given_where_all_are(
    plain_wan: WanImageToVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = shot_of(9, keyframe=0)
    shot = replace(shot, edited=shot.edited | {3: shot.edited[0] * 0.5})
    windows = []
    encode = rendering.render_conditioning

    def spy(model, window, **how):  # type: ignore[no-untyped-def]
        windows.append(window)
        return encode(model, window, **how)

    monkeypatch.setattr(rendering, "render_conditioning", spy)
    for configured, places in ((shot, (0,)), (replace(shot, given_keyframes="all"), (0, 3))):
        windows.clear()
        frames = rendered(plain_wan, configured, tmp_path / str(len(places)))
        assert torch.equal(frames[3], shot.edited[3])
        assert windows[0].given == places
        shown = shot.edited[3] if 3 in places else shot.at(3)[0]
        assert torch.equal(windows[0].video[:, :, 3:4], shown)
