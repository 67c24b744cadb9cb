# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a result is finished, on plates whose perfect finish is known.

`python -m maskedit.finishing_benchmark` asks every module of this room for its figures: `measure()` returns them as
rows, and `pictures()`, where a module has one, returns caption → picture (H, W, 3) in [0, 1] for the page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure with its goal: `least` <= figure <= `most`.

    `name`: what is looked at, in a few words; `what`: how the figure comes about; `unit`: "" for ratios and counts.
    """

    name: str
    what: str
    figure: float
    unit: str = ""
    least: float = -math.inf
    most: float = math.inf

    def __post_init__(self) -> None:
        if math.isinf(self.least) and math.isinf(self.most):
            raise ValueError(f"the figure {self.name!r} has no goal: nothing could fail it")

    @property
    def goal(self) -> str:
        """The goal in words, without the unit."""
        if self.least == self.most:
            return f"{self.least:g}"
        if math.isinf(self.least):
            return f"≤ {self.most:g}"
        if math.isinf(self.most):
            return f"≥ {self.least:g}"
        return f"{self.least:g} to {self.most:g}"

    @property
    def met(self) -> bool:
        """Whether the figure reaches its goal; one that is not a number never does."""
        return self.least <= self.figure <= self.most
