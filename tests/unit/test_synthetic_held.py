# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark is drawn from never changes: its figures are published."""

import pytest
import torch

from maskedit.benchmark.scenes import turning
from maskedit.synthetic import clips, rendered_pair, vary_matte


def digest(clip: torch.Tensor) -> list[float]:
    """One number per entry of the first axis, to which every pixel adds with a weight of its own. Unlike a hash it
    survives the last bits, in which processors differ."""
    weights = torch.rand(clip.shape[1:], generator=torch.Generator().manual_seed(0))
    return [float((part * weights).mean()) for part in clip]


def test_rendered_pairs_stay_as_they_are() -> None:
    source, truth, coverage = (clip.transpose(0, 1) for clip in rendered_pair(3, 5, height=64, width=64))
    assert digest(source) == pytest.approx([-0.0565, -0.05283, -0.05317, -0.05426, -0.05193], abs=1e-5)
    assert digest(truth) == pytest.approx([-0.0884, -0.08347, -0.0819, -0.08307, -0.08076], abs=1e-5)
    assert digest(coverage) == pytest.approx([0.06224, 0.05796, 0.05599, 0.0562, 0.05442], abs=1e-5)


def test_the_turning_drum_stays_as_it_is() -> None:
    case = turning(7, name="drum", about="", frames=5, size=64)
    source, truth = (torch.from_numpy(clip).float() / 255 for clip in (case.source, case.truth))
    assert digest(source) == pytest.approx([0.22515, 0.21843, 0.2098, 0.20126, 0.19344], abs=1e-5)
    assert digest(truth) == pytest.approx([0.20063, 0.19973, 0.19858, 0.19726, 0.19571], abs=1e-5)


def test_plain_clips_and_mattes_stay_as_they_are() -> None:
    generator = torch.Generator().manual_seed(3)
    video, coverage = clips(2, 5, height=32, width=32, generator=generator)
    assert digest(video) == pytest.approx([-0.04892, -0.03297], abs=1e-5)
    assert digest(vary_matte(coverage, generator=generator)) == pytest.approx([0.12287, 0.13134], abs=1e-5)


def test_the_digest_tells_a_small_change() -> None:
    clip = torch.zeros(1, 3, 64, 64)
    changed = clip.clone()
    changed[0, 1, 20:24, 30:34] = 0.05
    assert digest(changed) != pytest.approx(digest(clip), abs=1e-5)
