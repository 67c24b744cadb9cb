# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixed transforms beside the one that ships: other cells, other numbers of channels, steps instead of waves."""

from types import SimpleNamespace
from typing import Literal

import torch
from torch import Tensor

from maskedit.models.bundled.codec import Decoded, Encoded, cosines, from_cells, opponent_colours, to_cells

_GROUP = 4  # frames that become one latent frame

Waveform = Literal["cosine", "haar"]


def haar_steps(size: int) -> Tensor:
    """Orthonormal Haar basis of a power of two, rows from coarse to fine (Haar 1910)."""
    if size == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    means = torch.kron(haar_steps(size // 2), torch.tensor([[1.0, 1.0]], dtype=torch.float64))
    edges = torch.kron(torch.eye(size // 2, dtype=torch.float64), torch.tensor([[1.0, -1.0]], dtype=torch.float64))
    return torch.cat([means, edges]) / 2**0.5


def _complete_basis(side: int, frames: int, waveform: Waveform) -> Tensor:
    """(3 * frames * side², same): rows colour, time, vertical, horizontal frequency; columns colour, frame, y, x.

    Its rows are orthogonal with squared norm 1 / frames, so that the zeroth temporal frequency is a mean.
    """
    waves = cosines if waveform == "cosine" else haar_steps
    in_time, in_space = waves(frames) / frames**0.5, waves(side)
    rows = 3 * frames * side**2
    every = torch.einsum("oc,kt,iy,jx->okijctyx", opponent_colours(), in_time, in_space, in_space)
    return every.reshape(rows, rows).float()


def _strongest(basis: Tensor, cells: Tensor, *, count: int) -> list[int]:
    """The `count` rows of a complete basis that hold most energy of `cells` (…, n), strongest first."""
    energy = (cells @ basis.T).square().flatten(0, -2).mean(dim=0)
    return energy.argsort(descending=True)[:count].tolist()


class TransformCodec:
    """The interface of `DctCodec` for cells of `side` pixels and four frames and any number of channels.

    A latent frame keeps the `channels` coefficients with most energy in `examples` (B, 3, 4n+1, H, W), the first
    frame by its own ranking; channels beyond what a first frame has stay zero in it. A coefficient without temporal
    change has the same channel in every latent frame.
    """

    def __init__(self, examples: Tensor, *, side: int, channels: int, waveform: Waveform = "cosine") -> None:
        one, group = (_complete_basis(side, frames, waveform) for frames in (1, _GROUP))
        first = _strongest(one, to_cells(examples[:, :, :1], frames=1, side=side), count=channels)
        later = _strongest(group, to_cells(examples[:, :, 1:], frames=_GROUP, side=side), count=channels)
        self.side = side
        self.first_frame_basis = torch.zeros(channels, len(one))
        self.first_frame_basis[: len(first)] = one[first]
        self.group_basis = group[_in_the_channels_of(first, later, side=side, channels=channels)]
        self.config = {
            "z_dim": channels,
            "scale_factor_spatial": side,
            "latents_mean": (0.0,) * channels,
            "latents_std": (0.5,) * channels,
        }

    def encode(self, video: Tensor) -> Encoded:
        """(B, 3, 4n+1, H, W) in [-1, 1] -> latents (B, channels, n+1, H / side, W / side)."""
        first = to_cells(video[:, :, :1], frames=1, side=self.side) @ self.first_frame_basis.T
        later = to_cells(video[:, :, 1:], frames=_GROUP, side=self.side) @ self.group_basis.T
        latents = torch.cat([first, later], dim=1).movedim(-1, 1)
        return Encoded(SimpleNamespace(mode=lambda: latents))

    def decode(self, latents: Tensor, return_dict: bool = True) -> Decoded:
        """Back to (B, 3, 4n+1, H, W), not clamped."""
        cells = latents.movedim(1, -1)
        first = from_cells(cells[:, :1] @ self.first_frame_basis, frames=1, side=self.side)
        # As in the shipped codec: rows of squared norm 1/4, so four times the transpose inverts.
        later = from_cells(cells[:, 1:] @ (_GROUP * self.group_basis), frames=_GROUP, side=self.side)
        return Decoded(torch.cat([first, later], dim=2))


def _in_the_channels_of(first: list[int], later: list[int], *, side: int, channels: int) -> list[int]:
    """The group's coefficients `later`, those without temporal change where the first frame has them."""
    area = side**2
    channel_of = {coefficient: channel for channel, coefficient in enumerate(first)}
    still = {  # of a row (colour, time, y, x) of the group's basis: time 0, and kept in the first frame
        channel_of[row // (_GROUP * area) * area + row % area]: row
        for row in later
        if row // area % _GROUP == 0 and row // (_GROUP * area) * area + row % area in channel_of
    }
    taken = set(still.values())
    others = iter([row for row in later if row not in taken])
    return [still[channel] if channel in still else next(others) for channel in range(channels)]
