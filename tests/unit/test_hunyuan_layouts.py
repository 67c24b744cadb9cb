# SPDX-License-Identifier: GPL-3.0-or-later
"""What HunyuanVideo-I2V is told of the given cells, with a mask channel and without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from maskedit import adapters
from maskedit.conditioning import Condition, appearance_condition, motion_condition
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.hunyuan import HunyuanImageToVideo
from maskedit.rendering import Sampling, initial_noise, sample_latents
from tests.unit.tiny_hunyuan import LATENT_CHANNELS, PROMPT, open_hunyuan

VIDEO = torch.rand(1, 3, 9, 64, 48, generator=torch.Generator().manual_seed(7)) * 2 - 1


@pytest.fixture
def concat(hunyuan_concat_folder: Path) -> HunyuanImageToVideo:
    return open_hunyuan(hunyuan_concat_folder)


@pytest.fixture
def replace(hunyuan_replace_folder: Path) -> HunyuanImageToVideo:
    return open_hunyuan(hunyuan_replace_folder)


def encoded(model: HunyuanImageToVideo, condition: Condition) -> Conditioning:
    return Conditioning(model.encode_condition(condition), Embeddings(**model.encode_prompt(PROMPT, VIDEO[:, :, 0])))


def matte(*, frames: int = 9) -> torch.Tensor:
    """A box in the middle of the picture."""
    box = torch.zeros(1, 1, frames, 64, 48)
    box[..., 16:40, 16:32] = 1
    return box


def watch(model: HunyuanImageToVideo, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """What goes into the transformer, pass by pass."""
    seen: list[dict[str, torch.Tensor]] = []
    transformer = model.expert("transformer")
    forward = transformer.forward

    def watched(**inputs: Any) -> Any:
        seen.append(inputs)
        return forward(**inputs)

    monkeypatch.setattr(transformer, "forward", watched)
    return seen


def test_a_cell_is_given_only_if_every_frame_of_its_group_gives_it(concat: HunyuanImageToVideo) -> None:
    moving = matte()
    moving[:, :, 1:5] = 0
    moving[:, :, 3, :8, :8] = 1
    keep = concat.encode_condition(motion_condition(VIDEO, moving, factor=8))[:, LATENT_CHANNELS:]
    expected = torch.ones(1, 1, 3, 8, 6)
    expected[:, :, 1, 0, 0] = 0
    expected[:, :, 2, 2:5, 2:4] = 0
    assert torch.equal(keep, expected)


def test_concatenated_latents_show_nothing_of_the_region(concat: HunyuanImageToVideo) -> None:
    latents, keep = concat.encode_condition(motion_condition(VIDEO, matte(), factor=8)).split([LATENT_CHANNELS, 1], 1)
    assert (latents * (1 - keep)).abs().max() == 0
    assert (latents[keep.expand_as(latents) > 0] != 0).all()


def test_a_still_is_its_frame_over_and_over(replace: HunyuanImageToVideo) -> None:
    """What lets a keyframe's sample stand after a leading frame in `token_replace`."""
    still = replace.encode_video(VIDEO[:, :, :1].expand(-1, -1, 9, -1, -1))
    alone = replace.encode_video(VIDEO[:, :, :1])
    torch.testing.assert_close(still, alone.expand(-1, -1, 3, -1, -1), atol=1e-4, rtol=1e-3)


def test_given_cells_come_out_as_they_were_given(replace: HunyuanImageToVideo) -> None:
    given = encoded(replace, motion_condition(VIDEO, matte(), factor=8))
    clean, keep = given.latents.split([LATENT_CHANNELS, 1], dim=1)
    ours = sample_latents(replace, given, unconditional=None, sampling=Sampling(steps=3, guidance=1.0, seed=5))
    cells = keep.expand_as(clean) > 0
    torch.testing.assert_close(ours[cells], clean[cells], atol=1e-5, rtol=1e-4)
    assert (ours[~cells] - clean[~cells]).abs().mean() > 0.1
    assert torch.equal(replace.with_given(ours, given)[cells], clean[cells])
    assert torch.equal(replace.with_given(ours, given)[~cells], ours[~cells])


def test_each_step_sees_given_cells_at_its_own_noise(
    replace: HunyuanImageToVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = encoded(replace, motion_condition(VIDEO, matte(), factor=8))
    clean, keep = given.latents.split([LATENT_CHANNELS, 1], dim=1)
    seen = watch(replace, monkeypatch)
    sample_latents(replace, given, unconditional=None, sampling=Sampling(steps=3, guidance=1.0, seed=5))
    noise = initial_noise(tuple(clean.shape), seed=5)
    later = (keep.expand_as(clean) > 0)[:, :, 1:]
    assert len(seen) == 3
    for inputs in seen:
        t, frames = inputs["timestep"] / 1000, inputs["hidden_states"]
        assert torch.equal(frames[:, :, 0], clean[:, :, 0])
        expected = ((1 - t) * clean + t * noise)[:, :, 1:]
        torch.testing.assert_close(frames[:, :, 1:][later], expected[later], atol=1e-4, rtol=1e-4)


def test_a_keyframe_alone_stands_after_what_is_given_of_it(
    replace: HunyuanImageToVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = VIDEO[:, :, :1]
    given = encoded(replace, appearance_condition(frame, matte(frames=1), factor=8))
    noisy = torch.randn(1, LATENT_CHANNELS, 1, 8, 6, generator=torch.Generator().manual_seed(2))
    seen = watch(replace, monkeypatch)
    velocity = replace.predict(noisy, torch.tensor([500.0]), conditioning=given)
    assert velocity.shape == noisy.shape
    torch.testing.assert_close(seen[0]["hidden_states"], torch.cat([given.latents[:, :LATENT_CHANNELS], noisy], dim=2))


def test_only_generated_cells_teach(replace: HunyuanImageToVideo) -> None:
    given = encoded(replace, motion_condition(VIDEO, matte(), factor=8))
    adapters.attach(replace, adapters.LoraSpec(rank=2), seed=0)
    clean, keep = given.latents.split([LATENT_CHANNELS, 1], dim=1)
    velocity = replace.predict(initial_noise(tuple(clean.shape), seed=1), torch.tensor([500.0]), conditioning=given)
    (velocity * keep).sum().backward(retain_graph=True)
    assert all(not parameter.grad.any() for parameter in adapters.trainable(replace))
    (velocity * (1 - keep)).sum().backward()
    assert any(parameter.grad.any() for parameter in adapters.trainable(replace))
