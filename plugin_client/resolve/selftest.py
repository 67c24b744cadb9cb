# SPDX-License-Identifier: GPL-3.0-or-later
"""The round trip in a real Resolve, in a project of its own: every step says in words whether it went as it should.

The clip is a sequence of flat greys, one for each frame: what comes back tells which frame it is.
"""

from __future__ import annotations

import shutil
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.host import Marks, Shot
from plugin_client.core.timeline import FrameRange, timecode_at
from plugin_client.resolve.api import ask, insist
from plugin_client.resolve.finding import find
from plugin_client.resolve.host import ResolveHost
from plugin_client.resolve.rendering import Patience, render_item
from plugin_client.resolve.spots import Spot, spot_from
from plugin_client.resolve.tracks import TRACK

SIZE = (640, 360)
FRAMES, FIRST, LENGTH, LATER = 48, 10, 24, 50
"""Of the clip; the part on the timeline, in the clip's frames; how long after the timeline's start it lies."""
LOOKED_AT = 7
"""Which of the item's frames is looked at."""
_TOLERANCE = 2.5
"""Of greys, which lie 4 apart: less than one frame, and more than a codec of ten bits loses."""
_UNTITLED = "Untitled Project"

Say = Callable[[str], None]
Grey = Callable[[str, int], float]


def selftest(resolve: Any, folder: Path, *, say: Say, grey: Grey, patience: Patience | None = None) -> bool:
    """Run it; returns whether all went as it should. The open project is saved, closed, and opened again in the end.

    `folder` holds the media meanwhile and is gone afterwards. `grey(media, frame)`: the mean of a frame's samples, 0 to
    255. Raises BadInput before anything has happened where the open project would be lost.
    """
    test = _Test(ResolveHost(resolve, patience=patience), resolve, folder, say, grey, patience)
    say(f"Self-test of MaskEdit in {test.host.name}.")
    with _own_project(resolve, say) as project:
        try:
            return _run(test, project)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Test:
    host: ResolveHost
    resolve: Any
    folder: Path
    say: Say
    grey: Grey
    patience: Patience | None

    def check(self, words: str, got: object, wanted: object) -> None:
        """Say that a step went well, or raise BadInput with what was there instead."""
        if got != wanted:
            raise BadInput(f"{words}: {got}, and not {wanted}")
        self.say(f"good   {words}: {got}")

    def check_frame(self, words: str, media: str, frame: int, *, is_frame: int) -> None:
        """The same for which frame of the clip a picture shows."""
        got = (self.grey(media, frame) - 20) / 4
        if abs(got - is_frame) * 4 > _TOLERANCE:
            raise BadInput(f"{words} shows frame {got:.1f} of the clip, and not {is_frame}")
        self.say(f"good   {words} shows frame {is_frame} of the clip")


def _run(test: _Test, project: Any) -> bool:
    try:
        timeline, start = _timeline(test, project)
        shot = _read(test, start)
        media = _render(test, shot)
        _place(test, timeline, shot, media, start)
    except ClientError as error:
        test.say(f"FAILED {error}")
        return False
    test.say("All went as it should.")
    return True


def _timeline(test: _Test, project: Any) -> tuple[Any, int]:
    pattern = write_greys(test.folder)
    pool = ask(project, "GetMediaPool")
    told = {"FilePath": pattern, "StartIndex": 1, "EndIndex": FRAMES}
    clip = next((each for each in pool.ImportMedia([told]) or [] if each is not None), None)
    if clip is None:
        raise BadInput("Resolve does not import a sequence of PNG files")
    timeline = ask(pool, "CreateEmptyTimeline", "MaskEdit self-test")
    start = int(ask(timeline, "GetStartFrame"))
    first = int(ask(clip, "GetClipProperty", "Start")) + FIRST
    info = {"mediaPoolItem": clip, "startFrame": first, "endFrame": first + LENGTH, "mediaType": 1}
    ask(pool, "AppendToTimeline", [info | {"trackIndex": 1, "recordFrame": start + LATER}])
    ask(timeline, "SetCurrentTimecode", timecode_at(start + LATER, Fraction(24)))
    test.say(f"good   a timeline with frames {FIRST} to {FIRST + LENGTH - 1} of a clip, {LATER} frames after its start")
    return timeline, start


def _read(test: _Test, start: int) -> Shot:
    shot = test.host.selected_shot()
    test.check("the frames that the clip shows", shot.frames, FrameRange(FIRST, FIRST + LENGTH - 1))
    test.check("its rate", shot.rate, Fraction(24))
    test.check("where it lies", shot.record_frame - start, LATER)
    return shot


def _render(test: _Test, shot: Shot) -> str:
    begun = time.monotonic()
    media = _rendered(test, spot_from(shot.place), None)
    test.say(f"good   rendered by Resolve in {time.monotonic() - begun:.0f} s: {Path(media).name}")
    test.check_frame("its first frame", media, 0, is_frame=FIRST)
    test.check_frame("its last frame", media, LENGTH - 1, is_frame=FIRST + LENGTH - 1)
    return media


def _rendered(test: _Test, spot: Spot, frames: FrameRange | None) -> str:
    wanted = {"progress": lambda done, total: None, "frames": frames, "patience": test.patience}
    rendered = render_item(test.resolve, spot, test.folder, **wanted)
    for note in rendered.notes:
        test.say(f"note   {note}")
    return rendered.media


def _place(test: _Test, timeline: Any, shot: Shot, media: str, start: int) -> None:
    marks = Marks(job_id="self-test", name="self-test", prompt="a result of the self-test", seed=7)
    placed = test.host.put_result(media, shot, marks=marks, has_alpha=False)
    for note in test.host.notes():
        test.say(f"note   {note}")
    test.check("the result lies where its clip does", placed.record_frame - start, LATER)
    test.check("it is as long", placed.frames, LENGTH)
    spot = replace(spot_from(shot.place), item=placed.item)
    found = find(test.resolve, spot)
    test.check("its track is called", str(timeline.GetTrackName("video", found.track)), TRACK)
    marked = [str(mark.get("note")) for mark in (found.item.GetMarkers() or {}).values()]
    test.check("its marker says", marked, [marks.prompt])
    still = _rendered(test, spot, FrameRange(LOOKED_AT, LOOKED_AT))
    test.check_frame("one frame of it, rendered,", still, 0, is_frame=FIRST + LOOKED_AT)


@contextmanager
def _own_project(resolve: Any, say: Say) -> Iterator[Any]:
    """A new project that is open for the while; afterwards it is gone, and the user's is open again."""
    manager = ask(resolve, "GetProjectManager")
    before = manager.GetCurrentProject()
    name = str(before.GetName()) if before is not None else ""
    if name == _UNTITLED and before is not None and before.GetTimelineCount():
        raise BadInput("The open project has no name yet: save it, then start the self-test again.")
    if name and name != _UNTITLED:
        ask(manager, "SaveProject", trouble=f"Resolve does not save {name}: save it by hand, then try again.")
    ours = f"MaskEdit self-test {time.strftime('%Y-%m-%d %H.%M.%S')}"
    project = ask(manager, "CreateProject", ours, trouble="Resolve makes no new project: look at its Project Manager.")
    try:
        width, height = map(str, SIZE)
        for setting, value in (("Width", width), ("Height", height)):
            ask(project, "SetSetting", f"timelineResolution{setting}", value)
        ask(project, "SetSetting", "timelineFrameRate", "24")
        say(f"good   a project of its own: {ours}")
        yield project
    finally:
        back = bool(name) and insist(manager, "LoadProject", name)
        if not back:
            manager.CloseProject(project)
        gone = insist(manager, "DeleteProject", ours)
        say(f"good   {name} is open again" if back else "note   open your project again")
        say("good   the project of the self-test is gone" if gone else f"note   delete the project {ours} by hand")


def write_greys(folder: Path) -> str:
    """A sequence of `FRAMES` PNG pictures of `SIZE`, frame n in the grey 20 + 4 n; returns its pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    width, height = SIZE
    for number in range(FRAMES):
        rows = (b"\0" + bytes([20 + 4 * number]) * (3 * width)) * height
        # 8-bit RGB, rows without a filter. Source: the PNG specification, section 5.
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
        written = b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
        (folder / f"greys_{number + 1:04d}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + written)
    return str(folder / "greys_%04d.png")
