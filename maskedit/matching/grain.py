# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate's grain: measured, and drawn anew where a generated picture lacks it.

Grain is what changes from frame to frame where nothing moves. The difference of neighbouring frames, taken where the
picture is too plain for motion to explain it, gives its spectrum over all three channels together (a 3x3 matrix per
frequency) and its strength in each channel over brightness. White noise through the matrices' square root has that
very spectrum (stationary Gaussian texture, Galerne, Gousseau and Morel 2011, section 2); strength follows the picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from maskedit.draft.flow import search, warp
from maskedit.draft.tracking import to_codes
from maskedit.recolour import LUMA

Picture = NDArray[np.float32]
Matrices = NDArray[np.float64]

_BLOCK_PX = 32  # grain is fine: a correlation beyond half of this is none
_BLOCKS_AT_ONCE = 256
_MOST_BLOCKS = 1024  # of a pair of frames, those nearest to its middle
_LEAST_BLOCKS = 8
_LEVELS = 8  # of brightness
# Motion that was missed by this many pixels, on the slopes at hand, must not explain more than a tenth of a change.
_MISSED_PX = 0.35
_EXPLAINED = 0.1
# Of a block's structure as much may be the same in the next frame, or it is no block of grain alone …
_SHARED = 0.2
# … unless it lies on whole pixels to within so many, and is not much stronger than what changes.
_MET_PX, _MOST_TEXTURE = 0.1, 10.0
_STRUCTURE_SIGMA = 4.0
_WORTH_MOVING = 0.85
_MOTION_SIGMA = 8.0  # motion is the same for so many pixels about
_PLAIN_SIGMA = 2.0  # slopes are looked at beneath the grain
_FINE_SIGMA = 1.5  # and grain above it
_MOST_HELD = 16.0  # times the grain's power; more is an edge
_NEARBY_SIGMA = 12.0  # over what is called local
_LIGHT_SIGMA = 24.0  # a change wider than this is one of the light
_REACH_PX = 10  # how far apart two pixels' grain may be related
_MOST_CANVAS_PX = 1024  # a larger picture repeats what was drawn


@dataclass(frozen=True, eq=False)
class Grain:
    """`strength` (levels, 3): the standard deviation of R, G, B at brightness 0 to 1 in even steps, in [0, 1].

    `root` (32, 32, 3, 3): per frequency (as `numpy.fft` orders them) the square root of the spectrum, in which each
    channel has a variance of 1.
    """

    strength: NDArray[np.float64]
    root: Matrices

    @property
    def visible(self) -> bool:
        return bool(self.strength.any())

    def strength_at(self, brightness: Picture) -> Picture:
        """(H, W) brightness → (H, W, 3) standard deviations."""
        steps, found = np.linspace(0, 1, len(self.strength)), np.empty((*brightness.shape, 3), np.float32)
        for channel, each in enumerate(self.strength.T):
            found[..., channel] = np.interp(brightness, steps, each)
        return found

    def drawn(self, height: int, width: int, *, generator: np.random.Generator) -> Picture:
        """(height, width, 3) of fresh grain in which each channel has a variance of 1."""
        rows, columns = (min(cv2.getOptimalDFTSize(side), _MOST_CANVAS_PX) for side in (height, width))
        filters = _on_canvas(self.root, rows, max(columns, _BLOCK_PX)) if rows >= _BLOCK_PX else None
        if filters is None:
            return self.drawn(max(height, _BLOCK_PX), width, generator=generator)[:height]
        white = generator.standard_normal((rows, max(columns, _BLOCK_PX), 3), np.float32)
        spectrum = np.einsum("yxij,yxj->yxi", filters, np.fft.rfft2(white, axes=(0, 1)).astype(np.complex64))
        canvas = np.fft.irfft2(spectrum, s=white.shape[:2], axes=(0, 1)).astype(np.float32)
        again = [(0, max(0, side - size)) for side, size in zip((height, width), canvas.shape, strict=False)]
        return np.pad(canvas, [*again, (0, 0)], mode="wrap")[:height, :width]

    def missing_in(self, picture: Picture) -> Picture:
        """(H, W) in [0, 1]: the share of the grain's power that `picture` (H, W, 3) does not hold yet.

        What it holds is read off its plain parts; a part without any is taken to be as its surroundings are.
        """
        plain, held = self._held(picture)
        local = _blurred(plain * held, _NEARBY_SIGMA) / _blurred(plain, _NEARBY_SIGMA)
        # A few plain pixels say little about a part that has hardly any.
        sure = np.clip(4 * _blurred(plain, _NEARBY_SIGMA), 0, 1)
        overall = (plain * held).sum() / plain.sum()
        return np.clip(1 - (sure * local + (1 - sure) * overall), 0, 1)

    def held_in(self, picture: Picture, inside: NDArray[np.bool_]) -> float:
        """The power of the grain in `picture` (H, W, 3) over this grain's, read off the plain parts `inside` (H, W)."""
        plain, held = self._held(picture)
        return float((plain * held)[inside].sum() / plain[inside].sum())

    def _held(self, picture: Picture) -> tuple[Picture, Picture]:
        """(H, W) how plain each pixel's place is, 0 to 1, and the share of this grain's power that it shows."""
        luma = picture @ LUMA
        smooth = _blurred(luma, _PLAIN_SIGMA)
        strength = self.strength_at(smooth) * LUMA
        expected = np.einsum("yxi,ij,yxj->yx", strength, self._covariance().astype(np.float32), strength)
        expected = expected * np.float32(self._fine_share()) + np.float32(1e-12)
        fine = np.square(luma - _blurred(luma, _FINE_SIGMA))
        plain = np.clip(1 - _MISSED_PX**2 * _slope(smooth) / (_EXPLAINED * expected), 0, 1) + np.float32(1e-6)
        return plain, np.minimum(fine / expected, _MOST_HELD)

    def _covariance(self) -> NDArray[np.float64]:
        return np.einsum("yxij,yxkj->ik", self.root, self.root) / _BLOCK_PX**2

    def _fine_share(self) -> float:
        """Of the luma's grain, the share that is finer than `_FINE_SIGMA`."""
        power = np.square(np.einsum("i,yxij->yxj", LUMA, self.root)).sum(axis=-1)
        frequency = np.fft.fftfreq(_BLOCK_PX)
        kept = np.exp(-2 * (np.pi * _FINE_SIGMA * frequency) ** 2)
        return float((power * (1 - np.outer(kept, kept)) ** 2).sum() / power.sum())


def measure_grain(
    pairs: Iterable[tuple[Picture, Picture]], *, rounding: NDArray[np.float64] | float = 0.0
) -> Grain | None:
    """The grain of a plate, from `pairs` of neighbouring frames, each (H, W, 3) in [0, 1].

    `rounding` (3, 3): the covariance that the plate's bit depth alone gives R, G, B; it is no grain. Returns None where
    there is none, or no part plain enough to tell: then nothing is added to anything.
    """
    found = [_plain_blocks(before, after) for before, after in pairs]
    blocks = np.concatenate([changed for changed, _ in found]) if found else np.empty(0)
    if len(blocks) < _LEAST_BLOCKS:
        return None
    light = np.concatenate([each for _, each in found])
    spectrum = _spectrum(blocks) - np.broadcast_to(rounding, (3, 3))
    # Taking out the light's changes took the slowest part of the grain's with them: it is as its neighbours are.
    lag = np.array([-2, -1, 0, 1, 2])
    beside = np.add.outer(lag**2, lag**2)
    around = spectrum[np.ix_(lag, lag)]
    around[beside <= 2] = around[(beside == 4) | (beside == 5)].mean(axis=0)
    spectrum[np.ix_(lag, lag)] = around
    variance = np.square(blocks).mean(axis=(1, 2)) - np.diag(np.broadcast_to(rounding, (3, 3)))
    floor = 0.5 * np.diag(np.broadcast_to(rounding, (3, 3)))
    strength = _over_brightness(variance, light)
    strength[strength**2 <= floor + 1e-9] = 0
    if not strength.any():
        return None
    typical = np.sqrt(np.maximum(variance.mean(axis=0), 1e-12))
    values, vectors = np.linalg.eigh(spectrum / np.outer(typical, typical))
    root = np.einsum("yxik,yxk,yxjk->yxij", vectors, np.sqrt(np.maximum(values, 0)), vectors)
    scale = np.sqrt(np.maximum(np.einsum("yxij,yxij->i", root, root) / _BLOCK_PX**2, 1e-12))
    return Grain(strength, root / scale[:, None])


def with_grain(
    picture: Picture, grain: Grain, *, paste_matte: Picture, strength: float, seed: int, frame: int
) -> Picture:
    """`picture` (H, W, 3) in [0, 1] with the grain that it lacks, where `paste_matte` (H, W) is above 0.

    `strength` from 0 (off) to 1. The same `seed` and `frame` give the same grain again.
    """
    inside = paste_matte > 0
    if strength == 0 or not inside.any():
        return picture
    height, width = inside.shape
    fresh = grain.drawn(height, width, generator=np.random.Generator(np.random.Philox(key=[seed % 2**63, frame])))
    local = grain.strength_at(_blurred(picture @ LUMA, _PLAIN_SIGMA))
    # Two pictures blended have less grain than either: a soft edge gets as much more as keeps the power.
    kept = 1 - paste_matte[inside]
    edge = np.zeros_like(paste_matte)
    edge[inside] = np.sqrt(1 - kept**2) / np.maximum(paste_matte[inside], 1e-3)
    amount = strength * np.sqrt(grain.missing_in(picture)) * edge
    fresh *= local
    fresh *= amount[..., None]
    fresh += picture
    return np.clip(fresh, 0, 1, out=fresh)


def spectrum_of(pictures: Iterable[Picture]) -> Matrices:
    """(32, 32, 3, 3): the mean spectrum of `pictures` (H, W, 3) of noise alone, per frequency and pair of channels."""
    return _spectrum(np.concatenate([_cut(picture).reshape(-1, _BLOCK_PX, _BLOCK_PX, 3) for picture in pictures]))


def _plain_blocks(before: Picture, after: Picture) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """What changed in plain blocks (n, 32, 32, 3), scaled to one frame's grain, and the blocks' brightness (n,)."""
    nothing = np.empty((0, _BLOCK_PX, _BLOCK_PX, 3)), np.empty(0)
    # A frame that is held twice says nothing of the grain.
    if min(before.shape[:2]) < _BLOCK_PX or np.array_equal(before, after):
        return nothing
    luma, next_luma = before @ LUMA, after @ LUMA
    # Motion is looked for beneath the grain, which would lead it astray, to be then told from what is left.
    flow = _blurred(search(*(to_codes(_blurred(each, _PLAIN_SIGMA)) for each in (luma, next_luma))), _MOTION_SIGMA)
    # Grain fetched from between pixels would be blurred: each block is held against one that lies on whole pixels.
    whole = _held(np.rint(_cut(flow).mean(axis=(2, 3))), *luma.shape)
    still, moved = (_change(before, each) for each in (after, warp(after, whole, interpolation=cv2.INTER_NEAREST)))
    # Chance alone finds places that are a little more alike.
    moves = np.square(moved).mean(axis=(2, 3, 4)) < _WORTH_MOVING * np.square(still).mean(axis=(2, 3, 4))
    changed = np.where(moves[..., None, None, None], moved, still)
    whole = np.where(_held(moves[..., None], *luma.shape) > 0, whole, 0)
    smooth = _blurred(luma, _PLAIN_SIGMA)
    here, there = (each - _blurred(each, _STRUCTURE_SIGMA) for each in (luma, warp(next_luma, flow)))

    rows, columns = changed.shape[:2]
    middle = np.hypot(*np.meshgrid(np.arange(rows) - rows / 2, np.arange(columns) - columns / 2, indexing="ij"))
    nearest = np.argsort(middle, axis=None, kind="stable")[:_MOST_BLOCKS]

    def mean(picture: NDArray[np.floating]) -> NDArray[np.floating]:
        """Over each of the blocks."""
        return _cut(picture[..., None]).mean(axis=(2, 3, 4)).reshape(-1)[nearest]

    changed = changed.reshape(rows * columns, *changed.shape[2:])[nearest]
    power = np.square(changed @ LUMA).mean(axis=(1, 2))
    shared, own, missed = mean(here * there), mean(here * here), mean(np.square(flow - whole).sum(axis=-1))
    # Grain is new in each frame: what two frames share is texture, and harmless only if it was met pixel by pixel.
    explained = np.clip(missed, _MISSED_PX**2, 1) * mean(_slope(smooth))
    grain_alone = (shared < _SHARED * own) & (explained < _EXPLAINED * power)
    met = (missed < _MET_PX**2) & (shared < _MOST_TEXTURE * power)
    light = mean(smooth)
    # Where everything is clipped there is no grain to see.
    plain = (grain_alone | met) & (power > 0) & (light > 0.004) & (light < 0.996)
    if not plain.any():
        return nothing
    plain &= power <= 6 * np.median(power[plain])  # what moves through a plain block is no grain
    return changed[plain], light[plain].astype(np.float64)


def _change(before: Picture, after: Picture) -> NDArray[np.floating]:
    """The blocks (rows, columns, 32, 32, 3) of what changed, without what changed of the light."""
    difference = (after - before) / np.float32(np.sqrt(2))
    return _cut(difference - _blurred(difference, _LIGHT_SIGMA))


def _over_brightness(variance: NDArray[np.float64], light: NDArray[np.float64]) -> NDArray[np.float64]:
    """(levels, 3) standard deviations from blocks' variances (n, 3): each level from the blocks near it."""
    centres = np.linspace(0, 1, _LEVELS)
    step = centres[1]
    weights = np.maximum(1 - np.abs(light[None] - centres[:, None]) / step, 0)
    known = weights.sum(axis=1) >= 2
    if not known.any():
        weights, known = np.ones_like(weights), np.ones_like(known)
    means = weights[known] @ variance / weights[known].sum(axis=1, keepdims=True)
    over = np.stack([np.interp(centres, centres[known], channel) for channel in means.T], axis=-1)
    return np.sqrt(np.maximum(over, 0))


def _spectrum(blocks: NDArray[np.floating]) -> Matrices:
    """(n, 32, 32, 3) → (32, 32, 3, 3): their mean spectrum, whose mean over all frequencies is the covariance.

    Windowed periodograms with the window's own part in the correlations taken out again (Blackman and Tukey 1958).
    """
    across = np.hanning(_BLOCK_PX + 2)[1:-1]
    window = np.outer(across, across)
    size = (2 * _BLOCK_PX, 2 * _BLOCK_PX)  # room for every lag on its own
    products = np.zeros((*size, 3, 3))
    for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
        waves = np.fft.fft2(blocks[start : start + _BLOCKS_AT_ONCE] * window[..., None], s=size, axes=(1, 2))
        products += np.einsum("byxi,byxj->yxij", waves, waves.conj()).real / len(blocks)
    own = np.fft.ifft2(np.square(np.abs(np.fft.fft2(window, s=size)))).real
    lags = np.ix_(*[np.r_[0 : _REACH_PX + 1, -_REACH_PX:0]] * 2)
    related = np.zeros((_BLOCK_PX, _BLOCK_PX, 3, 3))
    related[lags] = np.fft.ifft2(products, axes=(0, 1)).real[lags] / own[lags][..., None, None]
    return np.fft.fft2(related, axes=(0, 1)).real


def _cut(picture: NDArray[np.floating]) -> NDArray[np.floating]:
    """(H, W, C) → (rows, columns, 32, 32, C)."""
    views = sliding_window_view(picture, (_BLOCK_PX, _BLOCK_PX), axis=(0, 1))  # type: ignore[call-overload]
    return np.moveaxis(views[::_BLOCK_PX, ::_BLOCK_PX], 2, -1)


def _held(blocks: NDArray[np.floating], height: int, width: int) -> Picture:
    """A value per block (rows, columns, C) for each of its pixels, and those beyond the last block (H, W, C)."""
    pixels = blocks.repeat(_BLOCK_PX, axis=0).repeat(_BLOCK_PX, axis=1)
    beyond = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
    return np.pad(pixels, beyond, mode="edge").astype(np.float32)


def _on_canvas(root: Matrices, rows: int, columns: int) -> NDArray[np.complexfloating]:
    """The square roots at the frequencies of a canvas: their kernel put on it."""
    kernel = np.fft.fftshift(np.fft.ifft2(root, axes=(0, 1)).real, axes=(0, 1))
    canvas = np.zeros((rows, columns, 3, 3))
    canvas[:_BLOCK_PX, :_BLOCK_PX] = kernel
    canvas = np.roll(canvas, (-_BLOCK_PX // 2, -_BLOCK_PX // 2), axis=(0, 1))
    return np.fft.rfft2(canvas, axes=(0, 1)).astype(np.complex64)


def _slope(smooth: Picture) -> Picture:
    """The squared slope, per pixel²."""
    return np.square(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)) + np.square(
        cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    )


def _blurred(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
