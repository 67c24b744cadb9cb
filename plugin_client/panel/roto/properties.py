# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of what is selected, and of the key at the playhead."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QSignalBlocker
from PyQt6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QHBoxLayout, QLineEdit, QSpinBox, QWidget

from maskedit.errors import InputError
from maskedit.mattes.roto import Shape, Stroke
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto import key_actions
from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.fields import (
    action,
    hardness_field,
    icon,
    percent_field,
    pixels_field,
    tool_button,
    width_field,
)
from plugin_client.panel.roto.keying import INTERPS, Layer, interp_at, ruling_frame
from plugin_client.panel.roto.visibility import ending_at, parse_ranges, ranges_text, starting_at
from plugin_client.panel.shell import theme

_MOST_FEATHER_PX = 1000.0


class Properties(QWidget):
    """Shows those of the layer that was chosen last; changes go to all selected ones that have the property."""

    def __init__(self, desk: Desk, drawing: Drawing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._drawing = desk, drawing
        self.feather = pixels_field(
            "How far the edge runs out, outwards, for points without a feather of their own", most=_MOST_FEATHER_PX
        )
        self.brush_width = width_field()
        self.hardness = hardness_field()
        self.opacity = percent_field("How much of it counts")
        self.blend = QComboBox()
        self.blend.addItems(["Add", "Subtract"])
        self.blend.setToolTip("Add: part of the matte; Subtract: cut out of what lies below")
        self.frames = QLineEdit()
        self.frames.setPlaceholderText("all frames")
        self.frames.setToolTip("The frames on which it counts, as 0-24, 40-48; nothing for all")
        self.interp = QComboBox()
        self.interp.addItems([interp.capitalize() for interp in INTERPS])
        self.interp.setToolTip("How it goes on from the key at or before the playhead: linear, hold or smooth")
        self.starts = action(self, "Starts at this frame", "contain-start", self._start_here)
        self.ends = action(self, "Ends at this frame", "contain-end", self._end_here)
        self.key = action(self, "Set a key here", "rhombus-outline", self._toggle_key)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(theme.SPACE // 2)
        for words, field in (
            ("Feather", self.feather),
            ("Width", self.brush_width),
            ("Hardness", self.hardness),
            ("Opacity", self.opacity),
            ("Blend", self.blend),
        ):
            self._form.addRow(words, field)
        self._form.addRow("Frames", _row(self.frames, tool_button(self.starts), tool_button(self.ends)))
        self._form.addRow("Key", _row(self.interp, tool_button(self.key)))
        self._connect()
        drawing.changed.connect(self._show)
        self._show()

    def _connect(self) -> None:
        fields: tuple[tuple[QDoubleSpinBox | QSpinBox, str, float, type[Shape] | type[Stroke] | None], ...] = (
            (self.feather, "feather", 1.0, Shape),
            (self.brush_width, "width", 1.0, Stroke),
            (self.hardness, "hardness", 0.01, Stroke),
            (self.opacity, "opacity", 0.01, None),
        )
        for field, name, unit, kind in fields:
            field.valueChanged.connect(
                lambda value, name=name, unit=unit, kind=kind: self._set(name, value * unit, kind=kind)
            )
            field.editingFinished.connect(self._drawing.project.settle)
        self.blend.activated.connect(lambda index: self._set("blend", ("add", "subtract")[index]))
        self.interp.activated.connect(self._set_interp)
        self.frames.editingFinished.connect(self._set_frames)

    def _show(self) -> None:
        ref = self._drawing.selection.active
        self.setEnabled(ref is not None)
        layer = None if ref is None else self._drawing.layer(ref)
        is_stroke = isinstance(layer, Stroke)
        for field, seen in ((self.feather, not is_stroke), (self.brush_width, is_stroke), (self.hardness, is_stroke)):
            self._form.setRowVisible(field, seen)
        if ref is None or layer is None:
            return
        fields = (self.feather, self.brush_width, self.hardness, self.opacity, self.blend, self.frames, self.interp)
        blockers = [QSignalBlocker(field) for field in fields]
        if isinstance(layer, Stroke):
            self.brush_width.setValue(layer.width)
            self.hardness.setValue(round(layer.hardness * 100))
        else:
            self.feather.setValue(layer.feather)
        self.opacity.setValue(round(layer.opacity * 100))
        self.blend.setCurrentIndex(int(layer.blend == "subtract"))
        self.interp.setCurrentIndex(INTERPS.index(interp_at(layer, self._drawing.frame)))
        if not self.frames.hasFocus() or not self.frames.isModified():
            self.frames.setText("none" if layer.visible == () else ranges_text(layer.visible))
        del blockers
        keyed = key_actions.has_key(self._drawing, ref)
        self.key.setText("Delete the key here" if keyed else "Set a key here")
        self.key.setToolTip(self.key.text())
        if keyed:
            self.key.setIcon(icon("rhombus", theme.ACCENT))
        else:
            self.key.setIcon(icon("rhombus-outline"))

    def _set(self, field: str, value: object, *, kind: type[Shape] | type[Stroke] | None = None) -> None:
        self._amend(
            field.capitalize(),
            lambda layer: layer.model_copy(update={field: value}) if kind in (None, type(layer)) else layer,
            merge=f"roto {field} of {self._drawing.selection.layers}" if field != "blend" else "",
        )

    def _amend(self, name: str, change: Callable[[Layer], Layer], *, merge: str = "") -> None:
        drawing = self._drawing
        drawing.amend(name, {ref: change(drawing.layer(ref)) for ref in drawing.selection.layers}, merge=merge)

    def _set_interp(self, index: int) -> None:
        drawing = self._drawing
        keys = {ref: (ruling_frame(drawing.layer(ref), drawing.frame),) for ref in drawing.selection.layers}
        key_actions.set_interp(drawing, keys, INTERPS[index])

    def _set_frames(self) -> None:
        if not self.frames.isModified():
            return
        self.frames.setModified(False)
        try:
            ranges = parse_ranges(self.frames.text())
        except InputError as error:
            self._desk.notices.say(str(error), severity="warning")
            self._show()
            return
        self._amend("Frames", lambda layer: layer.model_copy(update={"visible": ranges}))

    def _start_here(self) -> None:
        frame, last = self._drawing.frame, self._drawing.playhead.last
        self._amend(
            "Frames", lambda each: each.model_copy(update={"visible": starting_at(each.visible, frame, last=last)})
        )

    def _end_here(self) -> None:
        frame, last = self._drawing.frame, self._drawing.playhead.last
        self._amend(
            "Frames", lambda each: each.model_copy(update={"visible": ending_at(each.visible, frame, last=last)})
        )

    def _toggle_key(self) -> None:
        drawing, ref = self._drawing, self._drawing.selection.active
        if ref is None:
            return
        if not key_actions.has_key(drawing, ref):
            key_actions.set_key(drawing, drawing.selection.layers)
        elif words := key_actions.delete_keys(drawing, {ref: (drawing.frame,) for ref in drawing.selection.layers}):
            self._desk.notices.say(words, severity="warning")


def _row(wide: QWidget, *others: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.SPACE // 2)
    row.addWidget(wide, 1)
    for other in others:
        row.addWidget(other)
    return row
