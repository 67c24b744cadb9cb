# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake application holds: plain state, changed by scripts through the API and by people by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.hosts.resolve.fake.media import Media
from tests.hosts.resolve.fake.timecode import RATES, frame_of

_numbers = itertools.count(1)


def unique_id(kind: str) -> str:
    """A name that no other object of this process has."""
    return f"{kind}-{next(_numbers):08d}"


@dataclass(frozen=True)
class Mark:
    """A marker; `frame` is relative to what carries it."""

    frame: int
    color: str
    name: str
    note: str
    duration: int
    custom_data: str


@dataclass(eq=False)
class PoolClip:
    """One entry of the media pool. `media` is None for a nested timeline or Fusion clip: it has no file.

    `subclip`: (first, last) frames of the media that a subclip shows, both included.
    """

    name: str
    media: Media | None
    nested: Cut | None = None
    subclip: tuple[int, int] | None = None
    mattes: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    color: str = ""
    in_out: tuple[int, int] | None = None
    is_gone: bool = False
    uid: str = field(default_factory=lambda: unique_id("clip"))

    @property
    def first(self) -> int:
        """The first frame it shows, of its media."""
        return self.subclip[0] if self.subclip else 0

    @property
    def frames(self) -> int:
        if self.subclip:
            return self.subclip[1] - self.subclip[0] + 1
        return self.media.frames if self.media else self.nested.length if self.nested else 0

    @property
    def rate(self) -> Fraction:
        return self.media.rate if self.media else self.nested.rate if self.nested else Fraction(24)


@dataclass(eq=False)
class Take:
    clip: PoolClip
    source_in: int
    source_out: int


@dataclass(eq=False)
class Item:
    """A clip on a track. `start` and `duration`: frames of the timeline, absolute. `source_in`: of the pool clip.

    `speed`: 1 is 100 %. `clip` is None for a generator, which shows `colour` (RGBA).
    """

    name: str
    start: int
    duration: int
    clip: PoolClip | None = None
    source_in: int = 0
    speed: Fraction = Fraction(1)
    colour: tuple[int, int, int, int] = (0, 0, 0, 255)
    comps: list[Any] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    takes: list[Take] = field(default_factory=list)
    take: int = 0
    flags: list[str] = field(default_factory=list)
    clip_color: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    grade: str = ""
    group: str = ""
    is_enabled: bool = True
    is_gone: bool = False
    uid: str = field(default_factory=lambda: unique_id("item"))

    @property
    def end(self) -> int:
        return self.start + self.duration

    def rate_ratio(self, cut: Cut) -> Fraction:
        """Timeline frames per source frame at 100 %."""
        return cut.rate / self.clip.rate if self.clip else Fraction(1)

    def source_frame(self, frame: int, cut: Cut) -> int:
        """The frame of the pool clip that shows at the timeline's `frame`."""
        return self.source_in + int((frame - self.start) * self.speed / self.rate_ratio(cut))


@dataclass(eq=False)
class Track:
    name: str
    items: list[Item] = field(default_factory=list)
    is_enabled: bool = True
    is_locked: bool = False
    subtype: str = ""


@dataclass(eq=False)
class Cut:
    """A timeline. `rate_label` is a key of RATES; it starts at `start` frames after midnight."""

    name: str
    rate_label: str = "24"
    start_timecode: str = "01:00:00:00"
    width: int = 1920
    height: int = 1080
    tracks: dict[str, list[Track]] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    in_out: tuple[int, int] | None = None
    playhead: int = 0
    selected: list[Item] = field(default_factory=list)
    is_gone: bool = False
    uid: str = field(default_factory=lambda: unique_id("timeline"))

    def __post_init__(self) -> None:
        if self.drop_frame:
            self.start_timecode = self.start_timecode[:8] + ";" + self.start_timecode[9:]
        if not self.tracks:
            self.tracks = {
                "video": [Track("Video 1")],
                "audio": [Track("Audio 1", subtype="stereo")],
                "subtitle": [],
            }
        self.playhead = self.start

    @property
    def rate(self) -> Fraction:
        return RATES[self.rate_label]

    @property
    def drop_frame(self) -> bool:
        return self.rate_label.endswith("DF")

    @property
    def start(self) -> int:
        return frame_of(self.start_timecode, self.rate)

    @property
    def end(self) -> int:
        """The frame after the last one in use."""
        return max((item.end for item in self.all_items()), default=self.start)

    @property
    def length(self) -> int:
        return self.end - self.start

    def all_items(self) -> list[Item]:
        return [item for tracks in self.tracks.values() for track in tracks for item in track.items]

    def track_of(self, item: Item) -> tuple[str, int, Track] | None:
        """The kind, number (from 1) and track that `item` lies on; None once it is deleted."""
        for kind, tracks in self.tracks.items():
            for number, track in enumerate(tracks, 1):
                if item in track.items:
                    return kind, number, track
        return None


@dataclass(eq=False)
class Bin:
    """A folder of the media pool."""

    name: str
    clips: list[PoolClip] = field(default_factory=list)
    bins: list[Bin] = field(default_factory=list)
    uid: str = field(default_factory=lambda: unique_id("folder"))

    def walk(self) -> list[Bin]:
        return [self, *(inner for child in self.bins for inner in child.walk())]


@dataclass(eq=False)
class Still:
    picture: Any
    label: str = ""


@dataclass(eq=False)
class Album:
    name: str
    stills: list[Still] = field(default_factory=list)
