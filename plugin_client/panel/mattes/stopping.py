# SPDX-License-Identifier: GPL-3.0-or-later
"""How long work in the background is told to stop (no Qt)."""

from __future__ import annotations

from collections.abc import Callable

Going = Callable[[float], bool]
"""Told how far the work is, from 0 to 1; answers whether it is to go on."""


class Stopped(Exception):
    """The user stopped the work; what it had made is gone."""


def go_on(going: Going, done: float) -> None:
    """Say how far the work is. Raises Stopped if it is not to go on."""
    if not going(min(max(done, 0.0), 1.0)):
        raise Stopped


def part(going: Going, begin: float, end: float) -> Going:
    """`going` for a part of the work that leads from `begin` to `end` of it."""
    return lambda done: going(begin + done * (end - begin))
