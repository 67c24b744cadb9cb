# SPDX-License-Identifier: GPL-3.0-or-later
"""Values between keys: linear, held or smooth, at whole frames and between them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

Interp = Literal["linear", "hold", "smooth"]
Moment = int | Fraction
"""A frame's number, or a point of time between frames."""


@dataclass(frozen=True)
class Track:
    """Keyed values over time, held before the first key and after the last.

    `frames`: the keys' frames, ascending; `values` (keys, …) float64; `interps`: how the value goes from each key to
    the next one. Smooth is a monotone cubic (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 1984): its speed has
    no jumps and is 0 at both ends, and no number ever leaves the range between its two keys.
    """

    frames: tuple[int, ...]
    values: np.ndarray
    interps: tuple[Interp, ...]

    def at(self, moment: Moment) -> np.ndarray:
        """The values at `moment`, in the shape of one key's."""
        here = bisect_right(self.frames, moment) - 1
        if here < 0:
            return self.values[0]
        if here == len(self.frames) - 1 or self.interps[here] == "hold":
            return self.values[here]
        start, end = self.values[here], self.values[here + 1]
        span = self.frames[here + 1] - self.frames[here]
        weight = float((moment - self.frames[here]) / span)
        if self.interps[here] == "linear":
            return (1 - weight) * start + weight * end
        leaving, arriving = span * self._speed(here), span * self._speed(here + 1)
        rest = 1 - weight
        eased = rest**2 * (1 + 2 * weight) * start + weight**2 * (1 + 2 * rest) * end
        curve = eased + weight * rest * (rest * leaving - weight * arriving)
        return np.clip(curve, np.minimum(start, end), np.maximum(start, end))

    def _speed(self, key: int) -> np.ndarray:
        """Change per frame at a key: the weighted harmonic mean of both sides, 0 where they do not agree in sign."""
        if key in (0, len(self.frames) - 1):
            return np.zeros_like(self.values[key])
        before, after = self._slope(key - 1), self._slope(key)
        earlier, later = self.frames[key] - self.frames[key - 1], self.frames[key + 1] - self.frames[key]
        weight = (earlier + 2 * later) / (3 * (earlier + later))
        agree = before * after > 0
        mean = weight * after + (1 - weight) * before
        return np.where(agree, before * after / np.where(agree, mean, 1), 0)

    def _slope(self, key: int) -> np.ndarray:
        """Change per frame from a key to the next; none where the value is held and then jumps."""
        if self.interps[key] == "hold":
            return np.zeros_like(self.values[key])
        return (self.values[key + 1] - self.values[key]) / (self.frames[key + 1] - self.frames[key])
