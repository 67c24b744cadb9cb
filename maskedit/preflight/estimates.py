# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the model sees the region, and what memory and time an edit takes on this machine (torch-free).

Operations are counted from the model folder's headers: two per weight and token, four per pair of tokens and channel
in the attention. Seconds are a range, because what share of a machine's speed is reached is known no better.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from maskedit.catalogue import ModelEntry
from maskedit.checking import CheckedEdit
from maskedit.devices import Device, find_devices
from maskedit.errors import ModelError
from maskedit.findings import Finding, PresetEstimate, Severity
from maskedit.geometry import CropPlan, plan_track, windows
from maskedit.memory import Demand, Memory, MemoryPlan, least_memory, plan_memory
from maskedit.model_sizes import ModelSizes, read_sizes
from maskedit.presets import Recipe, edges_for, recipe_for
from maskedit.request import EditRequest, Preset

# Detail finer than two source pixels per model pixel is carried from the keyframe, not made.
_LEAST_MAGNIFICATION = 0.5
# Backward passes through a frozen model with an adapter, and the way there again where it is checkpointed, in forwards
# (docs/benchmark.md, operations of one pass).
_STEP = 2.6
_CHECKPOINTED = 3.6
# Dense bfloat16 peak of GPUs by the makers' data sheets, in TFLOP/s; the first name that fits counts.
_PEAKS = {
    "H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L40S": 362, "L40": 181, "L4": 121, "A6000": 155,
    "6000 Ada": 364, "A10": 125, "5090": 209, "5080": 113, "4090": 165, "4080": 97, "4070": 58, "3090": 71, "3080": 59,
}  # fmt: skip
# The share of that, or of plain matrix products on all of this CPU's cores, that an edit reaches.
_GPU_SHARES = (0.6, 0.2)
_CPU_SHARES = (0.9, 0.25)
# What goes on beside the model, per megapixel of source frame: decoding, flow, finishing, encoding.
_AROUND_SECONDS = (0.2, 1.5)
_LOADING_SECONDS = (3.0, 60.0)
# Small enough that no library shares one product among threads, and as many as take a few milliseconds.
_TRIAL_SIDE, _TRIAL_COUNT = 64, 2000


@dataclass(frozen=True)
class Estimate:
    """`seconds`: least and most, None on a GPU whose speed is not known; `plan`: how the model would be held.

    `least_bytes`: what a device has to have for any plan.
    """

    plan: MemoryPlan
    seconds: tuple[float, float] | None
    least_bytes: int


def estimates_of(request: EditRequest, checked: CheckedEdit, *, entry: ModelEntry) -> tuple[PresetEstimate, ...]:
    """What the edit would take with each preset on this machine, its own settings kept."""
    device = best_device()
    found = [_estimate_with(preset, request, checked, entry=entry, device=device) for preset in Preset]
    return tuple(found)


def _estimate_with(
    preset: Preset, request: EditRequest, checked: CheckedEdit, *, entry: ModelEntry, device: Device
) -> PresetEstimate:
    if preset is Preset.DRAFT:
        least, most = (around * _megapixels(checked) for around in _AROUND_SECONDS)
        return PresetEstimate(preset=preset, least_seconds=least, most_seconds=most)
    wanted = replace(request, preset=preset)
    recipe = recipe_for(wanted, recommended=entry.recipe)
    plan = region_plan(wanted, checked, entry=entry, recipe=recipe)
    try:
        found = estimate(plan, checked=checked, entry=entry, recipe=recipe, device=device)
    except ModelError as error:
        return PresetEstimate(preset=preset, problem=str(error))
    least, most = found.seconds or (0.0, 0.0)
    return PresetEstimate(
        preset=preset,
        least_seconds=least,
        most_seconds=most,
        memory_bytes=found.plan.device_bytes,
        least_memory_bytes=found.least_bytes,
    )


def region_plan(request: EditRequest, checked: CheckedEdit, *, entry: ModelEntry, recipe: Recipe) -> CropPlan:
    """What the model would see of the region on its first frame."""
    facts, frames = checked.facts, checked.frames
    edges = [edges_for(region, frame_height=facts.height) for region in request.regions]
    reach = max(each.grow_px + each.feather_px for each in edges)
    size = {"frame_width": facts.width, "frame_height": facts.height}
    bounds = {
        number: rect.grown(reach, **size)
        for number, rect in zip(checked.region_frames, checked.region_bounds, strict=True)
    }
    wide, high = (
        max(getattr(rect, side) for rect in bounds.values()) * (1 + 2 * recipe.context) for side in ("width", "height")
    )
    grid = entry.limits["grid_px"]
    # As `preparing` does it: with a cell more on either side, because the crop ends on whole cells.
    enough = (int(wide * recipe.enlargement) + 2 * grid) * (int(high * recipe.enlargement) + 2 * grid)
    track = plan_track(
        bounds,
        frames=range(frames.first, frames.last + 1),
        **size,
        grid=grid,
        budget_px=min(entry.limits["budget_px"], recipe.budget_px or enough, enough),
        context=recipe.context,
    )
    return track.plans[0]


def size_finding(plan: CropPlan) -> Finding:
    """How large the model sees the region, with a remedy where that is too small."""
    seen = f"{plan.rect.width}x{plan.rect.height} pixels around the region as {plan.model_width}x{plan.model_height}"
    scale = float(plan.magnification)
    if scale >= _LEAST_MAGNIFICATION:
        return Finding(severity=Severity.NOTE, what=f"The model sees {seen}, {scale:.2g} times its size")
    return Finding(
        severity=Severity.WARNING,
        what=f"The model sees {seen}, so what it makes is enlarged {1 / scale:.1f} times and soft",
        remedy="draw the region closer around what changes, edit parts of it one by one, or choose a larger model "
        "with --model",
        flag="--model",
    )


def estimate(plan: CropPlan, *, checked: CheckedEdit, entry: ModelEntry, recipe: Recipe, device: Device) -> Estimate:
    """Memory and time of the whole edit. Raises ModelError where the model does not fit this machine's memory."""
    sizes, count, gpu = read_sizes(entry.directory), len(checked.frames), bool(device.uuid)
    window = min(recipe.window_frames, entry.limits["max_frames"], count)
    lesson = min(recipe.training_frames or window, window)
    width, height = plan.model_width, plan.model_height
    demand = Demand.of(recipe, limits=entry.limits, width=width, height=height, lesson=lesson, window=window)
    still = Demand.of(recipe, limits=entry.limits, width=width, height=height, lesson=1, window=1)
    main = next(each.memory_bytes for each in find_devices() if not each.uuid)
    # All of it: what other programs and jobs hold now may be free when the job starts.
    held = plan_memory(sizes, demand, memory=Memory(free=device.memory_bytes, main=main, gpu=gpu))
    least_bytes = least_memory(sizes, demand, gpu=gpu)
    speed = _peak(device) if gpu else _cpu_speed()
    if speed is None:
        return Estimate(held, None, least_bytes)

    on_motion = int(recipe.appearance_steps * recipe.motion_share)
    step = _CHECKPOINTED if held.checkpointing else _STEP
    tuning = (recipe.motion_steps + on_motion) * _forward(sizes, demand.training_tokens)
    tuning += (recipe.appearance_steps - on_motion) * _forward(sizes, still.training_tokens)
    stretches = len(windows(count, length=window, overlap=min(recipe.overlap_frames, window - 1)))
    passes = max(1, round(recipe.render_steps * recipe.draft_strength)) * (2 if recipe.guidance > 1 else 1)
    operations = step * tuning + stretches * passes * _forward(sizes, demand.render_tokens)

    least, most = (
        operations / (speed * share) + around * _megapixels(checked) + loading
        for share, around, loading in zip(
            _GPU_SHARES if gpu else _CPU_SHARES, _AROUND_SECONDS, _LOADING_SECONDS, strict=True
        )
    )
    return Estimate(held, (least, most), least_bytes)


def estimate_findings(found: Estimate, *, preset: str, device: Device) -> Iterator[Finding]:
    """Both in words."""
    yield Finding(severity=Severity.NOTE, what=found.plan.sentence.rstrip("."))
    if found.seconds is None:
        yield Finding(severity=Severity.NOTE, what=f"How long the edit takes on {device.name} is not known")
        return
    least, most = map(_duration, found.seconds)
    busy = "" if device.uuid else " while little else runs on it"
    yield Finding(
        severity=Severity.NOTE,
        what=f"With the preset {preset} the edit takes {least} to {most} on {device.name}{busy}",
        remedy="--preset draft shows the motion much sooner",
        flag="--preset draft",
    )


def best_device() -> Device:
    """Where a job would run if it needs all there is: the GPU with the most memory, else the CPU."""
    return max(find_devices(), key=lambda device: (bool(device.uuid), device.memory_bytes))


def memory_finding(error: ModelError) -> Finding:
    """A model that this machine cannot hold."""
    what, _, remedy = str(error).rstrip(".").partition(": ")
    return Finding(severity=Severity.ERROR, what=what, remedy=remedy, flag="--preset fast")


def _megapixels(checked: CheckedEdit) -> float:
    """Of all frames."""
    return checked.facts.width * checked.facts.height * len(checked.frames) / 1e6


def _forward(sizes: ModelSizes, tokens: int) -> float:
    """Operations of one pass through the transformer."""
    size = sizes.largest
    return 2.0 * size.stored * tokens + 4.0 * tokens**2 * size.width * size.blocks


def _peak(device: Device) -> float | None:
    return next((peak * 1e12 for name, peak in _PEAKS.items() if name in device.name), None)


@cache
def _cpu_speed() -> float:
    """Operations per second of plain matrix products on all cores, were nothing else running on them.

    By one thread's own time, the best of five: what other programs take is theirs only for now.
    """
    squares = np.ones((_TRIAL_COUNT, _TRIAL_SIDE, _TRIAL_SIDE), np.float32)
    seconds = []
    for _ in range(5):
        begin = time.thread_time()
        np.matmul(squares, squares)
        seconds.append(time.thread_time() - begin)
    return (os.cpu_count() or 1) * 2 * _TRIAL_COUNT * _TRIAL_SIDE**3 / min(seconds)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
