# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural colour textures: drifts of noise, stripes, checks, cells and blobs with low-contrast detail.

Spectra fall off as in pictures of the world and the finest repeats span several pixels, so that the 4x4x4 codec of
the bundled model can hold them in motion.
"""

import math

import torch
from torch import Tensor


def uniform(shape: tuple[int, ...], bounds: tuple[float, float], *, generator: torch.Generator) -> Tensor:
    """Uniform samples between two bounds, on the generator's device."""
    low, high = bounds
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)


def draw_textures(count: int, size: int, *, generator: torch.Generator) -> Tensor:
    """`count` textures (count, 3, size, size) within [-1, 1]; the kind of each is drawn by the generator."""
    kinds = torch.randint(len(_PATTERNS), (count,), generator=generator, device=generator.device)
    result = torch.empty(count, 3, size, size, device=generator.device)
    for kind, pattern in enumerate(_PATTERNS):
        members = (kinds == kind).nonzero().squeeze(1)
        if len(members):
            result[members] = pattern(len(members), size, generator)
    detail = noise(count, size, falloff=(1.0, 1.8), generator=generator)
    detail_strength = uniform((count, 1, 1, 1), (0.0, 0.12), generator=generator)
    tint = noise(count, size, falloff=(2.0, 3.0), generator=generator)
    colour = uniform((count, 3, 1, 1), (-0.25, 0.25), generator=generator)
    return (result + detail_strength * detail + colour * tint).clamp(-1, 1)


def noise(count: int, size: int, *, falloff: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Gaussian noise (count, 1, size, size) of unit deviation whose amplitude falls as frequency ** -falloff."""
    rows = torch.fft.fftfreq(size, device=generator.device)[:, None]
    columns = torch.fft.rfftfreq(size, device=generator.device)[None]
    frequency = (rows.square() + columns.square()).sqrt().clamp(min=1 / size)
    exponent = uniform((count, 1, 1, 1), falloff, generator=generator)
    white = torch.randn(count, 1, size, size, generator=generator, device=generator.device)
    amplitude = frequency**-exponent
    amplitude[..., 0, 0] = 0
    field = torch.fft.irfft2(torch.fft.rfft2(white) * amplitude, s=(size, size))
    return field / field.std(dim=(2, 3), keepdim=True).clamp(min=1e-6)


def recoloured_textures(textures: Tensor, *, generator: torch.Generator) -> Tensor:
    """Textures (count, 3, size, size) under other colours, as painters change them: half of them through a ramp from a
    darker to a lighter colour by their luma, a fifth channel by channel, the others with their colours turned about.
    """
    count = len(textures)
    mean = textures.mean(dim=(2, 3), keepdim=True)
    moved = uniform((count, 3, 1, 1), (-0.7, 0.7), generator=generator)
    dark = uniform((count, 3, 1, 1), (-1, 0), generator=generator)
    light = dark + uniform((count, 3, 1, 1), (0.1, 1.8), generator=generator)
    ramped = torch.lerp(dark, light, (textures.mean(dim=1, keepdim=True) + 1) / 2)
    tinted = uniform((count, 3, 1, 1), (0.3, 1.4), generator=generator) * (textures - mean) + moved
    turn = torch.linalg.qr(torch.randn(count, 3, 3, generator=generator, device=generator.device))[0]
    turned = torch.einsum(
        "ndc,nchw->ndhw", uniform((count, 1, 1), (0.6, 1.3), generator=generator) * turn, textures - mean
    )
    draw = torch.rand(count, 1, 1, 1, generator=generator, device=generator.device)
    recoloured = torch.where(draw < 0.5, ramped, torch.where(draw < 0.7, tinted, turned + moved))
    return recoloured.clamp(-1, 1)


def _two_colours(blend: Tensor, generator: torch.Generator) -> Tensor:
    """Map a field in [-1, 1], (count, 1, size, size), onto the line between two random colours."""
    count = len(blend)
    middle = uniform((count, 3, 1, 1), (-0.6, 0.6), generator=generator)
    swing = uniform((count, 3, 1, 1), (-0.5, 0.5), generator=generator)
    return middle + swing * blend


def _waves(count: int, size: int, generator: torch.Generator) -> Tensor:
    """One plane wave per texture, period 7 to 40 pixels, with edges from soft to crisp."""
    pixel = torch.arange(size, device=generator.device, dtype=torch.float32)
    period = torch.exp(uniform((count, 1, 1, 1), (math.log(7), math.log(40)), generator=generator))
    angle = uniform((count, 1, 1, 1), (0, math.pi), generator=generator)
    phase = uniform((count, 1, 1, 1), (0, 2 * math.pi), generator=generator)
    along = pixel[:, None] * angle.sin() + pixel[None] * angle.cos()
    crispness = uniform((count, 1, 1, 1), (0.6, 2.5), generator=generator)
    return torch.tanh(crispness * torch.sin(2 * math.pi * along / period + phase))


def _clouds(count: int, size: int, generator: torch.Generator) -> Tensor:
    fields = noise(count * 3, size, falloff=(1.3, 2.2), generator=generator).view(count, 3, size, size)
    mixing = uniform((count, 3, 3), (-0.35, 0.35), generator=generator)
    middle = uniform((count, 3, 1, 1), (-0.6, 0.6), generator=generator)
    return middle + torch.einsum("ndc,nchw->ndhw", mixing, fields)


def _stripes(count: int, size: int, generator: torch.Generator) -> Tensor:
    return _two_colours(_waves(count, size, generator), generator)


def _checks(count: int, size: int, generator: torch.Generator) -> Tensor:
    return _two_colours(_waves(count, size, generator) * _waves(count, size, generator), generator)


def _blobs(count: int, size: int, generator: torch.Generator) -> Tensor:
    crispness = uniform((count, 1, 1, 1), (1.0, 4.0), generator=generator)
    return _two_colours(torch.tanh(crispness * noise(count, size, falloff=(1.8, 2.6), generator=generator)), generator)


def _cells(count: int, size: int, generator: torch.Generator, *, seeds: int = 14) -> Tensor:
    """Voronoi cells of flat random colours with borders about a pixel soft."""
    pixel = torch.arange(size, device=generator.device, dtype=torch.float32)
    y = uniform((count, seeds, 1, 1), (0, size), generator=generator) - pixel[:, None]
    x = uniform((count, seeds, 1, 1), (0, size), generator=generator) - pixel[None]
    weight = torch.softmax(-(x.square() + y.square()).sqrt() / 0.8, dim=1)
    colours = uniform((count, seeds, 3), (-0.8, 0.8), generator=generator)
    return torch.einsum("nshw,nsc->nchw", weight, colours)


_PATTERNS = (_clouds, _clouds, _stripes, _checks, _blobs, _cells, _cells)
