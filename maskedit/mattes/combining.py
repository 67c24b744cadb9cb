# SPDX-License-Identifier: GPL-3.0-or-later
"""How soft mattes are laid over one another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def combine(mattes: Iterable[tuple[np.ndarray, bool]], *, onto: np.ndarray) -> np.ndarray:
    """Lay mattes over `onto`, one after the other: (matte, whether it is subtracted), all (H, W) in [0, 1].

    An added matte covers by the maximum, so that one added twice changes nothing and their order does not matter; a
    subtracted one leaves a * (1 - b). Returns a new array.
    """
    for matte, subtract in mattes:
        onto = onto * (1 - matte) if subtract else np.maximum(onto, matte)
    return onto
