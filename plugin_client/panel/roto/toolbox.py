# SPDX-License-Identifier: GPL-3.0-or-later
"""The roto tools as buttons, and which of them is in hand."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from plugin_client.panel.roto.brush_tool import BrushTool, Pen
from plugin_client.panel.roto.draw_spline import DrawSpline
from plugin_client.panel.roto.drawing import Drawing
from plugin_client.panel.roto.edit_spline import EditSpline
from plugin_client.panel.roto.feather_tool import FeatherTool
from plugin_client.panel.roto.fields import icon
from plugin_client.panel.roto.transform_tool import TransformTool
from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.tool import Tool


@dataclass(frozen=True)
class Kind:
    """A tool as it is offered: `hint` says in one or two short sentences how it works."""

    name: str
    words: str
    key: str
    icon: str
    hint: str


KINDS = (
    Kind("", "Pan", "H", "hand-back-right-outline", "Drag to pan, turn the wheel to zoom."),
    Kind(
        "draw",
        "Draw shape",
        "P",
        "vector-polyline-plus",
        "Click for a corner, drag for a curve. Click the first point or press Enter to close, Backspace takes the last "
        "point back, Esc all.",
    ),
    Kind(
        "edit",
        "Edit points",
        "V",
        "vector-polyline-edit",
        "Drag points and handles; a box or Shift selects several. Ctrl+click inserts, double click toggles smooth and "
        "corner, Alt breaks a handle, arrows nudge.",
    ),
    Kind(
        "transform",
        "Transform",
        "T",
        "vector-square",
        "Drag inside to move, the handles to scale (Shift evenly, Alt about the middle), outside a corner to rotate.",
    ),
    Kind(
        "feather",
        "Feather",
        "F",
        "blur-radial",
        "Drag a point's round handle outwards; Shift takes all points. A double click follows the shape's feather.",
    ),
    Kind(
        "brush",
        "Brush",
        "B",
        "brush",
        "Drag to paint. [ and ] or Ctrl+drag change the width, with Shift or up and down the hardness.",
    ),
    Kind(
        "eraser",
        "Eraser",
        "E",
        "eraser",
        "Drag to erase. [ and ] or Ctrl+drag change the width, with Shift or up and down the hardness.",
    ),
)


class Toolbox(QObject):
    """The tools of one canvas. `changed`: another one is in hand, or none."""

    changed = pyqtSignal()

    def __init__(self, drawing: Drawing, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._drawing, self._canvas = drawing, canvas
        pen = Pen(canvas)
        self.tools: dict[str, Tool | None] = {
            "": None,
            "draw": DrawSpline(drawing, canvas),
            "edit": EditSpline(drawing, canvas),
            "transform": TransformTool(drawing, canvas),
            "feather": FeatherTool(drawing, canvas),
            "brush": BrushTool(drawing, canvas, pen, erases=False),
            "eraser": BrushTool(drawing, canvas, pen, erases=True),
        }
        self.actions = {kind.name: self._action(kind) for kind in KINDS}
        canvas.tool_changed.connect(self._show)
        drawing.changed.connect(canvas.update)
        self._show()

    @property
    def kind(self) -> Kind | None:
        """What is in hand, the bare hand included; None while it is another room's tool."""
        return next((kind for kind in KINDS if self.tools[kind.name] is self._canvas.tool), None)

    def take(self, name: str) -> None:
        """Take a tool in hand; "" is the bare hand."""
        self._canvas.set_tool(self.tools[name])
        self._show()

    def put_down(self) -> None:
        """Leave the canvas to other rooms."""
        self._canvas.set_tool(None)

    def _action(self, kind: Kind) -> QAction:
        action = QAction(icon(kind.icon), kind.words, self)
        action.setIconText(kind.key)  # what buttons show; menus show its words
        action.setShortcut(kind.key)
        action.setCheckable(True)
        action.setToolTip(f"<b>{kind.words}</b> ({kind.key})<br>{kind.hint}")
        action.triggered.connect(lambda: self.take(kind.name))
        action.triggered.connect(lambda: self._canvas.setFocus())  # a tool has keys of its own
        return action

    def _show(self) -> None:
        kind = self.kind
        for name, action in self.actions.items():
            action.setChecked(kind is not None and kind.name == name)
        self.changed.emit()


class ToolRow(QWidget):
    """The tools side by side, each with the key that takes it."""

    def __init__(self, toolbox: Toolbox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(f"QToolButton:checked {{ background: {theme.ACCENT}; border: 1px solid {theme.LINE}; }}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE // 2)
        for kind in KINDS:
            action = toolbox.actions[kind.name]
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(20, 20))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setAccessibleName(kind.words)
            row.addWidget(button)
