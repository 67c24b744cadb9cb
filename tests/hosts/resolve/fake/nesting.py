# SPDX-License-Identifier: GPL-3.0-or-later
"""Compound and Fusion clips: items that lie in a timeline of their own; and clips inserted at the playhead."""

from __future__ import annotations

from tests.hosts.resolve.fake.model import Bin, Cut, Item, PoolClip, Track


def nest(cut: Cut, items: list[Item], name: str, folder: Bin) -> Item:
    """Take `items` off `cut`, into a new timeline of their own, and put that in their place, on the lowest track."""
    start, end = min(item.start for item in items), max(item.end for item in items)
    inner = Cut(name, cut.rate_label, width=cut.width, height=cut.height)
    places = [cut.track_of(item) for item in items]
    kinds = [(number, track) for kind, number, track in filter(None, places) if kind == "video"]
    lowest = min(kinds, key=lambda place: place[0])[1]
    inner.tracks["video"] = [Track(f"Video {number}") for number in range(1, max(n for n, _ in kinds) + 1)]
    for item, place in zip(items, places, strict=True):
        assert place is not None
        place[2].items.remove(item)
        item.start += inner.start - start
        inner.tracks["video"][place[1] - 1].items.append(item)
    clip = PoolClip(name, None, nested=inner)
    folder.clips.append(clip)
    made = Item(name, start, end - start, clip)
    lowest.items.append(made)
    lowest.items.sort(key=lambda item: item.start)
    return made


def insert(cut: Cut, item: Item) -> Item:
    """At the playhead on the first track that is not locked; what lies there moves aside."""
    track = next(track for track in cut.tracks["video"] if not track.is_locked)
    for later in track.items:
        later.start += item.duration if later.start >= item.start else 0
    track.items.append(item)
    track.items.sort(key=lambda other: other.start)
    return item
