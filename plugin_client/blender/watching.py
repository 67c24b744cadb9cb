# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidebar says of the strip it shows, looked up by a timer: drawing must never wait for a disk.

A panel asks `shown(context)` and draws what is known. The timer looks again where something has changed, and keeps
an eye on the painted pictures, so that a save in the image editor is picked up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import settings, versions
from plugin_client.blender.background import Background
from plugin_client.blender.engine import is_made
from plugin_client.blender.subject import first_picture, forget_sources, subject
from plugin_client.core.errors import BadInput

if TYPE_CHECKING:
    # Imported where they are used: Blender's start-up does not wait for them.
    from plugin_client.blender.orders import StripShot
    from plugin_client.blender.takes import TakeStrip

TICK_SECONDS = 0.2
_POLL_SECONDS = 1.0
# The sidebar counts as open for that long after it was drawn.
_OPEN_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is known of the active strip. `shot` is None where it cannot be edited, which `problem` then says.

    `picture`: a file that shows what it looks like, "" where there is none. `stamps`: of the painted pictures, path →
    a text that changes with the file, "" where there is none. `takes`: made from it, the newest last; `pictures` of
    them and `problems`, what is wrong with one, by their jobs.
    """

    scene: str = ""
    strip: str = ""
    shot: StripShot | None = None
    problem: str = ""
    picture: str = ""
    stamps: dict[str, str] = field(default_factory=dict)
    takes: tuple[TakeStrip, ...] = ()
    pictures: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass
class _Watch:
    """What the timer remembers from one tick to the next."""

    shown: Shown = field(default_factory=Shown)
    wanted: tuple[str, str] = ("", "")
    looked_at: object = None
    drawn_at: float = 0.0
    polled_at: float = 0.0
    notice: str = ""


background = Background()
_watch = _Watch()


def shown(context: Any) -> Shown:
    """What is known of the active strip now; for panels, which by asking keep it up to date."""
    scene, strip = versions.sequencer_scene(context), subject(context)
    _watch.drawn_at = monotonic()
    _watch.wanted = (scene.name if scene is not None else "", strip.name if strip is not None else "")
    known = _watch.shown
    return known if (known.scene, known.strip) == _watch.wanted else Shown(scene=_watch.wanted[0])


def tell(sentence: str) -> None:
    """Show the user what went wrong after an operator had ended; "" takes it away again."""
    _watch.notice = sentence
    redraw()


def notice() -> str:
    """What `tell` said last."""
    return _watch.notice


def stamp_known(path: str) -> str:
    """The stamp of a painted picture as it was seen last, which costs no look at the disk."""
    return _watch.shown.stamps.get(path, "")


def stamp_of(path: str) -> str:
    """A text that changes whenever the file does; "" where there is none."""
    try:
        facts = os.stat(path)
    except OSError:
        return ""
    return f"{facts.st_mtime_ns}:{facts.st_size}"


def redraw() -> None:
    """Have the sidebars of all sequencers drawn again; preview and timeline cost more, and show nothing of it."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions if area.type == "SEQUENCE_EDITOR" else ():
                if region.type == "UI":
                    region.tag_redraw()


def look_again() -> None:
    """Have the next tick look, though nothing seems to have changed."""
    _watch.polled_at = 0.0


def look() -> bool:
    """Bring what is known up to date; True if it has changed."""
    from plugin_client.blender.takes import takes_of

    scene_name, strip_name = _watch.wanted
    scene = bpy.data.scenes.get(scene_name)
    strip = versions.strip_named(scene, strip_name) if scene is not None and strip_name else None
    before = _watch.shown
    if scene is None or strip is None:
        _watch.shown, _watch.looked_at = Shown(scene=scene_name), None
        return before != _watch.shown
    signature = (scene_name, strip_name, versions.timing_of(strip), *_sources(scene, strip))
    paths = {each.path for each in settings.painted_frames(settings.edit_of(strip))}
    is_new = signature != _watch.looked_at
    if not is_new and paths == before.stamps.keys() and monotonic() - _watch.polled_at < _POLL_SECONDS:
        return False
    shot, problem = _shot_or_problem(scene, strip) if is_new else (before.shot, before.problem)
    _watch.looked_at, _watch.polled_at = signature, monotonic()
    forget_sources()
    found = tuple(takes_of(scene, strip_name))
    _watch.shown = Shown(
        scene=scene_name,
        strip=strip_name,
        shot=shot,
        problem=problem,
        picture=first_picture(strip),
        stamps={path: stamp_of(path) for path in paths},
        takes=found,
        pictures={take.marks.job_id: take.picture() for take in found},
        problems={take.marks.job_id: problem for take in found if (problem := take.problem())},
    )
    return before != _watch.shown


def register() -> None:
    """Begin to watch."""
    global background
    background = Background()
    bpy.app.timers.register(_tick, first_interval=TICK_SECONDS, persistent=True)


def unregister() -> None:
    """Watch no more."""
    global _watch
    background.stop()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _watch = _Watch()


def _shot_or_problem(scene: Any, strip: Any) -> tuple[StripShot | None, str]:
    from plugin_client.blender.shots import shot_of

    try:
        return shot_of(scene, strip), ""
    except BadInput as error:
        return None, str(error)


def _sources(scene: Any, strip: Any) -> Iterator[object]:
    """What else decides what a strip shows, cheap to ask for."""
    yield scene.render.fps, scene.render.fps_base, len(versions.all_strips(scene)), strip.channel
    for name in ("filepath", "directory", "use_reverse_frames", "strobe", "stream_index"):
        yield getattr(strip, name, None)
    elements = getattr(strip, "elements", None)
    yield elements[0].filename if elements else ""


def _tick() -> float:
    changed = background.drain()
    # What looking takes is imported on a thread soon after Blender's start, with the engine.
    if is_made() and (monotonic() - _watch.drawn_at < _OPEN_SECONDS or _watch.shown.stamps):
        changed = look() or changed
    if changed:
        redraw()
    return TICK_SECONDS
