# SPDX-License-Identifier: GPL-3.0-or-later
"""Light that changes over a shot, and grain."""

import torch

from maskedit.synthetic.lighting import grainy, relit


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def grey(batch: int, frames: int = 9, side: int = 24) -> torch.Tensor:
    return torch.zeros(batch, 3, frames, side, side)


def test_black_stays_black_under_any_light() -> None:
    black = -torch.ones(8, 3, 5, 16, 16)
    torch.testing.assert_close(relit(black, generator=seeded(0)), black)


def test_light_is_a_gain_that_is_alike_for_all_brightnesses() -> None:
    dim, bright = grey(4) - 0.6, grey(4) + 0.2
    gain_dim, gain_bright = ((relit(clip, generator=seeded(2)) + 1) / (clip + 1) for clip in (dim, bright))
    torch.testing.assert_close(gain_dim, gain_bright)
    assert gain_dim.min() > 0.2 and gain_dim.max() < 1.9


def test_light_changes_across_the_picture_and_along_the_clip() -> None:
    gain = relit(grey(64), generator=seeded(1)) + 1
    across = gain.mean(dim=(1, 2)).flatten(1).std(dim=1)
    along = gain.mean(dim=(1, 3, 4)).std(dim=1)
    warmth = (gain[:, 0] - gain[:, 2]).mean(dim=(1, 2, 3)).abs()
    for change in (across, along, warmth):
        assert 0.01 < change.mean() < 0.2
        assert change.std() > 0.005, "clips differ in how much"


def test_neighbouring_frames_are_lit_nearly_alike() -> None:
    """Flicker is a few per cent, not a strobe."""
    brightness = (relit(grey(64, frames=25), generator=seeded(3)) + 1).mean(dim=(1, 3, 4))
    assert (brightness.diff(dim=1).abs() / brightness[:, 1:]).mean() < 0.03


def test_some_shots_have_a_shadow_edge() -> None:
    """A crisp fall of light within the picture, which no gradient has."""
    gain = (relit(grey(64, frames=1, side=48), generator=seeded(4)) + 1).mean(dim=1)[:, 0]
    down, right = gain.diff(dim=1)[:, :, 1:], gain.diff(dim=2)[:, 1:]
    steepest = (down.square() + right.square()).sqrt().amax(dim=(1, 2))
    assert 0.1 < (steepest > 0.025).float().mean() < 0.5


def test_grain_is_weak_new_in_every_frame_and_on_half_of_the_clips() -> None:
    grain = grainy(grey(64), generator=seeded(5))
    strength = grain.std(dim=(1, 2, 3, 4))
    assert 0.3 < (strength > 0).float().mean() < 0.7 and strength.max() < 0.02
    assert torch.equal(grain[:, 0], grain[:, 1]) and torch.equal(grain[:, 0], grain[:, 2])
    noisy = grain[strength > 0.005, 0]
    frames = torch.stack([noisy[:, 0].flatten(), noisy[:, 1].flatten()])
    assert torch.corrcoef(frames)[0, 1].abs() < 0.1
