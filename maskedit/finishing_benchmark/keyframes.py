# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes that came back shifted, tinted, noisy and compressed, against the shift and the picture put into them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.demo import SOURCE
from maskedit.finishing_benchmark import Row
from maskedit.hygiene import inspect
from maskedit.media import ClipReader
from maskedit.request import KeyframeCare

Picture = NDArray[np.float32]

_SHIFTS = ((0.3, -0.2), (-1.37, 0.81), (4.5, 2.25), (-11.6, 7.9))
_TINT = np.array([1.03, 1.0, 0.96], np.float32)
_LIFT = 0.008
_NOISE = 0.006
_QUALITY = 88
# Pixels at the frame's edge, where a shifted picture shows what the plate does not.
_RIM = 16


def measure() -> list[Row]:
    """The worst of four shifts."""
    with ClipReader(SOURCE) as clip:
        plate = next(clip.frames(0, 0)).rgb()
    height, width = plate.shape[:2]
    region = np.s_[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    edited = plate.copy()
    edited[region] = edited[region][:, ::-1] * np.array([1.0, 0.6, 0.4], np.float32)
    outside = np.ones((height, width), bool)
    outside[region] = False
    moved_by, left = [], []
    for across, down in _SHIFTS:
        found = inspect(
            _worn(_shifted(edited, across, down) * _TINT + _LIFT), plate, outside=outside, care=KeyframeCare()
        )
        truth = np.array([across, down])
        offset = np.full(2, np.inf) if found.registration is None else found.registration.matrix[:, 2] - truth
        moved_by.append(float(np.hypot(*offset)))
        kept = outside.copy()
        kept[:_RIM], kept[-_RIM:], kept[:, :_RIM], kept[:, -_RIM:] = False, False, False, False
        left.append(float(np.abs(np.median((found.picture - plate)[kept], axis=0)).max() * 255))
    untouched = inspect(edited, plate, outside=outside, care=KeyframeCare()).picture is edited
    return [
        Row(
            name="shifted + tinted keyframe: registration",
            what=f"greatest error of {len(_SHIFTS)} shifts, with tint, noise and JPEG {_QUALITY}",
            figure=max(moved_by),
            unit="px",
            most=0.1,
        ),
        Row(
            name="shifted + tinted keyframe: colour",
            what="greatest median difference of a channel from the plate outside the matte, after matching",
            figure=max(left),
            unit="/255",
            most=1.0,
        ),
        Row(
            name="untouched keyframe",
            what="1: one that is its plate outside the matte does not pass through bit for bit",
            figure=float(not untouched),
            most=0,
        ),
    ]


def _shifted(picture: Picture, across: float, down: float) -> Picture:
    """Moved by Fourier's theorem, mirrored at the edges: exact for what the sampling holds."""
    height, width = picture.shape[:2]
    wide = np.concatenate([picture, picture[::-1]], axis=0)
    wide = np.concatenate([wide, wide[:, ::-1]], axis=1).astype(np.float64)
    turn = np.exp(-2j * np.pi * (np.fft.fftfreq(2 * height)[:, None] * down + np.fft.fftfreq(2 * width)[None] * across))
    moved = np.fft.ifft2(np.fft.fft2(wide, axes=(0, 1)) * turn[..., None], axes=(0, 1)).real
    return moved[:height, :width].astype(np.float32)


def _worn(picture: Picture) -> Picture:
    noisy = picture + np.random.default_rng(0).normal(0, _NOISE, picture.shape)
    codes = np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
    _, file = cv2.imencode(".jpg", codes[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))[..., ::-1].astype(np.float32) / np.float32(255)
