# SPDX-License-Identifier: GPL-3.0-or-later
"""From free memory to a plan of how a model is held while it is tuned and rendered with (torch-free).

Encoders, transformer and codec take turns on the device: encode, free, tune, render, free, decode. The plan is the
first of a fixed ladder that fits: what costs neither time nor accuracy comes first, then what only costs time in the
tuning, then what costs accuracy as well, 4-bit weights last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from maskedit.errors import ModelError
from maskedit.model_sizes import ModelSizes, TransformerSize
from maskedit.presets import Recipe

# Bytes that autograd keeps of one block, per token and per in- and output channel of its linear layers; what else is
# alive at the worst moment; and as how many tokens the prompt counts. From one block of Wan2.1-14B under autocast:
# 6.5 GB for 20,280 tokens, 0.17 GB for 390 (`tests/unit/test_memory.py` measures the same on a small one).
_KEPT_BYTES = 2.3
_PASSING_BYTES = 1.2
_PROMPT_TOKENS = 128
# A value and its gradient in float32, two more for Adam, and a bfloat16 copy for the products.
_ADAPTER_BYTES = 18
# Making a packed weight whole: indices, looked-up values, scaled values.
_UNPACKING_BYTES = 6
# The codec works in float32 on a few frames at a time, however long the clip: 8.0 GB at 832x480.
_CODEC_BYTES_PER_PIXEL = 20_500
_CODEC_TILE_PX = 256 * 256
_PICTURE_BYTES = 3 * 4 * 2
# As many layers' weights lie on the device while they are streamed: in use, on its way, its last use not yet over.
STREAMED_LAYERS = 3
# What the driver, its libraries and fragmentation take of what is called free.
_RESERVE_BYTES = 600_000_000
_USABLE = 0.94


class Precision(StrEnum):
    """How the weights of a transformer's blocks are kept; products are computed in bfloat16 whatever it is."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FP8 = "fp8"
    NF4 = "nf4"

    @property
    def whole(self) -> bool:
        """Whether a weight is kept as it is computed with."""
        return self in (Precision.FLOAT32, Precision.BFLOAT16)

    @property
    def weight_bytes(self) -> float:
        """Bytes per weight, scales included."""
        return {"float32": 4.0, "bfloat16": 2.0, "fp8": 1.001, "nf4": 0.5 + 2 / 64}[self]


class Offload(StrEnum):
    """`GROUP`: the blocks' weights stay in main memory and come to the device layer by layer."""

    NONE = "none"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes that are to be had: `free` on the device that computes, `main` in main memory. `gpu`: not the same."""

    free: int
    main: int
    gpu: bool


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a shot asks of the memory: tokens of the largest training sample and of the longest window to render.

    `adapted_share`, `rank`: of the LoRA. `pixels`, `frames`: of that window as the codec sees it.
    """

    training_tokens: int
    render_tokens: int
    adapted_share: float
    rank: int
    pixels: int
    frames: int

    @classmethod
    def of(
        cls, recipe: Recipe, *, limits: Mapping[str, int], width: int, height: int, lesson: int, window: int
    ) -> Demand:
        """Of a crop of width x height pixels as the model sees it, trained on stretches of up to `lesson` frames and
        rendered in stretches of up to `window`. `limits`: the model's, as a catalogue entry has them."""

        def tokens(frames: int) -> int:
            latent_frames = -(-(frames - 1) // limits["temporal_factor"]) + 1
            return latent_frames * (width // limits["grid_px"]) * (height // limits["grid_px"])

        return cls(
            training_tokens=tokens(lesson),
            render_tokens=tokens(window),
            adapted_share=recipe.adapted_share,
            rank=recipe.rank,
            pixels=width * height,
            frames=window,
        )


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """How a model is held. `device_bytes`: the most that tuning or rendering takes on the device, as estimated.

    `offload_stream`: the next layer is copied while one computes. `encoders_on_device`: text and image encoder fit
    there. `share_codec`: the codec may stay there beside the transformer; `vae_tiling`: it works on tiles.
    `sentence`: for the user.
    """

    precision: Precision = Precision.BFLOAT16
    offload: Offload = Offload.NONE
    offload_stream: bool = False
    checkpointing: bool = False
    encoders_on_device: bool = True
    share_codec: bool = True
    vae_tiling: bool = False
    device_bytes: int = 0
    sentence: str = ""


# Everything as it is loaded: for models that nobody doubts will fit.
RESIDENT = MemoryPlan()


@dataclass(frozen=True)
class _Rung:
    """One way of holding a model, and how it would be put to the user."""

    precision: Precision
    offload: Offload = Offload.NONE
    checkpointing: bool = False

    def device_bytes(self, size: TransformerSize, demand: Demand) -> int:
        """The most that tuning or rendering holds on the device at once."""
        whole = 4 if self.precision is Precision.FLOAT32 else 2
        kept = size.stored if self.offload is Offload.NONE else STREAMED_LAYERS * size.largest_layer
        held = kept * self.precision.weight_bytes + (size.parameters - size.stored) * whole
        if not self.precision.whole:
            held += _UNPACKING_BYTES * size.largest_layer
        adapted = max(1, round(demand.adapted_share * size.blocks))
        adapter = demand.rank * size.channels * adapted
        per_token = size.channels * whole / 2
        rendering = held + adapter * whole + _PASSING_BYTES * per_token * (demand.render_tokens + _PROMPT_TOKENS)
        tokens = demand.training_tokens + _PROMPT_TOKENS
        block = _KEPT_BYTES * per_token * tokens
        if self.precision is Precision.FLOAT32:
            # Autocast makes a bfloat16 copy of every frozen weight that the way back needs, and keeps it until then.
            block += 2 * size.stored / size.blocks
        graph = adapted * whole * size.width * tokens + block if self.checkpointing else adapted * block
        tuning = held + adapter * _ADAPTER_BYTES + graph + _PASSING_BYTES * per_token * tokens
        return int(max(rendering, tuning))

    def main_bytes(self, sizes: ModelSizes) -> int:
        """What has to be in main memory: one transformer as it is loaded, and the others as they wait there."""
        waiting = sum(size.stored for size in sizes.transformers) - sizes.largest.stored
        return int(2 * sizes.largest.parameters + waiting * self.precision.weight_bytes)

    def sentence(self, *, needed: int, memory: Memory) -> str:
        names = {"float32": "32-bit floats", "bfloat16": "bfloat16", "fp8": "8-bit floats", "nf4": "4-bit weights"}
        streamed = ", streamed from main memory," if self.offload is Offload.GROUP else ""
        slower = "; gradient checkpointing makes each tuning step about a third slower" if self.checkpointing else ""
        place = "GPU" if memory.gpu else "main"
        return (
            f"The model is held in {names[self.precision]}{streamed} and takes about {needed / 1e9:.1f} of "
            f"{memory.free / 1e9:.1f} GB of free {place} memory{slower}."
        )


_GPU_LADDER = (
    _Rung(Precision.BFLOAT16),
    _Rung(Precision.BFLOAT16, checkpointing=True),
    _Rung(Precision.FP8),
    _Rung(Precision.FP8, checkpointing=True),
    _Rung(Precision.FP8, Offload.GROUP),
    _Rung(Precision.FP8, Offload.GROUP, checkpointing=True),
    _Rung(Precision.NF4),
    _Rung(Precision.NF4, checkpointing=True),
)
_CPU_LADDER = (_Rung(Precision.FLOAT32), _Rung(Precision.FLOAT32, checkpointing=True))


def plan_memory(sizes: ModelSizes, demand: Demand, *, memory: Memory, ran_out: int | None = None) -> MemoryPlan:
    """The first plan of the ladder that fits `memory`.

    `ran_out`: memory ran out with a plan of so many `device_bytes`, 0 = before there was one. Then only smaller ones
    count, and encoders and codec take as little as they can.
    Raises ModelError where none does: what is needed, what is free, what to do.
    """
    ladder = _GPU_LADDER if memory.gpu else _CPU_LADDER
    usable = _usable(memory)
    fitting = [rung for rung in ladder if rung.device_bytes(sizes.largest, demand) <= usable]
    if ran_out is not None:
        smaller = [rung for rung in fitting if not ran_out or rung.device_bytes(sizes.largest, demand) < ran_out]
        if fitting and not smaller:
            raise ModelError(
                "Memory ran out with the smallest plan there is: close other programs, draw a smaller region, choose a "
                "faster preset or a smaller model."
            )
        fitting = smaller
    for rung in fitting:
        # On a CPU the device is main memory itself, and the weights are counted there already.
        if not memory.gpu or rung.main_bytes(sizes) <= memory.main:
            plan = _plan(rung, sizes, demand, memory=memory)
            return plan if ran_out is None else _sparing(plan)
    if fitting:
        needed = min(rung.main_bytes(sizes) for rung in fitting)
        raise ModelError(
            f"Loading the model takes {needed / 1e9:.1f} GB of main memory and {memory.main / 1e9:.1f} GB are free: "
            "close other programs, or choose a smaller model."
        )
    needed = min(rung.device_bytes(sizes.largest, demand) for rung in ladder)
    raise ModelError(
        f"This shot needs {(needed + memory.free - usable) / 1e9:.1f} GB of {'GPU' if memory.gpu else 'main'} memory "
        f"with this model and {memory.free / 1e9:.1f} GB are free: close other programs, draw a smaller region, choose "
        "a faster preset or a smaller model."
    )


def least_memory(sizes: ModelSizes, demand: Demand, *, gpu: bool) -> int:
    """Bytes that a device has to have free so that `plan_memory` finds any plan for it."""
    ladder = _GPU_LADDER if gpu else _CPU_LADDER
    needed = min(rung.device_bytes(sizes.largest, demand) for rung in ladder)
    return math.ceil((needed + (_RESERVE_BYTES if gpu else 0)) / _USABLE) + 1


def _plan(rung: _Rung, sizes: ModelSizes, demand: Demand, *, memory: Memory) -> MemoryPlan:
    needed, usable = rung.device_bytes(sizes.largest, demand), _usable(memory)
    codec = 4 * sizes.codec + demand.pixels * demand.frames * _PICTURE_BYTES
    whole, tile = (pixels * _CODEC_BYTES_PER_PIXEL for pixels in (demand.pixels, min(demand.pixels, _CODEC_TILE_PX)))
    tiling = codec + whole > usable
    return MemoryPlan(
        precision=rung.precision,
        offload=rung.offload,
        offload_stream=rung.offload is Offload.GROUP,
        checkpointing=rung.checkpointing,
        encoders_on_device=2 * sizes.largest_encoder <= usable,
        share_codec=needed + codec + (tile if tiling else whole) <= usable,
        vae_tiling=tiling,
        device_bytes=needed,
        sentence=rung.sentence(needed=needed, memory=memory),
    )


def _sparing(plan: MemoryPlan) -> MemoryPlan:
    return replace(
        plan,
        encoders_on_device=False,
        share_codec=False,
        vae_tiling=True,
        sentence=f"Memory ran out, so less is held at once now. {plan.sentence}",
    )


def _usable(memory: Memory) -> int:
    return int(memory.free * _USABLE) - (_RESERVE_BYTES if memory.gpu else 0)
