# SPDX-License-Identifier: GPL-3.0-or-later
"""Floating point operations of single passes through a published transformer and its codec, counted on "meta"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from maskedit import adapters
from maskedit.adapters import LoraSpec
from maskedit.models.hunyuan import HunyuanImageToVideo
from maskedit.models.published import PublishedModel
from maskedit.models.wan import WanImageToVideo

# Family → the class that knows where its blocks lie and which of their layers take an adapter.
_SEAMS: Mapping[str, type[WanImageToVideo] | type[HunyuanImageToVideo]] = {
    "wan-i2v": WanImageToVideo,
    "wan-i2v-two-experts": WanImageToVideo,
    "wan-ti2v": WanImageToVideo,
    "hunyuan-i2v": HunyuanImageToVideo,
}


def for_adapters(model: PublishedModel, transformer: Any) -> Any:
    """As much of a `VideoModel` as an adapter needs to be put on `transformer`, without a folder on disk."""
    seams = _SEAMS[model.family]
    return SimpleNamespace(
        name=model.family,
        experts=("transformer",),
        expert=lambda name: transformer,
        block_lists=seams.block_lists,
        lora_layers=seams.lora_layers,
    )


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What the model sees of a clip: its size in pixels and its frames (4n+1)."""

    width: int
    height: int
    frames: int

    def lasting(self, frames: int) -> Clip:
        return Clip(width=self.width, height=self.height, frames=frames)


class Operations:
    """Counts for one model, each made once."""

    def __init__(self, model: PublishedModel) -> None:
        self._model = model
        self._attached: LoraSpec | None = None
        self._counts: dict[object, int] = {}

    def forward(self, clip: Clip, spec: LoraSpec) -> int:
        """One pass through the transformer with an adapter on it."""
        return self._counted(
            ("forward", clip, spec), lambda: self._pass(clip, spec, backward=False, checkpointing=False)
        )

    def step(self, clip: Clip, spec: LoraSpec, *, checkpointing: bool) -> int:
        """One tuning step of an adapter: forwards, backwards and, with checkpointing, forwards again."""
        return self._counted(
            ("step", clip, spec, checkpointing),
            lambda: self._pass(clip, spec, backward=True, checkpointing=checkpointing),
        )

    def encode(self, clip: Clip) -> int:
        """The codec's way from video to latents."""
        video = torch.empty(1, 3, clip.frames, clip.height, clip.width, device="meta")
        return self._counted(("encode", clip), lambda: _count(lambda: self._codec.encode(video)))

    def decode(self, clip: Clip) -> int:
        """The codec's way back."""
        shape = (1, 16, (clip.frames - 1) // 4 + 1, clip.height // 8, clip.width // 8)
        latents = torch.empty(shape, device="meta")
        return self._counted(("decode", clip), lambda: _count(lambda: self._codec.decode(latents)))

    def _counted(self, key: object, count: Callable[[], int]) -> int:
        if key not in self._counts:
            self._counts[key] = count()
        return self._counts[key]

    def _pass(self, clip: Clip, spec: LoraSpec, *, backward: bool, checkpointing: bool) -> int:
        transformer = self._adapted(spec)
        if checkpointing:
            transformer.enable_gradient_checkpointing()
        else:
            transformer.disable_gradient_checkpointing()
        inputs = self._model.inputs_for(width=clip.width, height=clip.height, frames=clip.frames)

        def work() -> None:
            output = transformer(**inputs, return_dict=False)[0]
            if backward:
                output.mean().backward()

        with torch.set_grad_enabled(backward):
            return _count(work)

    def _adapted(self, spec: LoraSpec) -> Any:
        if spec != self._attached:
            with torch.device("meta"):
                adapters.attach(for_adapters(self._model, self._transformer), spec, seed=0)
            self._attached = spec
        return self._transformer

    @cached_property
    def _transformer(self) -> Any:
        return self._model.build()

    @cached_property
    def _codec(self) -> Any:
        with torch.device("meta"):
            return AutoencoderKLWan().requires_grad_(False).eval()


def _count(work: Callable[[], object]) -> int:
    with _flash_attention(), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


@contextmanager
def _flash_attention() -> Iterator[None]:
    """Attention as GPUs compute it: on "meta" PyTorch would take the way that keeps all scores for the way back.

    Flash attention makes them anew there, five products instead of four.
    """
    plain = F.scaled_dot_product_attention

    def flash(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Tensor:
        if options.get("attn_mask") is not None:
            return plain(query, key, value, **options)
        return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]

    F.scaled_dot_product_attention = flash  # type: ignore (for as long as the count lasts)
    try:
        yield
    finally:
        F.scaled_dot_product_attention = plain
