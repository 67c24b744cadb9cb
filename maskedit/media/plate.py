# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame of a clip in its own planes, and the maths between planes and display-referred RGB.

Code values become signals by ITU-T H.273, 8.3: luma, R, G, B from 0 to 1, Cb and Cr from -0.5 to 0.5, both
unclipped. Chroma is brought to full size by linear interpolation at its true siting, so that a pixel's colour depends
on exactly the chroma samples that `compositing` treats as serving it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from maskedit.media.colour import PlateColour, luma_weights
from maskedit.media.pixels import ColourModel, PixelLayout, layout_of


@dataclass(frozen=True, kw_only=True, eq=False)
class PlateFrame:
    """Frame `number` of a clip (from 0). `planes`: (rows, columns) arrays in the order of `layout`, read-only.

    `pts` and `duration` count `time_base` seconds; `duration` is 0 where the container does not say.
    """

    number: int
    planes: tuple[np.ndarray, ...]
    pixel_format: str
    colour: PlateColour = field(default_factory=PlateColour)
    pts: int = 0
    duration: int = 0
    time_base: Fraction = Fraction(1, 24)

    @property
    def layout(self) -> PixelLayout:
        return layout_of(self.pixel_format)

    @property
    def height(self) -> int:
        return self.planes[0].shape[0]

    @property
    def width(self) -> int:
        return self.planes[0].shape[1]

    def rgb(self) -> np.ndarray:
        """float32 (H, W, 3) in [0, 1]: R'G'B' as displayed, full range, whatever the plate's own form.

        Raises InputError for colour matrices that are no weighted sum (ICtCp, constant luminance).
        """
        rgb = self.encoded_rgb()
        return np.clip(rgb, 0.0, 1.0, out=rgb)

    def encoded_rgb(self) -> np.ndarray:
        """float32 (H, W, 3): R'G'B' in the plate's own encoding, unclipped. Raises InputError as `rgb` does."""
        return rgb_from_signals(self.signals(), self.layout, self.colour)

    def part(self, rows: slice, columns: slice) -> PlateFrame:
        """The rectangle `rows`, `columns` of the frame, which begin on whole chroma samples, as views."""
        cut = []
        for number, plane in enumerate(self.planes):
            across, down = self.layout.chroma_shift if self.layout.is_chroma(number) else (0, 0)
            cut.append(
                plane[rows.start >> down : -(-rows.stop >> down), columns.start >> across : -(-columns.stop >> across)]
            )
        return replace(self, planes=tuple(cut))

    def window(self, rows: slice, columns: slice) -> tuple[slice, slice]:
        """`rows`, `columns` grown to whole chroma samples, with one more around them inside the frame: all that the
        colours there are made of."""
        across, down = (1 << shift for shift in self.layout.chroma_shift)
        return _grown(rows, step=down, end=self.height), _grown(columns, step=across, end=self.width)

    def alpha(self) -> np.ndarray | None:
        """float32 (H, W) in [0, 1], or None where the plate has no alpha."""
        if not self.layout.has_alpha:
            return None
        return signal_from_codes(self.planes[-1], self.layout, len(self.planes) - 1, self.colour)

    def signals(self) -> tuple[np.ndarray, ...]:
        """The colour planes as full-size float32 (H, W) signals, unclipped."""
        planes = []
        for plane in range(self.layout.colour_planes):
            signal = signal_from_codes(self.planes[plane], self.layout, plane, self.colour)
            if self.layout.is_chroma(plane):
                signal = enlarge_chroma(signal, self.layout, self.colour, width=self.width, height=self.height)
            planes.append(signal)
        return tuple(planes)


def code_span(layout: PixelLayout, plane: int, colour: PlateColour) -> tuple[float, float]:
    """(code of signal 0, codes per unit of signal) of a plane. RGB and alpha are always full range."""
    if layout.is_float:
        return 0.0, 1.0
    chroma = layout.is_chroma(plane)
    zero = float(1 << (layout.depth - 1)) if chroma else 0.0
    if colour.range == "pc" or layout.model is ColourModel.RGB or plane >= layout.colour_planes:
        return zero, float((1 << layout.depth) - 1)
    step = float(1 << (layout.depth - 8))
    return (zero, 224 * step) if chroma else (16 * step, 219 * step)


def signal_from_codes(codes: np.ndarray, layout: PixelLayout, plane: int, colour: PlateColour) -> np.ndarray:
    """float32 signal of a plane's code values, same shape, unclipped."""
    zero, span = code_span(layout, plane, colour)
    if (zero, span) == (0.0, 1.0):
        return codes.astype(np.float32)
    return (codes - np.float32(zero)) / np.float32(span)


def codes_from_signal(signal: np.ndarray, layout: PixelLayout, plane: int, colour: PlateColour) -> np.ndarray:
    """The nearest code values of a signal, clipped to what the sample type holds."""
    zero, span = code_span(layout, plane, colour)
    if layout.is_float:
        return signal.astype(layout.dtype)
    codes = np.rint(signal * np.float32(span) + np.float32(zero))
    return np.clip(codes, 0, (1 << layout.depth) - 1).astype(layout.dtype)


def rgb_from_signals(signals: tuple[np.ndarray, ...], layout: PixelLayout, colour: PlateColour) -> np.ndarray:
    """float32 (H, W, 3) R'G'B', unclipped, from full-size signals in the plane order of `layout`."""
    if layout.model is ColourModel.GRAY:
        return np.repeat(signals[0][..., None], 3, axis=-1)
    rgb = np.empty((*signals[0].shape, 3), np.float32)
    if layout.model is ColourModel.RGB:
        rgb[..., 1], rgb[..., 2], rgb[..., 0] = signals
        return rgb
    luma, blue_difference, red_difference = signals
    red, blue = luma_weights(colour.matrix)
    green = 1 - red - blue
    rgb[..., 0] = luma + np.float32(2 - 2 * red) * red_difference
    rgb[..., 2] = luma + np.float32(2 - 2 * blue) * blue_difference
    rgb[..., 1] = luma - (
        np.float32(red * (2 - 2 * red) / green) * red_difference
        + np.float32(blue * (2 - 2 * blue) / green) * blue_difference
    )
    return rgb


def signals_from_rgb(rgb: np.ndarray, layout: PixelLayout, colour: PlateColour) -> tuple[np.ndarray, ...]:
    """The inverse of `rgb_from_signals`; a gray plate takes BT.709 luma."""
    if layout.model is ColourModel.RGB:
        return rgb[..., 1], rgb[..., 2], rgb[..., 0]
    gray = layout.model is ColourModel.GRAY
    red, blue = luma_weights("bt709" if gray else colour.matrix)
    luma = rgb @ np.array([red, 1 - red - blue, blue], np.float32)
    if gray:
        return (luma,)
    return luma, (rgb[..., 2] - luma) / np.float32(2 - 2 * blue), (rgb[..., 0] - luma) / np.float32(2 - 2 * red)


def enlarge_chroma(
    chroma: np.ndarray, layout: PixelLayout, colour: PlateColour, *, width: int, height: int
) -> np.ndarray:
    """A subsampled plane at full size (height, width), interpolated linearly at its siting, edges held."""
    across, down = (1 << shift for shift in layout.chroma_shift)
    rows = _enlarge(chroma, down, colour.siting[1])[:height]
    return np.ascontiguousarray(_enlarge(rows.T, across, colour.siting[0])[:width].T)


def reduce_chroma(full: np.ndarray, layout: PixelLayout, colour: PlateColour) -> np.ndarray:
    """A full-size plane brought to the chroma planes' size by a low-pass at their siting, edges held."""
    across, down = (1 << shift for shift in layout.chroma_shift)
    rows = _reduce(full, down, colour.siting[1])
    return np.ascontiguousarray(_reduce(rows.T, across, colour.siting[0]).T)


def serves(factor: int, siting: float) -> range:
    """Offsets, from a chroma sample's first luma sample, of all luma samples that interpolate from it (one axis)."""
    centre = siting * (factor - 1)
    offsets = [offset for offset in range(-factor, 2 * factor) if abs(offset - centre) < factor]
    return range(offsets[0], offsets[-1] + 1)


def _grown(part: slice, *, step: int, end: int) -> slice:
    return slice(max(part.start // step - 1, 0) * step, min((-(-part.stop // step) + 1) * step, end))


def _enlarge(samples: np.ndarray, factor: int, siting: float) -> np.ndarray:
    """Linear interpolation along the first axis: `factor` outputs per sample."""
    if factor == 1:
        return samples
    held = np.concatenate([samples[:1], samples, samples[-1:]])
    out = np.empty((len(samples) * factor, *samples.shape[1:]), np.float32)
    centre = siting * (factor - 1)
    for phase in range(factor):
        position = (phase - centre) / factor
        start = int(np.floor(position))
        share = np.float32(position - start)
        before = held[1 + start : 1 + start + len(samples)]
        after = held[2 + start : 2 + start + len(samples)] if share else before
        out[phase::factor] = before + share * (after - before)
    return out


def _reduce(samples: np.ndarray, factor: int, siting: float) -> np.ndarray:
    """Weighted means along the first axis, one per `factor` samples: box when centred, tent when co-sited."""
    if factor == 1:
        return samples
    centre = siting * (factor - 1)
    reach = factor / 2
    offsets = np.arange(-factor, 2 * factor)
    # The share of each sample's unit-wide cell that a box of `factor` samples around the siting covers.
    weights = np.clip(np.minimum(offsets + 0.5, centre + reach) - np.maximum(offsets - 0.5, centre - reach), 0, None)
    count = -(-len(samples) // factor)
    first = np.arange(count) * factor
    out = np.zeros((count, *samples.shape[1:]), np.float32)
    for offset, weight in zip(offsets, weights / weights.sum(), strict=True):
        if weight:
            out += np.float32(weight) * samples[np.clip(first + offset, 0, len(samples) - 1)]
    return out
