# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender 3.4 and 5.2, in one place: the sequencer's names, arguments and silences.

4.4 renamed sequences to strips, 5.0 took the old names away and gave windows a sequencer scene of their own, 5.2
renamed the handles. In every version `new_movie` and its like accept a file that is not there, a channel that is taken
and channel 129 without a word: the functions here refuse instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from plugin_client.core.errors import BadInput

# The class of all strips: registered properties go onto it.
StripType: Any = getattr(bpy.types, "Strip", None) or bpy.types.Sequence
_HAS_HANDLES = "left_handle" in StripType.bl_rna.properties
_START = "left_handle" if _HAS_HANDLES else "frame_final_start"
_LENGTH = "duration" if _HAS_HANDLES else "frame_final_duration"
_CONTENT_START = "content_start" if _HAS_HANDLES else "frame_start"
_CONTENT_LENGTH = "content_duration" if _HAS_HANDLES else "frame_duration"
_LEFT_OFFSET = "left_handle_offset" if _HAS_HANDLES else "frame_offset_start"
_TRIM_START = "content_trim_start" if _HAS_HANDLES else "animation_offset_start"
_TRIM_END = "content_trim_end" if _HAS_HANDLES else "animation_offset_end"
# 4.0 dropped the names for shaders in two dimensions; the others have served both since 3.4.
UNIFORM_COLOUR = "3D_UNIFORM_COLOR" if bpy.app.version < (4, 0) else "UNIFORM_COLOR"
POLYLINE_COLOUR = "3D_POLYLINE_UNIFORM_COLOR" if bpy.app.version < (4, 0) else "POLYLINE_UNIFORM_COLOR"
_KINDS = frozenset({"movie", "image", "scene", "meta", "mask", "sound", "movieclip"})


def sequencer_scene(context: Any) -> Any | None:
    """The scene that the sequencer shows; None in a 5.0+ window where none is chosen yet (as in a factory file)."""
    if "sequencer_scene" not in bpy.types.WorkSpace.bl_rna.properties:
        return context.scene
    # Timers run without a window of their own.
    workspace = context.workspace or context.window_manager.windows[0].workspace
    return workspace.sequencer_scene


def top_strips(owner: Any) -> Any:
    """The collection with `new_movie`, `remove` and so on: of a scene's timeline, or of what a meta strip holds.

    A scene that was never cut in gets its sequencer.
    """
    if isinstance(owner, bpy.types.Scene):
        owner = owner.sequence_editor_create()
    return _strips_in(owner)


def all_strips(scene: Any) -> list[Any]:
    """Every strip of the scene, those in meta strips too."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)


def strip_collection(scene: Any) -> tuple[Any, str]:
    """Whose property holds all strips of the scene, and its name, for `layout.prop_search`."""
    editor = scene.sequence_editor
    return editor, "strips_all" if hasattr(editor, "strips_all") else "sequences_all"


def strip_named(scene: Any, name: str, meta: str = "") -> Any | None:
    """The strip of that name, which Blender keeps unique in a scene; only inside the meta strip `meta` if given."""
    found = next((strip for strip in all_strips(scene) if strip.name == name), None)
    return None if found is not None and meta and meta_of(scene, found) != meta else found


def meta_of(scene: Any, strip: Any) -> str:
    """The name of the meta strip that directly holds `strip`, "" on the timeline itself."""
    meta = strip.parent_meta()
    return "" if meta is None else meta.name


def active_strip(scene: Any) -> Any | None:
    """The strip that was clicked last."""
    editor = scene.sequence_editor
    return None if editor is None else editor.active_strip


def selected_strips(scene: Any) -> list[Any]:
    """The selected strips of the level that is open: the timeline, or the meta strip that the user has gone into."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    level = editor.meta_stack[-1] if len(editor.meta_stack) else editor
    return [strip for strip in _strips_in(level) if strip.select]


def kind_of(strip: Any) -> str:
    """ "movie", "image", "scene", "meta", "mask", "sound" or "movieclip"; "effect" for all that Blender makes up."""
    kind = strip.type.lower()
    return kind if kind in _KINDS else "effect"


def max_channel() -> int:
    """The highest channel that a strip can lie in."""
    return StripType.bl_rna.properties["channel"].hard_max


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a strip shows what, in frames: at timeline frame `start` its `source_first`, counted from the media's first
    frame at 0 (below 0, or beyond the media, Blender holds the nearest frame), and so on for `length` frames.

    `content_length`: how many frames the media has, as far as the strip knows. `is_retimed`: the strip has retiming
    keys or a speed, and `source_first` says nothing.
    """

    start: int
    length: int
    source_first: int
    content_length: int
    is_retimed: bool


def timing_of(strip: Any) -> Timing:
    """The strip's timing. Effects have no media: their `source_first` is 0."""
    start = getattr(strip, _START)
    trim = getattr(strip, _TRIM_START, 0)
    trim_end = getattr(strip, _TRIM_END, 0)
    return Timing(
        start=start,
        length=getattr(strip, _LENGTH),
        source_first=round(start - getattr(strip, _CONTENT_START)) + trim,
        content_length=getattr(strip, _CONTENT_LENGTH) + trim + trim_end,
        is_retimed=len(getattr(strip, "retiming_keys", ())) > 0
        or (kind_of(strip) != "effect" and getattr(strip, "speed_factor", 1.0) != 1.0),
    )


def set_timing(strip: Any, start: int, *, length: int, source_first: int = 0) -> None:
    """Have the strip show its media's frame `source_first` at timeline frame `start`, and `length` frames in all."""
    offset = source_first - getattr(strip, _TRIM_START, 0)
    setattr(strip, _CONTENT_START, start - offset)
    setattr(strip, _LEFT_OFFSET, offset)
    setattr(strip, _LENGTH, length)


def new_movie(strips: Any, path: str, *, name: str, channel: int, frame: int) -> Any:
    """A movie strip of the file `path` in source size, its first frame at `frame`; `strips` is from `top_strips`.

    Raises BadInput if there is no such file or Blender cannot read it, or the channel does not exist or is taken.
    """
    return _placed(
        strips, channel, path, lambda: strips.new_movie(name=name, filepath=path, channel=channel, frame_start=frame)
    )


def new_image(strips: Any, path: str, *, name: str, channel: int, frame: int) -> Any:
    """An image strip of one picture in source size; further ones are added to its `elements` by file name.

    Raises BadInput like `new_movie`.
    """
    return _placed(
        strips, channel, path, lambda: strips.new_image(name=name, filepath=path, channel=channel, frame_start=frame)
    )


def new_scene(strips: Any, shown: Any, *, name: str, channel: int, frame: int) -> Any:
    """A scene strip that shows the scene `shown`. Raises BadInput if the channel does not exist or is taken."""
    return _placed(
        strips, channel, "", lambda: strips.new_scene(name=name, scene=shown, channel=channel, frame_start=frame)
    )


def new_mask(strips: Any, mask: Any, *, name: str, channel: int, frame: int) -> Any:
    """A mask strip of the mask datablock. Raises BadInput if the channel does not exist or is taken."""
    return _placed(
        strips, channel, "", lambda: strips.new_mask(name=name, mask=mask, channel=channel, frame_start=frame)
    )


def is_free(strips: Any, channel: int, *, start: int, length: int) -> bool:
    """Whether nothing lies in `channel` from frame `start` on for `length` frames."""
    return not any(
        strip.channel == channel and timing.start < start + length and start < timing.start + timing.length
        for strip in strips
        for timing in (timing_of(strip),)
    )


def set_file_format(settings: Any, file_format: str) -> None:
    """Have `settings`, a scene's image settings, write "PNG" or "FFMPEG": 5.0 wants to know the kind first."""
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO" if file_format == "FFMPEG" else "IMAGE"
    settings.file_format = file_format


def closed_channels(owner: Any) -> frozenset[int]:
    """The numbers of the channels that the user has muted or locked, on the timeline of a scene or in a meta strip."""
    if isinstance(owner, bpy.types.Scene):
        owner = owner.sequence_editor_create()
    return frozenset(number for number, channel in enumerate(owner.channels) if channel.mute or channel.lock)


def new_modifier(scene: Any, strip: Any, *, name: str, kind: str) -> Any | None:
    """A modifier for `strip` of `scene`, None if strips like it cannot have one of that kind.

    5.0 looks it up in the window's sequencer scene, and crashes where there is none.
    """
    with _shown(scene):
        return strip.modifiers.new(name, kind)


def remove_modifiers(scene: Any, strip: Any) -> None:
    """Take all modifiers off `strip` of `scene`; 5.0 looks that up as `new_modifier` says."""
    with _shown(scene):
        strip.modifiers.clear()


@contextmanager
def _shown(scene: Any) -> Iterator[None]:
    """Have the first window show a sequencer scene: its own, or for a while `scene`."""
    window = bpy.context.window_manager.windows[0]
    shows_none = getattr(window.workspace, "sequencer_scene", scene) is None
    if shows_none:
        window.workspace.sequencer_scene = scene
    try:
        with bpy.context.temp_override(window=window):
            yield
    finally:
        if shows_none:
            window.workspace.sequencer_scene = None


def fcurves_of(scene: Any) -> Any | None:
    """The curves that animate the scene and its strips; None where nothing does. 4.4 gave actions layers and slots."""
    animated = scene.animation_data
    if animated is None or animated.action is None:
        return None
    if not hasattr(animated.action, "layers"):
        return animated.action.fcurves
    bags = (
        part.channelbag(animated.action_slot)
        for layer in animated.action.layers
        for part in layer.strips
        if animated.action_slot is not None
    )
    return next((bag.fcurves for bag in bags if bag is not None), None)


def _strips_in(editor_or_meta: Any) -> Any:
    return editor_or_meta.strips if hasattr(editor_or_meta, "strips") else editor_or_meta.sequences


def _placed(strips: Any, channel: int, path: str, make: Callable[[], Any]) -> Any:
    if not 1 <= channel <= max_channel():
        raise BadInput(f"There is no channel {channel}: Blender has 1 to {max_channel()}.")
    if path and not os.path.isfile(bpy.path.abspath(path)):
        raise BadInput(f"There is no file {path}: check the path.")
    neighbours = [strip.name for strip in strips]
    made = make()
    if path and not made.elements[0].orig_width:
        strips.remove(made)
        raise BadInput(f"Blender cannot read {path}: check that it is a movie or a picture.")
    timing = timing_of(made)
    others = [strip for strip in strips if strip.name in neighbours]
    if made.channel != channel or not is_free(others, channel, start=timing.start, length=timing.length):
        strips.remove(made)
        raise BadInput(f"Channel {channel} is taken at frame {timing.start}: choose a free one.")
    return made


def confirm(operator: Any, context: Any, event: Any, *, title: str, button: str) -> set[str]:
    """Have `operator` asked for before it is executed; before 4.1 the question is Blender's own."""
    ask = context.window_manager.invoke_confirm
    if bpy.app.version < (4, 1):
        return ask(operator, event)
    return ask(operator, event, title=title, confirm_text=button)
