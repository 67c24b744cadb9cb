# SPDX-License-Identifier: GPL-3.0-or-later
"""Wan image-to-video models: Wan2.1, its relatives with mask channels, Wan2.2 with one transformer or two.

Parts are loaded from a diffusers folder when first needed, offline, from safetensors only.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from diffusers import (
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
    WanTransformer3DModel,
)
from torch import Tensor

from maskedit.conditioning import Condition, fold_keep_mask
from maskedit.errors import ModelError
from maskedit.memory import RESIDENT, MemoryPlan
from maskedit.models.bundled.codec import DctCodec
from maskedit.models.experts import Experts
from maskedit.models.family import Conditioning, Limits, Prediction
from maskedit.models.fitting import encoder_device, fit
from maskedit.models.loading import load_part, read_config
from maskedit.models.pictures import as_pictures

_CODECS = {"AutoencoderKLWan": AutoencoderKLWan, "DctCodec": DctCodec}
_SCHEDULERS = {
    "UniPCMultistepScheduler": UniPCMultistepScheduler,
    "FlowMatchEulerDiscreteScheduler": FlowMatchEulerDiscreteScheduler,
}
_EXPERTS = ("transformer", "transformer_2")
_PROMPT_TOKENS = 512


class Layout(Protocol):
    """How a transformer is told what is given. `condition`: channels (1, C', f, h, w), as `encode_condition` makes."""

    scores_generated_only: bool

    def condition(self, keep: Tensor, latents: Tensor) -> Tensor:
        """The channels of a keep mask folded per latent frame (1, 4, f, h', w') and the given video's latents."""
        ...

    def inputs(self, latents: Tensor, timestep: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """What goes into the transformer, and its timestep: (1,), or (1, tokens) where each token has its own."""
        ...

    def predicted(self, output: Tensor, condition: Tensor) -> Tensor:
        """What the transformer's output comes to, given what it was told."""
        ...

    def with_given(self, latents: Tensor, condition: Tensor) -> Tensor:
        """Sampled latents with the given cells put back, where the transformer does not make them itself."""
        ...


class MaskChannels:
    """noise ++ folded keep mask ++ condition latents: Wan2.1-I2V, Fun-InP, Wan2.2-A14B."""

    scores_generated_only = False

    def condition(self, keep: Tensor, latents: Tensor) -> Tensor:
        return torch.cat([keep, latents], dim=1)

    def inputs(self, latents: Tensor, timestep: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return torch.cat([latents, condition], dim=1), timestep

    def predicted(self, output: Tensor, condition: Tensor) -> Tensor:
        return output

    def with_given(self, latents: Tensor, condition: Tensor) -> Tensor:
        return latents


class WanImageToVideo:
    """A `VideoModel` over one diffusers folder (see `family.VideoModel` for the contract of each method).

    Of two transformers the first serves the noisy part of the way, from `boundary_ratio` of model_index.json on, the
    second the rest.
    """

    prompt_sees_image = False
    block_lists: tuple[str, ...] = ("blocks",)
    lora_layers: Mapping[str, tuple[str, ...]] = {
        "attention": ("to_q", "to_k", "to_v", "to_out.0"),
        "ffn": ("ffn.net.0.proj", "ffn.net.2"),
    }

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        fingerprint: str,
        limits: Limits,
        prediction: Prediction,
        flow_shift: float,
        device: torch.device,
        dtype: torch.dtype,
        plan: MemoryPlan = RESIDENT,
        layout: Layout | None = None,
        transformers: MutableMapping[str, Any] | None = None,
    ) -> None:
        self.directory = directory
        self.name = name
        self.fingerprint = fingerprint
        self.limits = limits
        self.prediction = prediction
        self.flow_shift = flow_shift
        self.device = device
        self.dtype = dtype
        self.plan = plan
        self._layout: Layout = layout or MaskChannels()
        self.scores_generated_only = self._layout.scores_generated_only
        transformer = read_config(directory / "transformer")
        self.latent_channels: int = transformer["out_channels"]
        self._text_dim: int = transformer["text_dim"]
        self.uses_prompt = (directory / "text_encoder").is_dir()
        self.uses_image_embedding: bool = transformer.get("image_dim") is not None
        self.true_guidance = self.uses_prompt
        index = directory / "model_index.json"
        # The bundled model has no index: it is no diffusers pipeline.
        self._boundary: float | None = (
            read_config(directory, file=index.name).get("boundary_ratio") if index.is_file() else None
        )
        self.experts: tuple[str, ...] = _EXPERTS[:1] if self._boundary is None else _EXPERTS
        self._transformers = Experts(self._load_transformer, device=device, loaded=transformers)

    def _load_transformer(self, name: str) -> Any:
        cpu = torch.device("cpu")
        transformer = load_part(WanTransformer3DModel, self.directory, name, dtype=self.dtype, device=cpu)
        return fit(transformer, self.plan, block_lists=self.block_lists, device=self.device)

    def expert(self, name: str) -> Any:
        return self._transformers.get(name)

    def expert_at(self, t: float) -> str:
        return _EXPERTS[0] if self._boundary is None or t >= self._boundary else _EXPERTS[1]

    @cached_property
    def codec(self) -> Any:
        name = read_config(self.directory / "vae").get("_class_name")
        if name not in _CODECS:
            raise ModelError(f"{self.name} has a video codec of unknown kind {name}: use a supported model.")
        # float32 for training targets and for inference alike: the reference code's mixture of the two is a defect.
        codec = load_part(_CODECS[name], self.directory, "vae", dtype=torch.float32, device=self.device)
        # The bundled codec works on one patch at a time anyway.
        if self.plan.vae_tiling and isinstance(codec, AutoencoderKLWan):
            codec.enable_tiling()
        return codec

    @torch.no_grad()
    def encode_video(self, video: Tensor) -> Tensor:
        latents = self.codec.encode(video.to(self.device, torch.float32)).latent_dist.mode()
        mean, std = self._latent_statistics()
        return (latents - mean) / std

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        mean, std = self._latent_statistics()
        return self.codec.decode(latents.to(self.device, torch.float32) * std + mean, return_dict=False)[0]

    def encode_condition(self, condition: Condition) -> Tensor:
        keep = fold_keep_mask(condition.keep_cells, temporal_factor=self.limits.temporal_factor).to(self.device)
        return self._layout.condition(keep, self.encode_video(condition.video))

    @torch.no_grad()
    def encode_prompt(self, prompt: str, shown: Tensor) -> dict[str, Tensor]:
        if not self.uses_prompt:
            # One empty token: a model without a text encoder was trained with just that.
            return {"prompt": torch.zeros(1, 1, self._text_dim, device=self.device)}
        # Imported here: transformers costs seconds, and a model without a text encoder never needs it.
        from transformers import AutoTokenizer, UMT5EncoderModel

        tokenizer = AutoTokenizer.from_pretrained(self.directory / "tokenizer", local_files_only=True)
        device = encoder_device(self.plan, self.device)
        encoder = load_part(UMT5EncoderModel, self.directory, "text_encoder", dtype=self.dtype, device=device)
        tokens = tokenizer(
            prompt, padding="max_length", max_length=_PROMPT_TOKENS, truncation=True, return_tensors="pt"
        ).to(device)
        embeddings = encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state
        # Wan was trained with zeros, not with the encoder's output, in the padding.
        return {"prompt": (embeddings * tokens.attention_mask.unsqueeze(-1)).to(self.device)}

    @torch.no_grad()
    def encode_image(self, frame: Tensor) -> Tensor:
        from transformers import CLIPImageProcessor, CLIPVisionModel

        processor = CLIPImageProcessor.from_pretrained(self.directory / "image_processor", local_files_only=True)
        device = encoder_device(self.plan, self.device)
        encoder = load_part(CLIPVisionModel, self.directory, "image_encoder", dtype=torch.float32, device=device)
        inputs = processor(images=as_pictures(frame), return_tensors="pt").to(device)
        return encoder(**inputs, output_hidden_states=True).hidden_states[-2].to(self.device)

    def predict(self, latents: Tensor, timestep: Tensor, *, conditioning: Conditioning) -> Tensor:
        transformer = self._transformers.on_device(self.expert_at(float(timestep) / 1000))
        hidden, timestep = self._layout.inputs(latents, timestep.to(self.device), conditioning.latents)
        image = conditioning.embeddings.image
        # bfloat16 matrix products: on processors with AMX or AVX512-BF16 three to five times as fast as float32,
        # on GPUs what the large models were trained with. Tuning and rendering go through this same line.
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            output = transformer(
                hidden_states=hidden.to(self.dtype),
                timestep=timestep,
                encoder_hidden_states=conditioning.embeddings.prompt.to(self.dtype),
                encoder_hidden_states_image=None if image is None else image.to(self.dtype),
                return_dict=False,
            )[0]
        return self._layout.predicted(output.float(), conditioning.latents)

    def with_given(self, latents: Tensor, conditioning: Conditioning) -> Tensor:
        return self._layout.with_given(latents, conditioning.latents)

    def scheduler(self, steps: int, *, shift: float) -> Any:
        folder = self.directory / "scheduler"
        name = read_config(folder, file="scheduler_config.json").get("_class_name")
        if name not in _SCHEDULERS:
            raise ModelError(f"{self.name} has a scheduler of unknown kind {name}: use a supported model.")
        # UniPC whatever the folder names: FlowMatchEuler accepts a clean-latent prediction and returns garbage.
        scheduler: Any = UniPCMultistepScheduler.from_pretrained(
            folder,
            prediction_type="sample" if self.prediction is Prediction.CLEAN else "flow_prediction",
            use_flow_sigmas=True,
            flow_shift=shift,
            local_files_only=True,
        )
        scheduler.set_timesteps(steps, device=self.device)
        return scheduler

    def release_experts(self) -> None:
        self._transformers.park()

    def release_encoders(self) -> None:
        self.__dict__.pop("codec", None)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _latent_statistics(self) -> tuple[Tensor, Tensor]:
        shape = (1, -1, 1, 1, 1)
        config = self.codec.config
        return (
            torch.tensor(config.latents_mean, device=self.device).view(shape),
            torch.tensor(config.latents_std, device=self.device).view(shape),
        )
