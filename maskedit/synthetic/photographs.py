# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographic textures: recoloured crops of the free pictures inside the scikit-image wheel.

Only pictures that the wheel itself carries (nothing is downloaded) and that their makers gave to the public domain or
under CC0; NOTICE names them. Where they are missing, drawn textures take their place.
"""

import functools
import importlib.util
import math
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from maskedit.synthetic.textures import uniform

PICTURES = (
    "brick.png",
    "camera.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "retina.jpg",
    "rocket.jpg",
)
_BANK_SIDE = 192


@functools.cache
def _bank(device: torch.device) -> Tensor:
    """The pictures' middle squares (pictures, 3, side, side), each colour of zero mean, each picture of unit deviation;
    none at all where scikit-image or its files are missing."""
    package = importlib.util.find_spec("skimage")
    folders = [Path(place) / "data" for place in (package.submodule_search_locations or [])] if package else []
    files = [folder / name for name in PICTURES for folder in folders if (folder / name).is_file()]
    if not files:
        return torch.empty(0, 3, _BANK_SIDE, _BANK_SIDE, device=device)
    squares = []
    for file in files:
        picture = np.asarray(cv2.imread(str(file), cv2.IMREAD_COLOR_RGB))
        side = min(picture.shape[:2])
        top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
        square = picture[top : top + side, left : left + side]
        squares.append(cv2.resize(square, (_BANK_SIDE, _BANK_SIDE), interpolation=cv2.INTER_AREA))
    bank = torch.from_numpy(np.stack(squares)).to(device).permute(0, 3, 1, 2).float()
    bank = bank - bank.mean(dim=(2, 3), keepdim=True)
    return bank / bank.std(dim=(1, 2, 3), keepdim=True)


def photographs_here(device: torch.device) -> bool:
    return len(_bank(device)) > 0


def draw_photographs(count: int, size: int, *, generator: torch.Generator) -> Tensor:
    """`count` crops (count, 3, size, size) in [-1, 1] at random place, scale and angle, in random colours.

    Only where `photographs_here`.
    """
    device = generator.device
    bank = _bank(device)
    chosen = torch.randint(len(bank), (count,), generator=generator, device=device)
    reach = torch.exp(uniform((count, 1, 1), (math.log(0.25), math.log(0.7)), generator=generator))
    angle = uniform((count, 1, 1), (0, 2 * math.pi), generator=generator)
    place = uniform((count, 2, 1, 1), (-0.5, 0.5), generator=generator)
    line = torch.linspace(-1, 1, size, device=device)
    y, x = line[:, None] * reach, line[None] * reach
    across = x * angle.cos() - y * angle.sin() + place[:, 0]
    down = x * angle.sin() + y * angle.cos() + place[:, 1]
    grid = torch.stack([across, down], dim=-1)
    crops = F.grid_sample(bank[chosen], grid, padding_mode="reflection", align_corners=False)
    # Grey pictures and coloured ones alike: each channel mixes its own colour with the luminance of the crop.
    contrast = uniform((count, 3, 1, 1), (0.18, 0.42), generator=generator)
    sign = torch.where(torch.rand(count, 1, 1, 1, generator=generator, device=device) < 0.2, -1.0, 1.0)
    grey = uniform((count, 1, 1, 1), (0, 0.7), generator=generator)
    middle = uniform((count, 3, 1, 1), (-0.5, 0.4), generator=generator)
    return (middle + sign * contrast * torch.lerp(crops, crops.mean(dim=1, keepdim=True), grey)).clamp(-1, 1)
