# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished result onto the timeline, on a track of ours above its source; all of it or nothing.

Resolve reports successes that are none, and drops or slides what would overlap: a track is taken only where it is free,
and what was appended is read back. Each step says how it is undone, and a failure undoes them in turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, PlacedResult, Shot
from plugin_client.resolve.api import ask, id_of, insist, item_by_id, items_on, on_page, open_project, timeline_by_id
from plugin_client.resolve.importing import import_result
from plugin_client.resolve.spots import Spot, spot_from

TRACK = "MaskEdit"
"""What our tracks are called."""
COLOR = "Fuchsia"
"""Of the marker on each result."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A result on the timeline; `track`: its video track. `notes`: sentences about what is not as it was."""

    result: PlacedResult
    track: int
    notes: tuple[str, ...] = ()


def put_result(resolve: Any, media: str, shot: Shot, *, marks: Marks) -> Placed:
    """Place `media`, a file or a pattern of pictures, over `shot`: as many of its frames as the shot has.

    The result goes to the shot's timeline and frame, wherever the user has gone since, on a track named MaskEdit above
    the source's, and carries a marker with `marks`. Raises BadInput, with the place of the file, where it cannot be
    placed; then the project is as it was before.
    """
    spot = spot_from(shot.place)
    try:
        project = open_project(resolve)
        with _timeline_open(project, spot) as timeline, on_page(resolve, "edit"), ExitStack() as undo:
            lowest, notes = _source_now(timeline, spot)
            track = _free_track(timeline, spot, undo, above=lowest)
            notes += _covered(timeline, spot, range(lowest + 1, track))
            pool = ask(project, "GetMediaPool")
            clip = import_result(pool, media, undo, frames=len(shot.frames), rate=shot.rate)
            item = _appended(pool, timeline, clip, shot, spot, undo, track=track)
            words = json.dumps(asdict(marks), ensure_ascii=False, default=str)
            ask(item, "AddMarker", 0, COLOR, f"MaskEdit {marks.name}".strip(), marks.prompt, 1, words)
            length = int(ask(item, "GetDuration"))
            placed = PlacedResult(item=ask(item, "GetUniqueId"), record_frame=spot.frame, frames=length)
            undo.pop_all()
    except BadInput as error:
        raise BadInput(f"{str(error).removesuffix('.')}; the result is kept in {media}.") from error
    missing = spot.length - length
    if missing > 0:
        unit = "frame" if missing == 1 else "frames"
        notes += (f"The result ends {missing} {unit} before {spot.item_name}: their rates differ.",)
    return Placed(result=placed, track=track, notes=notes)


@contextmanager
def _timeline_open(project: Any, spot: Spot) -> Iterator[Any]:
    """The spot's timeline, made the current one for the while: appending knows no other."""
    if ask(project, "GetUniqueId") != spot.project:
        raise BadInput(f"Another project is open in Resolve: open {spot.project_name}, then bring the result back.")
    timeline = timeline_by_id(project, spot.timeline)
    if timeline is None:
        raise BadInput(f"The timeline {spot.timeline_name} is not in the project any more: add the result by hand.")
    before = ask(project, "GetCurrentTimeline")
    goes_back = ask(before, "GetUniqueId") != spot.timeline
    if goes_back:
        trouble = f"Resolve does not open the timeline {spot.timeline_name}: open it by hand, then try again."
        ask(project, "SetCurrentTimeline", timeline, trouble=trouble)
    try:
        yield timeline
    finally:
        if goes_back:
            insist(project, "SetCurrentTimeline", before)


def _source_now(timeline: Any, spot: Spot) -> tuple[int, tuple[str, ...]]:
    """The track of the source, and what has become of it since the edit was submitted, as sentences."""
    found = item_by_id(timeline, spot.item, track=spot.track)
    if found is None:
        return spot.track, (f"{spot.item_name} is not on the timeline any more: the result lies where it was.",)
    track, item = found
    if (ask(item, "GetStart"), ask(item, "GetDuration")) == (spot.frame, spot.length):
        return track, ()
    return track, (f"{spot.item_name} was moved or trimmed since the edit began: the result lies where it was then.",)


def _free_track(timeline: Any, spot: Spot, undo: ExitStack, *, above: int) -> int:
    """A track of ours above that number with nothing from the spot's first frame to its last, or a new one on top."""
    count = int(ask(timeline, "GetTrackCount", "video"))
    for track in range(above + 1, count + 1):
        # A locked track takes nothing and says that it did.
        if _is_ours(timeline, track) and not _is_locked(timeline, track) and not _within(timeline, track, spot):
            return track
    made = count + 1
    undo.callback(_remove_track, timeline, made)
    trouble = "Resolve adds no video track: add one on top by hand, name it MaskEdit, then try again."
    ask(timeline, "AddTrack", "video", trouble=trouble)
    if timeline.GetTrackCount("video") != made:
        raise BadInput(trouble)
    ask(timeline, "SetTrackName", "video", made, TRACK, trouble=trouble)
    return made


def _is_ours(timeline: Any, track: int) -> bool:
    return str(timeline.GetTrackName("video", track) or "").startswith(TRACK)


def _is_locked(timeline: Any, track: int) -> bool:
    # A call that fails says no as well: only two say that it is free.
    return any(timeline.GetIsTrackLocked("video", track) for _ in range(2))


def _within(timeline: Any, track: int, spot: Spot) -> list[Any]:
    """The items of a track that show anywhere between the spot's first and last frame."""
    items = items_on(timeline, track)
    return [item for item in items if ask(item, "GetStart") < spot.end and ask(item, "GetEnd") > spot.frame]


def _covered(timeline: Any, spot: Spot, between: range) -> tuple[str, ...]:
    others = [track for track in between if not _is_ours(timeline, track)]
    if not any(_within(timeline, track, spot) for track in others):
        return ()
    return (f"The result lies over other clips above {spot.item_name} too: drag its track down if it hides them.",)


def _remove_track(timeline: Any, made: int) -> None:
    """Take the track that we added away, if it is there and empty."""
    counts = {timeline.GetTrackCount("video") for _ in range(2)}
    if made in counts and not items_on(timeline, made):
        insist(timeline, "DeleteTrack", "video", made)


def _appended(pool: Any, timeline: Any, clip: Any, shot: Shot, spot: Spot, undo: ExitStack, *, track: int) -> Any:
    """The result on its track, read back; where Resolve put it elsewhere, it is taken away again."""
    first = int(ask(clip, "GetClipProperty", "Start"))
    # Resolve rounds down: the most frames that do not reach past the source.
    used = next(n for n in range(len(shot.frames), 0, -1) if n == 1 or n * spot.rate // shot.rate <= spot.length)
    known = {ask(item, "GetUniqueId") for item in items_on(timeline, track)}
    undo.callback(_remove_new, timeline, track, known)
    info = {
        "mediaPoolItem": clip,
        "startFrame": first,
        "endFrame": first + used,  # the frame after the last one
        "mediaType": 1,
        "trackIndex": track,
        "recordFrame": spot.frame,
    }
    # The answer may hold None, or an item that is not there: the track tells.
    ask(pool, "AppendToTimeline", [info])
    for item in items_on(timeline, track):
        is_there = (item.GetStart(), item.GetDuration()) == (spot.frame, used * spot.rate // shot.rate)
        if is_there and id_of(item) not in known:
            return item
    raise BadInput("Resolve did not put the result where it belongs: unlock the video tracks, then try again.")


def _remove_new(timeline: Any, track: int, known: set[str]) -> None:
    new = [item for item in items_on(timeline, track) if id_of(item) not in known | {""}]
    if new:
        insist(timeline, "DeleteClips", new, False)
