# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretraining run of the real classes that takes a second, and little films to train on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import torch

from maskedit.pretraining.config import PretrainConfig, Probe, Stage

TINY = {
    "patch_size": [1, 2, 2],
    "num_attention_heads": 2,
    "attention_head_dim": 16,
    "in_channels": 100,
    "out_channels": 48,
    "text_dim": 8,
    "freq_dim": 16,
    "ffn_dim": 32,
    "num_layers": 2,
}
# A run without a model: what `--from` takes.
STEPS = """
    warmup_steps = 1
    footage_windows = 8
    [probe]
    clips = 2
    frames = 5
    height = 16
    width = 16
    render_steps = 2
    [[stages]]
    steps = 2
    batch = 2
    frames = 5
    height = 16
    width = 16
"""
RUN = STEPS + "[transformer]\n" + "".join(f"{name} = {value}\n" for name, value in TINY.items())


def tiny_config(**changes: object) -> PretrainConfig:
    stage = Stage(steps=6, batch=4, frames=5, height=16, width=16)
    probe = Probe(clips=2, frames=5, height=16, width=16, render_steps=2)
    return replace(PretrainConfig(stages=(stage,), transformer=TINY, probe=probe, warmup_steps=2), **changes)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same_weights(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def drifting_texture(frames: int, *, size: int = 48, pixels_a_frame: int = 1, seed: int = 0) -> np.ndarray:
    """uint8 (frames, size, size, 3): a soft texture that moves to the right."""
    noise = np.random.default_rng(seed).random((size // 4 + 2, size // 4 + frames * pixels_a_frame, 3), np.float32)
    sheet = (noise.repeat(4, 0).repeat(4, 1) * 255).astype(np.uint8)
    offsets = (frames - 1 - np.arange(frames)) * pixels_a_frame
    return np.stack([sheet[:size, offset : offset + size] for offset in offsets])


def write_film(path: Path, frames: np.ndarray) -> Path:
    """uint8 (T, H, W, 3) as a lossless video, sample for sample."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "bgr0"
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")))
        container.mux(stream.encode())
    return path
