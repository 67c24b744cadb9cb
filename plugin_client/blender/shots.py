# SPDX-License-Identifier: GPL-3.0-or-later
"""A strip as a clip: which file, which of its frames, where on the timeline. What cannot be edited says why."""

from __future__ import annotations

import os
from typing import Any

import bpy

from plugin_client.blender.orders import Spot, StripShot
from plugin_client.blender.rates import is_stretched, movie_rate, scene_rate
from plugin_client.blender.sequences import shown_part
from plugin_client.blender.versions import (
    Timing,
    all_strips,
    kind_of,
    meta_of,
    selected_strips,
    sequencer_scene,
    timing_of,
    top_strips,
)
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.timeline import FrameRange

_NOT_PICTURES = {
    "sound": "{name} is sound: select the strip with the picture.",
    "mask": "{name} is a mask: select the strip to edit, and choose the mask as its matte.",
    "movieclip": "{name} shows a movie clip of the tracker: add the file as a movie strip, and select that.",
    "effect": "{name} is made by Blender: select the strip that it works on or shows, or make it a meta strip.",
}
_AS_META = "or make it a meta strip (Ctrl G), which is rendered first"


def selected_shot(context: Any) -> StripShot:
    """What is selected in the sequencer; the sound of a selected movie may be selected with it.

    Raises BadInput for nothing, several, or a strip that cannot be edited.
    """
    scene = sequencer_scene(context)
    if scene is None:
        raise BadInput("The sequencer shows no scene: choose one in its header.")
    selected = selected_strips(scene)
    strips = [strip for strip in selected if kind_of(strip) != "sound"] or selected
    if not strips:
        raise BadInput("No strip is selected: select the one to edit.")
    if len(strips) > 1:
        raise BadInput(f"{len(strips)} strips are selected: select the one to edit.")
    return shot_of(scene, strips[0])


def shot_of(scene: Any, strip: Any) -> StripShot:
    """`strip` of `scene` as a clip; not to be called while Blender draws (see `is_stretched`).

    Raises BadInput, a sentence, if it cannot be edited.
    """
    kind = kind_of(strip)
    if kind in _NOT_PICTURES:
        raise BadInput(_NOT_PICTURES[kind].format(name=strip.name))
    timing = timing_of(strip)
    spot = Spot(
        scene=scene.name,
        strip=strip.name,
        frame=timing.start,
        length=timing.length,
        channel=strip.channel,
        meta=meta_of(scene, strip),
    )
    if kind in ("scene", "meta"):
        return _rendered(scene, strip, spot)
    if kind == "image" and len(strip.elements) == 1:
        raise BadInput(f"{strip.name} is a still picture: select a movie, or a sequence of pictures.")
    _refuse_other_times(scene, strip, timing)
    if kind == "movie":
        media, frames = _movie_file(strip), FrameRange(timing.source_first, timing.source_first + timing.length - 1)
        rate = movie_rate(strip) or scene_rate(scene)
    else:
        media, frames = _pictures(strip, timing)
        rate = scene_rate(scene)
    element = strip.elements[0]
    return StripShot(
        shot=Shot(media=media, frames=frames, rate=rate, record_frame=spot.frame, place=spot.place),
        spot=spot,
        size=(element.orig_width, element.orig_height),
    )


def frame_on_timeline(strip_shot: StripShot, media_frame: int) -> int:
    """Where the timeline shows the media's frame `media_frame`; outside the strip, where it would."""
    return strip_shot.spot.frame + media_frame - strip_shot.shot.frames.first


def media_frame_at(strip_shot: StripShot, timeline_frame: int) -> int | None:
    """The media's frame, counted from 0, that the strip shows at `timeline_frame`; None outside the strip."""
    offset = timeline_frame - strip_shot.spot.frame
    return strip_shot.shot.frames.first + offset if 0 <= offset < strip_shot.spot.length else None


def _rendered(scene: Any, strip: Any, spot: Spot) -> StripShot:
    if kind_of(strip) == "scene" and strip.scene is None:
        raise BadInput(f"{strip.name} shows no scene: choose one in the strip's properties.")
    if kind_of(strip) == "meta" and not len(top_strips(strip)):
        raise BadInput(f"{strip.name} is empty: put strips into it, or select another.")
    frames = FrameRange(0, spot.length - 1)
    return StripShot(
        shot=Shot(media="", frames=frames, rate=scene_rate(scene), record_frame=spot.frame, place=spot.place),
        spot=spot,
        is_rendered=True,
        size=(scene.render.resolution_x, scene.render.resolution_y),
    )


def _refuse_other_times(scene: Any, strip: Any, timing: Timing) -> None:
    """Raises BadInput where timeline frame and source frame do not run side by side."""
    name = strip.name
    if timing.is_retimed:
        raise BadInput(f"{name} is retimed: reset its retiming, {_AS_META}.")
    if kind_of(strip) == "movie" and is_stretched(scene, strip):
        own, scenes = (_written(rate) for rate in (movie_rate(strip), scene_rate(scene)))
        raise BadInput(
            f"{name} has {own} frames per second and the scene {scenes}, so Blender skips or doubles some: "
            f"give the scene the movie's rate, {_AS_META}."
        )
    if any(
        other.type == "SPEED" and not other.mute and other.input_1 is not None and other.input_1.name == name
        for other in all_strips(scene)
    ):
        raise BadInput(
            f"{name} has a Speed Control effect on it: remove the effect, or make both a meta strip (Ctrl G)."
        )
    if strip.use_reverse_frames:
        raise BadInput(f"{name} plays backwards: switch Reverse Frames off, {_AS_META}.")
    if strip.strobe > 1:
        raise BadInput(f"{name} repeats frames: set its Strobe to 1, {_AS_META}.")
    if timing.source_first < 0:
        raise BadInput(f"{name} holds its first frame for {_frames(-timing.source_first)}: cut those off, {_AS_META}.")
    held = timing.source_first + timing.length - timing.content_length
    if held > 0:
        raise BadInput(f"{name} holds its last frame for {_frames(held)}: cut those off, {_AS_META}.")


def _movie_file(strip: Any) -> str:
    path = _absolute(strip, strip.filepath)
    if not os.path.isfile(path):
        raise BadInput(f"There is no file {path}: bring it back, or choose the file anew in the strip's properties.")
    if strip.stream_index > 0:
        raise BadInput(
            f"{strip.name} shows the file's video stream {strip.stream_index}: only the first can be edited."
        )
    return path


def _pictures(strip: Any, timing: Timing) -> tuple[str, FrameRange]:
    names = [element.filename for element in strip.elements]
    return shown_part(
        _absolute(strip, strip.directory), names[timing.source_first : timing.source_first + timing.length]
    )


def _absolute(strip: Any, path: str) -> str:
    """`path` without Blender's leading `//`, which stands for the folder of the file that the strip comes from."""
    return os.path.abspath(bpy.path.abspath(path, library=strip.id_data.library))


def _written(rate: Any) -> str:
    return f"{float(rate):.6g}"


def _frames(count: int) -> str:
    return f"{count} frame" + ("s" if count != 1 else "")
