# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with mattes, as actions for buttons, menus and keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, QRectF
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QApplication, QFileDialog

from plugin_client.panel.mattes.box_tool import BoxTool
from plugin_client.panel.mattes.exporting import Place
from plugin_client.panel.mattes.one_click import BACKWARD, BOTH, FORWARD, OneClick
from plugin_client.panel.mattes.task import Task
from plugin_client.panel.mattes.transfers import Transfers
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto.drawing import drawing_of
from plugin_client.panel.roto.fields import action
from plugin_client.panel.viewer.canvas import Canvas

_FILES = (
    "Mattes and drawings (*.mov *.mkv *.mp4 *.avi *.webm *.png *.exr *.tif *.tiff *.dpx *.json *.setting *.comp)"
    ";;All files (*)"
)
_TIPS = {
    "cut": "Drag a rough box around a thing: what stands out from its background in there becomes a shape, keyed at "
    "this frame.",
    "follow": "Carries the selected shape along by the plate's motion, from its key at or before the playhead to the "
    "next key that you set, or to in or out. Keys are written only where they are needed; your own are corrections "
    "and stay as they are.",
    "import": "A video or an image sequence, by its alpha or luma, white = inside; a roto file; or a Fusion setting or "
    "comp with polygon masks. Masks drawn in Blender: render them as an image sequence and import that.",
    "video": "FFV1 in 16-bit grey, from in to out.",
    "sequence": "PNG with 16 bits, numbered as the clip's frames, from in to out.",
    "drawing": "Shapes and strokes with all their keys, as a roto file.",
}


class MatteActions(QObject):
    """Cut out, follow, import and export, on one desk and its canvas."""

    def __init__(self, desk: Desk, canvas: Canvas, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._canvas = desk, canvas
        self.task = Task(desk.notices, self)
        self.one_click = OneClick(desk, self.task, self)
        self.transfers = Transfers(desk, self.task, self)
        self.tool = BoxTool(self._cut, leave=lambda: canvas.set_tool(None), update=canvas.update)
        follow = self.one_click.follow
        self.cut = self._action("Cut out of a box", "selection-drag", self._take_tool, tip="cut", key="X")
        self.cut.setCheckable(True)
        self.back = self._action(
            "Follow shape back", "arrow-left", partial(follow, BACKWARD), tip="follow", key="Shift+J"
        )
        self.both = self._action(
            "Follow shape both ways", "arrow-left-right", partial(follow, *BOTH), tip="follow", key="Shift+K"
        )
        self.forth = self._action(
            "Follow shape on", "arrow-right", partial(follow, FORWARD), tip="follow", key="Shift+L"
        )
        self.bring_in = self._action("Import …", "import", self._choose_files, tip="import", key="Ctrl+I")
        self.to_video = self._action("Export as video …", "movie-outline", self._choose_video, tip="video")
        self.to_sequence = self._action(
            "Export as image sequence …", "image-multiple-outline", self._choose_folder, tip="sequence"
        )
        self.to_drawing = self._action("Export drawing …", "vector-curve", self._choose_drawing, tip="drawing")
        drawing_of(desk).changed.connect(self._show)
        canvas.tool_changed.connect(self._show)
        self.task.changed.connect(self._on_task)
        desk.project.facts_changed.connect(self._show)
        desk.project.opened.connect(self.task.stop)
        self._show()

    @property
    def all(self) -> tuple[QAction, ...]:
        """In the order of a menu."""
        return self.cut, *self.follows, self.bring_in, *self.exports

    @property
    def follows(self) -> tuple[QAction, ...]:
        """Back, both ways, on."""
        return self.back, self.both, self.forth

    @property
    def exports(self) -> tuple[QAction, ...]:
        """Those that write a file."""
        return self.to_video, self.to_sequence, self.to_drawing

    def _action(self, words: str, icon: str, do: Callable[[], None], *, tip: str, key: str = "") -> QAction:
        made = action(self, words, icon, do, key=key)
        made.setToolTip(f"<b>{words.removesuffix(' …')}</b>{f' ({key})' if key else ''}<br>{_TIPS[tip]}")
        return made

    def put_down(self) -> None:
        """Let go of the canvas, if the box tool has it."""
        if self._canvas.tool is self.tool:
            self._canvas.set_tool(None)

    def _take_tool(self) -> None:
        self._canvas.set_tool(None if self._canvas.tool is self.tool else self.tool)

    def _cut(self, box: QRectF) -> None:
        if self.task.is_running:
            self._desk.notices.say(f"{self.task.words} is not over yet: wait for it or stop it.", severity="warning")
            self.tool.clear()
            return
        self.one_click.cut_out(box)

    def _on_task(self) -> None:
        if not self.task.is_running:
            self.tool.clear()
        self._show()

    def _show(self) -> None:
        has_clip = self._desk.project.facts is not None
        document, idle = self._desk.project.document, not self.task.is_running
        self.cut.setEnabled(has_clip and idle)
        self.cut.setChecked(self._canvas.tool is self.tool)
        for each in self.follows:
            each.setEnabled(idle and self.one_click.followed_shape() is not None)
        self.bring_in.setEnabled(has_clip)
        for each in (self.to_video, self.to_sequence):
            each.setEnabled(idle and not self._desk.mattes.is_empty)
        self.to_drawing.setEnabled(bool(document.shapes or document.strokes))

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(
            QApplication.activeWindow(), "Import mattes and drawings", self._desk.preferences.last_folder, _FILES
        )
        if paths:
            self._desk.preferences.last_folder = str(Path(paths[0]).parent)
            self.transfers.take_in([Path(path) for path in paths])

    def _choose_video(self) -> None:
        if path := self._new_file("Export the matte as a video", "matte.mkv", "FFV1 video (*.mkv)"):
            self.transfers.export_to(Place("video", path))

    def _choose_folder(self) -> None:
        # A folder that is not there yet cannot be chosen, but a name can be typed.
        if path := self._new_file("Export the matte into a new folder", "matte", "New folder (*)"):
            self.transfers.export_to(Place("sequence", path))

    def _choose_drawing(self) -> None:
        if path := self._new_file("Export shapes and strokes", "roto.json", "Roto file (*.json)"):
            self.transfers.export_drawing(path)

    def _new_file(self, title: str, name: str, kinds: str) -> Path | None:
        folder = Path(self._desk.preferences.last_folder or Path.home())
        chosen, _ = QFileDialog.getSaveFileName(QApplication.activeWindow(), title, str(folder / name), kinds)
        if not chosen:
            return None
        path = Path(chosen)
        self._desk.preferences.last_folder = str(path.parent)
        return path if path.suffix or not Path(name).suffix else path.with_suffix(Path(name).suffix)
