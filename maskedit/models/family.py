# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recipe asks of a video model, whatever its size or maker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import torch
from torch import Tensor

from maskedit.conditioning import Condition
from maskedit.memory import MemoryPlan


class Prediction(StrEnum):
    """What the transformer's output means; it sets the loss and the scheduler together.

    With x_t = (1 - t) x1 + t x0 (x1 clean latents, x0 noise): velocity = x0 - x1; clean = x1.
    """

    VELOCITY = "velocity"
    CLEAN = "clean"


@dataclass(frozen=True)
class Embeddings:
    """What the transformer attends to.

    `prompt` and `image` (1, tokens, dim); `pooled` (1, dim), the prompt as a whole. None where the family has none.
    """

    prompt: Tensor
    image: Tensor | None = None
    pooled: Tensor | None = None


@dataclass(frozen=True)
class Conditioning:
    """An encoded condition: `latents` (1, C, f, h, w), concatenated to the noise, and the embeddings."""

    latents: Tensor
    embeddings: Embeddings


@dataclass(frozen=True)
class Limits:
    """The sizes a model was made for. `budget_px` pixels per frame; `max_frames` in one window (4n+1)."""

    grid_px: int
    cell_px: int
    temporal_factor: int
    budget_px: int
    max_frames: int


class VideoModel(Protocol):
    """A mask-conditioned image-to-video model, loaded part by part and freed part by part.

    Video tensors are (1, 3, T, H, W) in [-1, 1] with T = temporal_factor·n + 1 and H, W multiples of `grid_px`.

    `plan`: how its parts are held in memory.
    `prompt_sees_image`: whether the text encoder looks at a frame as well, so that a prompt is encoded once per frame.
    `experts`: the names of its transformers, as their folders are called; most have one, some one per range of noise.
    `block_lists`: where in a transformer its blocks lie, in the order in which they run. `lora_layers`: the layers of
    a block that a LoRA may be put on, by what they do ("attention", "ffn"), each named by the end of its path.
    `true_guidance`: whether classifier-free guidance takes a second pass (False: there is none, or it is distilled
    into the weights). `scores_generated_only`: whether the given cells enter as clean latents, so that what the
    transformer says about them means nothing.
    """

    name: str
    fingerprint: str
    plan: MemoryPlan
    limits: Limits
    prediction: Prediction
    flow_shift: float
    device: torch.device
    uses_prompt: bool
    prompt_sees_image: bool
    uses_image_embedding: bool
    true_guidance: bool
    scores_generated_only: bool
    latent_channels: int
    experts: tuple[str, ...]
    block_lists: tuple[str, ...]
    lora_layers: Mapping[str, tuple[str, ...]]

    def expert(self, name: str) -> Any:
        """The transformer of that name, loaded when first asked for; it may lie in main memory until it predicts."""
        ...

    def expert_at(self, t: float) -> str:
        """Which of `experts` serves the share of noise `t` in [0, 1]."""
        ...

    def encode_video(self, video: Tensor) -> Tensor:
        """Normalised latents (1, C, f, h, w), float32, of a video."""
        ...

    def encode_condition(self, condition: Condition) -> Tensor:
        """The condition's channels (1, C', f, h, w) in the order in which the transformer takes them."""
        ...

    def encode_prompt(self, prompt: str, shown: Tensor) -> dict[str, Tensor]:
        """`prompt`, and `pooled` where the family has it, of `Embeddings`; of nothing where the model reads no text.

        `shown` (1, 3, H, W) counts only where `prompt_sees_image`.
        """
        ...

    def encode_image(self, frame: Tensor) -> Tensor:
        """Embeddings (1, tokens, dim) of one frame (1, 3, H, W); only where `uses_image_embedding`."""
        ...

    def predict(self, latents: Tensor, timestep: Tensor, *, conditioning: Conditioning) -> Tensor:
        """The transformer's output (float32) for noisy `latents` at `timestep` (shape (1,), 0 to 1000)."""
        ...

    def with_given(self, latents: Tensor, conditioning: Conditioning) -> Tensor:
        """Sampled latents with the given cells put back, where `scores_generated_only`; otherwise as they are."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Video (1, 3, T, H, W), about [-1, 1], of normalised latents."""
        ...

    def scheduler(self, steps: int, *, shift: float) -> Any:
        """A fresh diffusers scheduler with `steps` timesteps set, matching `prediction`.

        `shift` moves the steps towards noise (1 = evenly spaced); `flow_shift` is what the model was made for.
        """
        ...

    def release_encoders(self) -> None:
        """Free what only encoding and decoding need, before the transformer runs."""
        ...

    def release_experts(self) -> None:
        """Give back the device memory that the transformers hold, before decoding, where both do not fit.

        Adapters attached to them stay attached.
        """
        ...
