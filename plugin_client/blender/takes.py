# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes that lie on the timeline: which there are, whose they are, and which of them is shown.

A take is a job's result. What the user splits stays one take; a copy of it belongs to the source that it lies above.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import bpy

from plugin_client.blender import versions
from plugin_client.blender.folders import PREVIEW
from plugin_client.blender.marks import JOB_KEY, Marked, file_of, read_marks
from plugin_client.blender.orders import Spot
from plugin_client.core.host import Marks

# On the takes that A/B has muted, so that it shows the same ones again.
_COMPARED_KEY = "maskedit_compared"


@dataclass(frozen=True, kw_only=True)
class TakeStrip:
    """One take. `strips`: the names of its parts, several where the user has split it, in the order of the timeline.

    `source`: the strip that it was made from, by the name it has now, or had if it is gone. `frame` and `length`: from
    its first part's first frame to its last part's last one, in the scene's frames. `is_shown`: some part is not muted.
    `files`: what the parts show, a sequence by its first picture.
    """

    marks: Marks
    strips: tuple[str, ...]
    source: str
    frame: int
    length: int
    is_shown: bool
    files: tuple[str, ...]

    def picture(self) -> str:
        """The file that shows best what it is. It looks at the disk: nothing to do while drawing.

        A patch is clear nearly everywhere: what was seen of it while it was rendered, or what was painted, says more.
        """
        kept = os.path.join(os.path.dirname(self.files[0]), PREVIEW)
        painted = self.marks.settings.get("keyframes")
        paths = [each["path"] for each in painted] if isinstance(painted, list) else []
        return next((path for path in (kept, *paths) if os.path.isfile(path)), self.files[0])

    def problem(self) -> str:
        """A sentence if a file is missing, "" otherwise. It looks at the disk: nothing to do while drawing."""
        missing = [name for name, file in zip(self.strips, self.files, strict=True) if not os.path.isfile(file)]
        if not missing:
            return ""
        return f"The file of {missing[0]} is missing: bring it back to its place, or run the edit again."


def marks_of(strip: Any) -> Marks | None:
    """What the strip says of the job that it comes from; None if it is no result."""
    marked = read_marks(strip)
    return None if marked is None else marked.marks


def is_placed(job_id: str) -> bool:
    """Whether some scene of the open file has the job's result on its timeline."""
    return any(strip.get(JOB_KEY) == job_id for scene in bpy.data.scenes for strip in versions.all_strips(scene))


def takes_of(scene: Any, source: str = "") -> list[TakeStrip]:
    """The takes on the scene's timeline, those of the strip `source` or ("") all, newest last."""
    takes: dict[str, list[_Part]] = {}
    for part in _parts(scene, source):
        takes.setdefault(part.marked.marks.job_id, []).append(part)
    return [_take(each) for each in sorted(takes.values(), key=lambda each: each[0].marked.origin.placed_at)]


def source_of(scene: Any, strip: Any) -> str:
    """The name of the strip that the result `strip` was made from; "" if `strip` is no result."""
    return next((part.source for part in _parts(scene, "") if part.strip.name == strip.name), "")


def show_only(scene: Any, job_id: str, source: str = "") -> None:
    """Mute every take of the strip `source` but that one; "" = of the strip that the take was made from."""
    source = source or next((take.source for take in takes_of(scene) if take.marks.job_id == job_id), "")
    for part in _parts(scene, source) if source else ():
        part.strip.mute = part.marked.marks.job_id != job_id
        part.strip.pop(_COMPARED_KEY, None)


def toggle(scene: Any, spot: Spot) -> bool:
    """A/B: the source as it was, or its takes as they were shown before; the newest if none was. True: a take shows."""
    parts = _parts(scene, spot.strip)
    shown = [part.strip for part in parts if not part.strip.mute]
    for strip in shown:
        strip.mute = True
        strip[_COMPARED_KEY] = True
    if shown or not parts:
        return False
    before = [part.strip for part in parts if part.strip.pop(_COMPARED_KEY, False)]
    newest = max(parts, key=lambda part: part.marked.origin.placed_at).marked.marks.job_id
    for strip in before or [part.strip for part in parts if part.marked.marks.job_id == newest]:
        strip.mute = False
    return True


@dataclass(frozen=True, kw_only=True)
class _Part:
    strip: Any
    marked: Marked
    source: str


@dataclass(frozen=True, kw_only=True)
class _Source:
    strip: Any
    name: str
    file: str
    frames: range


def _parts(scene: Any, source: str) -> list[_Part]:
    """The results of the strip `source`, or ("") all."""
    strips = versions.all_strips(scene)
    results = [(strip, marked) for strip in strips if (marked := read_marks(strip)) is not None]
    names = {marked.origin.source for _, marked in results}
    media = {marked.origin.media for _, marked in results} - {""}
    plain = (strip for strip in strips if results and strip.get(JOB_KEY) is None)
    sources = [
        _Source(strip=strip, name=name, file=file, frames=_frames_of(strip))
        for strip, name, file in ((strip, strip.name, file_of(strip)) for strip in plain)
        if name in names or file in media
    ]
    parts = (
        _Part(strip=strip, marked=marked, source=_source_among(sources, strip, marked, scene=scene))
        for strip, marked in results
    )
    return [part for part in parts if source in ("", part.source)]


def _source_among(sources: list[_Source], result: Any, marked: Marked, *, scene: Any) -> str:
    """The name of the strip that the result lies above and was made from, by its name or by the file that it shows.

    Where there is none, it is the name that the source had.
    """
    origin, frames, level = marked.origin, _frames_of(result), versions.meta_of(scene, result)
    below = [
        each.name
        for each in sources
        if (each.name == origin.source or each.file == origin.media != "")
        and each.frames.start < frames.stop
        and frames.start < each.frames.stop
        and versions.meta_of(scene, each.strip) == level
    ]
    return origin.source if origin.source in below or not below else below[0]


def _frames_of(strip: Any) -> range:
    timing = versions.timing_of(strip)
    return range(timing.start, timing.start + timing.length)


def _take(parts: list[_Part]) -> TakeStrip:
    frames = {part.strip.name: _frames_of(part.strip) for part in parts}
    parts = sorted(parts, key=lambda part: frames[part.strip.name].start)
    first = frames[parts[0].strip.name].start
    return TakeStrip(
        marks=parts[0].marked.marks,
        strips=tuple(part.strip.name for part in parts),
        source=parts[0].source,
        frame=first,
        length=max(each.stop for each in frames.values()) - first,
        is_shown=any(not part.strip.mute for part in parts),
        files=tuple(file_of(part.strip) for part in parts),
    )
