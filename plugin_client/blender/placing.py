# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished result onto the timeline, above its source, as one step that one undo removes.

Everything is looked up by name at that moment: the user has gone on cutting since the edit was submitted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from plugin_client.blender import busy, versions
from plugin_client.blender.channels import free_channel
from plugin_client.blender.folders import blend_path
from plugin_client.blender.likeness import make_alike, read_alike
from plugin_client.blender.marks import file_of, write_marks
from plugin_client.blender.orders import Spot
from plugin_client.blender.takes import show_only
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, PlacedResult
from plugin_client.core.media import is_sequence, sequence_files

UNDO_STEP = "MaskEdit: result"
# Blender keeps 61 bytes of a strip's name, and may have to add ".001".
_NAME_BYTES = 56


def may_place() -> bool:
    """False while Blender renders or saves, or the user moves strips or edits an object: what is to be placed waits."""
    return not busy.is_busy()


def put_result(media: str, spot: Spot, *, marks: Marks, has_alpha: bool) -> PlacedResult:
    """Place `media`, a movie or a pattern of pictures, at `spot` on the first free channel above the source.

    It is as long as the source's part was, shown like the source where that still exists, and carries `marks`.
    `has_alpha`: it covers the source where its alpha says so; otherwise it is blended as the source is. Earlier takes
    of the source are muted; nothing else on the timeline changes. Raises BadInput, with the place of the file, where
    it cannot be placed.
    """
    try:
        scene, holder = _holder(spot)
        channel = free_channel(holder, above=spot.channel, start=spot.frame, length=spot.length)
        strip = _new_strip(holder, media, name=_strip_name(marks), channel=channel, frame=spot.frame)
    except BadInput as error:
        raise BadInput(f"{str(error).removesuffix('.')}; the result is kept in {media}.") from error
    source = versions.strip_named(scene, spot.strip)
    try:
        _dress(scene, strip, source, spot=spot, has_alpha=has_alpha, is_exr=media.lower().endswith(".exr"))
        write_marks(strip, marks, source=spot.strip, media="" if source is None else file_of(source))
    except Exception:
        versions.top_strips(holder).remove(strip)
        raise
    # It takes their place: where both showed, the edge of one would shine through the other.
    show_only(scene, marks.job_id)
    # Before the undo step, which can end the strip's life in memory.
    placed = PlacedResult(item=strip.name, record_frame=spot.frame, frames=spot.length)
    bpy.ops.ed.undo_push(message=UNDO_STEP)
    return placed


def _dress(scene: Any, strip: Any, source: Any | None, *, spot: Spot, has_alpha: bool, is_exr: bool) -> None:
    versions.set_timing(strip, spot.frame, length=spot.length)
    strip.select = False
    read_alike(strip, source, is_exr=is_exr)
    if source is not None:
        make_alike(scene, strip, source)
        strip.blend_type = source.blend_type
    if has_alpha:
        strip.blend_type = "ALPHA_OVER"


def _holder(spot: Spot) -> tuple[Any, Any]:
    """The scene and what the strip goes into: the meta strip, or the timeline if its strips now lie there."""
    scene = bpy.data.scenes.get(spot.scene)
    if scene is None:
        raise BadInput(f"The scene {spot.scene} was renamed or removed: add the result by hand.")
    if not spot.meta:
        return scene, scene
    meta = versions.strip_named(scene, spot.meta)
    if meta is not None and versions.kind_of(meta) == "meta":
        return scene, meta
    source = versions.strip_named(scene, spot.strip)
    if source is None:
        raise BadInput(f"The meta strip {spot.meta} was renamed or removed: add the result by hand.")
    return scene, source.parent_meta() or scene


def _new_strip(holder: Any, media: str, *, name: str, channel: int, frame: int) -> Any:
    strips = versions.top_strips(holder)
    if not is_sequence(media):
        return versions.new_movie(strips, blend_path(Path(media)), name=name, channel=channel, frame=frame)
    first, *others = sequence_files(media).values()
    strip = versions.new_image(strips, blend_path(first), name=name, channel=channel, frame=frame)
    for picture in others:
        strip.elements.append(picture.name)
    return strip


def _strip_name(marks: Marks) -> str:
    """The take's name, as much of the prompt as fits, and the seed."""
    seed = f" seed {marks.seed}"
    words = " ".join(f"{marks.name} {marks.prompt}".split())
    room = _NAME_BYTES - len(seed)
    if len(words.encode()) > room:
        words = words.encode()[: room - len("…".encode())].decode(errors="ignore").rstrip() + "…"
    return (words + seed).strip()
