# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking Resolve's scripting objects: what they answer instead of failing becomes a sentence.

A failed call answers None or False, an open dialog makes every call fail, and `hasattr` is always true. The objects are
Resolve's own or `remote.Remote`s; the functions here see no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from plugin_client.core.errors import BadInput


def has(thing: Any, name: str) -> bool:
    """True if this version of Resolve knows the method."""
    return name in dir(thing)


def ask(thing: Any, name: str, *values: Any, trouble: str = "") -> Any:
    """What `thing.name(*values)` answers. None and False raise BadInput: `trouble`, or a sentence about the call."""
    method = getattr(thing, name)
    answer = method(*values) if method is not None else None
    if answer is None or answer is False:
        raise BadInput(
            trouble or f"Resolve did not answer {name}: close any window that is open in it, then try again."
        )
    return answer


def insist(thing: Any, name: str, *values: Any) -> bool:
    """Call `thing.name(*values)`, once more if it fails: for putting things back, where Resolve may refuse the first
    time what it does the second. Returns whether it worked."""
    return any(getattr(thing, name)(*values) for _ in range(2))


def setting(timeline: Any, name: str) -> str:
    """One setting of the timeline, as text. Since 21.1 there is only the call for all of them."""
    if has(timeline, "GetSettings"):
        found = ask(timeline, "GetSettings").get(name)
        return "" if found is None else str(found)
    return str(ask(timeline, "GetSetting", name))


def properties(item: Any) -> dict[str, Any]:
    """What the Inspector shows of a timeline item: transform, cropping, composite and scaling, without keyframes."""
    return dict(ask(item, "GetProperties" if has(item, "GetProperties") else "GetProperty"))


def set_properties(item: Any, values: dict[str, Any]) -> None:
    """Set what `properties` shows, in this order; whether it was taken is to be read back."""
    if not has(item, "SetProperties"):
        for name, value in values.items():
            insist(item, "SetProperty", name, value)
    elif not insist(item, "SetProperties", values):
        # One value that is not valid keeps all of them from being set.
        for name, value in values.items():
            insist(item, "SetProperties", {name: value})


def id_of(thing: Any) -> str:
    """Its unique id, "" if it has none: two objects of one thing are not equal, their ids are."""
    return str(thing.GetUniqueId() or thing.GetUniqueId() or "")


def open_project(resolve: Any) -> Any:
    """The project that is open. Raises BadInput if there is none."""
    manager = ask(resolve, "GetProjectManager")
    return ask(manager, "GetCurrentProject", trouble="No project is open in Resolve: open one, then try again.")


def open_timeline(project: Any) -> Any:
    """The timeline that is open. Raises BadInput if there is none."""
    return ask(project, "GetCurrentTimeline", trouble="No timeline is open in Resolve: open one, then try again.")


def timeline_by_id(project: Any, uid: str) -> Any | None:
    """The project's timeline of that unique id, None once it is deleted."""
    for number in range(1, int(ask(project, "GetTimelineCount")) + 1):
        timeline = ask(project, "GetTimelineByIndex", number)
        if id_of(timeline) == uid:
            return timeline
    return None


def items_on(timeline: Any, track: int) -> list[Any]:
    """The items of one video track. An empty track has no list at all, nor has a call that fails: it is asked twice."""
    items = timeline.GetItemListInTrack("video", track) or timeline.GetItemListInTrack("video", track)
    return [item for item in items or [] if item is not None]


def track_of(timeline: Any, item: Any) -> int | None:
    """The number of the video track that the item lies on; None for sound, and for what is not on this timeline."""
    if has(item, "GetTrackTypeAndIndex"):
        kind, track = item.GetTrackTypeAndIndex() or ("", 0)
        return int(track) if kind == "video" else None
    found = item_by_id(timeline, id_of(item))
    return found[0] if found else None


def item_by_id(timeline: Any, uid: str, *, track: int = 1) -> tuple[int, Any] | None:
    """(track, item) of the video item with that unique id, looked for on `track` first; None once it is deleted."""
    others = range(1, int(ask(timeline, "GetTrackCount", "video")) + 1)
    for number in sorted(others, key=lambda other: other != track):
        for item in items_on(timeline, number):
            if id_of(item) == uid:
                return number, item
    return None


@contextmanager
def on_page(resolve: Any, page: str) -> Iterator[None]:
    """Work on `page`, then go back to where the user was."""
    before = ask(resolve, "GetCurrentPage")
    if before != page:
        ask(resolve, "OpenPage", page, trouble=f"Resolve does not open its {page.capitalize()} page: open it by hand.")
    try:
        yield
    finally:
        if before != page:
            insist(resolve, "OpenPage", before)
