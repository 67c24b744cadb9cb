# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do in the application with their hands, and no script can: the state that scripts come upon."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.fusion import PolylineMask
from tests.hosts.resolve.fake.jobs import Queue
from tests.hosts.resolve.fake.model import Item, PoolClip


def place(timeline: Any, clip: Any, *, track: int, start: int, source: tuple[int, int]) -> Item:
    """Cut frames `source` (first, one after the last) of a pool clip into a track; `start` is absolute."""
    cut, pool_clip = bare(timeline).cut, bare(clip).clip
    duration = int((source[1] - source[0]) * cut.rate / pool_clip.rate)
    item = Item(pool_clip.name, start, duration, pool_clip, source[0])
    cut.tracks["video"][track - 1].items.append(item)
    cut.tracks["video"][track - 1].items.sort(key=lambda other: other.start)
    return item


def retime(item: Item, percent: int) -> None:
    """Change the speed, ripple off: the source stays, the length on the timeline changes."""
    speed = Fraction(percent, 100)
    item.duration = int(item.duration * item.speed / speed)
    item.speed = speed


def grade(item: Item, grade: str, *, group: str = "") -> None:
    """Grade on the Color page, and put into a colour group."""
    item.grade, item.group = grade, group


def select(timeline: Any, *items: Item) -> None:
    """Select `items` and put the playhead on the first of them."""
    cut = bare(timeline).cut
    cut.selected = list(items)
    if items:
        cut.playhead = items[0].start


def move(item: Item, frames: int) -> None:
    """Drag along the track."""
    item.start += frames


def delete(timeline: Any, item: Item) -> None:
    """Delete from the timeline, without a ripple."""
    place = bare(timeline).cut.track_of(item)
    assert place is not None
    place[2].items.remove(item)
    item.is_gone = True


def subclip(clip: Any, first: int, last: int, name: str) -> PoolClip:
    """Make a subclip of frames `first` to `last` beside its clip, in the current folder."""
    played = bare(clip)
    made = PoolClip(name, played.clip.media, subclip=(first, last))
    (played.file.current_bin or played.file.root).clips.append(made)
    return made


def attach_matte(clip: Any, path: str) -> None:
    """Add a clip matte in the media pool."""
    bare(clip).clip.mattes.append(path)


def draw_masks(item: Any, *masks: PolylineMask) -> None:
    """Draw polygons on the Fusion page, in the item's first comp."""
    played = bare(item)
    comp = played.item.comps[0] if played.item.comps else played.new_comp()
    comp.masks.extend(masks)


def deliver_page(project: Any) -> Queue:
    """The Deliver page as it was left: `settings` and `presets` to change, `polls` and `next_error` of rendering."""
    return bare(project).file.queue
