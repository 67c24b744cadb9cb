# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cases and rows belong together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from maskedit.benchmark.cases import Case
from maskedit.benchmark.footage import recoloured, unchanged
from maskedit.benchmark.rows import LEVERS, QUALITY, Row, quickened
from maskedit.benchmark.scenes import changing, repainted, turning


@dataclass(frozen=True, kw_only=True)
class Suite:
    """`cases`: name → what makes the case, each time the same."""

    cases: Mapping[str, Callable[[], Case]]
    rows: tuple[Row, ...]


def _cases(*, frames: int, long: int, size: int) -> dict[str, Callable[[], Case]]:
    """Of `frames` frames, one of `long`; the drawn ones `size` pixels high and wide."""
    made = {"frames": frames, "size": size}
    pair = partial(repainted, about="another texture on a moving object", **made)
    change = partial(changing, 7, **made)
    fox = partial(recoloured, frames=frames)
    last, middle = frames - 1, frames // 2
    builders = {
        "pair-1": partial(pair, 3),
        "pair-2": partial(pair, 10),
        "pair-3": partial(pair, 11),
        "recolour": partial(fox, about="real footage, grey fur to a fox's"),
        "identity": partial(unchanged, about="real footage, nothing is to change", frames=frames),
        "uncovered": partial(turning, 1, about="what turns into view, frame 0 never showed it", **made),
        "change": partial(change, about="a look that changes, first keyframe only", keyframes=(0,)),
        "change-two": partial(change, about="the same with a second keyframe at the end", keyframes=(0, last)),
        "left-out": partial(
            fox, about="of three keyframes the middle one is left out", keyframes=(0, last), judged=(middle,)
        ),
        "long": partial(repainted, 13, about="longer than the model's window", frames=long, size=size),
    }
    return {name: partial(builder, name=name) for name, builder in builders.items()}


_FULL = _cases(frames=13, long=33, size=160)
_SMALL = _cases(frames=5, long=5, size=64)

SUITES = {
    "quality": Suite(cases=_FULL, rows=QUALITY),
    "levers": Suite(
        cases={name: _FULL[name] for name in ("pair-1", "recolour", "identity", "uncovered", "change-two")}, rows=LEVERS
    ),
}
# The whole way in a minute.
QUICK = Suite(cases={name: _SMALL[name] for name in ("pair-1", "recolour")}, rows=tuple(map(quickened, QUALITY)))
