# SPDX-License-Identifier: GPL-3.0-or-later
"""What core asks of a host application (Blender, Resolve, the panel's own stage), and nothing more.

A host package implements `Host` against its application's API; it holds no job logic. All calls are made on the
application's main thread, `run_on_main_thread` apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from plugin_client.core.timeline import FrameRange


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One selected strip or timeline item, as plain values that outlive the host's own objects.

    `media`: the file, or an image sequence pattern. `frames`: the part in use, counted from 0 at the media's first
    frame. `rate`: of the media. `record_frame`: where `frames.first` lies on the host's timeline, by the host's own
    numbering. `place`: the host's stable name of the spot (scene and channel, timeline and track), for `put_result`.
    """

    media: str
    frames: FrameRange
    rate: Fraction
    record_frame: int
    place: str


@dataclass(frozen=True, kw_only=True)
class PlacedResult:
    """Where a result lies on the timeline now; `item` is the host's stable name of the new strip."""

    item: str
    record_frame: int
    frames: int


class Host(Protocol):
    """A host application, seen from core."""

    @property
    def name(self) -> str:
        """The application and its version, for messages and the take's record."""
        ...

    def selected_shot(self) -> Shot:
        """What the user has selected. Raises BadInput for nothing, several, or a retimed strip."""
        ...

    def matte_for(self, shot: Shot, folder: Path) -> str:
        """The path of the shot's matte: an attached file, or the host's mask written into `folder`.

        White is the region to edit; frame numbering is that of the shot's media. Raises BadInput if there is none.
        """
        ...

    def picture_at(self, shot: Shot, frame: int, folder: Path) -> Path:
        """The media's frame `frame` as a picture file in `folder`, ungraded and at source size."""
        ...

    def put_result(self, result: Path, shot: Shot, *, job_id: str) -> PlacedResult:
        """Place the rendered `result` above `shot`, on a free track, at its start and length; one undo removes it.

        `job_id` is kept on the new item. Nothing that was on the timeline changes.
        """
        ...

    def run_on_main_thread(self, action: Callable[[], None]) -> None:
        """Have `action` run on the application's main thread soon; may be called from any thread."""
        ...
