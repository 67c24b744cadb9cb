# SPDX-License-Identifier: GPL-3.0-or-later
"""A plate as 8-bit pictures for the screen, many a second: what `View.shown` gives, to within two codes.

A plate that is for a screen already goes through integers: chroma enlarged at its siting, one 3×4 matrix, rounded. What
is scene-referred goes through the view in floating point. A picture may be made smaller on the way, before the costly
part; chroma siting is then neglected, a quarter of a pixel at most.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.colour import View, view_of
from maskedit.media import PlateFrame
from maskedit.media.plate import code_span, rgb_from_signals
from maskedit.request import MediaFacts, WorkingColour

Picture = NDArray[np.uint8]

_WIDEST = 1920
# The view of a scene-referred pixel costs ten times that of another.
_WIDEST_SCENE = 960


class Showing:
    """How the plates of one clip are shown. `colour`: as `WorkingColour.name`, "" = by the clip's tags. `divisor`: by
    how much its pictures are to be reduced, 1, 2 or 4, so that they come fast enough.

    Raises InputError for a colour that is not known.
    """

    def __init__(self, facts: MediaFacts, *, colour: str = "") -> None:
        self._view: View = view_of(facts, WorkingColour(name=colour))
        widest = _WIDEST if self._view.scene is None else _WIDEST_SCENE
        self.divisor = next((divisor for divisor in (1, 2) if facts.width <= widest * divisor), 4)

    def picture(self, plate: PlateFrame, *, divisor: int = 1) -> Picture:
        """uint8 (H, W, 3) RGB as a screen shows it; sides divided by `divisor` and rounded up. Raises InputError."""
        plate = self._view.understood(plate)
        scene = self._view.scene is not None or plate.layout.is_float
        # Steep curves would show where the codes between chroma samples were rounded.
        dtype = np.dtype(np.float32) if scene else plate.layout.dtype
        planes = (_sized(plate, plane, divisor, dtype=dtype) for plane in range(plate.layout.colour_planes))
        samples = cv2.merge(tuple(planes)).reshape(-(-plate.height // divisor), -(-plate.width // divisor), -1)
        if not scene:
            return _eight_bit(samples, _matrix(plate))
        display = self._view.displayed(cv2.transform(samples, _matrix(plate)).astype(np.float32))
        return cv2.convertScaleAbs(np.clip(display, 0.0, 1.0, out=display), alpha=255.0)  # pyright: ignore[reportReturnType]


def _eight_bit(samples: np.ndarray, matrix: np.ndarray) -> Picture:
    if samples.dtype == np.uint8:
        return cv2.transform(samples, matrix * 255)  # pyright: ignore[reportReturnType]
    # Eight more bits than are shown, so that rounding twice does no harm.
    return cv2.convertScaleAbs(cv2.transform(samples, matrix * (255 * 256)), alpha=1 / 256)  # pyright: ignore[reportReturnType]


def _matrix(plate: PlateFrame) -> np.ndarray:
    """float64 (3, planes + 1): R'G'B' from 0 to 1 out of a pixel's codes and 1."""
    count = plate.layout.colour_planes
    units = tuple(np.eye(count, dtype=np.float32)[:, None, :][plane] for plane in range(count))
    weights = rgb_from_signals(units, plate.layout, plate.colour)[0].T.astype(np.float64)
    zeros, spans = np.array([code_span(plate.layout, plane, plate.colour) for plane in range(count)]).T
    return np.column_stack([weights / spans, -(weights / spans) @ zeros])


def _sized(plate: PlateFrame, plane: int, divisor: int, *, dtype: np.dtype) -> np.ndarray:
    """The plane's codes at the picture's size."""
    codes = plate.planes[plane].astype(dtype, copy=False)
    size = -(-plate.width // divisor), -(-plate.height // divisor)
    if divisor > 1:
        reduced = codes.shape[1] > size[0] or codes.shape[0] > size[1]
        return cv2.resize(codes, size, interpolation=cv2.INTER_AREA if reduced else cv2.INTER_LINEAR)
    if codes.shape == (plate.height, plate.width):
        return codes
    across, down = (1 << shift for shift in plate.layout.chroma_shift)
    left, top = (siting * (step - 1) for siting, step in zip(plate.colour.siting, (across, down), strict=True))
    sought = np.array([[1 / across, 0, -left / across], [0, 1 / down, -top / down]])
    return cv2.warpAffine(
        codes, sought, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
