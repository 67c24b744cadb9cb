# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural clips, mattes and rendered pairs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.synthetic import clips, rendered_pair, vary_matte
from maskedit.synthetic.mattes import _boxes, _dilate
from maskedit.synthetic.textures import draw_textures, noise


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    frames=st.sampled_from([1, 5, 9]),
    height=st.integers(8, 48),
    width=st.integers(8, 48),
)
def test_clips_have_the_asked_shape_and_range(seed: int, frames: int, height: int, width: int) -> None:
    video, coverage = clips(3, frames, height=height, width=width, generator=seeded(seed))
    assert video.shape == (3, 3, frames, height, width) and coverage.shape == (3, 1, frames, height, width)
    assert video.isfinite().all() and video.abs().max() <= 1
    assert coverage.min() >= 0 and coverage.max() <= 1


def test_clips_follow_from_the_seed_alone() -> None:
    first, _ = clips(2, 5, height=32, width=32, generator=seeded(3))
    torch.randn(100)  # the global generator plays no part
    again, _ = clips(2, 5, height=32, width=32, generator=seeded(3))
    other, _ = clips(2, 5, height=32, width=32, generator=seeded(4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_first_frame_frozen_is_no_answer() -> None:
    """Things move enough that freezing is clearly wrong, and little enough that the next frame resembles this one."""
    video, coverage = clips(24, 9, height=64, width=64, generator=seeded(0))
    inside = (coverage > 0.5).float()

    def error(later: torch.Tensor, earlier: torch.Tensor) -> float:
        matte = inside[:, :, -1:]
        return float(((later - earlier).square() * matte).sum() / (3 * matte.sum()))

    frozen = error(video[:, :, -1:], video[:, :, :1])
    neighbour = error(video[:, :, -1:], video[:, :, -2:-1])
    assert frozen > 0.03
    assert neighbour < frozen / 2


def test_coverage_marks_the_object() -> None:
    """Where two looks of one scene differ is where the coverage is, and nowhere else."""
    for seed in range(4):
        source, truth, coverage = rendered_pair(seed, 5, height=48, width=48)
        differs = (source - truth).abs().amax(dim=0, keepdim=True)
        assert differs[coverage < 1e-3].max() < 0.01
        assert differs[coverage > 0.9].mean() > 0.05


def test_rendered_pair_shares_its_motion() -> None:
    """The alpha that would turn one into the other is the coverage itself, frame by frame."""
    source, truth, coverage = rendered_pair(11, 9, height=48, width=48)
    changed = ((source - truth).abs().amax(dim=0) > 0.02).float()
    area_changed, area_covered = changed.mean(dim=(1, 2)), (coverage[0] > 0.02).float().mean(dim=(1, 2))
    assert torch.corrcoef(torch.stack([area_changed, area_covered]))[0, 1] > 0.5 or (
        (area_changed - area_covered).abs().max() < 0.03
    )
    assert not torch.equal(source, truth)
    assert torch.equal(rendered_pair(11, 9, height=48, width=48)[1], truth)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mattes_are_binary_and_most_hold_the_object(seed: int) -> None:
    generator = seeded(seed)
    _, coverage = clips(24, 5, height=32, width=32, generator=generator)
    matte = vary_matte(coverage, generator=generator)
    assert set(matte.unique().tolist()) <= {0.0, 1.0}
    object_pixels = (coverage > 0.5).float()
    held = ((matte * object_pixels).sum(dim=(1, 2, 3, 4)) == object_pixels.sum(dim=(1, 2, 3, 4))).float().mean()
    assert held > 0.6  # nine in ten, but for the clips drawn to ignore the object


def test_mattes_come_in_kinds() -> None:
    generator = seeded(1)
    _, coverage = clips(64, 5, height=32, width=32, generator=generator)
    matte = vary_matte(coverage, generator=generator)
    tight = (coverage > 0.05).float()
    same = (matte == tight).flatten(1).all(dim=1)
    still = (matte == matte[:, :, :1]).flatten(1).all(dim=1)
    assert 0.1 < same.float().mean() < 0.6
    assert 0.02 < still.float().mean() < 0.5


@pytest.mark.parametrize("whole_clip", [False, True])
def test_boxes_agree_with_the_obvious_way(whole_clip: bool) -> None:
    hard = torch.zeros(1, 1, 2, 9, 9)
    hard[0, 0, 0, 2, 3] = hard[0, 0, 0, 5, 6] = hard[0, 0, 1, 7, 1] = 1
    boxes = _boxes(hard, whole_clip=whole_clip)
    expected = torch.zeros_like(hard)
    if whole_clip:
        expected[0, 0, :, 2:8, 1:7] = 1
    else:
        expected[0, 0, 0, 2:6, 3:7] = 1
        expected[0, 0, 1, 7, 1] = 1
    assert torch.equal(boxes, expected)


@given(radius=st.integers(1, 5))
@settings(max_examples=5, deadline=None)
def test_dilation_grows_by_the_radius(radius: int) -> None:
    hard = torch.zeros(1, 1, 1, 15, 15)
    hard[..., 7, 7] = 1
    assert _dilate(hard, radius).sum() == (2 * radius + 1) ** 2


def test_noise_falls_off_with_frequency() -> None:
    field = noise(16, 64, falloff=(1.5, 1.5), generator=seeded(0))
    power = torch.fft.rfft2(field).abs().square().mean(dim=(0, 1))
    assert power[1:4, 1:4].mean() > 20 * power[16:20, 16:20].mean()
    torch.testing.assert_close(field.std(dim=(2, 3)), torch.ones(16, 1))


def test_textures_differ_and_stay_in_range() -> None:
    pictures = draw_textures(32, 48, generator=seeded(2))
    assert pictures.shape == (32, 3, 48, 48) and pictures.abs().max() <= 1
    apart = (pictures[:, None] - pictures[None]).square().mean(dim=(2, 3, 4))
    assert apart[~torch.eye(32, dtype=torch.bool)].min() > 1e-3
    assert pictures.std(dim=(2, 3)).mean() > 0.1  # not flat
