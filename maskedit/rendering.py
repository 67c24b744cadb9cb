# SPDX-License-Identifier: GPL-3.0-or-later
"""Third stage: from noise to the edited crop, window by window outwards from the first keyframe.

The sampling loop is ours because it reports, cancels and serves every family; its seams to diffusers are the
transformer's forward and the scheduler's step, and a test holds it equal to diffusers' own denoising blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import torch
from torch import Tensor

from maskedit.caching import LatentCache, content_hash
from maskedit.encoding import render_conditioning
from maskedit.models.family import Conditioning, VideoModel
from maskedit.models.stepcache import step_cache
from maskedit.progress import Reporter, Stage
from maskedit.rim import match_rim
from maskedit.shot import Shot, Window, to_picture, to_video


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to sample.

    `steps` over the whole way from noise; `guidance`: classifier-free, 1 = off; `draft_strength`: the share of noise
    to start with, 1 = all of it, below that the draft's latents and only the steps from there on. `draft_given`: how
    sure of the draft the model is told to be, 0 = it is not told of it. `step_cache`: see `models.stepcache`, 0 = off.
    """

    steps: int
    guidance: float
    seed: int
    draft_strength: float = 1.0
    draft_given: float = 0.0
    step_cache: float = 0.0


def render_shot(
    model: VideoModel,
    shot: Shot,
    stretches: Sequence[tuple[int, ...]],
    *,
    sampling: Sampling,
    prompt: str,
    adapter_key: str,
    cache: LatentCache,
    reporter: Reporter,
    rim_colour: float = 1.0,
    part: tuple[int, int] = (0, 1),
) -> dict[int, Tensor]:
    """Every frame's crop, frame number → (1, 3, 1, H, W) in [-1, 1]: generated in the region, the plate around it.

    A window is given the frames that an earlier one rendered (the keyframe at first) and those that are locked as kept,
    so that windows join without a seam. Frames that were painted or are locked stay as they are. `adapter_key` names
    the adapter attached to the model: finished windows are cached under it. `rim_colour`: how far the region's rim is
    matched to the plate, 0 to 1. `part`: of how many such renders, counted from 0, this one is, for the progress.
    """
    start = min(shot.edited)
    shown = shot.edited[start]
    rendered = dict(shot.locked) or {start: shown}
    from_draft = sampling.draft_strength < 1
    shot = shot.drafted() if from_draft or sampling.draft_given else shot
    steps = sampling.steps - _first_step(_schedule(model, sampling), sampling)
    before, parts = part[0] * len(stretches), part[1]
    for index, frames in enumerate(stretches, start=before):
        window = shot.window(frames)
        known = {i: rendered[frame] for i, frame in enumerate(frames) if frame in rendered}
        known |= {i: shot.edited[frames[i]] for i in window.given if i not in known}
        window = _with(known, window)
        encode = {"shown": shown[:, :, 0], "surest": sampling.draft_given, "cache": cache}
        _make_room_for_codec(model)
        conditioning = render_conditioning(model, window, prompt=prompt, **encode)
        # Without a prompt both passes would be one and the same.
        guided = sampling.guidance > 1 and model.true_guidance and prompt
        unconditional = render_conditioning(model, window, prompt="", **encode) if guided else None
        begin = window.draft if from_draft else None
        tick = partial(_tick, reporter, before=index * steps, total=steps * len(stretches) * parts)
        make = partial(
            _sampled, model, conditioning, unconditional=unconditional, sampling=sampling, begin=begin, tick=tick
        )
        kind = f"render:{adapter_key}:{sampling}:{prompt}"
        seen = [conditioning.latents] if begin is None else [conditioning.latents, begin]
        latents = cache.get(model, kind, *seen, make=make)["latents"]
        _make_room_for_codec(model)
        decoded = model.decode(latents).clamp(-1, 1).cpu()
        for i, frame in enumerate(frames):
            if frame in rendered:
                continue
            plate, edit_matte = shot.at(frame)
            matched = match_rim(
                to_picture(decoded[:, :, i : i + 1]),
                to_picture(plate),
                edit_matte[0, 0, 0].numpy(),
                strength=rim_colour,
            )
            made = plate + edit_matte * (to_video(matched) - plate)
            rendered[frame] = shot.edited.get(frame, made)
        tick(steps, preview=_jpeg(rendered[frames[-1]]))
    return rendered


def _make_room_for_codec(model: VideoModel) -> None:
    if not model.plan.share_codec:
        model.release_experts()


def _tick(reporter: Reporter, step: int, *, before: int, total: int, preview: bytes | None = None) -> None:
    reporter.report(Stage.RENDER, before + step, total=total, preview=preview)


def _jpeg(frame: Tensor) -> bytes:
    """One rendered crop as a picture to look at while the rest goes on."""
    codes = (to_picture(frame)[..., ::-1] * 255).round().astype("uint8")
    return cv2.imencode(".jpg", codes)[1].tobytes()


def _sampled(model: VideoModel, conditioning: Conditioning, *, begin: Tensor | None, **how: Any) -> dict[str, Tensor]:
    draft = None if begin is None else model.encode_video(begin)
    if not model.plan.share_codec:
        model.release_encoders()
    return {"latents": sample_latents(model, conditioning, draft=draft, **how)}


@torch.no_grad()
def sample_latents(
    model: VideoModel,
    conditioning: Conditioning,
    *,
    unconditional: Conditioning | None,
    sampling: Sampling,
    draft: Tensor | None = None,
    tick: Callable[[int], None] = lambda step: None,
) -> Tensor:
    """Clean latents (1, C, f, h, w) under `conditioning`, by flow matching from noise.

    `unconditional`: the same condition with an empty prompt, or None for no guidance. `draft`: the latents to start
    from when `sampling.draft_strength` is below 1. `tick` is called with the number of finished steps before each
    step, and may raise Cancelled.
    """
    scheduler = _schedule(model, sampling)
    first = _first_step(scheduler, sampling)
    scheduler.set_begin_index(first)
    shape = (1, model.latent_channels, *conditioning.latents.shape[2:])
    latents = initial_noise(shape, seed=sampling.seed).to(model.device)
    if draft is not None:
        t = scheduler.sigmas[first].to(model.device)
        latents = (1 - t) * draft + t * latents
    with step_cache(model, sampling.step_cache) as passing:
        for step, timestep in enumerate(scheduler.timesteps[first:]):
            tick(step)
            with passing("conditional"):
                prediction = model.predict(latents, timestep.reshape(1), conditioning=conditioning)
            if unconditional is not None:
                with passing("unconditional"):
                    free = model.predict(latents, timestep.reshape(1), conditioning=unconditional)
                prediction = free + sampling.guidance * (prediction - free)
            latents = scheduler.step(prediction, timestep, latents, return_dict=False)[0]
    return model.with_given(latents, conditioning)


def _schedule(model: VideoModel, sampling: Sampling) -> Any:
    """The model's own shift spends the steps where noise is thick; from a draft on they are spaced evenly."""
    return model.scheduler(sampling.steps, shift=1.0 if sampling.draft_strength < 1 else model.flow_shift)


def _first_step(scheduler: Any, sampling: Sampling) -> int:
    """The first step whose noise is no more than the draft strength, or the last one if all have more."""
    noise = scheduler.sigmas[: len(scheduler.timesteps)]
    # Rounded, because the schedule's "half" is 0.5005.
    return next((step for step, t in enumerate(noise) if round(float(t), 2) <= sampling.draft_strength), len(noise) - 1)


def initial_noise(shape: tuple[int, ...], *, seed: int) -> Tensor:
    """Standard normal noise, drawn on the CPU so that a seed means the same picture on every device."""
    generator = torch.Generator().manual_seed(int(content_hash(str(seed), "render")[:15], 16))
    return torch.randn(shape, generator=generator)


def _with(known: Mapping[int, Tensor], window: Window) -> Window:
    """The window with the frames that are `known` already, place → (1, 3, 1, H, W), given as they are."""
    video, draft = window.video.clone(), None if window.draft is None else window.draft.clone()
    for place, picture in known.items():
        for clip in (video, draft):
            if clip is not None:
                clip[:, :, place : place + 1] = picture
    return replace(window, video=video, draft=draft, given=tuple(sorted(known)))
