# SPDX-License-Identifier: GPL-3.0-or-later
"""One run as the interface shows it: what was ordered, and how far it has come. Of the main thread alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from plugin_client.blender.orders import Order
from plugin_client.core.course import Course
from plugin_client.core.host import PlacedResult, Prepared
from plugin_client.core.job import JobState

if TYPE_CHECKING:
    from plugin_client.core.requests import MatteFile


class RunState(StrEnum):
    """What becomes of an order. WAITING: the result is here, but its timeline is not open, or may not be touched."""

    PREPARING = "preparing"
    SENDING = "sending"
    RUNNING = "running"
    FETCHING = "fetching"
    WAITING = "waiting"
    PLACED = "placed"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


_OVER = (RunState.PLACED, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Prepares:
    """What has to be made before an order can be sent; made on a thread. `clip`: None where the strip has a file.

    `folder`: where both write, from `Engine.new_folder`.
    """

    matte: Prepared[MatteFile]
    folder: Path
    clip: Prepared[str] | None = None


@dataclass(kw_only=True)
class Run:
    """`blend`: the file that it belongs to, "" = one that was never saved. `document`: that file, as it is open now.

    `error`: why it stands still, a sentence; `trouble`: why it cannot go on just now. `media`: the fetched result,
    `preview`: the newest picture of it. `placed`: where it lies on the timeline. `is_prepared`: whether all that it
    needs has been made. `asked`: what it had said last when it was asked for a picture or a save; None = it never was.
    """

    run_id: str
    order: Order
    blend: str = ""
    document: object = None
    job_id: str = ""
    is_prepared: bool = False
    state: RunState = RunState.PREPARING
    error: str = ""
    trouble: str = ""
    doing: str = ""
    done: int = 0
    total: int = 0
    preview: str = ""
    media: str = ""
    placed: PlacedResult | None = None
    asked: str | None = None

    def __post_init__(self) -> None:
        self.course = Course()

    @property
    def is_over(self) -> bool:
        """True where nothing more will happen by itself."""
        return self.state in _OVER or bool(self.error)

    @property
    def is_queued(self) -> bool:
        """Whether the server has it and has not begun."""
        return self.state is RunState.RUNNING and self.course.state is JobState.QUEUED and not self.trouble

    @property
    def can_retry(self) -> bool:
        """Whether it can go on from where it failed, see `Engine.retry`."""
        return bool(self.error) and self.is_prepared

    @property
    def words(self) -> str:
        """What it is doing: "Learning your edit"."""
        if self.trouble and not self.is_over:
            return self.trouble
        match self.state:
            case RunState.RUNNING:
                return self.course.words
            case RunState.CANCELLING:
                return "Stopping"
            case RunState.PLACED:
                return "Done"
            case RunState.FAILED | RunState.CANCELLED:
                return self.state.value.capitalize()
            case _:
                return self.doing

    @property
    def answer(self) -> str:
        """What it says to what it was asked for; "" where it was asked for nothing, or learns no more."""
        if self.asked is None or not self.course.is_tuning:
            return ""
        note = self.course.note
        return note.splitlines()[0] if note != self.asked else "Asked: it answers after its next step"

    @property
    def share(self) -> float | None:
        """How much of what it is doing is done, 0 to 1; None where that cannot be said."""
        if self.state is RunState.RUNNING:
            return self.course.share
        if self.state in (RunState.PREPARING, RunState.SENDING) and self.total:
            return min(1.0, self.done / self.total)
        return None

    @property
    def left_words(self) -> str:
        """How long its stage still takes: "0:45 left"; "" while that cannot be known."""
        return self.course.left_words if self.state is RunState.RUNNING and not self.trouble else ""

    @property
    def line(self) -> str:
        """All of it in one line: "Learning your edit, 40 %, 0:45 left"."""
        share = "" if self.share is None else f"{100 * self.share:.0f} %"
        return ", ".join(part for part in (self.words, share, self.left_words) if part)

    def go(self, state: RunState, doing: str = "") -> None:
        """Enter `state`; what was said of the one before is over. A run that was cancelled stays so."""
        if self.state in (RunState.CANCELLING, RunState.CANCELLED):
            return
        self.state, self.doing, self.trouble, self.done, self.total = state, doing, "", 0, 0


Tell: TypeAlias = Callable[[Callable[[Run], None]], None]
"""Has a change made to the run on the main thread, soon."""
