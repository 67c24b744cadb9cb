# SPDX-License-Identifier: GPL-3.0-or-later
"""Primaries by name, and the matrices between them, computed from their chromaticities (SMPTE RP 177)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from maskedit.media.colour import CHROMATICITIES

_D65 = (0.3127, 0.3290)
# Red, green, blue and white as CIE xy: H.273's and the ACES ones, and the cameras' by the papers that `curves` names.
GAMUTS: dict[str, tuple[float, ...]] = {
    **CHROMATICITIES,
    "arri-wide-gamut-3": (0.6840, 0.3130, 0.2210, 0.8480, 0.0861, -0.1020, *_D65),
    "arri-wide-gamut-4": (0.7347, 0.2653, 0.1424, 0.8576, 0.0991, -0.0308, *_D65),
    "s-gamut3": (0.730, 0.280, 0.140, 0.855, 0.100, -0.050, *_D65),
    "s-gamut3.cine": (0.766, 0.275, 0.225, 0.800, 0.089, -0.087, *_D65),
    "v-gamut": (0.730, 0.280, 0.165, 0.840, 0.100, -0.030, *_D65),
    "cinema-gamut": (0.740, 0.270, 0.170, 1.140, 0.080, -0.100, *_D65),
}
# Cone responses of the Bradford chromatic adaptation (Lam 1985; ICC.1:2022, annex E).
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

Matrix = NDArray[np.float64]


@lru_cache
def matrix_between(source: str, target: str) -> Matrix:
    """(3, 3): linear RGB of the gamut `source` (as a column) to that of `target`, white to white."""
    (to_xyz, source_white), (from_xyz, target_white) = _to_xyz(source), _to_xyz(target)
    gains = np.diag(_BRADFORD @ target_white / (_BRADFORD @ source_white))
    adapted = np.linalg.inv(_BRADFORD) @ gains @ _BRADFORD
    matrix = np.linalg.inv(from_xyz) @ adapted @ to_xyz
    matrix.flags.writeable = False
    return matrix


def _to_xyz(name: str) -> tuple[Matrix, Matrix]:
    """The gamut's matrix to CIE XYZ, and its white there, with luminance 1."""
    x, y = np.reshape(GAMUTS[name], (4, 2)).T
    corners = np.stack([x, y, 1 - x - y])
    white = corners[:, 3] / y[3]
    return corners[:, :3] * np.linalg.solve(corners[:, :3], white), white
