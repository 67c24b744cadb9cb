# SPDX-License-Identifier: GPL-3.0-or-later
"""HunyuanVideo-I2V, with mask channel or with a replaced first frame (`hunyuan_layouts`).

Parts are loaded from a diffusers folder when first needed, offline, from safetensors only.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLHunyuanVideo, FlowMatchEulerDiscreteScheduler, HunyuanVideoTransformer3DModel
from torch import Tensor

from maskedit.conditioning import Condition, fold_keep_mask
from maskedit.errors import ModelError
from maskedit.memory import RESIDENT, MemoryPlan
from maskedit.models.experts import Experts
from maskedit.models.family import Conditioning, Embeddings, Limits, Prediction
from maskedit.models.fitting import encoder_device, fit
from maskedit.models.hunyuan_layouts import LAYOUTS
from maskedit.models.loading import load_part, read_config

# The strength that guidance-distilled weights are told, as in diffusers' example: in tuning as in rendering.
_EMBEDDED_GUIDANCE = 6.0


class HunyuanImageToVideo:
    """A `VideoModel` over one diffusers folder (see `family.VideoModel` for the contract of each method)."""

    uses_prompt = True
    prompt_sees_image = True
    uses_image_embedding = False
    # Both published models are distilled: one is told how strong guidance is, the other has it in its weights.
    true_guidance = False
    experts: tuple[str, ...] = ("transformer",)
    block_lists: tuple[str, ...] = ("transformer_blocks", "single_transformer_blocks")
    lora_layers: Mapping[str, tuple[str, ...]] = {
        "attention": (
            *("attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0"),
            *("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj", "attn.to_add_out"),
        ),
        "ffn": (
            *("ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2"),
            *("proj_mlp", "proj_out"),
        ),
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
        transformer = read_config(directory / "transformer")
        self.latent_channels: int = transformer["out_channels"]
        self._told_guidance: bool = transformer["guidance_embeds"]
        self._layout = LAYOUTS[transformer["image_condition_type"]]
        self.scores_generated_only = self._layout.scores_generated_only
        self._transformers = Experts(self._load_transformer, device=device, loaded=transformers)

    def _load_transformer(self, name: str) -> Any:
        cpu = torch.device("cpu")
        transformer = load_part(HunyuanVideoTransformer3DModel, self.directory, name, dtype=self.dtype, device=cpu)
        return fit(transformer, self.plan, block_lists=self.block_lists, device=self.device)

    def expert(self, name: str) -> Any:
        return self._transformers.get(name)

    def expert_at(self, t: float) -> str:
        return "transformer"

    @cached_property
    def codec(self) -> Any:
        codec = load_part(AutoencoderKLHunyuanVideo, self.directory, "vae", dtype=torch.float32, device=self.device)
        # In tiles of 256 pixels: at full size the output of one layer alone takes gigabytes.
        codec.enable_tiling()
        return codec

    @cached_property
    def text(self) -> Any:
        # Imported here: transformers costs seconds, and embeddings mostly come from the cache.
        from maskedit.models.hunyuan_text import HunyuanText

        return HunyuanText(self.directory, dtype=self.dtype, device=encoder_device(self.plan, self.device))

    @torch.no_grad()
    def encode_video(self, video: Tensor) -> Tensor:
        latents = self.codec.encode(video.to(self.device, torch.float32)).latent_dist.mode()
        return latents * self.codec.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        latents = latents.to(self.device, torch.float32) / self.codec.config.scaling_factor
        return self.codec.decode(latents, return_dict=False)[0]

    def encode_condition(self, condition: Condition) -> Tensor:
        """Latents, then the mask: a cell is given only if all the frames in it are, since the codec mixes them."""
        folded = fold_keep_mask(condition.keep_cells, temporal_factor=self.limits.temporal_factor)
        keep = folded.amin(dim=1, keepdim=True).to(self.device)
        # The first frame as the model knows it, a picture by itself: the codec normalises over all frames it sees.
        first = self.encode_video(condition.video[:, :, :1])
        given = torch.cat([first, self.encode_video(condition.video)[:, :, 1:]], dim=2)
        return torch.cat([self._layout.shown(given, keep), keep], dim=1)

    def encode_prompt(self, prompt: str, shown: Tensor) -> dict[str, Tensor]:
        return self.text.encode(prompt, shown, image_stride=self._layout.image_stride)

    def encode_image(self, frame: Tensor) -> Tensor:
        raise ModelError(f"{self.name} embeds a frame together with the prompt, not alone.")

    def predict(self, latents: Tensor, timestep: Tensor, *, conditioning: Conditioning) -> Tensor:
        timestep = timestep.to(self.device)
        transformer = partial(self._through_transformer, timestep=timestep, embeddings=conditioning.embeddings)
        return self._layout.velocity(latents, t=timestep / 1000, **self._given(conditioning), transformer=transformer)

    def _through_transformer(self, frames: Tensor, *, timestep: Tensor, embeddings: Embeddings) -> Tensor:
        if embeddings.pooled is None:
            raise ValueError("HunyuanVideo needs the pooled embedding of the prompt")
        transformer = self._transformers.on_device("transformer")
        prompt = embeddings.prompt.to(self.device, self.dtype)
        # bfloat16 matrix products, as the model was trained with. Tuning and rendering go through this same line.
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            return transformer(
                hidden_states=frames.to(self.dtype),
                timestep=timestep,
                encoder_hidden_states=prompt,
                encoder_attention_mask=prompt.new_ones(prompt.shape[:2]),
                pooled_projections=embeddings.pooled.to(self.device, self.dtype),
                guidance=timestep.new_full((1,), _EMBEDDED_GUIDANCE * 1000) if self._told_guidance else None,
                return_dict=False,
            )[0].float()

    def with_given(self, latents: Tensor, conditioning: Conditioning) -> Tensor:
        return self._layout.with_given(latents, **self._given(conditioning))

    def _given(self, conditioning: Conditioning) -> dict[str, Tensor]:
        given, keep = conditioning.latents.split([self.latent_channels, 1], dim=1)
        return {"given": given, "keep": keep}

    def scheduler(self, steps: int, *, shift: float) -> Any:
        scheduler: Any = FlowMatchEulerDiscreteScheduler.from_pretrained(
            self.directory / "scheduler", shift=shift, local_files_only=True
        )
        # The pipeline's own steps: evenly from all noise down, the last one to none.
        scheduler.set_timesteps(sigmas=[1 - step / steps for step in range(steps)], device=self.device)
        return scheduler

    def release_experts(self) -> None:
        self._transformers.park()

    def release_encoders(self) -> None:
        for part in ("codec", "text"):
            self.__dict__.pop(part, None)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
