# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes read from headers beside those of the loaded classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from maskedit.model_sizes import TransformerSize, read_sizes
from maskedit.models.published import PUBLISHED
from maskedit.models.wan import WanImageToVideo


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_a_folder_with_every_part(whole_wan_folder: Path, whole_wan: WanImageToVideo) -> None:
    sizes = read_sizes(whole_wan_folder)
    transformer = whole_wan.expert("transformer")
    linear = [layer.weight for layer in transformer.blocks.modules() if isinstance(layer, torch.nn.Linear)]
    assert sizes.transformers == (
        TransformerSize(
            parameters=count(transformer),
            stored=sum(weight.numel() for weight in linear),
            largest_layer=max(weight.numel() for weight in linear),
            blocks=2,
            width=24,
            channels=sum(sum(weight.shape) for weight in linear) // 2,
        ),
    )
    assert sizes.codec == count(whole_wan.codec)
    assert sizes.largest_encoder > 0


def test_a_folder_without_encoders(plain_wan_folder: Path) -> None:
    sizes = read_sizes(plain_wan_folder)
    assert sizes.largest_encoder == 0
    assert sizes.largest is sizes.transformers[0]


@pytest.mark.parametrize(
    ("name", "billions", "blocks"),
    [("Wan2.1-I2V-14B-480P", 16.39, 40), ("Wan2.2-I2V-A14B", 14.29, 40), ("Wan2.2-TI2V-5B", 5.00, 30)],
)
def test_the_published_models(name: str, billions: float, blocks: int) -> None:
    shapes = {key: tuple(value.shape) for key, value in PUBLISHED[name].build().named_parameters()}
    size = TransformerSize.of(shapes)
    assert size.parameters / 1e9 == pytest.approx(billions, abs=0.01)
    assert size.blocks == blocks
    # 403.8 M parameters per block of the largest one, all but a few of them in its linear layers.
    assert 0.97 < size.stored / size.parameters < 1
