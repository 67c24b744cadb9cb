# SPDX-License-Identifier: GPL-3.0-or-later
# Blender reads properties from annotations that are calls.
# pyright: reportInvalidTypeForm=false
"""What the user chooses for an edit. It lies on the strip itself, so that each has its own and files keep it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import versions
from plugin_client.blender.underway import measured_run

if TYPE_CHECKING:
    # Imported where they are used: Blender's start-up does not wait for them.
    from plugin_client.blender.orders import MatteChoice, PaintedFrame

LARGEST_SEED = 2**31 - 1
MATTES = (
    ("mask", "Mask", "A mask of this file, in the clip's own pixels", "MOD_MASK", 0),
    ("mask_strip", "Mask Strip", "A mask strip of this timeline", "SEQ_STRIP_DUPLICATE", 1),
    ("luma", "Strip Luma", "How bright another strip of this timeline is", "SEQ_LUMA_WAVEFORM", 2),
    ("alpha", "Strip Alpha", "How opaque another strip of this timeline is", "IMAGE_ALPHA", 3),
    ("file", "File", "A video, numbered pictures or a roto file; white is the region to edit", "FILEBROWSER", 4),
)
PRESETS = (
    ("draft", "Draft", "At once: carries the painted frame along, nothing is learned"),
    ("fast", "Fast", "Learns the shot for a short time"),
    ("standard", "Standard", "Learns the shot and the edit: for most work"),
    ("best", "Best", "Learns longest: for the last version"),
)
DELIVERIES = (
    ("patch", "Patch", "Only the edited region, with transparency: the source's own grade shows through"),
    ("full", "Full Frame", "The whole picture, edited"),
)


PRIORITIES = (
    ("high", "High", "Goes before all that wait as normal"),
    ("normal", "Normal", "In turn"),
    ("low", "Low", "Starts when nothing else waits"),
)


def _redraw(_: object, context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


def _percent_done(_: object) -> float:
    run = measured_run()
    return 0.0 if run is None or run.share is None else 100.0 * run.share


# fmt: off
class MaskEditPaintedFrame(bpy.types.PropertyGroup):
    """A painted picture. `frame` counts from 0 at the media's first frame. `written`: the file's stamp as it was
    exported, which it keeps until someone paints on it; "" for pictures that came from elsewhere."""

    frame: bpy.props.IntProperty(name="Frame", description="Frame of the clip, counted from 0", min=0)
    path: bpy.props.StringProperty(name="Picture", subtype="FILE_PATH")
    written: bpy.props.StringProperty(options={"HIDDEN"})


class MaskEditStrip(bpy.types.PropertyGroup):
    """The edit of one strip. Masks and strips are kept by name: a pointer would not survive what users do to them."""

    matte_kind: bpy.props.EnumProperty(
        name="Matte", description="Where the region to edit comes from", items=MATTES, update=_redraw
    )
    matte_mask: bpy.props.StringProperty(name="Mask", description="The region to edit", update=_redraw)
    matte_strip: bpy.props.StringProperty(name="Strip", description="The strip that shows the region to edit")
    matte_file: bpy.props.StringProperty(name="File", description="White is the region to edit", subtype="FILE_PATH")
    invert: bpy.props.BoolProperty(name="Invert", description="Edit what the matte leaves out", update=_redraw)
    keyframes: bpy.props.CollectionProperty(type=MaskEditPaintedFrame)
    keyframe_index: bpy.props.IntProperty(options={"HIDDEN"})
    prompt: bpy.props.StringProperty(
        name="Prompt", description="What the region shows after the edit, in a few words; may be left empty"
    )
    preset: bpy.props.EnumProperty(
        name="Preset", description="How long the model may learn the shot", items=PRESETS, default="standard"
    )
    seed: bpy.props.IntProperty(
        name="Seed", description="Another number gives another version", min=0, max=LARGEST_SEED
    )
    deliver: bpy.props.EnumProperty(name="Result", description="What lands above the strip", items=DELIVERIES)
    priority: bpy.props.EnumProperty(
        name="Priority", description="Whose turn it is where several runs wait", items=PRIORITIES, default="normal"
    )
    model: bpy.props.StringProperty(name="Model", description="A model of the server. Empty: the server's own choice")
    grow_px: bpy.props.IntProperty(
        name="Grow", description="Pixels by which the edit may reach beyond the matte. -1: by the preset",
        min=-1, max=512, default=-1,
    )
    feather_px: bpy.props.IntProperty(
        name="Feather", description="Width of the soft edge in pixels. -1: by the preset", min=-1, max=512, default=-1
    )


class MaskEditWindow(bpy.types.PropertyGroup):
    """What is shown, not what is edited: of the session, never saved."""

    show_matte: bpy.props.BoolProperty(
        name="Show Matte", description="Lay the mask over the preview", default=True, update=_redraw
    )
    matte_opacity: bpy.props.FloatProperty(
        name="Opacity", description="How strongly the matte is coloured", subtype="FACTOR", min=0.0, max=1.0,
        default=0.35, update=_redraw,
    )
    share: bpy.props.FloatProperty(
        name="Done", description="How far the run is in what it is doing", subtype="PERCENTAGE", min=0.0, max=100.0,
        precision=0, get=_percent_done,
    )
# fmt: on


def edit_of(strip: object) -> MaskEditStrip:
    """The settings on `strip`."""
    return strip.maskedit_edit  # pyright: ignore[reportAttributeAccessIssue]


def matte_choice(edit: MaskEditStrip) -> "MatteChoice":
    """The chosen matte; its name is "" where nothing is chosen yet."""
    from plugin_client.blender.orders import MatteChoice

    names = {"mask": edit.matte_mask, "file": bpy.path.abspath(edit.matte_file)}
    return MatteChoice(kind=edit.matte_kind, name=names.get(edit.matte_kind, edit.matte_strip), invert=edit.invert)


def painted_frames(edit: MaskEditStrip) -> "tuple[PaintedFrame, ...]":
    """The painted frames in their order in time."""
    from plugin_client.blender.orders import PaintedFrame

    return tuple(
        PaintedFrame(frame=each.frame, path=bpy.path.abspath(each.path))
        for each in sorted(edit.keyframes, key=lambda each: each.frame)
    )


def restore(edit: MaskEditStrip, kept: Mapping[str, Any]) -> None:
    """Set the strip's edit to fields of an order: how a take was made."""
    matte = kept["matte"]
    edit.matte_kind, edit.invert = matte.kind, matte.invert
    setattr(edit, {"mask": "matte_mask", "file": "matte_file"}.get(matte.kind, "matte_strip"), matte.name)
    edit.keyframes.clear()
    for each in kept["keyframes"]:
        item = edit.keyframes.add()
        item.name, item.frame, item.path = f"Frame {each.frame}", each.frame, each.path
    for name in ("prompt", "preset", "model", "seed", "deliver"):
        setattr(edit, name, kept[name])
    for name in ("grow_px", "feather_px"):
        setattr(edit, name, kept["settings"].get(name, -1))


def draw_seed() -> int:
    """A seed that nobody has chosen."""
    import random

    return random.randint(1, LARGEST_SEED)


CLASSES = (MaskEditPaintedFrame, MaskEditStrip, MaskEditWindow)


def register() -> None:
    """Give every strip its edit, and the window what it shows."""
    versions.StripType.maskedit_edit = bpy.props.PointerProperty(type=MaskEditStrip)
    bpy.types.WindowManager.maskedit = bpy.props.PointerProperty(type=MaskEditWindow)


def unregister() -> None:
    """Take them off; what files hold of them stays there for the next time."""
    del versions.StripType.maskedit_edit
    del bpy.types.WindowManager.maskedit
