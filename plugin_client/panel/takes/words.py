# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's scorecard in an editor's words: what each figure says, and whether it is a reason to look (no Qt)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What is below is not seen at normal viewing distance: three 8-bit codes between neighbours, a tenth in sharpness.
_SEEN_CODES = 3.0
_SEEN_DRIFT_CODES = 8.0
_ALIKE = (0.85, 1.2)
_GRAIN_ALIKE = (0.7, 1.4)
# A painted frame that comes through to within two codes counts as it was painted.
_KEPT_DB = 38.0


@dataclass(frozen=True)
class Verdict:
    """`says`: the figure in a sentence; `means`: what to make of it; `good`: green rather than amber."""

    good: bool
    says: str
    means: str = ""


def verdicts(record: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """What the scorecard in a take's record says, reasons to look first; () where the take was not scored."""
    card = record.get("scorecard")
    if not card:
        return ()
    found = [*_of_scores(card.get("scores", {})), *_of_equal(card.get("equal", {}))]
    return tuple(sorted(found, key=lambda verdict: verdict.good))


def headline(record: Mapping[str, Any]) -> Verdict | None:
    """All of it in one line; None where the take was not scored."""
    said = verdicts(record)
    if not said:
        return None
    amber = sum(not verdict.good for verdict in said)
    if not amber:
        return Verdict(True, "Nothing stands out.")
    return Verdict(False, f"{amber} {'thing' if amber == 1 else 'things'} to look at.")


def next_keyframe(record: Mapping[str, Any]) -> str:
    """Which frame to paint next, and why; "" where hardly anything would be gained."""
    hint = record.get("next_keyframe")
    if not hint:
        return ""
    unsure = (record.get("uncertainty") or {}).get(str(hint["frame"]))
    why = "" if unsure is None else f", no keyframe shows {100 * unsure:.0f} % of its region"
    return f"Frame {hint['frame']} would help most{why}: edit it as a further keyframe."


def _of_scores(scores: Mapping[str, Any]) -> Iterator[Verdict]:
    for name, judge in _JUDGES.items():
        value = number(scores.get(name))
        if value is not None:
            yield judge(value, scores)


def _background(changed: float, _: Mapping[str, Any]) -> Verdict:
    if not changed:
        return Verdict(True, "Everything outside the region is untouched.")
    return Verdict(
        False,
        f"{changed:,.0f} samples outside the region changed.",
        "The format cannot keep them exactly: export FFV1.",
    )


def _seam(codes: float, _: Mapping[str, Any]) -> Verdict:
    if codes <= 2 * _SEEN_CODES:
        return Verdict(True, f"The edge blends in, {codes:.1f} codes off its surroundings.")
    return Verdict(
        False,
        f"The edge differs from the plate by {codes:.1f} codes.",
        "Where the edit itself reaches the edge that is as it should be; else widen Grow or Feather.",
    )


def _keyframe(decibels: float, _: Mapping[str, Any]) -> Verdict:
    if decibels >= _KEPT_DB:
        return Verdict(True, "The painted frames came through as painted.")
    return Verdict(
        False,
        f"The painted frames came through changed, {decibels:.0f} dB.",
        "Grain, steadying or a soft matte edge change them: compare the frame with its keyframe.",
    )


def _motion(added: float, scores: Mapping[str, Any]) -> Verdict:
    source = number(scores.get("source_warp_error")) or 0.0
    if added <= max(0.5 * source, 1.0):
        return Verdict(True, "It moves as the plate moves.")
    return Verdict(
        False,
        f"It moves less steadily than the plate, by {added:.1f} codes from frame to frame.",
        "Play it: if it crawls or flickers, add a keyframe there or take a higher preset.",
    )


def _sharpness(ratio: float, _: Mapping[str, Any]) -> Verdict:
    if _ALIKE[0] <= ratio <= _ALIKE[1]:
        return Verdict(True, "As sharp as the plate.")
    softer = ratio < 1
    means = "Draw the region closer, or edit parts of it one by one." if softer else "Lower Sharpness in the finish."
    return Verdict(False, f"{abs(1 - ratio):.0%} {'softer' if softer else 'sharper'} than the plate.", means)


def _grain(ratio: float, _: Mapping[str, Any]) -> Verdict:
    if _GRAIN_ALIKE[0] <= ratio <= _GRAIN_ALIKE[1]:
        return Verdict(True, "Its grain matches the plate's.")
    less = ratio < 1
    means = "Raise Grain in the finish." if less else "Its own texture may count as grain: look closely."
    return Verdict(False, f"{'Less' if less else 'More'} grain than the plate, {ratio:.0%} of it.", means)


def _halo(codes: float, _: Mapping[str, Any]) -> Verdict:
    if codes <= _SEEN_CODES:
        return Verdict(True, "No halo around the edge.")
    return Verdict(False, f"A halo of {codes:.1f} codes along the edge.", "Widen Feather, or grow the matte a little.")


def _flicker(codes: float, scores: Mapping[str, Any]) -> Verdict:
    plate = number(scores.get("source_flicker")) or 0.0
    if codes <= plate + _SEEN_CODES / 2:
        return Verdict(True, "It flickers no more than the plate.")
    return Verdict(
        False, f"Its colour flickers by {codes:.1f} codes, the plate's by {plate:.1f}.", "Raise Steady in the finish."
    )


def _drift(codes: float, _: Mapping[str, Any]) -> Verdict:
    if codes <= _SEEN_DRIFT_CODES:
        return Verdict(True, "Its colour holds through the shot.")
    return Verdict(
        False, f"Its colour drifts by {codes:.0f} codes in 50 frames.", "Add a keyframe towards the end of the range."
    )


_JUDGES: Mapping[str, Callable[[float, Mapping[str, Any]], Verdict]] = {
    "samples_changed_outside": _background,
    "seam_ring_error": _seam,
    "keyframe_psnr": _keyframe,
    "added_warp_error": _motion,
    "sharpness_ratio": _sharpness,
    "grain_ratio": _grain,
    "halo_ring": _halo,
    "result_flicker": _flicker,
    "drift": _drift,
}
_EQUAL = {"frame_count": "frame count", "size": "frame size", "rate": "frame rate", "audio": "sound"}


def _of_equal(equal: Mapping[str, bool]) -> Iterator[Verdict]:
    wrong = [_EQUAL.get(name, name) for name, same in equal.items() if not same]
    if wrong:
        yield Verdict(False, f"Not as in the clip: {', '.join(wrong)}.", "Run the edit again before you deliver it.")
    elif equal:
        yield Verdict(True, f"As in the clip: {', '.join(_EQUAL.get(name, name) for name in equal)}.")


def number(value: Any) -> float | None:
    """A score as a number: JSON has no infinity, so that "inf" stands for it. None where nothing was measured."""
    if value == "inf":
        return math.inf
    return float(value) if isinstance(value, int | float) else None
