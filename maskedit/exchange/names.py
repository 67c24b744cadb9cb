# SPDX-License-Identifier: GPL-3.0-or-later
"""What a layer is called: in diffusers, in the model makers' own code, and in kohya's flat spelling of that.

Wan and HunyuanVideo. HunyuanVideo's own code keeps some layers fused that diffusers keeps apart (query, key, value, and
in the single blocks the feed-forward's first layer), so a name there stands for several here.
"""

from __future__ import annotations

import re

_WAN = {
    **{
        f"blocks.{{}}.{theirs}.{end}": (f"blocks.{{}}.{ours}.{name}",)
        for theirs, ours in (("self_attn", "attn1"), ("cross_attn", "attn2"))
        for end, name in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0"))
    },
    "blocks.{}.cross_attn.k_img": ("blocks.{}.attn2.add_k_proj",),
    "blocks.{}.cross_attn.v_img": ("blocks.{}.attn2.add_v_proj",),
    "blocks.{}.ffn.0": ("blocks.{}.ffn.net.0.proj",),
    "blocks.{}.ffn.2": ("blocks.{}.ffn.net.2",),
    "head.head": ("proj_out",),
    "time_projection.1": ("condition_embedder.time_proj",),
    "time_embedding.0": ("condition_embedder.time_embedder.linear_1",),
    "time_embedding.2": ("condition_embedder.time_embedder.linear_2",),
    "text_embedding.0": ("condition_embedder.text_embedder.linear_1",),
    "text_embedding.2": ("condition_embedder.text_embedder.linear_2",),
    "img_emb.proj.1": ("condition_embedder.image_embedder.ff.net.0.proj",),
    "img_emb.proj.3": ("condition_embedder.image_embedder.ff.net.2",),
}
_DOUBLE, _SINGLE = "transformer_blocks.{}", "single_transformer_blocks.{}"
_HUNYUAN = {
    "double_blocks.{}.img_attn_qkv": tuple(f"{_DOUBLE}.attn.to_{part}" for part in "qkv"),
    "double_blocks.{}.txt_attn_qkv": tuple(f"{_DOUBLE}.attn.add_{part}_proj" for part in "qkv"),
    "double_blocks.{}.img_attn_proj": (f"{_DOUBLE}.attn.to_out.0",),
    "double_blocks.{}.txt_attn_proj": (f"{_DOUBLE}.attn.to_add_out",),
    "double_blocks.{}.img_mlp.fc1": (f"{_DOUBLE}.ff.net.0.proj",),
    "double_blocks.{}.img_mlp.fc2": (f"{_DOUBLE}.ff.net.2",),
    "double_blocks.{}.txt_mlp.fc1": (f"{_DOUBLE}.ff_context.net.0.proj",),
    "double_blocks.{}.txt_mlp.fc2": (f"{_DOUBLE}.ff_context.net.2",),
    "double_blocks.{}.img_mod.linear": (f"{_DOUBLE}.norm1.linear",),
    "double_blocks.{}.txt_mod.linear": (f"{_DOUBLE}.norm1_context.linear",),
    "single_blocks.{}.linear1": (*(f"{_SINGLE}.attn.to_{part}" for part in "qkv"), f"{_SINGLE}.proj_mlp"),
    "single_blocks.{}.linear2": (f"{_SINGLE}.proj_out",),
    "single_blocks.{}.modulation.linear": (f"{_SINGLE}.norm.linear",),
}
_OURS = _WAN | _HUNYUAN
_FLAT = {theirs.replace(".", "_"): theirs for theirs in _OURS}
_THEIRS = {name: theirs for theirs, ours in _OURS.items() for name in ours}
_BLOCK = re.compile(r"(?<=blocks[._])\d+(?=[._])")


def from_original(name: str) -> tuple[str, ...]:
    """What diffusers calls the layer `name` of the makers' code ("blocks.3.self_attn.q"); () where it is unknown."""
    template, block = _template(name)
    return tuple(layer.format(block) for layer in _OURS.get(template, ()))


def from_flat(name: str) -> tuple[str, ...]:
    """As `from_original`, for kohya's spelling ("blocks_3_self_attn_q")."""
    template, block = _template(name)
    return from_original(_FLAT[template].format(block)) if template in _FLAT else ()


def to_original(layer: str) -> str | None:
    """The makers' name of the diffusers layer `layer`, alone or as part of a fused one; None where there is none."""
    template, block = _template(layer)
    return _THEIRS[template].format(block) if template in _THEIRS else None


def _template(name: str) -> tuple[str, str]:
    """The name with {} for its block's number, and that number."""
    found = _BLOCK.search(name)
    return (f"{name[: found.start()]}{{}}{name[found.end() :]}", found[0]) if found else (name, "")
