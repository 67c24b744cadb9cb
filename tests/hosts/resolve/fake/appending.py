# SPDX-License-Identifier: GPL-3.0-or-later
"""How `AppendToTimeline` places a clip, and how it does not."""

from __future__ import annotations

from typing import Any

from tests.hosts.resolve.fake.model import Cut, Item, PoolClip, Track


def number_of_first(clip: PoolClip) -> int:
    """The number that the pool shows as "Start": pictures keep their own, files count from 0, subclips from theirs."""
    return (clip.media.first if clip.media else 0) + clip.first


def whole(clip: PoolClip) -> dict[str, Any]:
    """A clip given without a range."""
    first = number_of_first(clip)
    return {"mediaPoolItem": clip, "startFrame": first, "endFrame": first + clip.frames}


def append(cut: Cut, info: dict[str, Any], *, overlap: str) -> Item | None:
    """Place what `info` says. None where nothing was placed and Resolve admits it.

    `endFrame` is exclusive. Frames of the source become frames of the timeline rounded down. What would lie over
    another item is dropped, or slid behind it (`overlap`: "drop" or "slide"). On a locked track the answer is an item
    that is not there.
    """
    clip = info["mediaPoolItem"]
    if clip is None or clip.is_gone:
        return None
    asked = whole(clip) | {key: value for key, value in info.items() if value is not None}
    number = int(asked.get("trackIndex", 1))
    tracks = cut.tracks["audio" if asked.get("mediaType") == 2 else "video"]
    if not 1 <= number <= len(tracks):
        return None
    item = _made(cut, clip, asked, tracks[number - 1])
    if item.duration < 1:
        return None
    track = tracks[number - 1]
    if track.is_locked:
        item.is_gone = True
        return item
    if not _put(track, item, overlap):
        return None
    if "mediaType" not in asked and clip.media is not None and clip.media.has_audio:
        sound = _made(cut, clip, asked | {"recordFrame": item.start}, track)
        _put(cut.tracks["audio"][min(number, len(cut.tracks["audio"])) - 1], sound, overlap)
    return item


def _made(cut: Cut, clip: PoolClip, asked: dict[str, Any], track: Track) -> Item:
    first, last = number_of_first(clip), number_of_first(clip) + clip.frames
    start = min(max(int(asked["startFrame"]), first), last)
    end = min(max(int(asked["endFrame"]), start), last)
    after = max((item.end for item in track.items), default=cut.start)
    duration = int((end - start) * cut.rate / clip.rate)
    return Item(clip.name, int(asked.get("recordFrame", after)), duration, clip, start - first)


def _put(track: Track, item: Item, overlap: str) -> bool:
    blocking = [other for other in track.items if other.start < item.end and item.start < other.end]
    if blocking and overlap == "drop":
        return False
    while blocking:
        item.start = max(other.end for other in blocking)
        blocking = [other for other in track.items if other.start < item.end and item.start < other.end]
    track.items.append(item)
    track.items.sort(key=lambda other: other.start)
    return True
