# SPDX-License-Identifier: GPL-3.0-or-later
"""The step cache at render: what it skips, what it never shares, and that it leaves nothing behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from maskedit import adapters
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.stepcache import step_cache
from maskedit.models.wan import WanImageToVideo
from maskedit.progress import Cancelled
from maskedit.rendering import Sampling, sample_latents

STEPS = 6


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def conditioning(*, seed: int = 1) -> Conditioning:
    return Conditioning(
        latents=draw(1, 52, 2, 4, 4, seed=seed), embeddings=Embeddings(prompt=draw(1, 2, 32, seed=seed))
    )


def sampled(
    model: WanImageToVideo, threshold: float, *, window: int = 1, guidance: float = 1.0, stop: int = -1
) -> Tensor:
    def tick(step: int) -> None:
        if step == stop:
            raise Cancelled

    return sample_latents(
        model,
        conditioning(seed=window),
        unconditional=conditioning(seed=99) if guidance > 1 else None,
        sampling=Sampling(steps=STEPS, guidance=guidance, seed=3, step_cache=threshold),
        tick=tick,
    )


@contextmanager
def block_calls(model: WanImageToVideo) -> Iterator[Counter[int]]:
    """How often each block's own work was done: its attention, which a skipped block does not reach."""
    calls: Counter[int] = Counter()
    handles = [
        block.attn1.register_forward_hook(lambda *_, index=index: calls.update([index]))
        for index, block in enumerate(model.expert("transformer").blocks)
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_without_a_threshold_every_block_runs_and_with_a_huge_one_only_the_first(
    plain_wan: WanImageToVideo, guidance: float
) -> None:
    passes = 1 if guidance == 1 else 2
    with block_calls(plain_wan) as calls:
        plain = sampled(plain_wan, 0, guidance=guidance)
    assert calls == {0: passes * STEPS, 1: passes * STEPS}
    with block_calls(plain_wan) as calls:
        cached = sampled(plain_wan, 1.0, guidance=guidance)
    # Each pass, the conditional and the unconditional one, computes its own first step and keeps its own cache.
    assert calls == {0: passes * STEPS, 1: passes}
    assert not torch.equal(plain, cached)


def test_a_higher_threshold_skips_more_and_one_that_nothing_meets_changes_nothing(plain_wan: WanImageToVideo) -> None:
    plain = sampled(plain_wan, 0)
    assert torch.equal(sampled(plain_wan, 1e-6), plain)
    skipping, differences = [], []
    for threshold in (1e-6, 0.05, 0.2, 1.0):
        with block_calls(plain_wan) as calls:
            differences.append(float((sampled(plain_wan, threshold) - plain).norm()))
        skipping.append(STEPS - calls[1])
    assert skipping == sorted(skipping) and skipping[0] == 0 and skipping[2] > 0
    assert differences == sorted(differences)


def test_windows_share_nothing(plain_wan: WanImageToVideo) -> None:
    alone = sampled(plain_wan, 0.5, window=2)
    sampled(plain_wan, 0.5, window=1)
    assert torch.equal(sampled(plain_wan, 0.5, window=2), alone)


def test_the_two_passes_share_nothing(plain_wan: WanImageToVideo) -> None:
    """What the unconditional pass sees changes nothing about which conditional block calls are skipped, or how."""
    latents, timesteps = draw(1, 48, 2, 4, 4), [torch.tensor([t]) for t in (900.0, 880.0, 500.0)]

    def predictions(*, with_other: bool) -> list[Tensor]:
        found = []
        with torch.no_grad(), step_cache(plain_wan, 0.3) as passing:
            for timestep in timesteps:
                with passing("conditional"):
                    found.append(plain_wan.predict(latents, timestep, conditioning=conditioning()))
                if with_other:
                    with passing("unconditional"):
                        plain_wan.predict(latents, timestep, conditioning=conditioning(seed=99))
        return found

    for alone, beside in zip(predictions(with_other=False), predictions(with_other=True), strict=True):
        assert torch.equal(alone, beside)


@pytest.mark.parametrize("stop", [-1, 3])
def test_nothing_is_left_behind_even_when_cancelled(plain_wan: WanImageToVideo, stop: int) -> None:
    plain = sampled(plain_wan, 0)
    forwards = [block.forward for block in plain_wan.expert("transformer").blocks]
    if stop < 0:
        sampled(plain_wan, 0.9)
    else:
        with pytest.raises(Cancelled):
            sampled(plain_wan, 0.9, stop=stop)
    transformer = plain_wan.expert("transformer")
    assert not transformer.is_cache_enabled
    assert [block.forward for block in transformer.blocks] == forwards
    assert torch.equal(sampled(plain_wan, 0), plain)


def test_tuning_after_a_cached_render_is_as_before(plain_wan: WanImageToVideo) -> None:
    def gradients() -> list[Tensor]:
        parameters = adapters.attach(plain_wan, adapters.LoraSpec(rank=2), seed=0)
        latents = draw(1, 48, 2, 4, 4)
        plain_wan.predict(latents, torch.tensor([500.0]), conditioning=conditioning()).square().mean().backward()
        return [parameter.grad for parameter in parameters if parameter.grad is not None]

    before = gradients()
    sampled(plain_wan, 0.9)
    torch.testing.assert_close(gradients(), before, rtol=0, atol=0)
