# SPDX-License-Identifier: GPL-3.0-or-later
"""How sharp a picture is, and a generated one made as sharp as its plate, without a halo.

The measure looks at edges alone, so that it does not depend on how many of them a picture has: blurring an edge of
width σ once more by τ lowers its slope to σ / √(σ² + τ²), which gives σ (Zhuo and Sim 2011, section 2).

What a soft picture lacks is taken from the plate first, wherever the edit left the structure: there the picture is
locally a plain multiple of the plate, and the plate's finer part times that multiple is what is missing (the local
linear model of He, Sun and Tang 2010). What is then still soft is sharpened, held between its neighbours' extremes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.recolour import LUMA

Picture = NDArray[np.float32]
Selection = NDArray[np.bool_]

_AGAIN_PX = 1.0  # τ
_GRAIN_PX = 0.7  # a slight blur before, so that grain makes no edges
_EDGE_SHARE = 0.1  # of the pixels, those with the steepest slopes
_LEAST_SLOPE = 0.015  # per pixel; what is flatter is shading, not an edge
_LEAST_EDGE_PX = 40
_SHARPEST = 0.3  # a picture is as sharp as its sharper edges: some are out of focus
_ALIKE = 1.15  # widths within this factor cannot be told apart
_SHARPER = 1.5  # and so much sharper than its plate may an edit be before it is softened
_LEAST_WIDTH_PX, _MOST_WIDTH_PX = 0.4, 6.0  # a narrower edge is a step of one pixel
_OTHER, _SAME = 0.6, 0.9  # up to this correlation the edit's structure is another, from this on the plate's
_NO_STRUCTURE = np.float32(1e-5)  # a variance that is none
_MOST_MULTIPLE = 2.0
_MOST_SHARPENING = 2.0


def edge_width(picture: Picture, where: Selection) -> float | None:
    """The width σ in pixels of the sharper edges of `picture` (H, W, 3) in [0, 1], `where` (H, W) it is looked at.

    None where there are too few edges to tell.
    """
    luma = np.asarray(picture @ LUMA, np.float32)
    width = None
    for scale in (1, 2, 4):
        found = _width_at(luma, where, before=_GRAIN_PX * scale, again=_AGAIN_PX * scale)
        # Grain sharpens wide edges, so these are looked at more coarsely; too coarsely there are no edges left.
        width = width if found is None else found
        if found is None or found < 1.2 * scale:
            break
    return width


def _width_at(luma: Picture, where: Selection, *, before: float, again: float) -> float | None:
    """The width of edges, measured after a blur by `before` and once more by `again` pixels."""
    smooth = _blurred(luma, before)
    slope, blurred = _slope(smooth), _slope(_blurred(smooth, again))
    least = max(_LEAST_SLOPE / max(1.0, again), 3 * float(np.median(slope[where]))) if where.any() else np.inf
    crest = where & (slope >= cv2.dilate(slope, np.ones((3, 3), np.uint8)) * 0.98) & (slope > least)
    if np.count_nonzero(crest) < _LEAST_EDGE_PX:
        return None
    share = max(_EDGE_SHARE, _LEAST_EDGE_PX / np.count_nonzero(crest))
    steepest = slope[crest] >= np.quantile(slope[crest], 1 - share)
    ratio = slope[crest][steepest] / np.maximum(blurred[crest][steepest], 1e-6)
    # Slopes are taken over two pixels, which blurs as well as the blur before does: both are taken out again.
    squared = again**2 / np.maximum(ratio**2 - 1, 1e-3) - before**2 - 0.5
    return float(np.sqrt(np.maximum(np.quantile(squared, _SHARPEST), _LEAST_WIDTH_PX**2)))


@dataclass(frozen=True)
class Softness:
    """Edge widths in pixels: of the plate around and under the region, and of what was generated for it."""

    plate: float
    generated: float

    @property
    def lacking(self) -> float:
        """By which Gaussian, in pixels, the generated picture is softer; below 0: sharper. 0 within what is sure."""
        unlike = self.generated > _ALIKE * self.plate or self.plate > _SHARPER * self.generated
        squared = min(self.generated, _MOST_WIDTH_PX) ** 2 - min(self.plate, _MOST_WIDTH_PX) ** 2
        return float(np.sign(squared) * np.sqrt(abs(squared))) if unlike else 0.0


def measure_softness(plate: Picture, generated: Picture, paste_matte: Picture) -> Softness | None:
    """How sharp both are (H, W, 3); None where one of them shows too few edges."""
    inside = cv2.erode((paste_matte >= 0.999).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    there = edge_width(plate, np.ones_like(inside))
    here = edge_width(generated, inside)
    return None if there is None or here is None else Softness(there, here)


def matched_sharpness(generated: Picture, plate: Picture, *, softness: Softness, strength: float) -> Picture:
    """`generated` (H, W, 3) in [0, 1] as sharp as `plate` (H, W, 3). `strength` from 0 (off) to 1.

    Where both have the same structure the plate's finer part is added; elsewhere edges are steepened, and no value
    leaves the range of its 3x3 neighbours, so nothing rings. What is far sharper than its plate is softened.
    """
    lacking = softness.lacking
    if lacking == 0 or strength == 0:
        return generated
    if lacking < 0:
        return _blurred(generated, -lacking * float(np.sqrt(strength)))
    same, finer = _source_detail(generated, plate, lacking=lacking)
    # To the first order an unsharp mask of this amount takes the blur of an edge from one width to the other.
    amount = min(1.5 * (softness.generated / softness.plate - 1), _MOST_SHARPENING)
    steeper = generated + np.float32(amount) * (generated - _blurred(generated, max(lacking, 0.5)))
    around = np.ones((3, 3), np.uint8)
    steeper = np.clip(steeper, cv2.erode(generated, around), cv2.dilate(generated, around))
    added = same[..., None] * finer + (1 - same)[..., None] * (steeper - generated)
    return np.clip(generated + strength * added, 0, 1, dtype=np.float32)


def _source_detail(
    generated: Picture, plate: Picture, *, lacking: float
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """How far both have the same structure (H, W), 0 to 1, and the plate's finer part in the edit's colours (H, W, 3).

    `lacking`: by which Gaussian, in pixels, `generated` is softer.
    """
    luma, own = plate @ LUMA, generated @ LUMA
    soft = _blurred(luma, lacking)
    reach = max(2.0, 2 * lacking)
    mean = _blurred(soft, reach)

    def together(here: Picture) -> NDArray[np.floating]:
        """The covariance of `here` with the plate, around each pixel."""
        return _blurred(here * soft, reach) - _blurred(here, reach) * mean

    plates = np.maximum(together(soft), 0) + _NO_STRUCTURE
    owns = np.maximum(_blurred(own * own, reach) - np.square(_blurred(own, reach)), 0) + _NO_STRUCTURE
    correlation = together(own) / np.sqrt(plates * owns)
    same = np.clip((correlation - _OTHER) / (_SAME - _OTHER), 0, 1)
    multiple = np.stack([together(generated[..., channel]) for channel in range(3)], axis=-1) / plates[..., None]
    return same, np.clip(multiple, 0, _MOST_MULTIPLE) * (luma - soft)[..., None]


def _slope(luma: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=1 / 8))


def _blurred(picture: NDArray[np.floating], sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
