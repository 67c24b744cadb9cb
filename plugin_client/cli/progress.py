# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's progress on a terminal (bars) or in a log (lines), with the time left once it is known."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from plugin_client.core.job import Event, JobState
from plugin_client.core.progress import RemainingTime, duration_words, stage_words

LINE_SECONDS = 5.0
_REDRAW_SECONDS = 0.5
# Somebody may set this machine's clock while we watch: from here on time only passes.
_EPOCH = time.time() - time.monotonic()


class Display(Protocol):
    """A context manager that shows events as they come."""

    def show(self, event: Event) -> None:
        """Show one event."""
        ...

    def __enter__(self) -> Display: ...

    def __exit__(self, *_: object) -> None: ...


def display_for(console: Console) -> Display:
    """Bars on a terminal, lines elsewhere."""
    return BarDisplay(console) if console.is_terminal else LineDisplay(console)


class StageClock:
    """One stage's elapsed and remaining time, by the server's clock as far as it is known from `events`."""

    def __init__(self, event: Event, *, now: float) -> None:
        self._began_at = self._latest_at = event.at
        self._lag = now - event.at
        self._remaining = RemainingTime()
        self.done, self.total = 0, 1
        self.report(event, now=now)

    def report(self, event: Event, *, now: float) -> None:
        """Take in an event of this stage that arrived at `now` (seconds since the epoch, by this machine's clock)."""
        self._lag = min(self._lag, now - event.at)
        self._latest_at = event.at
        self.done, self.total = event.done, max(event.total, 1)
        self._remaining.report(event.done, total=event.total, now=event.at)

    @property
    def is_done(self) -> bool:
        return self.done >= self.total

    def words(self, *, now: float) -> str:
        """`"0:12"`, or `"0:12, about 0:30 left"` once that is known."""
        now_there = self._latest_at if self.is_done else max(now - self._lag, self._latest_at)
        left = None if self.is_done else self._remaining.seconds(now=now_there)
        elapsed = duration_words(now_there - self._began_at)
        return elapsed if left is None else f"{elapsed}, about {duration_words(left)} left"


class LineDisplay:
    """One line when a stage begins and ends, and every few seconds between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._message = ""
        self._clock: StageClock | None = None
        self._line_at = 0.0

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: Event) -> None:
        now = _now()
        message = state_words(event)
        if message and message != self._message:
            self._console.print(message)
        self._message = message
        if not event.stage or event.total <= 0:
            return
        if event.stage != self._stage or self._clock is None:
            self._stage, self._clock = event.stage, StageClock(event, now=now)
            self._line_at = 0.0
        else:
            self._clock.report(event, now=now)
        if self._clock.is_done or now - self._line_at >= LINE_SECONDS:
            self._line_at = now
            percent = 100 * self._clock.done // self._clock.total
            line = f"{stage_words(event.stage)}: {percent} % ({self._clock.words(now=now)}) {event.message}"
            self._console.print(line.rstrip())


class BarDisplay:
    """One bar per stage; those that are through stay with the time they took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            _ClockColumn(),
            TextColumn("{task.fields[said]}", style="dim"),
            console=console,
        )
        self._message = ""
        self._clocks: dict[str, tuple[TaskID, StageClock]] = {}

    def __enter__(self) -> BarDisplay:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        now = _now()
        message = state_words(event)
        if message and message != self._message:
            self._console.print(message)
        self._message = message
        if not event.stage or event.total <= 0:
            return
        if event.stage not in self._clocks:
            clock = StageClock(event, now=now)
            task = self._progress.add_task(stage_words(event.stage), total=event.total, clock=clock, said="")
            self._clocks[event.stage] = (task, clock)
        else:
            task, clock = self._clocks[event.stage]
            clock.report(event, now=now)
        self._progress.update(task, completed=event.done, total=event.total, said=event.message)


class TransferDisplay:
    """How far files on their way are: one line that changes on a terminal, in a log one every few seconds."""

    def __init__(self, console: Console, what: str) -> None:
        self._console, self._what = console, what
        self._remaining = RemainingTime()
        self._line_at = -LINE_SECONDS

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` bytes are there."""
        now = _now()
        self._remaining.report(done, total=total, now=now)
        redraws, is_done = self._console.is_terminal, done >= total
        if not is_done and now - self._line_at < (_REDRAW_SECONDS if redraws else LINE_SECONDS):
            return
        self._line_at = now
        line = f"{self._what}: {100 * done // max(total, 1)} %"
        if not is_done:
            left = self._remaining.seconds(now=now)
            line += f" of {total / 1e6:.0f} MB" + ("" if left is None else f", about {duration_words(left)} left")
        self._console.print(line.ljust(60) if redraws else line, end="\n" if is_done or not redraws else "\r")


class _ClockColumn(ProgressColumn):
    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        return Text(task.fields["clock"].words(now=_now()), style="progress.remaining")


def state_words(event: Event) -> str:
    """What a change of state means to the user, "" for plain progress."""
    match event.state:
        case JobState.QUEUED:
            return event.message or "Waiting for its turn"
        case JobState.CANCELLING:
            return "Cancelling"
        case JobState.INTERRUPTED:
            return event.message or "The worker stopped unexpectedly: the job resumes by itself."
        case _:
            return ""


def _now() -> float:
    """Seconds since the epoch, whatever happens to the clock."""
    return _EPOCH + time.monotonic()
