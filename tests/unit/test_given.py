# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters that a request names: to start from, or frozen beside the edit's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from maskedit import adapters
from maskedit.adapters.attaching import parameters_of
from maskedit.errors import InputError, ModelError
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.request import AdapterRole, AdapterUse

A, B, C = "a" * 64, "b" * 64, "c" * 64
CONDITIONING = Conditioning(torch.zeros(1, 52, 2, 4, 4), Embeddings(torch.zeros(1, 1, 32)))
NOISE = torch.randn(1, 48, 2, 4, 4, generator=torch.Generator().manual_seed(0))
BESIDE, START = AdapterRole.BESIDE, AdapterRole.START


def predict(model: WanImageToVideo) -> Tensor:
    return model.predict(NOISE, torch.tensor([500.0]), conditioning=CONDITIONING)


@torch.no_grad()
def output(model: WanImageToVideo) -> Tensor:
    """In float32 throughout, so that sums of adapters can be compared."""
    return model.expert("transformer")(
        torch.cat([NOISE, CONDITIONING.latents], dim=1),
        timestep=torch.tensor([500.0]),
        encoder_hidden_states=CONDITIONING.embeddings.prompt,
        return_dict=False,
    )[0]


@pytest.fixture
def folder(plain_wan: WanImageToVideo, tmp_path: Path) -> Path:
    """Two adapters of different rank on the shelf; the model without any."""
    for seed, (name, rank) in enumerate(((A, 4), (B, 2))):
        generator = torch.Generator().manual_seed(seed)
        for parameter in adapters.attach(plain_wan, adapters.LoraSpec(rank=rank), seed=seed):
            parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
        adapters.save(plain_wan, tmp_path / f"{name}.safetensors", metadata={})
    adapters.detach(plain_wan)
    return tmp_path


def merged(model: WanImageToVideo, folder: Path, parts: dict[str, float]) -> Tensor:
    """The output with the adapters added to the weights by hand."""
    transformer = model.expert("transformer")
    deltas: dict[str, Tensor] = {}
    for name, strength in parts.items():
        adapters.load(model, folder / f"{name}.safetensors")
        held = {key: value.detach().clone() for key, value in parameters_of(transformer).items()}
        for key in held:
            layer = key.removesuffix(".lora_A.weight")
            if layer != key:
                delta = strength * held[f"{layer}.lora_B.weight"] @ held[key]
                deltas[layer] = deltas.get(layer, torch.zeros_like(delta)) + delta
    adapters.detach(model)
    for sign in (1, -1):
        with torch.no_grad():
            for layer, delta in deltas.items():
                module = transformer.get_submodule(layer)
                getattr(module, "base_layer", module).weight += sign * delta
        if sign == 1:
            found = output(model)
    return found


@pytest.mark.parametrize("strength", [1.0, 0.4, 2.0])
def test_beside_adds_its_part_at_its_strength(plain_wan: WanImageToVideo, folder: Path, strength: float) -> None:
    expected = merged(plain_wan, folder, {A: 1.0, B: strength})
    use = AdapterUse(adapter_id=B, role=BESIDE, strength=strength)
    adapters.attach_beside(plain_wan, [use], folder=folder)
    adapters.load(plain_wan, folder / f"{A}.safetensors")
    torch.testing.assert_close(output(plain_wan), expected)


def test_only_the_edits_own_is_trained_and_saved(plain_wan: WanImageToVideo, folder: Path, tmp_path: Path) -> None:
    adapters.attach_beside(plain_wan, [AdapterUse(adapter_id=B, role=BESIDE)], folder=folder)
    before = {key: p.clone() for key, p in parameters_of(plain_wan.expert("transformer"), "beside0").items()}
    parameters = adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=1)
    assert {p.shape[0] for p in parameters} == {4, 24, 32}, "the other's rank is 2"
    optimiser = torch.optim.SGD(parameters, lr=0.1)
    predict(plain_wan).square().sum().backward()
    optimiser.step()
    after = parameters_of(plain_wan.expert("transformer"), "beside0")
    assert before and all(torch.equal(before[key], after[key]) and after[key].grad is None for key in before)
    adapters.save(plain_wan, tmp_path / "own.safetensors", metadata={})
    with_both = output(plain_wan)
    adapters.attach_beside(plain_wan, [], folder=folder)
    alone = output(plain_wan)
    assert not torch.allclose(alone, with_both)
    adapters.load(plain_wan, tmp_path / "own.safetensors")
    torch.testing.assert_close(output(plain_wan), alone)


def test_those_beside_stay_when_the_edits_own_is_exchanged(plain_wan: WanImageToVideo, folder: Path) -> None:
    adapters.attach_beside(plain_wan, [AdapterUse(adapter_id=B, role=BESIDE)], folder=folder)
    beside = output(plain_wan)
    for _ in range(2):
        adapters.attach(plain_wan, adapters.LoraSpec(rank=4), seed=1)
        torch.testing.assert_close(output(plain_wan), beside)
    adapters.detach(plain_wan)
    torch.testing.assert_close(output(plain_wan), beside)
    assert not adapters.trainable(plain_wan)


def test_several_beside_add_up(plain_wan: WanImageToVideo, folder: Path) -> None:
    expected = merged(plain_wan, folder, {A: 0.5, B: 0.25})
    uses = [
        AdapterUse(adapter_id=A, role=BESIDE, strength=0.5),
        AdapterUse(adapter_id=B, role=BESIDE, strength=0.25),
    ]
    adapters.attach_beside(plain_wan, uses, folder=folder)
    torch.testing.assert_close(output(plain_wan), expected)


def test_a_start_stands_where_it_was_left_and_trains_on(plain_wan: WanImageToVideo, folder: Path) -> None:
    expected = merged(plain_wan, folder, {A: 0.5})
    uses = [AdapterUse(adapter_id=A, role=START, strength=0.5), AdapterUse(adapter_id=B, role=BESIDE)]
    assert adapters.load_start(plain_wan, uses, folder=folder)
    torch.testing.assert_close(output(plain_wan), expected)
    predict(plain_wan).sum().backward()
    assert all(p.grad is not None for p in adapters.trainable(plain_wan))
    adapters.save(plain_wan, folder / f"{C}.safetensors", metadata={})
    adapters.load(plain_wan, folder / f"{C}.safetensors")
    torch.testing.assert_close(output(plain_wan), expected)


def test_without_a_start_nothing_is_attached(plain_wan: WanImageToVideo, folder: Path) -> None:
    assert not adapters.load_start(plain_wan, [AdapterUse(adapter_id=B, role=BESIDE)], folder=folder)
    assert not adapters.trainable(plain_wan)


def test_starts_of_two_files_may_not_overlap(plain_wan: WanImageToVideo, folder: Path) -> None:
    uses = [AdapterUse(adapter_id=A), AdapterUse(adapter_id=B)]
    with pytest.raises(ModelError, match="does not fit"):
        adapters.load_start(plain_wan, uses, folder=folder)


def test_starts_at_two_strengths_are_refused(plain_wan: WanImageToVideo, folder: Path) -> None:
    with pytest.raises(InputError, match="different strengths"):
        adapters.load_start(
            plain_wan, [AdapterUse(adapter_id=A), AdapterUse(adapter_id=B, strength=0.5)], folder=folder
        )


def test_one_that_is_gone_is_named(plain_wan: WanImageToVideo, folder: Path) -> None:
    with pytest.raises(InputError, match="adapter cccccccccccc… is not there"):
        adapters.attach_beside(plain_wan, [AdapterUse(adapter_id=C, role=BESIDE)], folder=folder)


def test_the_key_tells_uses_apart_and_not_their_order() -> None:
    uses = [
        AdapterUse(adapter_id=A),
        AdapterUse(adapter_id=A, role=BESIDE),
        AdapterUse(adapter_id=A, strength=0.5),
        AdapterUse(adapter_id=B),
    ]
    assert len({adapters.uses_key([use]) for use in uses} | {adapters.uses_key([])}) == 5
    assert adapters.uses_key(uses) == adapters.uses_key(uses[::-1])
    assert adapters.uses_key([]) == ""


@pytest.mark.parametrize(
    ("adapter_id", "strength"),
    [("", 1), ("../x", 1), ("A" * 64, 1), (A, 0), (A, -1), (A, 2.1), (A, float("nan")), (A, float("inf"))],
)
def test_a_use_that_cannot_be_is_refused(adapter_id: str, strength: float) -> None:
    with pytest.raises(InputError):
        AdapterUse(adapter_id=adapter_id, strength=strength)
