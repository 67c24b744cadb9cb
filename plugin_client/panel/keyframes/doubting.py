# SPDX-License-Identifier: GPL-3.0-or-later
"""How unsure each frame is, from whoever knows it best now, in words (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plugin_client.panel.model.desk import Desk

# Less than this share of the region is no guess that anybody would see.
_SURE = 0.005


@dataclass(frozen=True)
class Doubtful:
    """`uncertainty`: clip frame → share of the region, 0 to 1, that no keyframe shows. `best`: the frame whose painting
    would lower the mean of it most, by `gain`; None if none would by much."""

    uncertainty: Mapping[int, float]
    best: int | None
    gain: float

    def words(self, frame: int) -> str:
        """What there is to know about a frame."""
        share = self.uncertainty.get(frame)
        if share is None:
            said = f"Frame {frame} lies outside the range"
        elif share < _SURE:
            said = f"Frame {frame}: the keyframes show all of its region"
        else:
            said = f"Frame {frame}: no keyframe shows {_percent(share)} of its region, that much is a guess"
        return f"{said}. {self.hint}" if frame == self.best else f"{said}."

    @property
    def hint(self) -> str:
        """Which frame to paint next, one sentence; "" if none would help much."""
        if self.best is None:
            return ""
        return f"Painting frame {self.best} would help most: {_percent(self.gain)} less of the region to guess."


def doubts_on(desk: Desk) -> Doubtful | None:
    """Of the take that is shown, by its record, else of the live draft; None while nothing is known."""
    take = desk.takes.get(desk.takes.current)
    if take is not None and (recorded := take.record.get("uncertainty")):
        best = take.record.get("next_keyframe") or {}
        uncertainty = {int(frame): float(share) for frame, share in recorded.items()}
        return _open(desk, Doubtful(uncertainty, best.get("frame"), float(best.get("gain", 0.0))))
    doubts, first = desk.draft.doubts, desk.draft.first
    if doubts is None:
        return None
    best = None if doubts.next_keyframe is None else first + doubts.next_keyframe
    return _open(desk, Doubtful(dict(enumerate(doubts.uncertainty, start=first)), best, float(doubts.gain)))


def _open(desk: Desk, known: Doubtful) -> Doubtful:
    """A frame that has been painted since is no advice any more."""
    if known.best is not None and desk.project.document.keyframe_at(known.best) is not None:
        return Doubtful(known.uncertainty, None, 0.0)
    return known


def _percent(share: float) -> str:
    return f"{max(1, round(100 * share))} %"
