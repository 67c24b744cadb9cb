# SPDX-License-Identifier: GPL-3.0-or-later
"""From plain options, as a command line or a panel holds them, to the edit on the wire."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from bridge_api.v1 import edit_pb2, media_pb2
from plugin_client.core.errors import BadInput
from plugin_client.core.media import reference
from plugin_client.core.timeline import FrameRange

PRESETS = ("draft", "fast", "standard", "best")
FORMATS = ("mkv", "mov", "mp4", "png", "exr", "v210", "cache")
KINDS = ("full", "patch", "fill", "matte")
CHANNELS = ("auto", "luma", "alpha")
LOOSENINGS = ("grown", "box", "hull")
COMPOSITES = ("found", "drawn")
ADAPTER_ROLES = ("start", "beside")
_SETTING_TYPES: Mapping[int, type] = {
    FieldDescriptor.CPPTYPE_INT32: int,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
    FieldDescriptor.CPPTYPE_STRING: str,
}
SETTINGS: Mapping[str, type] = {
    field.name: _SETTING_TYPES[field.cpp_type] for field in edit_pb2.Settings.DESCRIPTOR.fields
}
"""What of a preset may be overridden, with the type of its value."""
WireEdit = edit_pb2.EditRequest
"""An edit as it goes over the wire."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The edited picture of one frame: in source size, or a crop placed by `extent` (x, y, width, height in px)."""

    frame: int
    path: str
    extent: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class MatteFile:
    """A video, image sequence or roto file; white is inside, or black with `invert`.

    `subtract`: what is inside is taken away from the mattes before it. `channel`: where a picture holds its matte.
    `purpose`: "edit", "composite", "holdout" or "ignore", see `MattePurpose` in edit.proto. `first_frame`: the clip's
    frame that the first picture shows, where a video or sequence covers a part of the clip only; None = it covers all.
    """

    path: str
    _: KW_ONLY
    purpose: str = "edit"
    subtract: bool = False
    invert: bool = False
    channel: str = "auto"
    first_frame: int | None = None


@dataclass(frozen=True, kw_only=True)
class GivenAdapter:
    """An adapter on the server. `role`: start = in place of what the clip would teach, beside = stays as it is."""

    adapter_id: str
    role: str = "start"
    strength: float = 1.0


@dataclass(frozen=True)
class Wanted:
    """One deliverable, by its kind and its format."""

    kind: str = "full"
    format: str = "mkv"


@dataclass(frozen=True, kw_only=True)
class Care:
    """What is done about keyframes that differ from their plates outside the region.

    `register`: lay shifted ones back; `match_colour`: undo a drift of their colours; `fit`: scale those of another
    size; `take_changes`: what was changed there becomes part of what is edited.
    """

    register: bool = True
    match_colour: bool = True
    fit: bool = False
    take_changes: bool = False


@dataclass(frozen=True, kw_only=True)
class EditOptions:
    """One edit as the user states it; paths are this machine's, frames count from 0 at the clip's first frame.

    `mattes`: of one region, combined in their order; without one for editing, it is what the keyframes change.
    `composite`: what the paste shows where no matte is given for that. `frames` None = the whole clip. `grow_px`,
    `feather_px`, `smooth_frames`, `settings`: what is left out, the preset decides. `finish`: fields of `Finish` → 0
    (off) to 1. `deliverables`: the first is the result itself. `colour`: what the clip's colours are, "" = by its
    tags.
    """

    clip: str
    mattes: tuple[MatteFile, ...]
    keyframes: tuple[Picture, ...]
    frames: FrameRange | None = None
    model: str = ""
    preset: str = "standard"
    prompt: str = ""
    seed: int = 0
    grow_px: int | None = None
    feather_px: int | None = None
    loosening: str = "grown"
    smooth_frames: int | None = None
    composite: str = "found"
    deliverables: tuple[Wanted, ...] = (Wanted(),)
    finish: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    adapters: tuple[GivenAdapter, ...] = ()
    care: Care = Care()
    colour: str = ""
    name: str = ""


def build_edit(options: EditOptions) -> edit_pb2.EditRequest:
    """The edit, with every file looked at but none read whole.

    Raises BadInput for a missing or unreadable file, and for numbers and names that the wire cannot carry.
    """
    try:
        return _edit(options)
    except BadInput:
        raise
    except UnicodeError as error:
        raise BadInput("A path or the prompt is not valid text (UTF-8): rename the file or retype it.") from error
    except ValueError as error:
        raise BadInput(f"A number in the edit is out of range ({error}): choose a smaller one.") from error


def _edit(options: EditOptions) -> edit_pb2.EditRequest:
    region = edit_pb2.Region(
        mattes=[_matte(matte) for matte in options.mattes],
        role=edit_pb2.REGION_ROLE_OBJECT,
        grow_px=options.grow_px,
        feather_px=options.feather_px,
        loosening=edit_pb2.Loosening.Value(f"LOOSENING_{options.loosening.upper()}"),
        smooth_frames=options.smooth_frames,
        composite=edit_pb2.CompositeMatte.Value(f"COMPOSITE_MATTE_{options.composite.upper()}"),
    )
    regions = [region]
    if options.care.take_changes and any(matte.purpose == "edit" for matte in options.mattes):
        # A region without a matte is whatever the keyframes change; without any the first one is that already.
        regions.append(edit_pb2.Region(role=region.role, composite=region.composite))
    keyframes = [keyframe_of(picture) for picture in options.keyframes]
    deliverables = [
        edit_pb2.Deliverable(
            kind=edit_pb2.DeliverableKind.Value(f"DELIVERABLE_KIND_{wanted.kind.upper()}"),
            format=edit_pb2.DeliverableFormat.Value(f"DELIVERABLE_FORMAT_{wanted.format.upper()}"),
        )
        for wanted in options.deliverables
    ]
    target = reference(options.clip)
    return edit_pb2.EditRequest(
        target=target,
        regions=regions,
        keyframes=keyframes,
        frames=wire_range(options.frames) if options.frames else None,
        model=options.model,
        preset=edit_pb2.Preset.Value(f"PRESET_{options.preset.upper()}"),
        finish=edit_pb2.Finish(**options.finish),
        settings=edit_pb2.Settings(**options.settings),
        prompt=options.prompt,
        seed=options.seed,
        working_colour=edit_pb2.WorkingColour(name=options.colour, origin=media_pb2.ORIGIN_USER)
        if options.colour
        else None,
        deliverables=deliverables,
        adapters=[
            edit_pb2.AdapterUse(
                adapter_id=given.adapter_id,
                role=edit_pb2.AdapterRole.Value(f"ADAPTER_ROLE_{given.role.upper()}"),
                strength=given.strength,
            )
            for given in options.adapters
        ],
        keyframe_care=edit_pb2.KeyframeCare(
            register=options.care.register, match_colour=options.care.match_colour, fit=options.care.fit
        ),
        name=options.name or target.display_name,
    )


def _matte(matte: MatteFile) -> edit_pb2.Matte:
    return edit_pb2.Matte(
        media=reference(matte.path),
        purpose=edit_pb2.MattePurpose.Value(f"MATTE_PURPOSE_{matte.purpose.upper()}"),
        channel=edit_pb2.MatteChannel.Value(f"MATTE_CHANNEL_{matte.channel.upper()}"),
        invert=matte.invert,
        subtract=matte.subtract,
        first_frame=matte.first_frame,
    )


def keyframe_of(picture: Picture) -> edit_pb2.Keyframe:
    """The picture as the wire writes it. Raises BadInput if it cannot be read."""
    extent = None
    if picture.extent is not None:
        x, y, width, height = picture.extent
        extent = media_pb2.Extent(x=x, y=y, width=width, height=height)
    return edit_pb2.Keyframe(
        frame=picture.frame, image=reference(picture.path), role=edit_pb2.KEYFRAME_ROLE_EDITED, extent=extent
    )


def references_of(edit: edit_pb2.EditRequest) -> list[media_pb2.MediaReference]:
    """Every media reference in `edit` itself (not copies), for upload.make_available."""
    mattes = [matte.media for region in edit.regions for matte in region.mattes]
    return [edit.target, *mattes, *(keyframe.image for keyframe in edit.keyframes)]


def wire_range(frames: FrameRange) -> media_pb2.FrameRange:
    """`frames` as the wire writes them."""
    return media_pb2.FrameRange(first=frames.first, last=frames.last)


def parse_setting(text: str) -> tuple[str, Any]:
    """`"motion_steps=2"` as a name of SETTINGS and its value. Raises BadInput, naming the known ones."""
    name, equals, value = text.partition("=")
    if not equals or name not in SETTINGS:
        known = ", ".join(SETTINGS)
        raise BadInput(f"The setting {text!r} is not known: write NAME=VALUE with one of {known}.")
    try:
        number = SETTINGS[name](value)
        if SETTINGS[name] is not str and not math.isfinite(number):
            raise ValueError(value)
        return name, number
    except ValueError as error:
        kind = "a whole number" if SETTINGS[name] is int else "a number"
        raise BadInput(f"The setting {name} cannot be {value!r}: give {kind}.") from error
