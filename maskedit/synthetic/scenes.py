# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving scenes: textured layers under one camera, each with its own path, turn, growth, bending and light."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from maskedit.synthetic.textures import draw_textures, uniform

_WAVES = 2  # bending waves per layer
_LOBES = 3  # Fourier lobes of a blob's outline


@dataclass(frozen=True)
class Motion:
    """A similarity transform per clip and frame: `shift` (B, T, 2) in pixels as x, y; `angle` and `scale` (B, T)."""

    shift: Tensor
    angle: Tensor
    scale: Tensor


@dataclass(frozen=True)
class Bend:
    """Plane waves that push points about."""

    direction: Tensor  # (B, waves, 2) radians per pixel
    phase: Tensor  # (B, T, waves) radians
    amplitude: Tensor  # (B, waves, 2) pixels


@dataclass(frozen=True)
class Layer:
    """One textured sheet. `radius` (B,) in pixels of its outline, infinite for a background."""

    texture: Tensor  # (B, 3, S, S) in [-1, 1]
    motion: Motion
    light: Tensor  # (B, T) gain
    bend: Bend
    radius: Tensor
    aspect: Tensor  # (B,)
    corners: Tensor  # (B,) of a regular polygon, 0 = a blob
    lobe_strength: Tensor  # (B, lobes)
    lobe_phase: Tensor  # (B, lobes) radians
    softness: Tensor  # (B,) pixels


@dataclass(frozen=True)
class Scene:
    """A background, the object that an edit would change, and perhaps another before or behind it."""

    camera: Motion
    background: Layer
    item: Layer
    other: Layer | None
    other_in_front: Tensor  # (B,) bool


def sway(batch: int, time: Tensor, *, most: float, generator: torch.Generator) -> Tensor:
    """Smooth curves (B, T): a drift plus a swing, each up to about `most` over the clip, often much less.

    `time` (T,) runs from -0.5 at the clip's beginning to 0.5 at its end.
    """
    # Squared draws: slow motion is common, fast motion is rare.
    drift = uniform((batch, 1), (-1, 1), generator=generator)
    swing = uniform((batch, 1), (0, 1), generator=generator).square()
    cycles = uniform((batch, 1), (0.3, 1.5), generator=generator)
    phase = uniform((batch, 1), (0, 2 * math.pi), generator=generator)
    wave = torch.sin(2 * math.pi * cycles * time + phase)
    return most * (drift * drift.abs() * time + 0.4 * swing * wave)


def _motion(
    batch: int, frames: int, *, travel_px: float, turn: float, growth: float, generator: torch.Generator
) -> Motion:
    """Radians of turn, and growth as a logarithm, over the whole clip at most."""
    time = torch.linspace(-0.5, 0.5, frames, device=generator.device)
    shift = torch.stack([sway(batch, time, most=travel_px, generator=generator) for _ in range(2)], dim=2)
    return Motion(
        shift=shift,
        angle=sway(batch, time, most=turn, generator=generator),
        scale=torch.exp(sway(batch, time, most=growth, generator=generator)),
    )


def _layer(
    batch: int, frames: int, *, size: int, radius_share: tuple[float, float], spread: float, generator: torch.Generator
) -> Layer:
    """A layer of random looks; `radius_share` and `spread` (of its place) are shares of `size`."""
    # What may change grows with the clip's length, up to most of the picture, a quarter turn and half its size.
    motion = _motion(
        batch,
        frames,
        travel_px=size * min(0.035 * frames, 0.8),
        turn=min(0.09 * frames, 1.5),
        growth=min(0.03 * frames, 0.4),
        generator=generator,
    )
    place = uniform((batch, 1, 2), (-spread * size, spread * size), generator=generator)
    start = uniform((batch, 1), (-math.pi, math.pi), generator=generator)
    motion = Motion(shift=motion.shift + place, angle=motion.angle + start, scale=motion.scale)
    radius = uniform((batch,), radius_share, generator=generator) * size
    bends = uniform((batch, 1, 1), (0, 1), generator=generator).square()
    drift = uniform((batch, 1, _WAVES), (-0.35, 0.35), generator=generator)
    time = torch.arange(frames, device=generator.device, dtype=torch.float32)[None, :, None]
    polygon = torch.rand(batch, generator=generator, device=generator.device) < 0.3
    corners = torch.randint(3, 7, (batch,), generator=generator, device=generator.device)
    return Layer(
        texture=draw_textures(batch, 96, generator=generator),
        motion=motion,
        light=1
        + sway(batch, torch.linspace(-0.5, 0.5, frames, device=generator.device), most=0.3, generator=generator),
        bend=Bend(
            direction=uniform((batch, _WAVES, 2), (-1, 1), generator=generator) * (7.0 / size),
            phase=uniform((batch, 1, _WAVES), (0, 2 * math.pi), generator=generator) + drift * time,
            amplitude=uniform((batch, _WAVES, 2), (-0.05, 0.05), generator=generator) * bends * size,
        ),
        radius=radius,
        aspect=torch.exp(uniform((batch,), (-0.5, 0.5), generator=generator)),
        corners=torch.where(polygon, corners, 0),
        lobe_strength=uniform((batch, _LOBES), (-0.15, 0.15), generator=generator),
        lobe_phase=uniform((batch, _LOBES), (0, 2 * math.pi), generator=generator),
        softness=uniform((batch,), (0.35, 0.9), generator=generator),
    )


def sample_scene(batch: int, frames: int, *, size: int, generator: torch.Generator) -> Scene:
    """Draw `batch` scenes of `frames` frames for pictures of about `size` pixels."""

    def layer(length: int, radius_share: tuple[float, float], spread: float) -> Layer:
        return _layer(batch, length, size=size, radius_share=radius_share, spread=spread, generator=generator)

    # Drawn for the whole batch, so that half of the batches save the work of a third layer.
    crowded = torch.rand((), generator=generator, device=generator.device) < 0.5
    camera = _motion(
        batch,
        frames,
        travel_px=size * min(0.02 * frames, 0.4),
        turn=min(0.01 * frames, 0.2),
        growth=min(0.01 * frames, 0.2),
        generator=generator,
    )
    return Scene(
        camera=camera,
        background=layer(1, (float("inf"), float("inf")), 0.5),
        item=layer(frames, (0.16, 0.36), 0.2),
        other=layer(frames, (0.08, 0.25), 0.45) if crowded else None,
        other_in_front=torch.rand(batch, generator=generator, device=generator.device) < 0.5,
    )


def into(motion: Motion, points: Tensor) -> Tensor:
    """Carry points (B, T, H, W, 2) of the parent's plane into the moving plane."""
    shape = (*motion.shift.shape[:2], 1, 1)
    offset = points - motion.shift[:, :, None, None]
    sine, cosine = (motion.angle.sin() / motion.scale).view(shape), (motion.angle.cos() / motion.scale).view(shape)
    x, y = offset.unbind(-1)
    return torch.stack([cosine * x + sine * y, cosine * y - sine * x], dim=-1)


def bent(bend: Bend, points: Tensor) -> Tensor:
    """Push points (B, T, H, W, 2) about, one wave after the other."""
    for wave in range(bend.phase.shape[-1]):
        direction = bend.direction[:, wave, None, None, None]
        phase = bend.phase[:, :, wave, None, None]
        offset = torch.sin((points * direction).sum(-1) + phase)[..., None]
        points = points + offset * bend.amplitude[:, wave, None, None, None]
    return points


def _alpha(layer: Layer, points: Tensor) -> Tensor:
    """Coverage (B, T, H, W) of the layer's outline."""
    over = (slice(None), None, None, None)
    x, y = points.unbind(-1)
    y = y * layer.aspect[over]
    distance, direction = (x.square() + y.square()).sqrt(), torch.atan2(y, x)
    blob = torch.ones_like(direction)
    for lobe in range(_LOBES):
        turns = direction * (lobe + 2) + layer.lobe_phase[:, lobe][over]
        blob = blob + layer.lobe_strength[:, lobe][over] * turns.cos()
    sector = 2 * math.pi / layer.corners.clamp(min=3)[over]
    polygon = torch.cos(sector / 2) / torch.cos((direction % sector) - sector / 2) * 1.2
    outline = torch.where((layer.corners > 0)[over], polygon, blob)
    return torch.sigmoid((layer.radius[over] * outline - distance) / layer.softness[over])


def _colour(layer: Layer, local: Tensor) -> Tensor:
    """Colours (B, 3, T, H, W) of a layer at points of its own plane."""
    batch, frames, height, width, _ = local.shape
    grid = (local / (layer.texture.shape[-1] / 2)).view(batch, frames * height, width, 2)
    colour = F.grid_sample(layer.texture, grid, padding_mode="reflection", align_corners=False)
    return colour.view(batch, 3, frames, height, width) * layer.light[:, None, :, None, None]


def _paint(layer: Layer, world: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (B, 3, T, H, W) and coverage (B, 1, T, H, W) of a layer at points of the world."""
    local = bent(layer.bend, into(layer.motion, world))
    return _colour(layer, local), _alpha(layer, local)[:, None]


def render(scene: Scene, *, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Draw a scene: video (B, 3, T, height, width) in [-1, 1] and the visible part of the object
    (B, 1, T, height, width) in [0, 1]."""
    device = scene.camera.angle.device
    y = torch.arange(height, device=device, dtype=torch.float32) - (height - 1) / 2
    x = torch.arange(width, device=device, dtype=torch.float32) - (width - 1) / 2
    screen = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None, None]
    world = into(scene.camera, screen)
    video = _colour(scene.background, into(scene.background.motion, world))
    colour, visible = _paint(scene.item, world)
    if scene.other is None:
        return torch.lerp(video, colour, visible).clamp(-1, 1), visible
    other_colour, other_alpha = _paint(scene.other, world)
    in_front = scene.other_in_front.view(-1, 1, 1, 1, 1)
    video = torch.where(in_front, video, torch.lerp(video, other_colour, other_alpha))
    video = torch.lerp(video, colour, visible)
    video = torch.where(in_front, torch.lerp(video, other_colour, other_alpha), video)
    visible = torch.where(in_front, visible * (1 - other_alpha), visible)
    return video.clamp(-1, 1), visible
