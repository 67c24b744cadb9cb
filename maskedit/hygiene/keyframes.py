# SPDX-License-Identifier: GPL-3.0-or-later
"""One painted picture held against its plate, and mended where that is clearly needed (torch-free)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.hygiene.changes import Change, changed_outside
from maskedit.hygiene.matching import ColourDrift, colour_drift, recoloured
from maskedit.hygiene.registering import Registration, laid_back, register, shown_by
from maskedit.request import KeyframeCare

Picture = NDArray[np.float32]

# Codes by which an untouched pixel may differ after a way through 8 bits.
SAME = 1.5 / 255
# What is less off than this is not seen, and resampling would cost more sharpness than it mends.
LEAST_MOVE_PX = 0.1
# A motion is believed from so many standard errors on, and if it takes so much of the difference away.
_SURE = 5
_LEAST_GAIN = 0.03
# A drift below this is not seen; one above is no slip of an editor but a look that was meant.
LEAST_DRIFT = 1 / 255
MOST_DRIFT = 20 / 255
_LEAST_MATCH = 0.2
# A picture that is so unlike its plate outside the matte (correlation), and differs so much there, shows another frame.
_LEAST_LIKENESS = 0.5
_LEAST_DIFFERENCE = 10 / 255


@dataclass(frozen=True, eq=False)
class Inspected:
    """What came of one keyframe. `picture` (H, W, 3) in [0, 1]: mended, or the very array that was given.

    `registration` and `drift`: what was applied; `refused_drift`: a difference in colour too large to be a slip;
    `change`: what still differs outside the matte; `another`: nothing there looks like the plate.
    """

    picture: Picture
    registration: Registration | None = None
    drift: ColourDrift | None = None
    refused_drift: ColourDrift | None = None
    change: Change | None = None
    another: bool = False

    @property
    def mended(self) -> bool:
        """Whether `picture` is another than the one given."""
        return self.registration is not None or self.drift is not None

    def record(self) -> dict[str, Any]:
        """What the take's record says of it; numbers in pixels and in codes of 255."""
        said: dict[str, Any] = {}
        if (registration := self.registration) is not None:
            said["registered"] = {
                "matrix": [[round(value, 6) for value in row] for row in registration.matrix.tolist()],
                "moved_px": round(registration.moved_px, 3),
                "standard_error_px": round(registration.sure_px, 3),
            }
        if (drift := self.drift) is not None:
            said["colour_matched"] = {
                "matrix": [[round(value, 5) for value in row] for row in drift.matrix.tolist()],
                "offset": [round(value, 5) for value in drift.offset.tolist()],
                "amount": round(drift.amount * 255, 2),
            }
        if (change := self.change) is not None:
            box = change.bounds
            said["changed_outside"] = {
                "share": round(change.share, 5),
                "bounds": [box.x, box.y, box.width, box.height],
            }
        return said


def inspect(picture: Picture, plate: Picture, *, outside: NDArray[np.bool_], care: KeyframeCare) -> Inspected:
    """Hold `picture` (H, W, 3) against `plate` (H, W, 3), both in [0, 1] as displayed, on the pixels `outside` (H, W).

    `outside`: where the keyframe was not to change, that is where the paste matte is 0. What equals the plate there,
    to within 8 bits, is never touched.
    """
    rows = zip(picture, plate, outside, strict=True)
    if not any((np.abs(here - there)[kept] > SAME).any() for here, there, kept in rows):
        return Inspected(picture)
    registration = register(picture, plate, outside=outside) if care.register else None
    if registration is None or not _worth_moving(registration):
        registration = None
    mended = picture
    if registration is not None:
        mended = laid_back(picture, registration)
        # Where the picture ended there is nothing to compare.
        outside = outside & shown_by(registration, shape=outside.shape)
    drift = colour_drift(mended, plate, outside=outside) if care.match_colour else None
    refused = None
    if drift is not None and drift.amount > MOST_DRIFT:
        drift, refused = None, drift
    if drift is not None and not _worth_matching(drift):
        drift = None
    mended = mended if drift is None else recoloured(mended, drift)
    change = changed_outside(mended, plate, outside=outside)
    return Inspected(mended, registration, drift, refused, change, _is_another(mended, plate, outside=outside))


def _is_another(picture: Picture, plate: Picture, *, outside: NDArray[np.bool_]) -> bool:
    """Whether the brightness of `picture` outside has little to do with the plate's, gain and offset aside."""
    here, there = (cv2.GaussianBlur(each.mean(axis=-1), (0, 0), 2)[outside] for each in (picture, plate))
    if np.median(np.abs(here - there)) < _LEAST_DIFFERENCE:
        return False
    return min(here.std(), there.std()) < 1e-4 or bool(np.corrcoef(here, there)[0, 1] < _LEAST_LIKENESS)


def _worth_moving(found: Registration) -> bool:
    sure = found.moved_px > _SURE * found.sure_px
    return found.moved_px >= LEAST_MOVE_PX and sure and found.error < (1 - _LEAST_GAIN) * found.error_before


def _worth_matching(found: ColourDrift) -> bool:
    return found.amount >= LEAST_DRIFT and found.error < (1 - _LEAST_MATCH) * found.error_before
