# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit mattes as an editor would give them: tight, loose, boxes, wobbling, or a region that follows nothing."""

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


def vary_matte(coverage: Tensor, *, generator: torch.Generator) -> Tensor:
    """Turn true coverage (B, 1, T, H, W) in [0, 1] into edit mattes of exactly 0 or 1, a kind drawn per clip.

    Three in ten hug the object, four in ten are loosened by 1-6 pixels (half of those wobble), two in ten are boxes
    and one in ten is unrelated to the object.
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
    return result
