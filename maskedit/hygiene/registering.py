# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted picture laid back onto its plate: image editors shift, scale and turn what they return (torch-free).

The motion is estimated on the pixels outside the matte only, from coarse to fine, as the affine transform that makes
both pictures most alike up to a gain and an offset. The solver is Lucas and Kanade's with the mean of both pictures'
gradients (Benhimane and Malis 2004), whose error stays quadratic and whose result no noise pulls towards zero; what
was changed outside the matte is weighed down as an outlier (Tukey's biweight).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Matrix = NDArray[np.float64]

# The finest level has up to so many pixels: more cost seconds and make the motion no surer.
_MOST_PIXELS = 500_000
_LEAST_SIDE = 24
_GUESS_SIDE = 160
_ROUNDS = 12
_SETTLED_PX = 0.005
_SETTLED_GAIN = 5e-4
# Tukey's constant: 95 % efficiency on Gaussian noise.
_TUKEY = 4.685
_LEAST_SPREAD = 0.25 / 255
# Errors of neighbouring pixels hang together: as many of them count as one.
_ALIKE = 9
# What can be told apart from a simpler motion at no corner of the frame is that simpler motion.
_SIMPLER_PX = 0.05
# More than this share of the frame's longer side is another picture, no slip of an editor.
_MOST_SHIFT = 1 / 12
_LEAST_LIKENESS = 0.5

# Each motion as columns over the six of the affine one: across (1, u, v), down (1, u, v).
_AFFINE = np.eye(6)
_SIMILARITY = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, -1], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], float)
_SHIFT = _AFFINE[:, [0, 3]]


@dataclass(frozen=True, eq=False)
class Registration:
    """`matrix` (2, 3) maps a pixel (x, y) of the plate to its place in the picture, pixel centres at whole numbers.

    `moved_px`: the most that any corner of the region is off; `sure_px`: the standard error of that; `error` and
    `error_before`: what is left of the difference outside the matte, robust standard deviation of the softened luma.
    """

    matrix: Matrix
    moved_px: float
    sure_px: float
    error: float
    error_before: float

    @property
    def words(self) -> str:
        """What happened to the picture, as an editor would say it."""
        shift = self.matrix @ (*self._centre, 1) - self._centre
        across, down = (float(value) for value in shift)
        parts = [f"moved by {across:+.2f}, {down:+.2f} px"]
        scale = math.sqrt(abs(np.linalg.det(self.matrix[:, :2])))
        if abs(scale - 1) > 5e-5:
            parts.append(f"scaled by {scale:.4f}")
        angle = math.degrees(math.atan2(self.matrix[1, 0] - self.matrix[0, 1], self.matrix[0, 0] + self.matrix[1, 1]))
        if abs(angle) > 0.005:
            parts.append(f"turned by {angle:+.2f}°")
        return ", ".join(parts)

    _centre: tuple[float, float] = (0.0, 0.0)


def register(picture: Picture, plate: Picture, *, outside: NDArray[np.bool_]) -> Registration | None:
    """How `picture` (H, W, 3) lies on `plate` (H, W, 3), both in [0, 1], judged by the pixels `outside` (H, W).

    None where that cannot be told: too few pixels, too little texture, or too unlike a picture.
    """
    height, width = outside.shape
    pyramid = _pyramid(_luma(picture), _luma(plate), outside)
    if not pyramid:
        return None
    frame = _Frame(width, height)
    coarse = pyramid[1:] or pyramid
    fits = [_descend(coarse, frame, start) for start in (np.zeros(6), _guess(coarse, frame))]
    best = max((fit for fit in fits if fit is not None), key=lambda fit: fit.likeness, default=None)
    fit = None if best is None else _descend(pyramid[:1], frame, best.motion)
    if fit is None or fit.likeness < _LEAST_LIKENESS:
        return None
    region = _corners(~outside)
    fit = _simplest(pyramid[0], frame, fit, region=region)
    if np.abs(frame.displacement(fit.motion, region)).max() > _MOST_SHIFT * max(width, height):
        return None
    still = _fit(pyramid[0], frame, np.zeros(6), np.zeros((6, 0)))
    assert still is not None  # the pixels that a moved picture shares with the plate are fewer
    return Registration(
        frame.matrix(fit.motion),
        float(np.hypot(*frame.displacement(fit.motion, region).T).max()),
        fit.uncertainty(frame, region),
        fit.spread,
        still.spread,
        ((width - 1) / 2, (height - 1) / 2),
    )


def laid_back(picture: Picture, registration: Registration) -> Picture:
    """`picture` (H, W, C) brought onto the plate by Lanczos' kernel of 8x8 taps, within its own extremes.

    What it does not show is held from its edge.
    """
    height, width = picture.shape[:2]
    moved = cv2.warpAffine(
        picture,
        registration.matrix,
        (width, height),
        flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.clip(moved, picture.min(), picture.max(), out=np.asarray(moved, np.float32))


def shown_by(registration: Registration, *, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of the plate's pixels, `shape` (H, W), the picture shows at all."""
    height, width = shape
    across, down = np.arange(width)[None], np.arange(height)[:, None]
    linear, offset = registration.matrix[:, :2].astype(np.float32), registration.matrix[:, 2].astype(np.float32)
    x = linear[0, 0] * across + linear[0, 1] * down + offset[0]
    y = linear[1, 0] * across + linear[1, 1] * down + offset[1]
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


@dataclass(frozen=True)
class _Frame:
    """Coordinates (u, v) that are 0 in the middle of the frame and 1 half a diagonal away, so that all six numbers of a
    motion are in source pixels."""

    width: int
    height: int

    @property
    def radius(self) -> float:
        return math.hypot(self.width, self.height) / 2

    def columns(self, points: NDArray[np.floating]) -> Matrix:
        """(N, 3): 1, u, v of points (N, 2), pixel centres at whole numbers."""
        u, v = ((points - ((self.width - 1) / 2, (self.height - 1) / 2)) / self.radius).T
        return np.stack([np.ones_like(u), u, v], axis=1)

    def displacement(self, motion: Matrix, points: NDArray[np.floating]) -> Matrix:
        """(N, 2) in source pixels."""
        return self.columns(points) @ motion.reshape(2, 3).T

    def matrix(self, motion: Matrix) -> Matrix:
        across, down = motion.reshape(2, 3)
        middle = np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        linear = np.stack([across[1:], down[1:]]) / self.radius
        offset = np.array([across[0], down[0]]) - linear @ middle
        return np.concatenate([np.eye(2) + linear, offset[:, None]], axis=1)


@dataclass(frozen=True, eq=False)
class _Level:
    """`picture` and `plate` (h, w) softened luma, `outside` (h, w); `scale`: its pixels per source pixel."""

    picture: Picture
    plate: Picture
    outside: NDArray[np.bool_]
    scale: tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Fit:
    """`covariance` (6, 6) of the motion; `spread` of what is left; `likeness`: correlation with the plate."""

    motion: Matrix
    covariance: Matrix
    spread: float
    likeness: float

    def uncertainty(self, frame: _Frame, points: NDArray[np.floating]) -> float:
        columns = frame.columns(points)
        variances = [
            np.einsum("ni,ij,nj->n", columns, self.covariance[part, part], columns)
            for part in (slice(0, 3), slice(3, 6))
        ]
        return float(np.sqrt(np.sum(variances, axis=0).max()))


def _luma(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), np.float32)


def _pyramid(picture: Picture, plate: Picture, outside: NDArray[np.bool_]) -> list[_Level]:
    """From fine to coarse, each half as large; without levels whose outside is too small to say anything."""
    height, width = outside.shape
    # A softened picture loses nothing more by interpolation, and its gradients are not noise.
    soft = [cv2.GaussianBlur(each, (0, 0), 1.0) for each in (picture, plate)]
    near = cv2.erode(outside.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=1).astype(np.float32)
    factor = min(1.0, math.sqrt(_MOST_PIXELS / (width * height)))
    levels = []
    while True:
        size = round(width * factor), round(height * factor)
        if min(size) < _LEAST_SIDE:
            return levels
        shrunk = [
            np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.float32) for each in (*soft, near)
        ]
        level = _Level(shrunk[0], shrunk[1], shrunk[2] > 0.999, (size[0] / width, size[1] / height))
        if np.count_nonzero(level.outside) < _LEAST_SIDE**2:
            return levels
        levels.append(level)
        factor /= 2


def _descend(levels: Sequence[_Level], frame: _Frame, motion: Matrix) -> _Fit | None:
    """The affine motion improved from coarse to fine; the shift alone where the texture carries no more.

    Levels that are too small to say anything are passed over.
    """
    best = None
    for level in reversed(levels):
        fit = _fit(level, frame, motion, _AFFINE) or _fit(level, frame, motion, _SHIFT)
        if fit is not None:
            best, motion = fit, fit.motion
    return best


def _guess(levels: Sequence[_Level], frame: _Frame) -> Matrix:
    """The shift that phase correlation finds (Kuglin and Hines 1975), without the region."""
    level = min(levels, key=lambda level: abs(min(level.plate.shape) - _GUESS_SIDE))
    window = cv2.GaussianBlur(level.outside.astype(np.float32), (0, 0), 2.0) * cv2.createHanningWindow(
        level.plate.shape[::-1], cv2.CV_32F
    )
    plain = [(each - each[level.outside].mean()) * window for each in (level.plate, level.picture)]
    (across, down), _ = cv2.phaseCorrelate(*plain)
    start = np.zeros(6)
    start[0], start[3] = across / level.scale[0], down / level.scale[1]
    limit = _MOST_SHIFT * max(frame.width, frame.height)
    return start if max(abs(start[0]), abs(start[3])) <= limit else np.zeros(6)


def _simplest(level: _Level, frame: _Frame, fit: _Fit, *, region: NDArray[np.floating]) -> _Fit:
    """The simplest motion that cannot be told from `fit`, or that is surer where the texture does not carry more."""
    corners = np.array([[x, y] for x in (0, frame.width - 1) for y in (0, frame.height - 1)], float)
    for basis in (_SHIFT, _SIMILARITY):
        simple = basis @ np.linalg.pinv(basis) @ fit.motion
        apart = np.abs(frame.displacement(fit.motion - simple, corners)).max()
        if apart < max(_SIMPLER_PX, 2 * fit.uncertainty(frame, corners)):
            simpler = _fit(level, frame, simple, basis)
            if simpler is not None and simpler.uncertainty(frame, region) <= fit.uncertainty(frame, region) + 0.01:
                return simpler
    return fit


def _corners(inside: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Of what holds the pixels `inside`, or of the frame if there are none."""
    if not inside.any():
        inside = np.ones_like(inside)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return np.array([[x, y] for x in columns[[0, -1]] for y in rows[[0, -1]]], float)


def _fit(level: _Level, frame: _Frame, start: Matrix, basis: Matrix) -> _Fit | None:
    """The motion `start` improved within the columns of `basis`; None where the texture does not determine it."""
    height, width = level.outside.shape
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    sx, sy = level.scale
    # Source coordinates of the level's pixel centres.
    places = np.stack([(across.ravel() + 0.5) / sx - 0.5, (down.ravel() + 0.5) / sy - 0.5], axis=1)
    columns = frame.columns(places).astype(np.float32)
    motion, gain, offset = start.copy(), 1.0, 0.0
    plate_slope = _slopes(level.plate)
    for _ in range(_ROUNDS):
        moved = columns @ motion.astype(np.float32).reshape(2, 3).T
        x, y = across + moved[:, 0].reshape(height, width) * sx, down + moved[:, 1].reshape(height, width) * sy
        # OpenCV rounds places to a 32nd of a pixel for every kernel but this one.
        warped = np.asarray(
            cv2.remap(level.picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
        )
        seen = level.outside & (x >= 1) & (x <= width - 2) & (y >= 1) & (y <= height - 2)
        if np.count_nonzero(seen) < _LEAST_SIDE**2:
            return None
        target, shown = level.plate[seen], warped[seen]
        residual = gain * shown + offset - target
        spread = max(float(1.4826 * np.median(np.abs(residual - np.median(residual)))), _LEAST_SPREAD)
        weights = np.square(np.clip(1 - np.square(residual / (_TUKEY * spread)), 0, None))
        slopes = [(gain * a[seen] + b[seen]) / 2 for a, b in zip(_slopes(warped), plate_slope, strict=True)]
        # In source pixels: a level's slope is per level pixel.
        position = columns[seen.ravel()]
        affine = np.concatenate([slopes[0][:, None] * sx * position, slopes[1][:, None] * sy * position], axis=1)
        jacobian = np.concatenate(
            [affine @ basis.astype(np.float32), shown[:, None], np.ones_like(shown)[:, None]], axis=1
        )
        weighted = jacobian * weights[:, None]
        normal, slope = (weighted.T @ jacobian).astype(np.float64), (weighted.T @ residual).astype(np.float64)
        if not np.isfinite(normal).all() or np.linalg.cond(normal / _scales(normal)) > 1e7:
            return None
        step = np.linalg.solve(normal, slope)
        motion -= basis @ step[: basis.shape[1]]
        gain, offset = gain - step[-2], offset - step[-1]
        # A coarse level need not be more exact than its pixels.
        if np.abs(step[:-2]).max(initial=0) * sx < _SETTLED_PX and np.abs(step[-2:]).max() < _SETTLED_GAIN:
            break
    variance = spread**2 * _ALIKE * np.linalg.inv(normal)[: basis.shape[1], : basis.shape[1]]
    kept = weights > 0
    likeness = np.corrcoef(shown[kept], target[kept])[0, 1] if min(shown[kept].std(), target[kept].std()) > 1e-6 else 0
    return _Fit(motion, basis @ variance @ basis.T, spread, float(likeness))


def _scales(normal: Matrix) -> Matrix:
    root = np.sqrt(np.maximum(np.diag(normal), 1e-12))
    return np.outer(root, root)


def _slopes(picture: Picture) -> tuple[Picture, Picture]:
    """Central differences across and down, per pixel."""
    return np.asarray(np.gradient(picture, axis=1)), np.asarray(np.gradient(picture, axis=0))
