# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of mattes in editors' hands: hulls, jitter, mattes that enter late or leave early."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.synthetic import clips, vary_matte
from maskedit.synthetic.mattes import _dilate, _hulls, _jittered, _passing


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def hard_mattes(seed: int, *, batch: int = 4, frames: int = 3, side: int = 48) -> torch.Tensor:
    _, coverage = clips(batch, frames, height=side, width=side, generator=seeded(seed))
    return (coverage > 0.05).float()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_hulls_hold_the_true_hull_and_little_more(seed: int) -> None:
    hard = hard_mattes(seed, batch=2, frames=2)
    hulls = _hulls(hard)
    for matte, hull in zip(hard.flatten(0, 2), hulls.flatten(0, 2), strict=True):
        corners = np.ascontiguousarray(np.argwhere(matte.numpy() > 0)[:, ::-1].astype(np.int32))
        expected = np.zeros(matte.shape, bool)
        if len(corners):
            outline = cv2.convexHull(corners)
            for row, column in np.ndindex(*matte.shape):
                expected[row, column] = cv2.pointPolygonTest(outline, (float(column), float(row)), False) >= 0
        assert (hull.numpy() >= expected).all()
        assert hull.sum() <= 1.15 * expected.sum() + 16


def test_the_hull_of_nothing_is_nothing() -> None:
    assert _hulls(torch.zeros(1, 1, 2, 8, 8)).sum() == 0


def test_jitter_stays_within_two_pixels_of_the_outline_and_changes_by_frame() -> None:
    hard = hard_mattes(3).expand(-1, -1, -1, -1, -1)[:, :, :1].repeat(1, 1, 6, 1, 1)
    jittered = _jittered(hard, generator=seeded(0))
    outermost, innermost = _dilate(hard, 2), 1 - _dilate(1 - hard, 2)
    assert ((jittered <= outermost) & (jittered[..., 2:-2, 2:-2] >= innermost[..., 2:-2, 2:-2]).all()).all()
    assert set(jittered.unique().tolist()) == {0.0, 1.0}
    for earlier, later in zip(jittered.unbind(2), jittered.unbind(2)[1:], strict=False):
        changed = (earlier != later).float().sum()
        assert 0 < changed < 0.3 * hard[:, :, 0].sum()


@pytest.mark.parametrize("frames", [2, 9, 25])
def test_passing_mattes_are_empty_at_one_end_for_a_third_at_most(frames: int) -> None:
    passed = _passing(torch.ones(64, 1, frames, 2, 2), generator=seeded(1)).amax(dim=(1, 3, 4))
    assert (passed.sum(dim=1) >= 2 * frames // 3).all()
    assert ((passed[:, 0] > 0) | (passed[:, -1] > 0)).all()
    # One stretch without holes.
    assert (passed.diff(dim=1).abs().sum(dim=1) <= 1).all()
    if frames > 3:
        assert 0.2 < (passed[:, 0] == 0).float().mean() < 0.6 and 0.2 < (passed[:, -1] == 0).float().mean() < 0.6


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), frames=st.sampled_from([1, 5]))
def test_lifelike_mattes_are_binary_and_most_hold_most_of_the_object(seed: int, frames: int) -> None:
    generator = seeded(seed)
    _, coverage = clips(24, frames, height=32, width=32, generator=generator)
    matte = vary_matte(coverage, generator=generator, lifelike=True)
    assert matte.shape == coverage.shape and set(matte.unique().tolist()) <= {0.0, 1.0}
    inside = (coverage > 0.5).float()
    held = (matte * inside).sum(dim=(1, 2, 3, 4)) >= 0.8 * inside.sum(dim=(1, 2, 3, 4))
    assert held.float().mean() > 0.5


def test_some_clips_differ_from_the_plain_mattes_and_some_do_not() -> None:
    _, coverage = clips(64, 5, height=32, width=32, generator=seeded(2))
    plain = vary_matte(coverage, generator=seeded(3))
    lifelike = vary_matte(coverage, generator=seeded(3), lifelike=True)
    same = (plain == lifelike).flatten(1).all(dim=1).float().mean()
    assert 0.3 < same < 0.8
