# SPDX-License-Identifier: GPL-3.0-or-later
"""A fixed 4x4x4 space-time cosine transform behind the interface of a learned video autoencoder.

Nothing is learnt, so nothing has to be trained, downloaded or trusted: 48 channels per cell of 4x4 pixels and
four frames. The first frame of a clip is stored alone and exactly (3 colours x 16 frequencies = 48 numbers per
cell, an orthonormal change of basis). Each later group of four frames would need 192 numbers and keeps the 48
that carry most energy in moving pictures: all of the luma detail that stands still, low luma frequencies that
move, and little chroma.

A group in which nothing moves has, channel for channel, the same latents as the first frame would have: temporal
frequencies are scaled so that the zeroth is a mean, and the dropped coefficients' channels are refilled with
moving ones, strongest first.
"""

import math
from types import SimpleNamespace
from typing import NamedTuple

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin

CELL = 4  # pixels per cell side, and frames per group
CHANNELS = 3 * CELL * CELL

# Coefficients of a group that are kept, as "temporal vertical horizontal" frequency triples: those with the most
# energy on average over excerpts of three real clips (docs/bundled-model.md lists them with the result).
_LUMA = (
    "000 001 002 003 010 011 012 013 020 021 022 023 030 031 032 033 "
    "100 101 102 103 110 111 112 120 121 200 201 202 210 211 220 300 301 310"
)
_RED_BLUE = "000 001 010 011 100 200 300"
_GREEN_MAGENTA = "000 001 010 011 100 200 300"


class Encoded(NamedTuple):
    """What `DctCodec.encode` returns; `latent_dist` answers `mode()` and `sample()` alike."""

    latent_dist: SimpleNamespace


class Decoded(NamedTuple):
    """What `DctCodec.decode` returns; `sample` is the video."""

    sample: torch.Tensor


def cosines(size: int) -> torch.Tensor:
    """Orthonormal DCT-II, rows are frequencies."""
    frequency = torch.arange(size, dtype=torch.float64)[:, None]
    position = torch.arange(size, dtype=torch.float64)[None] + 0.5
    basis = torch.cos(math.pi * frequency * position / size) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis


def opponent_colours() -> torch.Tensor:
    """Orthonormal luma, red-blue and green-magenta axes."""
    axes = torch.tensor([[1, 1, 1], [1, 0, -1], [-1, 2, -1]], dtype=torch.float64)
    return axes / axes.norm(dim=1, keepdim=True)


def _kept_coefficients() -> list[tuple[int, int, int, int]]:
    """(colour, temporal, vertical, horizontal) of each of the 48 channels of a group.

    A coefficient without temporal change sits in the channel that it has in the first frame; the others take the
    channels left over, in the order of the table (frequency rising).
    """
    table = [
        (c, int(k), int(i), int(j))
        for c, row in enumerate((_LUMA, _RED_BLUE, _GREEN_MAGENTA))
        for k, i, j in row.split()
    ]
    still = {(c * CELL + i) * CELL + j: (c, k, i, j) for c, k, i, j in table if k == 0}
    moving = iter(sorted((entry for entry in table if entry[1]), key=lambda entry: (sum(entry[1:]), entry)))
    return [still[channel] if channel in still else next(moving) for channel in range(CHANNELS)]


def _first_frame_basis() -> torch.Tensor:
    """(48, 3 * 4 * 4): rows are channels, columns colour, y, x. Orthonormal."""
    waves = cosines(CELL)
    basis = torch.einsum("oc,iy,jx->oijcyx", opponent_colours(), waves, waves)
    return basis.reshape(CHANNELS, CHANNELS)


def _group_basis() -> torch.Tensor:
    """(48, 3 * 4 * 4 * 4): rows are channels, columns colour, frame, y, x. Orthonormal but for a factor 1/2."""
    waves = cosines(CELL)
    every = torch.einsum("oc,kt,iy,jx->okijctyx", opponent_colours(), waves / 2, waves, waves)
    return torch.stack([every[entry].flatten() for entry in _kept_coefficients()])


def to_cells(video: torch.Tensor, *, frames: int, side: int = CELL) -> torch.Tensor:
    """(B, 3, f * frames, H, W) -> (B, f, H/side, W/side, 3 * frames * side²), each cell flattened."""
    batch, colours, total, height, width = video.shape
    split = video.reshape(batch, colours, total // frames, frames, height // side, side, width // side, side)
    return split.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)


def from_cells(cells: torch.Tensor, *, frames: int, side: int = CELL) -> torch.Tensor:
    """Inverse of `to_cells`."""
    batch, groups, rows, columns, _ = cells.shape
    split = cells.reshape(batch, groups, rows, columns, 3, frames, side, side)
    return split.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(batch, 3, groups * frames, rows * side, columns * side)


class DctCodec(ModelMixin, ConfigMixin):
    """Encoder and decoder of the bundled model, used in place of `AutoencoderKLWan`.

    `encode` takes (B, 3, T, H, W) in [-1, 1] with T = 4n + 1 and H, W multiples of 4, and gives latents
    (B, 48, n + 1, H/4, W/4); `decode` goes back. `latents_mean` and `latents_std` follow the pipelines' habit
    (normalised = (z - mean) / std); one common scale keeps the natural spectrum of the channels.
    """

    config_name = "config.json"

    @register_to_config
    def __init__(
        self,
        z_dim: int = CHANNELS,
        latents_mean: tuple[float, ...] = (0.0,) * CHANNELS,
        latents_std: tuple[float, ...] = (0.5,) * CHANNELS,
        scale_factor_temporal: int = CELL,
        scale_factor_spatial: int = CELL,
        temperal_downsample: tuple[bool, ...] = (True, True),  # spelt as the pipelines read it
    ) -> None:
        super().__init__()
        if z_dim != CHANNELS or scale_factor_temporal != CELL or scale_factor_spatial != CELL:
            raise ValueError("The DCT codec is fixed at 48 channels and 4x4x4 cells; use its own config.json.")
        self.register_buffer("first_frame_basis", _first_frame_basis().float())
        self.register_buffer("group_basis", _group_basis().float())

    def encode(self, video: torch.Tensor, return_dict: bool = True) -> Encoded:
        """(B, 3, 4n+1, H, W) in [-1, 1] -> latents (B, 48, n+1, H/4, W/4), deterministic.

        Raises ValueError when the clip does not fit the grid.
        """
        _, colours, frames, height, width = video.shape
        if colours != 3 or frames % CELL != 1 or height % CELL or width % CELL:
            raise ValueError(
                f"A clip of {colours} channels, {frames} frames, {width}x{height} does not fit the codec's grid: "
                "give 3 channels, 4n+1 frames and sides that are multiples of 4."
            )
        latents = to_cells(video[:, :, :1], frames=1) @ self.first_frame_basis.T
        if frames > 1:
            later = to_cells(video[:, :, 1:], frames=CELL) @ self.group_basis.T
            latents = torch.cat([latents, later], dim=1)
        latents = latents.movedim(-1, 1)
        return Encoded(SimpleNamespace(mode=lambda: latents, sample=lambda generator=None: latents))

    def decode(self, latents: torch.Tensor, return_dict: bool = True) -> Decoded:
        """Latents (B, 48, f, h, w) -> video (B, 3, 4(f-1)+1, 4h, 4w), not clamped."""
        cells = latents.movedim(1, -1)
        first = from_cells(cells[:, :1] @ self.first_frame_basis, frames=1)
        # The rows of the basis are orthogonal with squared norm 1/4, so four times its transpose inverts it.
        later = from_cells(cells[:, 1:] @ (4 * self.group_basis), frames=CELL)
        return Decoded(torch.cat([first, later], dim=2))
