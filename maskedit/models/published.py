# SPDX-License-Identifier: GPL-3.0-or-later
"""The published models at full size: what their transformers look like and what they were made for.

For sums before any weight is there: parameters, operations, memory. A model on disk is described by its own files
alone (`model_check`), never by this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import HunyuanVideoTransformer3DModel, WanTransformer3DModel
from torch import Tensor

from maskedit.models.family import Limits

_PIXELS_480P, _PIXELS_720P = 832 * 480, 1280 * 720


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """One published model. `config`: the arguments of its `transformer` class; `experts`: how many of them it has.

    `inputs`: (latent frames, latent height, latent width) → the arguments of one forward pass, without data ("meta").
    `spatial_factor`: pixels per latent cell.
    """

    family: str
    transformer: type[torch.nn.Module]
    config: Mapping[str, Any]
    limits: Limits
    flow_shift: float
    inputs: Callable[[int, int, int], dict[str, Any]]
    spatial_factor: int = 8
    experts: int = 1

    def build(self) -> Any:
        """One of its transformers without data: shapes only, on the device "meta", in the types it is loaded with."""
        with torch.device("meta"):
            transformer: Any = self.transformer(**self.config)
        kept = getattr(transformer, "_keep_in_fp32_modules", None) or ()
        for name, parameter in transformer.named_parameters():
            if not set(name.split(".")) & set(kept):
                parameter.data = parameter.data.to(torch.bfloat16)
        return transformer.requires_grad_(False).eval()

    def inputs_for(self, *, width: int, height: int, frames: int) -> dict[str, Any]:
        """The arguments of one forward pass over that many pixels and frames (4n+1), on the device "meta"."""
        cells = self.spatial_factor
        return self.inputs((frames - 1) // self.limits.temporal_factor + 1, height // cells, width // cells)


def _wan(*, heads: int, layers: int, ffn: int, channels: int, out: int = 16, image: bool = False) -> dict[str, Any]:
    return {
        "patch_size": (1, 2, 2),
        "num_attention_heads": heads,
        "attention_head_dim": 128,
        "in_channels": channels,
        "out_channels": out,
        "text_dim": 4096,
        "freq_dim": 256,
        "ffn_dim": ffn,
        "num_layers": layers,
        "cross_attn_norm": True,
        "qk_norm": "rms_norm_across_heads",
        "eps": 1e-6,
        "image_dim": 1280 if image else None,
        "added_kv_proj_dim": heads * 128 if image else None,
        "rope_max_seq_len": 1024,
    }


def _wan_inputs(*, channels: int, image: bool = False, per_token: bool = False) -> Callable[..., dict[str, Any]]:
    def inputs(frames: int, height: int, width: int) -> dict[str, Any]:
        tokens = frames * (height // 2) * (width // 2)
        return {
            "hidden_states": _meta(1, channels, frames, height, width),
            "timestep": _meta(1, tokens, dtype=torch.float32) if per_token else _meta(1, dtype=torch.float32),
            "encoder_hidden_states": _meta(1, 512, 4096),
            "encoder_hidden_states_image": _meta(1, 257, 1280) if image else None,
        }

    return inputs


def _meta(*shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def _limits(budget_px: int, *, cell_px: int = 8, grid_px: int = 16, max_frames: int = 81) -> Limits:
    return Limits(grid_px=grid_px, cell_px=cell_px, temporal_factor=4, budget_px=budget_px, max_frames=max_frames)


_I2V_14B = _wan(heads=40, layers=40, ffn=13824, channels=36, image=True)
_FUN_1B = _wan(heads=12, layers=30, ffn=8960, channels=36, image=True)
_A14B = _wan(heads=40, layers=40, ffn=13824, channels=36)
_TI2V_5B = _wan(heads=24, layers=30, ffn=14336, channels=48, out=48)


def _wan_i2v(config: Mapping[str, Any], *, budget_px: int, flow_shift: float) -> PublishedModel:
    return PublishedModel(
        family="wan-i2v",
        transformer=WanTransformer3DModel,
        config=config,
        limits=_limits(budget_px),
        flow_shift=flow_shift,
        inputs=_wan_inputs(channels=36, image=True),
    )


def _hunyuan(condition_type: str) -> PublishedModel:
    concat = condition_type == "latent_concat"
    channels = 2 * 16 + 1 if concat else 16

    def inputs(frames: int, height: int, width: int) -> dict[str, Any]:
        # The picture's tokens that are kept, and the 252 that are left of the template's.
        tokens = 576 // (2 if concat else 4) + 252
        return {
            "hidden_states": _meta(1, channels, frames, height, width),
            "timestep": _meta(1, dtype=torch.float32),
            "encoder_hidden_states": _meta(1, tokens, 4096),
            "encoder_attention_mask": _meta(1, tokens),
            "pooled_projections": _meta(1, 768),
            "guidance": None if concat else _meta(1, dtype=torch.float32),
        }

    return PublishedModel(
        family="hunyuan-i2v",
        transformer=HunyuanVideoTransformer3DModel,
        config={"in_channels": channels, "image_condition_type": condition_type, "guidance_embeds": not concat},
        limits=_limits(_PIXELS_720P, max_frames=129),
        flow_shift=7.0,
        inputs=inputs,
    )


PUBLISHED: Mapping[str, PublishedModel] = {
    "Wan2.1-I2V-14B-480P": _wan_i2v(_I2V_14B, budget_px=_PIXELS_480P, flow_shift=3.0),
    "Wan2.1-I2V-14B-720P": _wan_i2v(_I2V_14B, budget_px=_PIXELS_720P, flow_shift=5.0),
    "Wan2.1-Fun-14B-InP": _wan_i2v(_I2V_14B, budget_px=_PIXELS_480P, flow_shift=3.0),
    "Wan2.1-Fun-1.3B-InP": _wan_i2v(_FUN_1B, budget_px=_PIXELS_480P, flow_shift=3.0),
    "Wan2.2-I2V-A14B": PublishedModel(
        family="wan-i2v-two-experts",
        transformer=WanTransformer3DModel,
        config=_A14B,
        limits=_limits(_PIXELS_480P),
        flow_shift=3.0,
        inputs=_wan_inputs(channels=36),
        experts=2,
    ),
    "Wan2.2-TI2V-5B": PublishedModel(
        family="wan-ti2v",
        transformer=WanTransformer3DModel,
        config=_TI2V_5B,
        # A token covers two by two cells and has one timestep: it is given whole or generated whole.
        limits=_limits(1280 * 704, cell_px=32, grid_px=32, max_frames=121),
        flow_shift=5.0,
        inputs=_wan_inputs(channels=48, per_token=True),
        spatial_factor=16,
    ),
    "HunyuanVideo-I2V": _hunyuan("token_replace"),
    "HunyuanVideo-I2V-33ch": _hunyuan("latent_concat"),
}
