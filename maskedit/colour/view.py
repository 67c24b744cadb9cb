# SPDX-License-Identifier: GPL-3.0-or-later
"""The display-referred view of a plate: what the model sees and the user paints on, and the way back from it.

A view takes R'G'B' in the plate's own encoding to display values, of which a picture holds those from 0 to 1. It has an
inverse over the whole real line, so that a value beyond a picture's reach (a super-white, a negative, a colour outside
Rec.709, light above `shaper.TOP`) is known by how far it lies beyond, and can be given back to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskedit.colour.shaper import display_from_linear, linear_from_display
from maskedit.colour.spaces import Scene
from maskedit.colour.steps import SMOOTHED_PX, without_steps
from maskedit.media.pictures import read_header, read_picture, read_samples
from maskedit.media.pixels import layout_of
from maskedit.media.plate import PlateFrame
from maskedit.request import Origin

Picture = NDArray[np.float32]

# A picture shows the plate where both differ by less than this, in display values; by three times as much it does not.
_SAME = 1 / 64
# Half a step of 16 bits, and a little: a picture that went through such a file is still the plate's own view.
_EXACT = 0.55 / 65535
# More than a half float can hold stands for infinity.
_LARGEST = 65504.0
_BAND_ROWS = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """How one clip, whose samples are `pixel_format`, is seen.

    `scene` None: its R'G'B' is for a screen already and shown as it is. `code_range`: "tv" or "pc" where the user
    overrules the range that a YUV clip says of itself.
    """

    name: str
    words: str
    origin: Origin
    pixel_format: str
    scene: Scene | None = None
    code_range: str = ""

    @property
    def deep(self) -> bool:
        """Whether the clip has more than 8 bits a sample."""
        return layout_of(self.pixel_format).depth > 8

    def understood(self, plate: PlateFrame) -> PlateFrame:
        """`plate` with its codes in the range that the user named; the samples are the same. What was converted to
        another format since has a range of its own."""
        if not self.code_range or plate.layout.name != layout_of(self.pixel_format).name:
            return plate
        return replace(plate, colour=replace(plate.colour, range=self.code_range))

    def shown(self, plate: PlateFrame, *, part: tuple[slice, slice] | None = None) -> Picture:
        """float32 (H, W, 3) in [0, 1]: the plate as a screen shows it.

        `part`: rows and columns; of those alone (h, w, 3), at the cost of those alone.
        """
        if part is not None:
            window = plate.window(*part)
            inner = tuple(
                slice(each.start - around.start, each.stop - around.start)
                for each, around in zip(part, window, strict=True)
            )
            return np.ascontiguousarray(self.shown(plate.part(*window))[inner])
        display = self.displayed(self.understood(plate).encoded_rgb())
        return np.clip(display, 0.0, 1.0, out=display)

    def displayed(self, rgb: Picture) -> Picture:
        """(H, W, 3) R'G'B' in the plate's encoding as display values, unclipped. What is no number becomes 0."""
        finite = np.nan_to_num(rgb, nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
        if (scene := self.scene) is None:
            return finite
        return _in_bands(finite, lambda part: display_from_linear(scene.to_linear(part)))

    def encoded(self, display: Picture) -> Picture:
        """The inverse of `displayed`: (H, W, 3) R'G'B' in the plate's encoding, unclipped."""
        if (scene := self.scene) is None:
            return display
        return _in_bands(display, lambda part: scene.from_linear(linear_from_display(part)))

    def back(self, picture: Picture, rgb: Picture) -> Picture:
        """`picture` (H, W, 3) in the plate's encoding, over the plate's own R'G'B' `rgb` (H, W, 3), unclipped.

        What the plate has beyond the view's reach is carried over, channel by channel, where the picture lies at the
        view's limit as the plate does; where it is the plate's view altogether the plate's own values come back.
        """
        out = np.empty_like(rgb, np.float32)
        for row in range(0, len(rgb), _BAND_ROWS):
            band = slice(row, row + _BAND_ROWS)
            display = self.displayed(rgb[band])
            shown = np.clip(display, 0.0, 1.0)
            difference = np.abs(picture[band] - shown)
            carried = closeness(difference) * (display - shown)
            encoded = self.encoded((picture[band] + carried).astype(np.float32, copy=False))
            exact = (difference.max(axis=-1, keepdims=True) <= _EXACT) & np.isfinite(rgb[band])
            out[band] = np.where(exact, rgb[band], encoded)
        return out

    def painted(self, path: str | Path, *, part: tuple[slice, slice] | None = None) -> Picture:
        """A painted picture (H, W, 3) in display values. An EXR is in the plate's own encoding, maybe beyond 0 to 1;
        every other kind shows what the user saw. Steps of 8 bits are smoothed where a deeper plate would show them.

        `part`: of these rows and columns alone (h, w, 3). Raises InputError.
        """
        if Path(path).suffix.lower() == ".exr":
            _, samples = read_samples(path)
            samples = samples if part is None else samples[part]
            colours = samples[..., :3] if samples.shape[-1] > 2 else samples[..., :1].repeat(3, axis=-1)
            return self.displayed(colours)
        if not self.deep or read_header(path).layout.depth > 8:
            return read_picture(path, part=part)[..., :3]
        if part is None:
            return without_steps(read_picture(path)[..., :3], step=1 / 255)
        rows, columns = (slice(max(each.start - SMOOTHED_PX, 0), each.stop + SMOOTHED_PX) for each in part)
        smooth = without_steps(read_picture(path, part=(rows, columns))[..., :3], step=1 / 255)
        top, left = part[0].start - rows.start, part[1].start - columns.start
        height, width = (each.stop - each.start for each in part)
        return np.ascontiguousarray(smooth[top : top + height, left : left + width])

    def record(self) -> dict[str, str]:
        """What the take's record says of it."""
        shaper = "display-referred, shown as it is" if self.scene is None else "maskedit shaper 1, Rec.709 primaries"
        return {"name": self.name, "origin": self.origin, "plate": self.words, "view": shaper, "range": self.code_range}


def closeness(difference: Picture) -> Picture:
    """1 where a difference in display values is none to the eye, 0 where it is one, a ramp between."""
    return np.clip((3 * _SAME - difference) / (2 * _SAME), 0.0, 1.0, dtype=np.float32)


def _in_bands(rgb: Picture, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Picture:
    """`function` in double precision, a few rows at a time, so that large frames cost no more memory than they must."""
    out = np.empty_like(rgb, np.float32)
    for row in range(0, len(rgb), _BAND_ROWS):
        out[row : row + _BAND_ROWS] = function(rgb[row : row + _BAND_ROWS].astype(np.float64))
    return out
