# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes as image editors return them: laid back onto the plate, matched in colour, looked at outside the matte.

Everything is judged by the pixels outside the paste matte, where a keyframe should be its plate; what equals it there
passes through untouched. `inspect` does it all for one picture. Torch-free, on the CPU, one picture at a time.
"""

from maskedit.hygiene.changes import Change, changed_outside
from maskedit.hygiene.keyframes import LEAST_DRIFT, LEAST_MOVE_PX, MOST_DRIFT, SAME, Inspected, inspect
from maskedit.hygiene.matching import ColourDrift, colour_drift, recoloured
from maskedit.hygiene.registering import Registration, laid_back, register

__all__ = [
    "LEAST_DRIFT",
    "LEAST_MOVE_PX",
    "MOST_DRIFT",
    "SAME",
    "Change",
    "ColourDrift",
    "Inspected",
    "Registration",
    "changed_outside",
    "colour_drift",
    "inspect",
    "laid_back",
    "recoloured",
    "register",
]
