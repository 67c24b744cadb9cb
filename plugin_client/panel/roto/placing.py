# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a shape's or stroke's own transform puts what its keys hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskedit.mattes.animation import Moment
from plugin_client.panel.roto.keying import Layer

_FLAT = 1e-9


@dataclass(frozen=True)
class Placing:
    """p of a layer → matrix @ p + offset in the picture, both in source pixels."""

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, layer: Layer, moment: Moment, *, pixel_aspect: float) -> Placing:
        """The placing of a layer at `moment`; `pixel_aspect`: a pixel's width over its height."""
        if layer.transform is None:
            return cls(np.eye(2), np.zeros(2))
        return cls(*layer.transform.at(moment, pixel_aspect=pixel_aspect))

    def put(self, values: np.ndarray) -> np.ndarray:
        """An outline (points, 3, 2) or a path (points, 3) of the layer, in the picture."""
        return _moved(values, self.matrix, self.offset)

    def taken(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `put`. Where the transform makes the layer vanish, values stay as they are."""
        if abs(np.linalg.det(self.matrix)) < _FLAT:
            return values
        inverse = np.linalg.inv(self.matrix)
        return _moved(values, inverse, -inverse @ self.offset)

    @property
    def growth(self) -> float:
        """By how much it widens feathers and brushes."""
        return max(float(np.sqrt(abs(np.linalg.det(self.matrix)))), _FLAT)


def _moved(values: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> np.ndarray:
    if values.ndim == 2:  # a path: x, y, pressure
        return np.column_stack([values[:, :2] @ matrix.T + offset, values[:, 2]])
    result = values @ matrix.T
    result[:, 0] += offset
    return result
