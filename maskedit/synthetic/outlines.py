# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of things as small maps of signed distance, sampled at any size and under any deformation."""

import math

import torch
from torch import Tensor

from maskedit.synthetic.textures import uniform

REACH = 1.6  # a map spans -REACH to REACH radii either way
_SIDE = 96


def _plane(device: torch.device) -> tuple[Tensor, Tensor]:
    line = (torch.arange(_SIDE, device=device) + 0.5) / _SIDE * 2 - 1
    return line[None] * REACH, line[:, None] * REACH


def draw_outlines(count: int, *, generator: torch.Generator) -> Tensor:
    """Maps (count, 2, side, side) of blobs, polygons, figures with limbs and lathed solids.

    Channel 0 is the distance to the outline in radii, positive inside. Channel 1 is 0 for flat things; for a solid of
    revolution about its y axis, half its width at that height, in radii.
    """
    kinds = torch.randint(len(_KINDS), (count,), generator=generator, device=generator.device)
    result = torch.zeros(count, 2, _SIDE, _SIDE, device=generator.device)
    for kind, outline in enumerate(_KINDS):
        members = (kinds == kind).nonzero().squeeze(1)
        if len(members):
            result[members] = outline(len(members), generator)
    return result


def draw_bars(count: int, *, generator: torch.Generator) -> Tensor:
    """Maps (count, 2, side, side) of up to three posts, rails or twigs that run through the whole map."""
    x, y = _plane(generator.device)
    nearest = torch.full((count, _SIDE, _SIDE), -1.0, device=generator.device)
    leaning = uniform((count, 1, 1), (0, math.pi), generator=generator)
    for _ in range(3):
        angle = leaning + uniform((count, 1, 1), (-0.35, 0.35), generator=generator)
        along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
        crook = uniform((count, 1, 1), (0, 0.06), generator=generator)
        phase, pitch = uniform((2, count, 1, 1), (2, 6), generator=generator)
        place = uniform((count, 1, 1), (-0.9, 0.9), generator=generator)
        thickness = uniform((count, 1, 1), (-0.01, 0.06), generator=generator)
        # Bars too thin for the map are not there at all, so that clips differ in their number of bars.
        thickness = torch.where(thickness < 0.02, -1.0, thickness)
        nearest = torch.maximum(nearest, thickness - (across - place + crook * torch.sin(pitch * along + phase)).abs())
    return torch.stack([nearest, torch.zeros_like(nearest)], dim=1)


def _flat(distance: Tensor) -> Tensor:
    return torch.stack([distance, torch.zeros_like(distance)], dim=1)


def _blobs(count: int, generator: torch.Generator) -> Tensor:
    x, y = _plane(generator.device)
    aspect = torch.exp(uniform((count, 1, 1), (-0.35, 0.35), generator=generator))
    away, direction = (x.square() + (y * aspect).square()).sqrt(), torch.atan2(y * aspect, x.expand(_SIDE, _SIDE))
    edge = torch.full_like(away, 0.85)
    for lobes in (2, 3, 4):
        strength = uniform((count, 1, 1), (-0.13, 0.13), generator=generator)
        edge = edge + strength * torch.cos(lobes * direction + uniform((count, 1, 1), (0, 6.3), generator=generator))
    return _flat(edge - away)


def _polygons(count: int, generator: torch.Generator) -> Tensor:
    """Convex, with three to six sides at uneven angles."""
    x, y = _plane(generator.device)
    sides = torch.randint(3, 7, (count, 1, 1), generator=generator, device=generator.device)
    inside = torch.full((count, _SIDE, _SIDE), 1.0, device=generator.device)
    for side in range(6):
        angle = 2 * math.pi * side / sides + uniform((count, 1, 1), (-0.2, 0.2), generator=generator)
        apothem = uniform((count, 1, 1), (0.5, 0.8), generator=generator)
        inside = torch.minimum(inside, apothem - x * angle.cos() - y * angle.sin())
    # The long tips of triangles stay inside the map.
    return _flat(torch.minimum(inside, 1.3 - (x.square() + y.square()).sqrt()))


def _figures(count: int, generator: torch.Generator) -> Tensor:
    """A trunk with four rounded limbs."""
    x, y = _plane(generator.device)
    result = torch.full((count, _SIDE, _SIDE), -2.0, device=generator.device)
    for limb in range(5):
        towards = 2 * math.pi * limb / 5 + uniform((count, 1, 1), (-0.5, 0.5), generator=generator)
        length = uniform((count, 1, 1), (0.5, 1.05), generator=generator)
        end_x, end_y = length * towards.cos(), length * towards.sin()
        share = ((x * end_x + y * end_y) / length.square()).clamp(0, 1)
        apart = ((x - share * end_x).square() + (y - share * end_y).square()).sqrt()
        thickness = uniform((count, 1, 1), (0.22, 0.42), generator=generator)
        result = torch.maximum(result, thickness * (1 - 0.4 * share) - apart)
    return _flat(result)


def _solids(count: int, generator: torch.Generator) -> Tensor:
    """Balls and eggs, drums and vases, standing along y."""
    x, y = _plane(generator.device)
    height = uniform((count, 1, 1), (0.6, 1.1), generator=generator)
    width = uniform((count, 1, 1), (0.5, 0.9), generator=generator)
    waist = uniform((count, 1, 1), (-0.2, 0.2), generator=generator)
    phase = uniform((count, 1, 1), (0, 2 * math.pi), generator=generator)
    drum = width * (1 + waist * torch.sin(2.5 * y / height + phase))
    # The floor caps the poles: towards no width at all, the surface would shrink to a bright line.
    ball = width * (1 - (y / height).square()).clamp(min=0.08).sqrt()
    # From a ball the distance is not sideways, where its poles would be no distance away at all.
    from_ball = (1 - ((x / width).square() + (y / height).square()).sqrt()) * torch.minimum(width, height)
    round_one = torch.rand(count, 1, 1, generator=generator, device=generator.device) < 0.4
    half_width = torch.where(round_one, ball, drum)
    distance = torch.where(round_one, from_ball, torch.minimum(drum - x.abs(), height - y.abs()))
    return torch.stack([distance, half_width.expand(-1, -1, _SIDE)], dim=1)


_KINDS = (_blobs, _polygons, _figures, _figures, _solids, _solids)
