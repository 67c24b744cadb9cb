# SPDX-License-Identifier: GPL-3.0-or-later
# Blender wants plain sets for options.
# ruff: noqa: RUF012
"""What to make, and the button that makes it."""

from __future__ import annotations

from typing import Any

import bpy

from plugin_client.blender import settings
from plugin_client.blender.panels import parts
from plugin_client.blender.subject import subject


@parts.in_sidebar
class MASKEDIT_PT_run(bpy.types.Panel):
    """Prompt, preset, seed, Run; then progress."""

    bl_label = "Edit"
    bl_order = 3

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where a strip is active."""
        return subject(context) is not None

    def draw(self, context: Any) -> None:
        """From top to bottom as one decides."""
        layout = self.layout
        strip = subject(context)
        edit = settings.edit_of(strip)
        parts.text_field(layout, edit, "prompt", words="Prompt")
        _presets(layout, strip)
        seed = layout.row(align=True)
        seed.prop(edit, "seed")
        seed.operator("maskedit.draw_seed", text="", icon="FILE_REFRESH")
        _findings(layout, context, strip)
        run = layout.column()
        run.scale_y = 1.6
        words = "Run" if edit.priority == "normal" else f"Run at {edit.priority.capitalize()} Priority"
        run.operator("maskedit.submit", text=words, icon="PLAY")


def _presets(layout: Any, strip: Any) -> None:
    from plugin_client.blender import advice

    edit = settings.edit_of(strip)
    looked = advice.advice_on(strip)
    column = layout.column(align=True)
    for name, label, _ in settings.PRESETS:
        words = "" if looked is None else looked.times.get(name, "")
        column.prop_enum(edit, "preset", name, text=f"{label}: {words}" if words else label)
    column.separator(factor=0.5)
    column.operator("maskedit.check", text="Asking…" if advice.is_busy(strip) else "Check and Estimate", icon="TIME")


def _findings(layout: Any, context: Any, strip: Any) -> None:
    """What speaks against running it so; what is only worth knowing has a panel of its own."""
    from plugin_client.blender import advice

    looked = advice.advice_on(strip)
    if looked is None:
        return
    problem = looked.problems.get(settings.edit_of(strip).preset, "")
    findings = (("error", problem), *looked.findings) if problem else looked.findings
    for severity, sentence in findings:
        if severity != "note":
            icon = "CANCEL" if severity == "error" else "ERROR"
            parts.paragraph(layout.box(), context, sentence, icon=icon, boxed=True)


def _notes(context: Any) -> list[str]:
    from plugin_client.blender import advice

    strip = subject(context)
    looked = advice.advice_on(strip) if strip is not None else None
    return [sentence for severity, sentence in looked.findings if severity == "note"] if looked is not None else []


@parts.in_sidebar
class MASKEDIT_PT_notes(bpy.types.Panel):
    """What the server has noticed and what is nothing to mend."""

    bl_label = ""
    bl_parent_id = "MASKEDIT_PT_run"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where there are any."""
        return bool(_notes(context))

    def draw_header(self, context: Any) -> None:
        """How many."""
        count = len(_notes(context))
        self.layout.label(text=f"{count} Note" + ("s" if count > 1 else ""))

    def draw(self, context: Any) -> None:
        """One below the other."""
        for sentence in _notes(context):
            parts.paragraph(self.layout, context, sentence, icon="INFO")


@parts.in_sidebar
class MASKEDIT_PT_more(bpy.types.Panel):
    """What one rarely changes."""

    bl_label = "More"
    bl_parent_id = "MASKEDIT_PT_run"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """Its settings, one below the other."""
        layout = self.layout
        edit = settings.edit_of(subject(context))
        layout.row().prop(edit, "deliver", expand=True)
        parts.text_field(layout, edit, "model", words="Model")
        layout.prop(edit, "priority")
        row = layout.row(align=True)
        row.prop(edit, "grow_px")
        row.prop(edit, "feather_px")


CLASSES = (MASKEDIT_PT_run, MASKEDIT_PT_notes, MASKEDIT_PT_more)
