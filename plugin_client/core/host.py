# SPDX-License-Identifier: GPL-3.0-or-later
"""What core asks of a host application (Blender, Resolve, the panel's own stage), and nothing more.

A host package implements `Host` against its application's API; it holds no job logic. All calls are made on the
application's main thread and answer at once. What takes time comes in two steps: `prepare_…` takes what it needs from
the application there and then, and returns a call that does the work, to be made on any thread but that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from plugin_client.core.timeline import FrameRange

if TYPE_CHECKING:
    # It needs protobuf, which a host application's start-up cannot wait for.
    from plugin_client.core.requests import MatteFile

Made = TypeVar("Made")
Progress: TypeAlias = Callable[[int, int], None]
"""Told how much of how much is done; an exception that it raises ends the work."""
Prepared: TypeAlias = Callable[[Progress], Made]
"""The second step, called once: does what was prepared, and returns what came of it."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One selected strip or timeline item, as plain values that outlive the host's own objects.

    `media`: the file, or an image sequence pattern; "" where there is none and the host has to render the pictures
    (a nested timeline), see `Host.prepare_clip`. `frames`: the part in use, counted from 0 at the media's first
    frame. `rate`: of the media. `record_frame`: where `frames.first` lies on the host's timeline, by the host's own
    numbering. `place`: the host's stable name of the spot (scene and channel, timeline and track), for `put_result`.
    """

    media: str
    frames: FrameRange
    rate: Fraction
    record_frame: int
    place: str


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What a result says of itself, kept on the host's item and in its project: enough to find its job and to redo it.

    `name`: what people call the take. `settings`: the edit as the host's own forms hold it, in plain JSON values.
    """

    job_id: str
    name: str = ""
    prompt: str = ""
    seed: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)


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

    def prepare_clip(self, shot: Shot, folder: Path) -> Prepared[str]:
        """The shot's media: its own, or rendered into `folder` without loss, at its rate, from frame 0 on."""
        ...

    def prepare_matte(self, shot: Shot, choice: str, folder: Path) -> Prepared[MatteFile]:
        """The matte that the user chose, in the host's own words: a file, or the host's mask written into `folder`.

        White is the region to edit, in the pixels of the shot's media, numbered like it. Raises BadInput if there is
        no such matte.
        """
        ...

    def prepare_picture(self, shot: Shot, frame: int, target: Path) -> Prepared[Path]:
        """The media's frame `frame` as a PNG file, ungraded and in source size."""
        ...

    def may_place(self) -> bool:
        """False while the application renders or saves: what is to be placed then waits."""
        ...

    def put_result(self, media: str, shot: Shot, *, marks: Marks, has_alpha: bool) -> PlacedResult:
        """Place the finished `media` above `shot`, on a free track, at its start and length; one undo removes it.

        `has_alpha`: straight alpha says what it covers. Nothing that was on the timeline changes. Raises BadInput
        where there is no room.
        """
        ...
