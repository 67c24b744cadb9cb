# SPDX-License-Identifier: GPL-3.0-or-later
"""Wan image-to-video models with mask channels: noise ++ folded keep mask ++ condition latents.

Serves Wan2.1-I2V and every model of the same layout, the bundled one included. Parts are loaded from a diffusers
folder when first needed, offline, from safetensors only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

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
from maskedit.models.bundled.codec import DctCodec
from maskedit.models.family import Conditioning, Limits, Prediction

_CODECS = {"AutoencoderKLWan": AutoencoderKLWan, "DctCodec": DctCodec}
_SCHEDULERS = {
    "UniPCMultistepScheduler": UniPCMultistepScheduler,
    "FlowMatchEulerDiscreteScheduler": FlowMatchEulerDiscreteScheduler,
}
_PROMPT_TOKENS = 512
_LOAD: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}


class WanImageToVideo:
    """A `VideoModel` over one diffusers folder (see `family.VideoModel` for the contract of each method)."""

    uses_prompt: bool
    uses_image_embedding: bool
    scores_generated_only = False
    experts: tuple[str, ...] = ("transformer",)
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
    ) -> None:
        self.directory = directory
        self.name = name
        self.fingerprint = fingerprint
        self.limits = limits
        self.prediction = prediction
        self.flow_shift = flow_shift
        self.device = device
        self.dtype = dtype
        self.uses_prompt = (directory / "text_encoder").is_dir()
        self.uses_image_embedding = (directory / "image_encoder").is_dir()
        self.true_guidance = self.uses_prompt
        self.latent_channels: int = _config(directory / "transformer")["out_channels"]

    @cached_property
    def transformer(self) -> Any:
        # torch_dtype at load, never .to(): the class keeps its rotary, time and norm parts in float32 by itself.
        transformer: Any = WanTransformer3DModel.from_pretrained(
            self.directory,
            subfolder="transformer",
            torch_dtype=self.dtype,
            local_files_only=True,
            use_safetensors=True,
        )
        for name, parameter in transformer.named_parameters():
            if not torch.isfinite(parameter).all():
                raise ModelError(f"The weights of {self.name} are damaged ({name} is not finite): fetch them again.")
        return transformer.requires_grad_(False).eval().to(self.device)

    def expert(self, name: str) -> Any:
        return getattr(self, name)

    def expert_at(self, t: float) -> str:
        return "transformer"

    @cached_property
    def codec(self) -> Any:
        name = _config(self.directory / "vae").get("_class_name")
        if name not in _CODECS:
            raise ModelError(f"{self.name} has a video codec of unknown kind {name}: use a supported model.")
        # float32 for training targets and for inference alike: the reference code's mixture of the two is a defect.
        codec = _CODECS[name].from_pretrained(self.directory, subfolder="vae", torch_dtype=torch.float32, **_LOAD)
        return codec.requires_grad_(False).eval().to(self.device)

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
        return torch.cat([keep, self.encode_video(condition.video)], dim=1)

    @torch.no_grad()
    def encode_prompt(self, prompt: str) -> Tensor:
        if not self.uses_prompt:
            # One empty token: a model without a text encoder was trained with just that.
            return torch.zeros(1, 1, _config(self.directory / "transformer")["text_dim"], device=self.device)
        # Imported here: transformers costs seconds, and a model without a text encoder never needs it.
        from transformers import AutoTokenizer, UMT5EncoderModel

        tokenizer = AutoTokenizer.from_pretrained(self.directory / "tokenizer", local_files_only=True)
        encoder: Any = UMT5EncoderModel.from_pretrained(
            self.directory / "text_encoder", torch_dtype=self.dtype, **_LOAD
        )
        encoder.to(self.device)
        tokens = tokenizer(
            prompt, padding="max_length", max_length=_PROMPT_TOKENS, truncation=True, return_tensors="pt"
        ).to(self.device)
        embeddings = encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state
        # Wan was trained with zeros, not with the encoder's output, in the padding.
        return embeddings * tokens.attention_mask.unsqueeze(-1)

    @torch.no_grad()
    def encode_image(self, frame: Tensor) -> Tensor:
        from transformers import CLIPImageProcessor, CLIPVisionModel

        processor = CLIPImageProcessor.from_pretrained(self.directory / "image_processor", local_files_only=True)
        encoder: Any = CLIPVisionModel.from_pretrained(
            self.directory / "image_encoder", torch_dtype=torch.float32, **_LOAD
        )
        encoder.to(self.device)
        # 8-bit pictures, as the encoder was trained on and as its processor resizes best.
        pictures = ((frame + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        inputs = processor(images=list(pictures), return_tensors="pt").to(self.device)
        return encoder(**inputs, output_hidden_states=True).hidden_states[-2]

    def predict(self, latents: Tensor, timestep: Tensor, *, conditioning: Conditioning) -> Tensor:
        image = conditioning.embeddings.image
        # bfloat16 matrix products: on processors with AMX or AVX512-BF16 three to five times as fast as float32,
        # on GPUs what the large models were trained with. Tuning and rendering go through this same line.
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            return self.transformer(
                hidden_states=torch.cat([latents, conditioning.latents], dim=1).to(self.dtype),
                timestep=timestep.to(self.device),
                encoder_hidden_states=conditioning.embeddings.prompt.to(self.dtype),
                encoder_hidden_states_image=None if image is None else image.to(self.dtype),
                return_dict=False,
            )[0].float()

    def scheduler(self, steps: int, *, shift: float) -> Any:
        folder = self.directory / "scheduler"
        name = _config(folder, file="scheduler_config.json").get("_class_name")
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

    def with_given(self, latents: Tensor, conditioning: Conditioning) -> Tensor:
        return latents

    def release_experts(self) -> None:
        pass

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


def _config(folder: Path, *, file: str = "config.json") -> dict[str, Any]:
    try:
        return json.loads((folder / file).read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"The model folder lacks a readable {folder.name}/{file}: check the model.") from error
