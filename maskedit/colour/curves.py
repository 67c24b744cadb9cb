# SPDX-License-Identifier: GPL-3.0-or-later
"""How encodings store light: each curve takes scene-linear values to signals and back, over the whole real line.

Linear 1.0 is diffuse white (a log curve's 90 % card lies at 0.9, middle grey at 0.18). Every curve is monotone and
defined below 0 and above its nominal top, so that nothing a plate holds is lost on the way. The names of the papers
stand beside the figures; the tests hold them against OpenColorIO's built-in transforms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """`encode`: linear to signal, `decode`: its inverse; float64 arrays of any shape. `paper`: where it is defined."""

    encode: Callable[[Values], Values]
    decode: Callable[[Values], Values]
    paper: str


def _logarithmic(
    *, scale: float, offset: float, gain: float, base: float, cut: float, slope: float, toe: float, paper: str
) -> Curve:
    """`base + gain · log10(scale · x + offset)` from `cut` on, `slope · x + toe` below it."""
    joint = slope * cut + toe

    def encode(linear: Values) -> Values:
        above = np.maximum(linear, cut)
        return np.where(linear >= cut, base + gain * np.log10(scale * above + offset), slope * linear + toe)

    def decode(signal: Values) -> Values:
        above = np.maximum(signal, joint)
        return np.where(signal >= joint, (10 ** ((above - base) / gain) - offset) / scale, (signal - toe) / slope)

    return Curve(encode, decode, paper)


def _mirrored(*, scale: float, gain: float, base: float, paper: str) -> Curve:
    """`base ± gain · log10(scale · |x| + 1)`, the same on both sides of black; Canon counts reflectance / 0.9."""

    def encode(linear: Values) -> Values:
        return base + gain * np.copysign(np.log10(scale / 0.9 * np.abs(linear) + 1), linear)

    def decode(signal: Values) -> Values:
        beyond = signal - base
        return np.copysign((10 ** (np.abs(beyond) / gain) - 1) * 0.9 / scale, beyond)

    return Curve(encode, decode, paper)


def _canon_log_3() -> Curve:
    """A straight piece about black between two mirrored logarithms with bases of their own."""
    cut, slope, middle, scale, gain = 0.014, 1.9754798, 0.12512219, 14.98325, 0.36726845
    base_above, base_below = 0.12240537, 0.12783901
    high, low = slope * cut + middle, -slope * cut + middle

    def encode(linear: Values) -> Values:
        x = linear / 0.9
        curved = gain * np.log10(scale * np.abs(x) + 1)
        straight = slope * x + middle
        return np.where(x > cut, base_above + curved, np.where(x < -cut, base_below - curved, straight))

    def decode(signal: Values) -> Values:
        above = (10 ** (np.maximum(signal - base_above, 0) / gain) - 1) / scale
        below = (1 - 10 ** (np.maximum(base_below - signal, 0) / gain)) / scale
        straight = (signal - middle) / slope
        return 0.9 * np.where(signal > high, above, np.where(signal < low, below, straight))

    return Curve(encode, decode, "Canon Log 3, Canon 2020 white paper v1.2")


def _log_c4() -> Curve:
    a, b, c = (2**18 - 16) / 117.45, (1023 - 95) / 1023, 95 / 1023
    s = 7 * math.log(2) * 2 ** (7 - 14 * c / b) / (a * b)
    t = (2 ** (14 * (-c / b) + 6) - 64) / a
    return _logarithmic(
        scale=a, offset=64, gain=b / 14 / math.log10(2), base=c - 6 * b / 14, cut=t, slope=1 / s, toe=-t / s,
        paper="ARRI LogC4 Logarithmic Color Space, SPECIFICATION 2022",
    )  # fmt: skip


# SMPTE ST 2084 gives light as a share of 10,000 cd/m²; diffuse white is put at 203 (ITU-R BT.2408).
_PQ_WHITE = 203 / 10000
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _pq_encode(linear: Values) -> Values:
    powered = (np.abs(linear) * _PQ_WHITE) ** _M1
    foot = _C1**_M2  # the signal of no light at all, 7·10⁻⁷: mirrored about it, the curve has no jump at black
    signal = ((_C1 + _C2 * powered) / (1 + _C3 * powered)) ** _M2
    return np.where(linear < 0, 2 * foot - signal, signal)


def _pq_decode(signal: Values) -> Values:
    foot = _C1**_M2
    # Short of the pole that lies beyond the curve's top, far above any signal that is light.
    mirrored = np.minimum(np.where(signal < foot, 2 * foot - signal, signal), 1.1) ** (1 / _M2)
    light = (np.maximum(mirrored - _C1, 0) / (_C2 - _C3 * mirrored)) ** (1 / _M1) / _PQ_WHITE
    return np.where(signal < foot, -light, light)


# ITU-R BT.2100 table 5; diffuse white is put at 75 % signal (BT.2408), where scene light is 0.265 of the nominal peak.
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073
_HLG_WHITE = (math.exp((0.75 - _HLG_C) / _HLG_A) + _HLG_B) / 12


def _hlg_encode(linear: Values) -> Values:
    light = np.abs(linear) * _HLG_WHITE
    above = _HLG_A * np.log(np.maximum(12 * light - _HLG_B, 1 - _HLG_B)) + _HLG_C
    return np.copysign(np.where(light <= 1 / 12, np.sqrt(3 * light), above), linear)


def _hlg_decode(signal: Values) -> Values:
    size = np.abs(signal)
    above = (np.exp((np.maximum(size, 0.5) - _HLG_C) / _HLG_A) + _HLG_B) / 12
    return np.copysign(np.where(size <= 0.5, size**2 / 3, above) / _HLG_WHITE, signal)


def _same(values: Values) -> Values:
    return values


LINEAR = Curve(_same, _same, "scene-linear light")
LOG_C3 = _logarithmic(
    scale=5.555556, offset=0.052272, gain=0.247190, base=0.385537, cut=0.010591, slope=5.367655, toe=0.092809,
    paper="ALEXA Log C Curve: Usage in VFX, ARRI 2017, EI 800",
)  # fmt: skip
LOG_C4 = _log_c4()
S_LOG3 = _logarithmic(
    scale=1 / 0.19, offset=0.01 / 0.19, gain=261.5 / 1023, base=420 / 1023, cut=0.01125,
    slope=(171.2102946929 - 95) / 0.01125 / 1023, toe=95 / 1023,
    paper="Technical Summary for S-Gamut3.Cine/S-Log3 and S-Gamut3/S-Log3, Sony",
)  # fmt: skip
V_LOG = _logarithmic(
    scale=1, offset=0.00873, gain=0.241514, base=0.598206, cut=0.01, slope=5.6, toe=0.125,
    paper="VARICAM V-Log/V-Gamut, Panasonic 2014",
)  # fmt: skip
CANON_LOG = _mirrored(scale=10.1596, gain=0.45310179, base=0.12512248, paper="Canon Log, Canon 2020 white paper v1.2")
CANON_LOG_2 = _mirrored(
    scale=87.09937546, gain=0.24136077, base=0.092864125, paper="Canon Log 2, Canon 2020 white paper v1.2"
)
CANON_LOG_3 = _canon_log_3()
PQ = Curve(_pq_encode, _pq_decode, "SMPTE ST 2084 with diffuse white at 203 cd/m² (ITU-R BT.2408)")
HLG = Curve(_hlg_encode, _hlg_decode, "ITU-R BT.2100 HLG OETF with diffuse white at 75 % (ITU-R BT.2408)")
