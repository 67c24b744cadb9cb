# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a job has come, from its events: words, share, time left, losses and the newest picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from plugin_client.core.job import Event, JobState
from plugin_client.core.progress import RemainingTime, duration_words, stage_words

TUNING = ("tune_motion", "tune_appearance")
_LOSS = re.compile(r"loss (\d+\.\d+)")


@dataclass(frozen=True)
class Loss:
    """What one step of tuning measured."""

    stage: str
    step: int
    value: float


class Course:
    """Takes in a job's events in their order. `latest` is the newest one, None before the first."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self.latest: Event | None = None
        self.losses: list[Loss] = []
        self.preview = b""
        self.note = ""
        self._clock = clock
        self._stage = ""
        self._left = RemainingTime()

    def take(self, event: Event) -> None:
        """Go on by one event; what was cancelled or begun again forgets the old attempt's stage."""
        self.latest = event
        if event.stage != self._stage:
            self._stage, self._left = event.stage, RemainingTime()
        if event.total:
            self._left.report(event.done, total=event.total, now=self._clock())
        if event.preview:
            self.preview = event.preview
        loss = _LOSS.fullmatch(event.message)
        if loss is None:
            self.note = event.message or self.note
        elif event.stage in TUNING:
            # After a restart from a checkpoint steps come again: they replace what was measured then.
            while self.losses and self.losses[-1].stage == event.stage and self.losses[-1].step >= event.done:
                self.losses.pop()
            self.losses.append(Loss(event.stage, event.done, float(loss[1])))

    @property
    def state(self) -> JobState:
        """UNKNOWN before the first event."""
        return self.latest.state if self.latest else JobState.UNKNOWN

    @property
    def stage(self) -> str:
        """What it is at, "" outside of running."""
        return self.latest.stage if self.latest else ""

    @property
    def is_tuning(self) -> bool:
        """Whether a sample or a save now would be answered."""
        return self.state is JobState.RUNNING and self.stage in TUNING

    @property
    def share(self) -> float | None:
        """How much of its stage is done, 0 to 1; None where that cannot be said."""
        event = self.latest
        if event is None or not event.total or event.state is not JobState.RUNNING:
            return None
        return min(1.0, event.done / event.total)

    @property
    def words(self) -> str:
        """What it is doing: "Learning your edit"."""
        match self.state:
            case JobState.UNKNOWN | JobState.QUEUED:
                return "Waiting in the queue"
            case JobState.RUNNING:
                return stage_words(self.stage) if self.stage else "Starting"
            case JobState.CANCELLING:
                return "Stopping"
            case JobState.INTERRUPTED:
                return "Interrupted, goes on from its last checkpoint"
            case JobState.FAILED:
                return "Failed"
            case state:
                return state.value.capitalize()

    @property
    def seconds_left(self) -> float | None:
        """How long its stage still takes; None while that cannot be known."""
        return self._left.seconds(now=self._clock()) if self.state is JobState.RUNNING else None

    @property
    def left_words(self) -> str:
        """The same in words: "0:45 left"; "" while it cannot be known."""
        seconds = self.seconds_left
        return "" if seconds is None else f"{duration_words(seconds)} left"

    @property
    def short(self) -> str:
        """Where there is little room: "40 %, learning your edit"."""
        return (
            self.words if self.share is None else f"{100 * self.share:.0f} %, {self.words[:1].lower()}{self.words[1:]}"
        )

    @property
    def line(self) -> str:
        """All of it in one line: "Learning your edit, 40 %, 0:45 left"."""
        share = "" if self.share is None else f"{100 * self.share:.0f} %"
        return ", ".join(part for part in (self.words, share, self.left_words) if part)
