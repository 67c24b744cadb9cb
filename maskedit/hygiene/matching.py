# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted picture's colours brought back to its plate's: image editors tint what they return (torch-free).

The drift is fitted on the pixels outside the matte as a 3x3 matrix and an offset, on small means in which noise does
not count, with Tukey's biweight against what was changed there. Colours that hardly vary outside say nothing about
the matrix in their direction, so there it stays the identity (ridge).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Matrix = NDArray[np.float64]

_SIDE = 192
_SHRINK = 1 / 4  # at least: noise does not count in means of 16 pixels
_LEAST_CELLS = 64
_ROUNDS = 20
_TUKEY = 4.685
_LEAST_SPREAD = 0.5 / 255
# Directions of colour with less variation than this (standard deviation) keep the identity.
_RIDGE = 3 / 255
# Clipped values are not where the drift would have moved them.
_LOWEST, _HIGHEST = 2 / 255, 253 / 255


@dataclass(frozen=True, eq=False)
class ColourDrift:
    """A picture's colours c become `matrix` @ c + `offset`.

    `amount`: how far that moves the pixels outside the matte, root mean square; `error` and `error_before`: what is
    left of the difference there, robust. All as shares of white.
    """

    matrix: Matrix
    offset: Matrix
    amount: float
    error: float
    error_before: float

    @property
    def words(self) -> str:
        """The drift as an editor would say it."""
        return f"coloured off by {self.amount * 255:.1f}/255"


def colour_drift(picture: Picture, plate: Picture, *, outside: NDArray[np.bool_]) -> ColourDrift | None:
    """How the colours of `picture` (H, W, 3) differ from those of `plate` (H, W, 3), both in [0, 1] and registered.

    None where there is too little outside (H, W) to tell.
    """
    height, width = outside.shape
    shrink = min(_SHRINK, _SIDE / min(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    shown, wanted, whole = (
        cv2.resize(np.ascontiguousarray(each, np.float32), size, interpolation=cv2.INTER_AREA)
        for each in (picture, plate, outside)
    )
    unclipped = ((shown > _LOWEST) & (shown < _HIGHEST)).all(axis=-1)
    cells = (whole > 0.999) & unclipped
    if np.count_nonzero(cells) < _LEAST_CELLS:
        return None
    colours, targets = shown[cells].astype(np.float64), wanted[cells].astype(np.float64)
    matrix, offset, weights = np.eye(3), np.zeros(3), np.ones(len(colours))
    for _ in range(_ROUNDS):
        residual = np.linalg.norm(targets - colours @ matrix.T - offset, axis=1)
        spread = max(float(1.4826 * np.median(residual)), _LEAST_SPREAD)
        weights = np.square(np.clip(1 - np.square(residual / (_TUKEY * spread)), 0, None))
        matrix, offset = _fitted(colours, targets, weights)
    moved = colours @ matrix.T + offset - colours
    return ColourDrift(
        matrix,
        offset,
        float(np.sqrt(np.average(np.square(moved).mean(axis=1), weights=weights))),
        _typical(targets - colours @ matrix.T - offset),
        _typical(targets - colours),
    )


def recoloured(picture: Picture, drift: ColourDrift) -> Picture:
    """`picture` (H, W, 3) without the drift, in [0, 1]."""
    moved = picture @ drift.matrix.T.astype(np.float32)
    moved += drift.offset.astype(np.float32)
    return np.clip(moved, 0, 1, out=moved)


def _fitted(colours: Matrix, targets: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """The weighted least squares of (I + D) c + o = t, with a ridge on D."""
    share = weights / weights.sum()
    middle, aim = share @ colours, share @ targets
    around = colours - middle
    change = (targets - aim) - around
    scatter = (around * share[:, None]).T @ around + _RIDGE**2 * np.eye(3)
    matrix = np.eye(3) + np.linalg.solve(scatter, (around * share[:, None]).T @ change).T
    return matrix, aim - matrix @ middle


def _typical(differences: Matrix) -> float:
    return float(np.median(np.linalg.norm(differences, axis=1)) / np.sqrt(3))
