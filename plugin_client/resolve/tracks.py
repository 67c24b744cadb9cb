# SPDX-License-Identifier: GPL-3.0-or-later
"""Video tracks for results: one of ours that is free for the whole time, or a new one right above the source."""

from __future__ import annotations

import re
from contextlib import ExitStack, suppress
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.api import ask, id_of, insist, items_on
from plugin_client.resolve.spots import Spot

TRACK = "MaskEdit"
"""What our tracks are called; people may number them."""
_OURS = re.compile(rf"{TRACK}(\s*\d+)?")
_TROUBLE = f"Resolve adds no video track: add one above the clip by hand, name it {TRACK}, then try again."


def free_track(timeline: Any, room: Spot, undo: ExitStack, *, above: int) -> tuple[int, tuple[str, ...]]:
    """The number of a track above `above` with nothing on it from the room's first frame to its last; and sentences.

    A new one is added where there is none; `undo` learns how to take it away. Raises BadInput if Resolve adds none.
    """
    for track in range(above + 1, track_count(timeline) + 1):
        # A locked track takes nothing and says that it did.
        if is_ours(timeline, track) and not is_locked(timeline, track) and not within(timeline, track, room):
            return track, ()
    before = _layout(timeline)
    # Over earlier results.
    wanted = above + 1
    while wanted <= len(before) and is_ours(timeline, wanted):
        wanted += 1
    undo.callback(_remove_added, timeline, before, wanted)
    notes: tuple[str, ...] = ()
    made = None
    if any(before[wanted - 1 :]):
        timeline.AddTrack("video", {"index": wanted})
        made = _added(timeline, before, wanted)
    if made is None:
        # Not its answer: the track tells.
        timeline.AddTrack("video")
        made = _added(timeline, before, wanted)
    if made is None:
        raise BadInput(_TROUBLE)
    insist(timeline, "SetTrackName", "video", made, TRACK)
    if not is_ours(timeline, made):
        notes += (f"Resolve did not name video track {made}: name it {TRACK}, so that further results go there.",)
    return made, notes


def track_count(timeline: Any) -> int:
    """How many video tracks there are."""
    return int(ask(timeline, "GetTrackCount", "video"))


def is_ours(timeline: Any, track: int) -> bool:
    """True by its name, which is asked twice: a call that fails has none."""
    names = (str(timeline.GetTrackName("video", track) or "") for _ in range(2))
    return any(_OURS.fullmatch(name.strip()) for name in names)


def is_locked(timeline: Any, track: int) -> bool:
    """True if nothing on the track can be changed."""
    # A call that fails says no as well: only two say that it is free.
    return any(timeline.GetIsTrackLocked("video", track) for _ in range(2))


def within(timeline: Any, track: int, room: Spot) -> list[Any]:
    """The items of a track that show anywhere between the room's first and last frame."""
    items = items_on(timeline, track)
    return [item for item in items if ask(item, "GetStart") < room.end and ask(item, "GetEnd") > room.frame]


def covered(timeline: Any, room: Spot, between: range) -> tuple[str, ...]:
    """A sentence if clips that are not ours lie on the tracks `between` source and result."""
    others = [track for track in between if not is_ours(timeline, track)]
    if not any(within(timeline, track, room) for track in others):
        return ()
    return (f"The result lies over other clips above {room.item_name} too: drag it down if it hides them.",)


def _layout(timeline: Any) -> list[list[str]]:
    """The ids of what lies on each video track, from the lowest up."""
    return [[id_of(item) for item in items_on(timeline, track)] for track in range(1, track_count(timeline) + 1)]


def _added(timeline: Any, before: list[list[str]], wanted: int) -> int | None:
    """The number of the one track, still empty, that was not there `before`; None if that is not how it is now."""
    now = _layout(timeline)
    # Old versions answer that all went well, and put it on top.
    if any(before[wanted - 1 :]) and now == [*before[: wanted - 1], [], *before[wanted - 1 :]]:
        return wanted
    return len(now) if now == [*before, []] else None


def _remove_added(timeline: Any, before: list[list[str]], wanted: int) -> None:
    with suppress(BadInput):
        made = _added(timeline, before, wanted)
        if made is not None:
            insist(timeline, "DeleteTrack", "video", made)
