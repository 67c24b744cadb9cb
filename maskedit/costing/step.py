# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.costing.step [--tiny] [--write FILE]`: seconds, TFLOP/s and peak memory of one tuning step.

The transformer is the real class at the size of Wan2.1-I2V-14B with random weights: how long a step takes does not
depend on what they know. Each row loads it anew.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights

from maskedit import adapters
from maskedit.adapters import LoraSpec
from maskedit.costing.operations import Clip, Operations, for_adapters
from maskedit.costing.tables import FULL, QUARTER, markdown
from maskedit.errors import InputError
from maskedit.memory import MemoryPlan, Precision
from maskedit.models.fitting import fit
from maskedit.models.published import PUBLISHED, PublishedModel
from maskedit.pages import put_between_marks

_MODEL = "Wan2.1-I2V-14B-480P"
_SPEC = LoraSpec()


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One row: what was done, and the measured mean of a step after one to warm up."""

    clip: Clip
    plan: MemoryPlan
    seconds: float
    operations: int
    peak_bytes: int


def time_step(
    model: PublishedModel, clip: Clip, plan: MemoryPlan, *, steps: int, operations: int, device: torch.device
) -> Timing:
    """Forward, backward and optimiser step of an adapter on a transformer held as `plan` says.

    `operations`: of one such step, as counted. The peak is the device's, on a CPU that of the whole process so far.
    """
    transformer = _with_random_weights(model, device=device)
    holder = for_adapters(model, transformer)
    fit(transformer, plan, block_lists=holder.block_lists, device=device).to(device)
    parameters = adapters.attach(holder, _SPEC, seed=0)
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, foreach=True)
    inputs = _random_inputs(model, clip, device=device)

    def step() -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            output = transformer(**inputs, return_dict=False)[0]
        output.float().square().mean().backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    step()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    begin = _now(device)
    for _ in range(steps):
        step()
    seconds = (_now(device) - begin) / steps
    return Timing(clip=clip, plan=plan, seconds=seconds, operations=operations, peak_bytes=_peak_bytes(device))


def timing_table(timings: Sequence[Timing]) -> str:
    """A row per timing, in Markdown."""
    rows = [
        (
            f"{timing.clip.width}×{timing.clip.height}, {timing.clip.frames} frames",
            timing.plan.precision.value,
            "yes" if timing.plan.checkpointing else "no",
            f"{timing.seconds:.2f}",
            f"{timing.operations / timing.seconds / 1e12:.3g}",
            f"{timing.peak_bytes / 1e9:.1f}",
        )
        for timing in timings
    ]
    return markdown(("one stage-1 step", "weights", "checkpointed", "seconds", "TFLOP/s", "peak GB"), rows)


def shrunk(model: PublishedModel) -> PublishedModel:
    """The same class with two narrow blocks: to see the script work where there is no GPU."""
    small = {"num_attention_heads": 1, "ffn_dim": 256, "num_layers": 2, "added_kv_proj_dim": 128}
    return replace(model, config={**model.config, **small})


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns 0, or 2 for a page that cannot be written, said on stderr."""
    options = _parser().parse_args(arguments)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model = shrunk(PUBLISHED[_MODEL]) if options.tiny else PUBLISHED[_MODEL]
    operations, timings = Operations(model), []
    for clip, plan in _rows(tiny=options.tiny):
        counted = operations.step(clip, _SPEC, checkpointing=plan.checkpointing)
        try:
            timings.append(time_step(model, clip, plan, steps=options.steps, operations=counted, device=device))
        except torch.OutOfMemoryError:
            print(f"{clip} with {plan.precision.value} weights does not fit this device.", file=sys.stderr)
    text = f"{_machine(device, tiny=options.tiny)}\n\n{timing_table(timings)}"
    print(text)
    if options.write:
        try:
            put_between_marks(options.write, f"{text}\n", mark="step")
        except InputError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m maskedit.costing.step", description="Time one tuning step of a model of 14 B parameters."
    )
    parser.add_argument("--device", default="", help="as torch names it (default: the GPU, if there is one)")
    parser.add_argument("--steps", type=int, default=3, help="steps to take the mean of, after one to warm up")
    parser.add_argument("--tiny", action="store_true", help="two narrow blocks and few pixels")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a page with the marks step:begin and step:end")
    return parser


def _rows(*, tiny: bool) -> list[tuple[Clip, MemoryPlan]]:
    full = Clip(width=64, height=32, frames=9) if tiny else FULL
    part = Clip(width=32, height=16, frames=9) if tiny else QUARTER
    return [
        (clip, MemoryPlan(precision=precision, checkpointing=checkpointing))
        for clip, checkpointing in ((full, True), (part, True), (part.lasting(9), False))
        for precision in (Precision.BFLOAT16, Precision.FP8)
    ]


def _with_random_weights(model: PublishedModel, *, device: torch.device) -> Any:
    """In main memory. Drawn on the device: the main processor would take minutes."""
    with init_empty_weights(include_buffers=False):
        transformer: Any = model.transformer(**model.config)
    kept = set(transformer._keep_in_fp32_modules or ())
    for name, empty in list(transformer.named_parameters()):
        dtype = torch.float32 if kept & set(name.split(".")) else torch.bfloat16
        drawn = torch.randn(empty.shape, device=device, dtype=dtype) * 0.02
        # Scales of norms are near one, and so are the outputs of a trained layer.
        values = drawn + 1 if empty.dim() == 1 and name.endswith("weight") else drawn
        owner, _, leaf = name.rpartition(".")
        setattr(transformer.get_submodule(owner), leaf, torch.nn.Parameter(values.cpu(), requires_grad=False))
    return transformer.eval()


def _random_inputs(model: PublishedModel, clip: Clip, *, device: torch.device) -> Mapping[str, Any]:
    shapes = model.inputs_for(width=clip.width, height=clip.height, frames=clip.frames)
    return {
        name: None if empty is None else torch.randn(empty.shape, device=device).to(empty.dtype)
        for name, empty in shapes.items()
    }


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _machine(device: torch.device, *, tiny: bool) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "main processor"
    return f"{name}, torch {torch.__version__}{', at tiny size' if tiny else ''}."


if __name__ == "__main__":
    sys.exit(main())
