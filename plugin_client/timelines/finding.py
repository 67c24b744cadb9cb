# SPDX-License-Identifier: GPL-3.0-or-later
"""The clip that the user means, by its track, its name and, among several, its number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from plugin_client.core.errors import BadInput
from plugin_client.timelines.timeline import TimelineClip


def numbered(clips: Iterable[TimelineClip]) -> tuple[TimelineClip, ...]:
    """The clips, in their order, each with its `number` among those of its name on its track."""
    seen: Counter[tuple[int, str]] = Counter()
    counted = []
    for clip in clips:
        seen[clip.track, clip.name] += 1
        counted.append(replace(clip, number=seen[clip.track, clip.name]))
    return tuple(counted)


def find_clip(
    clips: Sequence[TimelineClip], name: str, *, track: int | None = None, number: int | None = None
) -> TimelineClip:
    """The one clip of that name. Raises BadInput, naming the candidates, where there is none or more than one."""
    if track is not None and all(clip.track != track for clip in clips):
        tracks = ", ".join(str(known) for known in sorted({clip.track for clip in clips}))
        raise BadInput(f"There is no clip on video track {track}: the tracks with clips are {tracks or 'none'}.")
    here = [clip for clip in clips if track is None or clip.track == track]
    named = [clip for clip in here if clip.name == name]
    if not named:
        known = ", ".join(repr(each) for each in dict.fromkeys(clip.name for clip in here))
        raise BadInput(f"There is no clip {name!r}: choose one of {known or 'none (the timeline is empty)'}.")
    if len({clip.track for clip in named}) > 1:
        tracks = " and ".join(str(known) for known in sorted({clip.track for clip in named}))
        raise BadInput(f"There are clips {name!r} on tracks {tracks}: choose one with --track.")
    if number is None and len(named) > 1:
        raise BadInput(
            f"There are {len(named)} clips {name!r} on track {named[0].track}: choose one with --number, "
            f"{', '.join(_words(clip) for clip in named)}."
        )
    chosen = next((clip for clip in named if number is None or clip.number == number), None)
    if chosen is None:
        raise BadInput(f"There is no clip {name!r} number {number}: choose one of {', '.join(map(_words, named))}.")
    return chosen


def _words(clip: TimelineClip) -> str:
    inside = f" in {' › '.join(clip.inside)}" if clip.inside else ""
    return f"{clip.number}{inside} from {float(clip.record.start):.6g} s"
