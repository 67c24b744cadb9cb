# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit mattes as an editor would give them: tight, loose, boxes, wobbling, or a region that follows nothing."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from maskedit.synthetic.textures import uniform

MOST_DILATION_PX = 6


def _boxes(hard: Tensor, *, whole_clip: bool) -> Tensor:
    """Bounding boxes of a 0/1 matte (B, 1, T, H, W), per frame or one for the whole clip."""
    rows, columns = hard.amax(dim=-1), hard.amax(dim=-2)
    if whole_clip:
        rows, columns = rows.amax(2, keepdim=True).expand_as(rows), columns.amax(2, keepdim=True).expand_as(columns)

    def between(line: Tensor) -> Tensor:
        return line.cummax(-1).values * line.flip(-1).cummax(-1).values.flip(-1)

    return between(rows)[..., None] * between(columns)[..., None, :]


def _dilate(hard: Tensor, radius_px: int) -> Tensor:
    return F.max_pool3d(hard, (1, 2 * radius_px + 1, 2 * radius_px + 1), stride=1, padding=(0, radius_px, radius_px))


def _wandering_blobs(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Ellipses (B, 1, T, H, W) that drift and breathe through the clip whatever is in the picture."""
    batch, _, frames, height, width = shape
    time = torch.linspace(-0.5, 0.5, frames, device=generator.device)
    place, drift = uniform((2, batch, 2, 1), (-0.5, 0.5), generator=generator)
    centre = place + drift * time
    radii = uniform((batch, 2, 1), (0.2, 0.7), generator=generator) * (1 + 0.3 * torch.sin(4 * time))
    y = torch.linspace(-1, 1, height, device=generator.device)[:, None]
    x = torch.linspace(-1, 1, width, device=generator.device)[None]
    apart = ((y - centre[:, 0, :, None, None]) / radii[:, 0, :, None, None]).square()
    apart = apart + ((x - centre[:, 1, :, None, None]) / radii[:, 1, :, None, None]).square()
    return (apart < 1).float()[:, None]


def _hulls(hard: Tensor, *, directions: int = 8) -> Tensor:
    """The smallest polygons with sides in the given number of directions, twice that many sides, around 0/1 mattes
    (B, 1, T, H, W), frame by frame."""
    y = torch.arange(hard.shape[-2], device=hard.device, dtype=torch.float32)[:, None]
    x = torch.arange(hard.shape[-1], device=hard.device, dtype=torch.float32)
    inside = torch.ones_like(hard, dtype=torch.bool)
    for direction in range(directions):
        angle = math.pi * direction / directions
        along = math.cos(angle) * x + math.sin(angle) * y
        most = torch.where(hard > 0, along, -torch.inf).amax(dim=(3, 4), keepdim=True)
        least = torch.where(hard > 0, along, torch.inf).amin(dim=(3, 4), keepdim=True)
        inside &= (along <= most + 1e-3) & (along >= least - 1e-3)
    return inside.float()


def _jittered(hard: Tensor, *, generator: torch.Generator) -> Tensor:
    """The outline moved in or out by up to about two pixels, anew in every frame and along the outline, as frame by
    frame roto does."""
    batch, _, frames, height, width = hard.shape
    ramp = F.avg_pool3d(hard, (1, 5, 5), stride=1, padding=(0, 2, 2))
    waver = torch.randn(batch, frames, 6, 6, generator=generator, device=generator.device)
    waver = F.interpolate(waver, size=(height, width), mode="bicubic", align_corners=True)[:, None]
    # Within the ramp, so that nothing appears or vanishes away from the outline.
    return (ramp > (0.4 + 0.2 * waver).clamp(0.05, 0.95)).float()


def _passing(matte: Tensor, *, generator: torch.Generator) -> Tensor:
    """Mattes that enter late or leave early: empty for up to a third of the clip at one of its ends."""
    batch, _, frames = matte.shape[:3]
    time = torch.linspace(0, 1, frames, device=matte.device)
    late = torch.rand(batch, 1, generator=generator, device=generator.device) < 0.5
    away = uniform((batch, 1), (0, 1 / 3), generator=generator)
    there = torch.where(late, time >= away, time <= 1 - away)
    return matte * there[:, None, :, None, None]


def vary_matte(coverage: Tensor, *, generator: torch.Generator, lifelike: bool = False) -> Tensor:
    """Turn true coverage (B, 1, T, H, W) in [0, 1] into edit mattes of exactly 0 or 1, a kind drawn per clip.

    Three in ten hug the object, four in ten are loosened by 1-6 pixels (half of those wobble), two in ten are boxes
    and one in ten is unrelated to the object. `lifelike` then turns one in eight into hulls, gives three in ten an
    outline that jitters from frame to frame, and lets one in ten enter late or leave early.
    """
    tight = (coverage > 0.05).float()
    draw = torch.rand(len(coverage), generator=generator, device=generator.device)
    amount = int(torch.randint(1, MOST_DILATION_PX + 1, (), generator=generator, device=generator.device))
    loose = _dilate(tight, amount)
    wobbling = torch.maximum(tight, loose * _dilate(_wandering_blobs(coverage.shape, generator), 1))
    kinds = (
        (0.3, tight),
        (0.5, loose),
        (0.7, torch.maximum(wobbling, _dilate(tight, 1))),
        (0.8, _boxes(_dilate(tight, 1), whole_clip=False)),
        (0.9, _boxes(tight, whole_clip=True)),
        (1.01, _wandering_blobs(coverage.shape, generator)),
    )
    result = torch.zeros_like(tight)
    start = 0.0
    for end, matte in kinds:
        chosen = ((draw >= start) & (draw < end)).view(-1, 1, 1, 1, 1)
        result = torch.where(chosen, matte, result)
        start = end
    return _habits(result, generator=generator) if lifelike else result


def _habits(matte: Tensor, *, generator: torch.Generator) -> Tensor:
    """What becomes of mattes in editors' hands, on a share of the clips each."""

    def some(share: float) -> Tensor:
        draw = torch.rand(len(matte), generator=generator, device=generator.device)
        return (draw < share).nonzero().squeeze(1)

    matte = matte.clone()
    rounded, hasty, passing = some(0.125), some(0.3), some(0.1)
    matte[rounded] = _hulls(matte[rounded])
    matte[hasty] = _jittered(matte[hasty], generator=generator)
    # A still has no time to enter or leave in.
    if matte.shape[2] > 1:
        matte[passing] = _passing(matte[passing], generator=generator)
    return matte
