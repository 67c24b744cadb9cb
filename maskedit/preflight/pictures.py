# SPDX-License-Identifier: GPL-3.0-or-later
"""What a keyframe shows: its edit, its region, and as much detail as its plate (torch-free)."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from maskedit.checking import CheckedEdit
from maskedit.cleaning import Look, findings_of, looks
from maskedit.findings import Finding, Severity
from maskedit.hygiene import SAME
from maskedit.request import EditRequest, FrameRange

# Softer than this share of the plate's fine detail is seen beside it.
_LEAST_DETAIL = 0.75
# Fine detail that a plate has to have for its loss to be told (standard deviation).
_DETAIL = 1 / 255
# Less of the region than this share of the largest is a poor view of it.
_LEAST_VIEW = 0.25


def picture_findings(request: EditRequest, checked: CheckedEdit) -> Iterator[Finding]:
    """What is to be said of every keyframe. Raises InputError for pictures that cannot be read."""
    for look in looks(request, facts=checked.facts, frames=checked.frames, bounds=checked.bounds):
        yield from findings_of(look)
        yield from _no_edit(look)
        yield from _softness(look)
    yield from _poor_views(request, checked)


def _no_edit(look: Look) -> Iterator[Finding]:
    inside = look.matte >= 0.5
    if inside.any() and np.abs(look.inspected.picture - look.plate)[inside].max() <= SAME:
        yield Finding(
            severity=Severity.WARNING,
            what=f"Keyframe {look.keyframe.frame} shows no edit: inside the matte it is its plate",
            remedy="paint it, or check its frame number and the matte",
            frames=_at(look),
        )


def detail_ratio(look: Look) -> float | None:
    """The keyframe's fine detail beside its plate's, outside the matte; None where the plate has too little to tell."""
    kept = look.matte == 0
    if (change := look.inspected.change) is not None:
        kept &= change.matte == 0
    outside = cv2.erode(kept.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    if not outside.any():
        return None
    given, plate = (_fine(picture)[outside] for picture in (look.given, look.plate))
    # Where the plate has it: flat parts hold nothing but noise, which painting programs take away.
    marked = np.abs(plate) >= np.percentile(np.abs(plate), 75)
    strength = float(np.sqrt(np.square(plate[marked]).mean()))
    if strength < _DETAIL:
        return None
    return float(np.sqrt(np.square(given[marked]).mean())) / strength


def _softness(look: Look) -> Iterator[Finding]:
    if look.inspected.another:
        return
    ratio = detail_ratio(look)
    if ratio is not None and ratio < _LEAST_DETAIL:
        yield Finding(
            severity=Severity.WARNING,
            what=f"Keyframe {look.keyframe.frame} is softer than its plate ({ratio:.0%} of its fine detail outside the "
            "matte), and its edit will be too",
            remedy="let the image editor work in the clip's full size, or lay its edit over the plate and sharpen it",
            frames=_at(look),
        )


def _poor_views(request: EditRequest, checked: CheckedEdit) -> Iterator[Finding]:
    areas = {
        number: rect.width * rect.height
        for number, rect in zip(checked.region_frames, checked.region_bounds, strict=True)
    }
    given = [keyframe.frame for keyframe in request.keyframes]
    best = max(areas, key=lambda number: areas[number])
    most = max(areas[number] for number in given)
    if most < _LEAST_VIEW * areas[best]:
        yield Finding(
            severity=Severity.WARNING,
            what=f"The keyframes show the region no larger than {most / areas[best]:.0%} of what frame {best} shows",
            remedy=f"paint frame {best} too, or instead",
            flag=f"--keyframe {best}=IMAGE",
            frames=FrameRange(first=best, last=best),
        )


def _fine(picture: np.ndarray) -> np.ndarray:
    luma = cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2GRAY)
    return luma - cv2.GaussianBlur(luma, (0, 0), 1.0)


def _at(look: Look) -> FrameRange:
    return FrameRange(first=look.keyframe.frame, last=look.keyframe.frame)
