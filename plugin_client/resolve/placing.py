# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished result onto the timeline, on a track of ours above its source; all of it or nothing.

Resolve reports successes that are none, and drops or slides what would overlap: a track is taken only where it is free,
and what was appended is read back. Each step says how it is undone, and a failure undoes them in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, PlacedResult, Shot
from plugin_client.core.media import is_sequence
from plugin_client.resolve.api import ask, id_of, insist, items_on, on_page, open_project, timeline_by_id
from plugin_client.resolve.colour import copy_tags
from plugin_client.resolve.importing import FOLDER, import_result
from plugin_client.resolve.likeness import make_alike
from plugin_client.resolve.marking import put_mark
from plugin_client.resolve.orders import Order, order_of
from plugin_client.resolve.sources import Source, source_now
from plugin_client.resolve.spots import Spot
from plugin_client.resolve.takes import add_take, earlier_result, replace_file
from plugin_client.resolve.tracks import covered, free_track, track_count, within

Again = Literal["take", "replace", "new"]
"""Where an earlier result of the same clip lies over the same frames: a take of it, its file replaced, or neither."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A result on the timeline; `track`: its video track. `notes`: sentences about what is not as it was.

    In the media pool alone, where a retimed clip left no room: `track` and `result.frames` are 0, `result.item` is "".
    """

    result: PlacedResult
    track: int
    notes: tuple[str, ...] = ()


def put_result(
    resolve: Any, media: str, shot: Shot, *, marks: Marks, has_alpha: bool = False, again: Again = "take"
) -> Placed:
    """Place `media`, a file or a pattern of pictures, over `shot`: as many of its frames as the shot has.

    Those may be a part of the frames that were read, from any of them on. `has_alpha`: straight alpha says what it
    covers.

    The result goes to the shot's timeline and frame, wherever the user has gone since, on a track named MaskEdit above
    the source's, looks like the source as far as scripts can copy that, and carries a marker with `marks`. `again` says
    what happens where an earlier result lies over the same frames. Of a retimed clip, the frames that it shows are
    placed at 100 %. Raises BadInput, with the place of the file, where it cannot be placed; then the project is as it
    was before.
    """
    try:
        order = order_of(media, shot, marks=marks, has_alpha=has_alpha)
        project = open_project(resolve)
        with _timeline_open(project, order.spot) as timeline, on_page(resolve, "edit"), ExitStack() as undo:
            source = source_now(project, timeline, order)
            pool = ask(project, "GetMediaPool")
            if order.spot.retimed and not _fits(timeline, order):
                placed = _put_aside(pool, source, order, undo)
            else:
                placed = _put(pool, timeline, source, order, again, undo)
            undo.pop_all()
    except BadInput as error:
        raise BadInput(f"{str(error).removesuffix('.')}; the result is kept in {media}.") from error
    return placed


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


def _put(pool: Any, timeline: Any, source: Source, order: Order, again: Again, undo: ExitStack) -> Placed:
    """On the timeline: into an earlier result, or on a track of ours."""
    notes = source.notes
    earlier = None
    # A take begins with its media's first frame.
    if again != "new" and order.skip == 0:
        earlier = earlier_result(timeline, order.room, above=source.track, length=order.length)
    if earlier is not None and again == "replace" and not is_sequence(order.media):
        track, item = earlier
        replace_file(item, order.media, undo, frames=order.used, rate=order.shot.rate)
        notes += copy_tags(source.clip, ask(item, "GetMediaPoolItem"), has_alpha=order.has_alpha)
        return _marked(item, track, order, notes, undo)
    clip, is_new = import_result(pool, order.media, undo, frames=len(order.shot.frames), rate=order.shot.rate)
    # Those of a clip that was there before may have been changed by hand.
    notes += copy_tags(source.clip, clip, has_alpha=order.has_alpha) if is_new else ()
    if earlier is not None:
        track, item = earlier
        number = add_take(item, clip, undo)
        if number is not None:
            if number:
                notes += (f"It is take {number} of the result that lay there; the others are in its take selector.",)
            return _marked(item, track, order, notes, undo)
        notes += ("Resolve does not take it as a take of the earlier result: it lies on another track.",)
    track, added = free_track(timeline, order.room, undo, above=source.track)
    notes += added + covered(timeline, order.room, range(source.track + 1, track))
    item = _appended(pool, timeline, clip, order, undo, track=track)
    # What Resolve has rendered has its looks already, and the timeline's colours.
    if source.item is not None and not source.is_rendered:
        notes += make_alike(source.item, item, name=order.spot.item_name)
    return _marked(item, track, order, notes, undo)


def _marked(item: Any, track: int, order: Order, notes: tuple[str, ...], undo: ExitStack) -> Placed:
    """The last step: the marker, and where it lies now."""
    spot = order.spot
    put_mark(item, order.marks, spot.item, undo)
    length = int(ask(item, "GetDuration"))
    placed = PlacedResult(item=ask(item, "GetUniqueId"), record_frame=order.room.frame, frames=length)
    missing = order.room.length - length
    if spot.retimed:
        notes += (
            f"{spot.item_name} is retimed: copy it, select the result, and paste the retime with Edit > Paste "
            "Attributes.",
        )
    elif missing > 0:
        unit = "frame" if missing == 1 else "frames"
        notes += (f"The result ends {missing} {unit} before {spot.item_name}: their rates differ.",)
    return Placed(result=placed, track=track, notes=notes)


def _fits(timeline: Any, order: Order) -> bool:
    """Whether all that a retimed clip shows lies, at 100 %, over that clip's own time or over empty tracks."""
    beyond = replace(order.room, frame=order.spot.end, length=order.room.end - order.spot.end)
    if order.is_part or beyond.length <= 0:
        return not order.is_part
    return not any(within(timeline, track, beyond) for track in range(1, track_count(timeline) + 1))


def _put_aside(pool: Any, source: Source, order: Order, undo: ExitStack) -> Placed:
    """Into the media pool alone."""
    spot, shot = order.spot, order.shot
    clip, is_new = import_result(pool, order.media, undo, frames=len(shot.frames), rate=shot.rate)
    notes = source.notes + (copy_tags(source.clip, clip, has_alpha=order.has_alpha) if is_new else ())
    why = "is a part of what the retimed clip shows" if order.is_part else "is, at 100 %, longer than the clip's room"
    notes += (
        f"The result for {spot.item_name} {why}: it is in the media pool's folder {FOLDER} alone; put its frames from "
        f"{order.skip} on above the clip, and paste the retime with Edit > Paste Attributes.",
    )
    put_mark(clip, order.marks, spot.item, undo)
    return Placed(result=PlacedResult(item="", record_frame=spot.frame, frames=0), track=0, notes=notes)


def _appended(pool: Any, timeline: Any, clip: Any, order: Order, undo: ExitStack, *, track: int) -> Any:
    """The result on its track, read back; where Resolve put it elsewhere, it is taken away again."""
    first = int(ask(clip, "GetClipProperty", "Start")) + order.skip
    known = {ask(item, "GetUniqueId") for item in items_on(timeline, track)}
    undo.callback(_remove_new, timeline, track, known)
    info = {
        "mediaPoolItem": clip,
        "startFrame": first,
        "endFrame": first + order.used,  # the frame after the last one
        "mediaType": 1,
        "trackIndex": track,
        "recordFrame": order.room.frame,
    }
    # The answer may hold None, or an item that is not there: the track tells.
    ask(pool, "AppendToTimeline", [info])
    for item in items_on(timeline, track):
        is_there = (item.GetStart(), item.GetDuration()) == (order.room.frame, order.length)
        if is_there and id_of(item) not in known:
            return item
    raise BadInput("Resolve did not put the result where it belongs: unlock the video tracks, then try again.")


def _remove_new(timeline: Any, track: int, known: set[str]) -> None:
    new = [item for item in items_on(timeline, track) if id_of(item) not in known | {""}]
    if new:
        insist(timeline, "DeleteClips", new, False)
