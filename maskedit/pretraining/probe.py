# SPDX-License-Identifier: GPL-3.0-or-later
"""A fixed question asked of every checkpoint: how well does the first frame's look follow an unseen matte?"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import UniPCMultistepScheduler, WanTransformer3DModel
from PIL import Image
from torch import Tensor

from maskedit.conditioning import motion_condition
from maskedit.models.bundled.codec import CELL, DctCodec
from maskedit.models.mending import with_sure_cells
from maskedit.pretraining.config import Probe
from maskedit.pretraining.holding import psnr_per_clip
from maskedit.pretraining.latents import Batch, decoded_video, make_batch
from maskedit.pretraining.starting import load_weights
from maskedit.synthetic import clips
from maskedit.synthetic.mattes import vary_matte

_PROBE_SEED = 987_654_321  # far from every seed of training


def shipped_scheduler(*, flow_shift: float) -> UniPCMultistepScheduler:
    """The sampler that goes with weights trained on clean latents."""
    return UniPCMultistepScheduler(prediction_type="sample", use_flow_sigmas=True, flow_shift=flow_shift)


@torch.no_grad()
def render_latents(
    transformer: WanTransformer3DModel, given: Tensor, *, steps: int, flow_shift: float, seed: int = 0
) -> Tensor:
    """Denoise from seeded noise under `given` (B, 52, f, h, w); returns normalised latents (B, 48, f, h, w)."""
    scheduler = shipped_scheduler(flow_shift=flow_shift)
    scheduler.set_timesteps(steps, device=given.device)
    channels = transformer.config["out_channels"]
    shape = (len(given), channels, *given.shape[2:])
    # Drawn on the CPU: the same noise, and so the same figures, on every device.
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(given.device)
    prompt = given.new_zeros(len(given), 1, transformer.config["text_dim"])
    for timestep in scheduler.timesteps:
        with torch.autocast(given.device.type, torch.bfloat16):
            clean = transformer(
                hidden_states=torch.cat([latents, given], dim=1),
                timestep=timestep.expand(len(given)),
                encoder_hidden_states=prompt,
                return_dict=False,
            )[0]
        clean = with_sure_cells(clean.float(), given)
        latents = scheduler.step(clean, timestep, latents, return_dict=False)[0]
    return latents


@dataclass(frozen=True)
class ProbeClips:
    """`video` (B, 3, T, H, W), the 0/1 matte of what is judged (frame 0 excluded), and the batch made from them."""

    video: Tensor
    judged: Tensor
    condition_video: Tensor
    batch: Batch


def probe_clips(probe: Probe, codec: DctCodec, *, device: torch.device | str = "cpu") -> ProbeClips:
    """Draw the fixed clips on the CPU, the same for every device, and bring them to `device`, where `codec` is."""
    generator = torch.Generator().manual_seed(_PROBE_SEED)
    video, coverage = clips(probe.clips, probe.frames, height=probe.height, width=probe.width, generator=generator)
    edit_matte = vary_matte(coverage, generator=generator).to(device)
    video = video.to(device)
    judged = edit_matte.clone()
    judged[:, :, 0] = 0
    condition = motion_condition(video, edit_matte, factor=CELL)
    return ProbeClips(
        video=video, judged=judged, condition_video=condition.video, batch=make_batch(codec, video, condition)
    )


def psnr_inside(result: Tensor, truth: Tensor, matte: Tensor) -> float:
    """PSNR in dB over matte == 1 of videos (B, 3, T, H, W) in [-1, 1], the mean over clips."""
    figures = psnr_per_clip(result, truth, matte)
    return float(figures[figures.isfinite()].mean())


def measure(
    transformer: WanTransformer3DModel, codec: DctCodec, held: ProbeClips, *, steps: int, flow_shift: float
) -> tuple[dict[str, float], Tensor]:
    """In-matte PSNR of the render, of the frozen first frame and of the codec alone; and the rendered video."""
    latents = render_latents(transformer, held.batch.given, steps=steps, flow_shift=flow_shift)
    result = decoded_video(codec, latents)
    figures = {
        "render_db": psnr_inside(result, held.video, held.judged),
        "frozen_db": psnr_inside(held.video[:, :, :1].expand_as(held.video), held.video, held.judged),
        "codec_db": psnr_inside(decoded_video(codec, held.batch.clean), held.video, held.judged),
    }
    return {name: round(value, 3) for name, value in figures.items() if math.isfinite(value)}, result


def save_sheet(path: Path, held: ProbeClips, result: Tensor, *, frames: int = 4) -> None:
    """PNG with a row per clip: source, condition and result at a few frames of equal distance."""
    count = held.video.shape[2]
    chosen = sorted({round(i * (count - 1) / max(frames - 1, 1)) for i in range(frames)})
    # Kept pixels are the source's, as in a finished edit.
    finished = torch.where(held.judged > 0, result, held.video)
    videos = (held.video, held.condition_video, finished)
    rows = [
        torch.cat([video[clip, :, frame] for video in videos for frame in chosen], -1)
        for clip in range(len(held.video))
    ]
    picture = ((torch.cat(rows, -2).permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()
    Image.fromarray(picture).save(path)


def main(arguments: list[str] | None = None) -> int:
    """`python -m maskedit.pretraining.probe MODEL_DIR`: print the figures of a model folder as a JSON line."""
    parser = argparse.ArgumentParser(prog="python -m maskedit.pretraining.probe")
    parser.add_argument("model", type=Path, help="model folder that pretraining exported")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=9, help="4n+1")
    parser.add_argument("--size", type=int, default=64, help="side in pixels, a multiple of 8")
    parser.add_argument("--steps", type=int, default=6, help="of rendering")
    parser.add_argument("--sheet", type=Path, help="PNG to draw: source, condition, result")
    options = parser.parse_args(arguments)
    transformer = load_weights(options.model)
    codec = DctCodec()
    flow_shift = json.loads((options.model / "maskedit.json").read_text())["flow_shift"]
    probe = Probe(clips=options.clips, frames=options.frames, height=options.size, width=options.size)
    held = probe_clips(probe, codec)
    figures, result = measure(transformer, codec, held, steps=options.steps, flow_shift=flow_shift)
    print(json.dumps(figures))
    if options.sheet:
        save_sheet(options.sheet, held, result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
