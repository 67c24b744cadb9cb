# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip's frames as far as looking for edges and motion needs them (no Qt)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from maskedit.draft.tracking import luma_of
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.pixels import ColourModel
from maskedit.media.plate import signal_from_codes


def lumas(path: str, first: int, last: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(number, luma (H, W) float32 in [0, 1]) of frames `first` to `last` of the clip at `path`, in order.

    Blocks: for background threads. Raises InputError.
    """
    with ClipReader(path) as clip:
        for plate in clip.frames(first, last):
            yield plate.number, _luma(plate)


def _luma(plate: PlateFrame) -> NDArray[np.float32]:
    """YUV and grey plates hold it as it is."""
    if plate.layout.model is ColourModel.RGB:
        return luma_of(plate.rgb())
    return np.clip(signal_from_codes(plate.planes[0], plate.layout, 0, plate.colour), 0, 1)
