# SPDX-License-Identifier: GPL-3.0-or-later
"""Light that changes over a whole shot, and the grain of what recorded it."""

import math

import torch
from torch import Tensor

from maskedit.synthetic.scenes import sway
from maskedit.synthetic.textures import uniform


def relit(video: Tensor, *, generator: torch.Generator) -> Tensor:
    """Clips (B, 3, T, H, W), black at -1, under a drifting gradient of light, at times the edge of a shadow that
    crosses the picture, flicker of a few per cent and a drifting colour temperature."""
    batch, _, frames, height, width = video.shape
    device = generator.device
    time = torch.linspace(-0.5, 0.5, frames, device=device)
    y = torch.linspace(-1, 1, height, device=device)[:, None]
    x = torch.linspace(-1, 1, width, device=device)

    def curve(most: float) -> Tensor:
        return sway(batch, time, most=most, generator=generator)

    def across(angle: Tensor) -> Tensor:
        """Place (B, T, H, W) along a direction (B, T)."""
        return angle.cos()[..., None, None] * x + angle.sin()[..., None, None] * y

    def some(share: float) -> Tensor:
        return (torch.rand(batch, 1, generator=generator, device=device) < share).float()

    within = (batch, 1)
    facing = uniform(within, (-math.pi, math.pi), generator=generator)
    gradient = uniform(within, (0, 0.22), generator=generator) + curve(0.1)
    field = gradient[..., None, None] * across(facing + curve(1.0))
    edge = uniform(within, (-0.8, 0.8), generator=generator) + curve(1.2)
    softness = uniform(within, (0.06, 0.2), generator=generator)[..., None, None]
    depth = (some(0.3) * uniform(within, (0.2, 0.5), generator=generator))[..., None, None]
    turned = uniform(within, (-math.pi, math.pi), generator=generator)
    field = field - depth * torch.sigmoid((across(turned.expand(-1, frames)) - edge[..., None, None]) / softness)
    flicker = torch.randn(batch, frames, generator=generator, device=device) * some(0.35) * 0.015
    warmth = uniform(within, (-0.06, 0.06), generator=generator) + curve(0.08)
    colour = (
        torch.stack([1 + warmth, torch.ones_like(warmth), 1 - warmth], dim=1) * (1 + flicker + curve(0.15))[:, None]
    )
    return (video + 1) * (1 + field)[:, None] * colour[..., None, None] - 1


def grainy(video: Tensor, *, generator: torch.Generator) -> Tensor:
    """Weak grain, new in every frame and alike in all colours, on half of the clips (B, 3, T, H, W)."""
    batch, _, frames, height, width = video.shape
    strength = uniform((batch, 1, 1, 1, 1), (-0.018, 0.018), generator=generator).clamp(min=0)
    grain = torch.randn(batch, 1, frames, height, width, generator=generator, device=generator.device)
    return video + strength * grain
