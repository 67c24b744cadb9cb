# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips that the codec cannot hold are not trained on."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskedit.models.bundled.codec import DctCodec
from maskedit.pretraining.batches import training_batches
from maskedit.pretraining.holding import codec_psnr, held_by_codec, psnr_per_clip, stand_ins
from tests.unit.tiny_run import seeded, tiny_config


def test_psnr_of_each_clip_equals_its_definition() -> None:
    generator = seeded(0)
    result, truth = (torch.rand(3, 3, 2, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    matte = (torch.rand(3, 1, 2, 8, 8, generator=generator) < 0.3).float()
    matte[2] = 0
    found = psnr_per_clip(result, truth, matte).tolist()
    for clip in range(2):
        inside = matte[clip, 0] > 0
        error = (result[clip] - truth[clip])[:, inside].square().mean().item()
        assert found[clip] == pytest.approx(20 * math.log10(2 / math.sqrt(error)), abs=1e-3)
    assert found[2] == math.inf


def test_only_what_lies_in_the_matte_decides() -> None:
    """Left half a still ramp, right half noise that changes with every frame."""
    video = torch.linspace(-0.8, 0.8, 16).expand(3, 3, 5, 16, 16).clone()
    video[..., 8:] = torch.rand(3, 3, 5, 16, 8, generator=seeded(1)) * 2 - 1
    matte = torch.zeros(3, 1, 5, 16, 16)
    matte[0, ..., :8] = 1
    matte[1, ..., 8:] = 1
    assert held_by_codec(DctCodec(), video, matte).tolist() == [True, False, True]
    assert codec_psnr(DctCodec(), video, matte)[1] < 15
    assert held_by_codec(DctCodec(), video, matte, least_db=5.0).all()


@given(held=st.lists(st.booleans(), min_size=1, max_size=12).filter(any))
def test_stand_ins_are_the_held_in_turn(held: list[bool]) -> None:
    chosen = stand_ins(torch.tensor(held)).tolist()
    good = [index for index, kept in enumerate(held) if kept]
    assert len(chosen) == len(held) and set(chosen) == set(good)
    counts = [chosen.count(index) for index in good]
    assert max(counts) - min(counts) <= 1


def test_batches_hold_only_what_the_codec_holds() -> None:
    def distinct(least_codec_db: float) -> list[int]:
        config = tiny_config(least_codec_db=least_codec_db, still_share=0.0)
        batches = training_batches(config, DctCodec(), first_step=0)
        return [len(next(batches).clean.unique(dim=0)) for _ in range(6)]

    assert distinct(-100.0) == [4] * 6
    assert distinct(1000.0) == [1] * 6, "none is good enough: the best alone, and no endless search"
    assert min(distinct(30.0)) < 4
