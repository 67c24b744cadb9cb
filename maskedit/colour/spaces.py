# SPDX-License-Identifier: GPL-3.0-or-later
"""The working colours that have a name: what a plate's R'G'B' stands for, brought to scene-linear Rec.709 and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from maskedit.colour import curves
from maskedit.colour.curves import Curve
from maskedit.colour.gamuts import matrix_between

Values = NDArray[np.float64]


class Scene(Protocol):
    """A scene-referred encoding: (…, 3) R'G'B' of the plate to linear Rec.709 (1.0 = diffuse white) and back."""

    @property
    def words(self) -> str:
        """How a record and a message name it."""
        ...

    def to_linear(self, encoded: Values) -> Values: ...
    def from_linear(self, linear: Values) -> Values: ...


@dataclass(frozen=True)
class Encoding:
    """A curve over a gamut's primaries, both by formula."""

    words: str
    curve: Curve
    gamut: str

    def to_linear(self, encoded: Values) -> Values:
        return self.curve.decode(encoded) @ matrix_between(self.gamut, "bt709").T

    def from_linear(self, linear: Values) -> Values:
        return self.curve.encode(linear @ matrix_between("bt709", self.gamut).T)


# What a screen shows as it is: there is nothing to convert.
DISPLAY = {"rec709": "Rec.709", "srgb": "sRGB"}
SCENES: dict[str, Scene] = {
    "linear": Encoding("linear Rec.709", curves.LINEAR, "bt709"),
    "linear-rec2020": Encoding("linear Rec.2020", curves.LINEAR, "bt2020"),
    "linear-p3": Encoding("linear P3-D65", curves.LINEAR, "smpte432"),
    "acescg": Encoding("ACEScg", curves.LINEAR, "ap1"),
    "aces2065-1": Encoding("ACES2065-1", curves.LINEAR, "ap0"),
    "logc3": Encoding("LogC3 EI 800, ARRI Wide Gamut 3", curves.LOG_C3, "arri-wide-gamut-3"),
    "logc4": Encoding("LogC4, ARRI Wide Gamut 4", curves.LOG_C4, "arri-wide-gamut-4"),
    "slog3": Encoding("S-Log3, S-Gamut3.Cine", curves.S_LOG3, "s-gamut3.cine"),
    "slog3-sgamut3": Encoding("S-Log3, S-Gamut3", curves.S_LOG3, "s-gamut3"),
    "vlog": Encoding("V-Log, V-Gamut", curves.V_LOG, "v-gamut"),
    "clog": Encoding("Canon Log, Cinema Gamut", curves.CANON_LOG, "cinema-gamut"),
    "clog2": Encoding("Canon Log 2, Cinema Gamut", curves.CANON_LOG_2, "cinema-gamut"),
    "clog3": Encoding("Canon Log 3, Cinema Gamut", curves.CANON_LOG_3, "cinema-gamut"),
    "pq": Encoding("Rec.2100 PQ", curves.PQ, "bt2020"),
    "hlg": Encoding("Rec.2100 HLG", curves.HLG, "bt2020"),
}
NAMES = (*DISPLAY, *SCENES)
