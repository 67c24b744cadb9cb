# SPDX-License-Identifier: GPL-3.0-or-later
"""From scene-linear light to what a screen shows, and back exactly: one smooth monotone curve for all of it.

    y = (1 + (s / T)^n) · x^n / (x^n + s^n)    for 0 ≤ x ≤ T

The photoreceptors' response (Naka & Rushton 1966, J. Physiol. 185), as Reinhard & Devlin (2005, IEEE TVCG 11) took it
up for tone reproduction, scaled so that x = T = 512, eleven and a half stops above middle grey and more than any camera
curve holds, is shown as 1. n = 0.7; s is such that middle grey, 0.18, is shown as sRGB shows it: 0.4614. Diffuse white
is shown as 0.74, about as a film print has it, and one stop anywhere below T still spans 130 codes of 16 bits.
Beyond T the curve goes on as a straight line over log x, and below 0 as its own mirror image. So it has an inverse
everywhere, and what lies outside 0 to 1 is known by how much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

TOP = 512.0
_POWER = 0.7
_GREY, _GREY_SHOWN = 0.18, 1.055 * 0.18 ** (1 / 2.4) - 0.055


def _half_at() -> float:
    """`s^n`. The scale to 1 depends on s too, so it is solved for: the equation is linear in s^n's reciprocal."""
    grey, top = _GREY**_POWER, TOP**_POWER
    # shown · (g + h) = (1 + h / t) · g  →  h = g · (1 - shown) / (shown - g / t)
    return grey * (1 - _GREY_SHOWN) / (_GREY_SHOWN - grey / top)


_HALF = _half_at()
_SCALE = 1 + _HALF / TOP**_POWER
# dy / d(ln x) at the top, where y = 1: n · y · (1 - y / scale)
_SLOPE = _POWER * (1 - 1 / _SCALE)


def display_from_linear(linear: Values) -> Values:
    """Display-referred values of scene-linear ones, any shape: [0, TOP] to [0, 1], the rest beyond it."""
    size = np.abs(linear)
    powered = np.minimum(size, TOP) ** _POWER
    shown = _SCALE * powered / (powered + _HALF) + _SLOPE * np.log(np.maximum(size, TOP) / TOP)
    return np.copysign(shown, linear)


def linear_from_display(display: Values) -> Values:
    """The inverse of `display_from_linear`."""
    size = np.abs(display)
    inside = np.minimum(size, 1.0)
    linear = (_HALF * inside / (_SCALE - inside)) ** (1 / _POWER)
    # A picture is never shown far beyond 1: past what float32 holds there is nothing to come back to.
    return np.copysign(linear * np.exp(np.minimum((size - inside) / _SLOPE, 80.0)), display)
