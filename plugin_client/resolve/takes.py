# SPDX-License-Identifier: GPL-3.0-or-later
"""A further result of the same clip, where an earlier one lies already: as a take of it, or in the place of its file.

What Resolve does to the length of an item with takes is not documented: what was added is read back, and taken away
again where the item is not what it was.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import parse_rate
from plugin_client.resolve.api import ask, id_of, insist
from plugin_client.resolve.marking import source_of
from plugin_client.resolve.spots import Spot
from plugin_client.resolve.tracks import is_locked, track_count, within


def earlier_result(timeline: Any, room: Spot, *, above: int, length: int) -> tuple[int, Any] | None:
    """(track, item) of the uppermost result of the same source that lies exactly at the room, for `length` frames."""
    for track in range(track_count(timeline), above, -1):
        if is_locked(timeline, track):
            continue
        for item in within(timeline, track, room):
            if _place(item) == (room.frame, length) and source_of(item) == room.item:
                return track, item
    return None


def add_take(item: Any, clip: Any, undo: ExitStack) -> int | None:
    """Show the whole of the pool's `clip` as a take of `item`. Returns the take's number, 0 if it shows it already.

    None, and nothing changed, where that would move the item or change its length. Raises BadInput if Resolve does not
    answer.
    """
    if id_of(ask(item, "GetMediaPoolItem")) == id_of(clip):
        return 0
    place = _place(item)
    count, selected = (int(ask(item, name)) for name in ("GetTakesCount", "GetSelectedTakeIndex"))
    with ExitStack() as back:
        back.callback(_without_takes_after, item, count, selected)
        number = int(ask(item, "GetTakesCount")) if item.AddTake(clip) else 0
        if number > count and _shows(item, clip, number) and _place(item) == place:
            undo.push(back.pop_all())
            return number
    return None


def replace_file(item: Any, media: str, undo: ExitStack, *, frames: int, rate: Fraction) -> None:
    """Make the item's clip in the media pool show the file `media` wherever it is used.

    `frames`: how many have to be there, at `rate`. Raises BadInput where Resolve does not, or moves the item.
    """
    place, clip = _place(item), ask(item, "GetMediaPoolItem")
    before = ask(clip, "GetClipProperty", "File Path")
    undo.callback(insist, clip, "ReplaceClip", before)
    trouble = f"Resolve does not replace {Path(before).name} by {Path(media).name}: add it as a take instead."
    ask(clip, "ReplaceClip", media, trouble=trouble)
    shown = {name: ask(clip, "GetClipProperty", name) for name in ("File Path", "Frames", "FPS")}
    is_whole = int(shown["Frames"]) >= frames and parse_rate(str(shown["FPS"])) == rate
    if Path(shown["File Path"]) != Path(media) or not is_whole or _place(item) != place:
        raise BadInput(trouble)


def _place(item: Any) -> tuple[int, int]:
    return int(ask(item, "GetStart")), int(ask(item, "GetDuration"))


def _shows(item: Any, clip: Any, number: int) -> bool:
    """Whether the take can be selected, and is that clip from its first frame on."""
    insist(item, "SelectTakeByIndex", number)
    added = ask(item, "GetTakeByIndex", number).get("mediaPoolItem")
    is_selected = ask(item, "GetSelectedTakeIndex") == number and ask(item, "GetLeftOffset") == 0
    return is_selected and added is not None and id_of(added) == id_of(clip)


def _without_takes_after(item: Any, count: int, selected: int) -> None:
    """Back to `count` takes and the one that was selected; without any, back to a plain clip."""
    now = int(item.GetTakesCount() or item.GetTakesCount() or 0)
    if now == count:
        return
    insist(item, "SelectTakeByIndex", max(selected, 1))
    for number in range(now, max(count, 1), -1):
        insist(item, "DeleteTakeByIndex", number)
    if count == 0:
        insist(item, "FinalizeTake")
