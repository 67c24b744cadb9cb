# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's stages in an editor's words, and how long a stage still takes, measured and never guessed."""

from __future__ import annotations

from collections import deque

STAGES = ("prepare", "encode", "tune_motion", "tune_appearance", "render", "composite", "write")

_WORDS = {
    "prepare": "Reading the clip",
    "encode": "Preparing the frames",
    "tune_motion": "Learning the shot's motion",
    "tune_appearance": "Learning your edit",
    "render": "Rendering the edit",
    "composite": "Laying it over the source",
    "write": "Writing the result",
}


def stage_words(stage: str) -> str:
    """What an editor calls `stage`; an unknown one (of a newer server) is named as it is."""
    return _WORDS.get(stage, stage.replace("_", " ").capitalize())


def stage_order(stage: str) -> int:
    """Where `stage` comes among the others; unknown ones come last."""
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


def duration_words(seconds: float) -> str:
    """`"0:45"`, `"12:03"`, `"1:02:03"`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def about_words(seconds: float) -> str:
    """A number and its unit, as exact as an estimate can be: "40 s", "3 min", "1.5 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def span_words(least_seconds: float, most_seconds: float) -> str:
    """Between what and what: "2–9 min", "40 s–3 min", "about 3 min"; "" where the most is 0, not known."""
    if not most_seconds:
        return ""
    least, most = about_words(least_seconds), about_words(most_seconds)
    if least == most:
        return f"about {least}"
    value, unit = least.split()
    return f"{value if unit == most.split()[1] else least}–{most}"


class RemainingTime:
    """Seconds until one stage ends, from the speed of its latest units: those of `window_seconds`, at least three.

    Says None until it can be known: until three units were timed over at least two seconds. Between reports it
    counts down; once a unit is overdue it grows again, because nothing shows that the unit is about to end.
    """

    _MIN_UNITS = 3
    _MIN_SECONDS = 2.0

    def __init__(self, *, window_seconds: float = 30.0) -> None:
        self._window_seconds = window_seconds
        self._reports: deque[tuple[float, int]] = deque()
        self._total = 0

    def report(self, done: int, *, total: int, now: float) -> None:
        """Note that `done` of `total` units are finished at `now` (seconds; if they run back, all is forgotten)."""
        if total != self._total or (self._reports and (now < self._reports[-1][0] or done < self._reports[-1][1])):
            self._reports.clear()
            self._total = total
        self._reports.append((now, done))
        while self._may_forget(now):
            self._reports.popleft()

    def _may_forget(self, now: float) -> bool:
        """Whether the oldest report is too old, and enough units come after it: slow ones outlast any window."""
        if len(self._reports) < 3:
            return False
        at, done = self._reports[1]
        return now - at > self._window_seconds and self._reports[-1][1] - done >= self._MIN_UNITS

    def seconds(self, *, now: float) -> float | None:
        """What is left at `now`, None while it cannot be known."""
        if not self._reports:
            return None
        (began, first), (latest, done) = self._reports[0], self._reports[-1]
        units = done - first
        if units < self._MIN_UNITS or latest - began < self._MIN_SECONDS:
            return None
        left = self._total - done
        typical, waited = (latest - began) / units, now - latest
        if left <= 0:
            return 0.0
        if waited <= typical:
            return left * typical - waited
        slower = (now - began) / (units + 1)
        return (left - 1) * slower + (waited - typical)
