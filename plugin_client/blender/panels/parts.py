# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels are put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import blf
import bpy

from plugin_client.blender.underway import measured_run

if TYPE_CHECKING:
    from plugin_client.blender.runs import Run

# The sidebar's tabs and margins, and those of a box, in unscaled pixels.
_AROUND_PX = 62
_BOX_PX = 14
_ICON_PX = 22
_FONT_POINTS = 11
NARROW_PX = 250


def text_field(layout: Any, owner: Any, name: str, *, words: str) -> None:
    """A field for text as wide as the sidebar; empty it says `words`, which stand above it before 4.1."""
    if bpy.app.version >= (4, 1):
        layout.prop(owner, name, text="", placeholder=words)
    else:
        column = layout.column(align=True)
        column.label(text=words)
        column.prop(owner, name, text="")


def in_sidebar(panel: type) -> type:
    """Make `panel` one of the sequencer's sidebar, on the tab MaskEdit."""
    panel.bl_space_type = "SEQUENCE_EDITOR"  # pyright: ignore[reportAttributeAccessIssue]
    panel.bl_region_type = "UI"  # pyright: ignore[reportAttributeAccessIssue]
    panel.bl_category = "MaskEdit"  # pyright: ignore[reportAttributeAccessIssue]
    return panel


def is_narrow(context: Any) -> bool:
    """Whether two things beside each other would both be cut off."""
    return context.region.width < NARROW_PX * context.preferences.system.ui_scale


def paragraph(layout: Any, context: Any, text: str, *, icon: str = "NONE", boxed: bool = False) -> None:
    """`text` over as many lines as the sidebar's width asks for."""
    scale = context.preferences.system.ui_scale
    around = _AROUND_PX + (_BOX_PX if boxed else 0) + (_ICON_PX if icon != "NONE" else 0)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(broken(text, context.region.width - around * scale, scale=scale)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"))


def broken(text: str, width_px: float, *, scale: float = 1.0) -> list[str]:
    """`text` as lines that are no wider than that in the interface's font; a word that is too long has its own."""
    if bpy.app.version < (4, 0):
        blf.size(0, _FONT_POINTS * scale, 72)  # pyright: ignore[reportCallIssue]
    else:
        blf.size(0, _FONT_POINTS * scale)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and blf.dimensions(0, longer)[0] <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def bar(layout: Any, context: Any, run: Run) -> None:
    """How far the run is. Before 4.0 there are no bars: a field that cannot be changed stands for one of the runs."""
    percent = f"{100 * run.share:.0f} %" if run.share is not None else ""
    if hasattr(layout, "progress"):
        layout.progress(factor=run.share or 0.0, type="BAR", text=", ".join(filter(None, (percent, run.left_words))))
    elif run is measured_run():
        layout.prop(context.window_manager.maskedit, "share", text=run.left_words, slider=True)
    elif percent:
        layout.label(text=percent)
