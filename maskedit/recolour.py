# SPDX-License-Identifier: GPL-3.0-or-later
"""A colour edit with a known answer: the same recolouring on every frame is an edit's ground truth (torch-free).

A gradient map: each pixel's luma picks a colour from a ramp, so light and shadow stay where they are and only the
material changes. The same clip, recoloured frame by frame, is what a perfect edit of it would look like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskedit.media.colour import luma_weights

_RED, _BLUE = luma_weights("bt709")
LUMA = np.array([_RED, 1 - _RED - _BLUE, _BLUE], dtype=np.float32)

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Ramp:
    """Colours over luma: `stops` are (luma, (R, G, B)) in rising order, all in [0, 1], linear between them.

    Shading survives where the colours' own luma rises along the ramp. Pixels of a chroma (greatest minus least of
    R, G, B) beyond `spare_from` are changed less, those beyond `spare_to` not at all: what is colourful already is
    something else than the grey thing that is recoloured.
    """

    stops: tuple[tuple[float, Colour], ...]
    spare_from: float = 2.0
    spare_to: float = 3.0

    def colours(self, luma: np.ndarray) -> np.ndarray:
        """The ramp's colour for each luma (…) in [0, 1]; returns (…, 3) float32."""
        positions = [position for position, _ in self.stops]
        channels = zip(*(colour for _, colour in self.stops), strict=True)
        return np.stack([np.interp(luma, positions, channel) for channel in channels], axis=-1).astype(np.float32)


# Grey fur to a fox's: rust in the shadows, orange in the middle, cream where the light falls.
FOX = Ramp(
    stops=(
        (0.0, (0.02, 0.01, 0.01)),
        (0.25, (0.33, 0.08, 0.02)),
        (0.5, (0.68, 0.23, 0.04)),
        (0.7, (0.9, 0.42, 0.06)),
        (0.85, (0.98, 0.66, 0.26)),
        (1.0, (1.0, 0.95, 0.82)),
    ),
    spare_from=0.3,
    spare_to=0.5,
)


def recolour(rgb: np.ndarray, matte: np.ndarray, *, ramp: Ramp) -> np.ndarray:
    """Recolour a picture (H, W, 3) in [0, 1] inside a matte (H, W), soft edges included.

    Returns a new float32 (H, W, 3); where the matte is 0 it equals `rgb` exactly.
    """
    chroma = rgb.max(axis=-1) - rgb.min(axis=-1)
    spared = np.clip((chroma - ramp.spare_from) / (ramp.spare_to - ramp.spare_from), 0, 1)
    weight = (matte * (1 - spared))[..., None]
    return (rgb + weight * (ramp.colours(rgb @ LUMA) - rgb)).astype(np.float32)
