# SPDX-License-Identifier: GPL-3.0-or-later
"""No seam: neither where two windows of a long clip join nor where the generated region meets the plate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from maskedit.caching import LatentCache
from maskedit.catalogue import Catalogue
from maskedit.geometry import CropPlan, CropTrack, Rect
from maskedit.models import VideoModel, load_model
from maskedit.models.wan import WanImageToVideo
from maskedit.progress import SilentReporter
from maskedit.rendering import Sampling, render_shot
from maskedit.request import FrameRange
from maskedit.shot import Shot
from maskedit.synthetic import rendered_pair

SIZE = 64


def shot_of(video: torch.Tensor, edit_matte: torch.Tensor, *, edited: dict[int, torch.Tensor]) -> Shot:
    """A shot of (1, 3, T, H, W) pictures that are as large as their source."""
    count, height, width = video.shape[2:]
    plan = CropPlan(Rect(0, 0, width, height), width, height)
    return Shot(
        FrameRange(first=0, last=count - 1), CropTrack.still(plan, frames=range(count)), video, edit_matte, edited
    )


def render(
    model: VideoModel, shot: Shot, cache: Path, *, length: int, steps: int = 6, draft_given: float = 0.0
) -> np.ndarray:
    """Every frame (T, H, W, 3) in [-1, 1]."""
    frames = render_shot(
        model,
        shot,
        shot.stretches(length=length, overlap=5),
        sampling=Sampling(steps=steps, guidance=1.0, seed=1, draft_given=draft_given),
        prompt="",
        adapter_key="none",
        cache=LatentCache(cache),
        reporter=SilentReporter(),
    )
    return torch.cat([frames[number] for number in sorted(frames)], dim=2)[0].permute(1, 2, 3, 0).numpy()


@pytest.mark.parametrize(("keyframe", "joints"), [(0, [24, 44]), (30, [54, 5])])
# Windows that are not given the frames of the one before make 2.7 and 3.1 of it from noise.
@pytest.mark.parametrize(("way", "most"), [({"steps": 6}, 1.5), ({"steps": 1, "draft_given": 0.9}, 1.25)])
def test_sixty_frames_show_no_joint_between_their_windows(
    keyframe: int, joints: list[int], way: dict[str, float], most: float, tmp_path: Path
) -> None:
    """From one frame to the next the error changes at a joint as it does beside it, forwards and backwards.

    In the paper's way, from noise, and as the bundled model is shipped, from a draft that it is given.
    """
    model = load_model(Catalogue(tmp_path).find("bundled"))
    source, truth, coverage = rendered_pair(5, 60, height=SIZE, width=SIZE)
    matte = (torch.nn.functional.max_pool2d(coverage[0], 5, stride=1, padding=2) > 0.05).float()[None, None]
    shot = shot_of(source[None], matte, edited={keyframe: truth[None, :, keyframe : keyframe + 1]})
    error = render(model, shot, tmp_path / "cache", length=25, **way) - truth.permute(1, 2, 3, 0).numpy()
    inside = matte[0, 0].numpy() > 0
    # change[n]: from frame n to n + 1.
    change = np.array([np.abs(error[n + 1] - error[n])[inside[n] & inside[n + 1]].mean() for n in range(59)])
    steps = []
    for joint in joints:
        beside = [change[n] for n in range(max(joint - 4, 0), min(joint + 5, 59)) if n not in joints]
        steps.append(change[joint] / np.median(beside))
    assert np.mean(steps) <= most


def test_a_models_drift_leaves_no_step_at_the_rim_in_any_window(
    plain_wan: WanImageToVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grey clip from a model that gives every window back brighter than the one before."""
    levels = iter(range(1, 10))
    monkeypatch.setattr(
        plain_wan, "decode", lambda latents: torch.full((1, 3, 4 * latents.shape[2] - 3, SIZE, SIZE), next(levels) / 15)
    )
    grey = torch.zeros(1, 3, 25, SIZE, SIZE)
    matte = torch.zeros(1, 1, 25, SIZE, SIZE)
    matte[..., 16:48, 16:48] = 1
    shot = shot_of(grey, matte, edited={0: grey[:, :, :1]})
    matched = render(plain_wan, shot, tmp_path, length=9)
    drift = np.abs(matched[-1]).max()
    assert drift > 0.25
    assert np.abs(matched[:, 16, 16:48]).max() < 0.3 * drift
    assert not matched[:, :16].any()
