# SPDX-License-Identifier: GPL-3.0-or-later
"""What the menus offer of keyframes, for the frame under the playhead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import qtawesome
from PyQt6.QtCore import QObject, QUrl
from PyQt6.QtGui import QAction, QDesktopServices, QKeySequence
from PyQt6.QtWidgets import QApplication, QFileDialog, QMenu

from maskedit.media.pictures import PICTURE_SUFFIXES
from plugin_client.panel.keyframes.doubting import doubts_on
from plugin_client.panel.keyframes.dropping import paste
from plugin_client.panel.keyframes.editors import Editor, found_editors, titled
from plugin_client.panel.keyframes.fixing import fixing_of
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.model.working import in_background
from plugin_client.panel.shell import theme

_PICTURES = f"Pictures ({' '.join(f'*{suffix}' for suffix in sorted(PICTURE_SUFFIXES))})"
_EXPORTS = "PNG, 16 bits (*.png);;TIFF, 16 bits (*.tif);;EXR, the plate's own values (*.exr)"


class KeyframeActions(QObject):
    """One for each desk: `actions_of(desk)`. Each knows its shortcut, and is on only where it can do something."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._keyframing, self._fixing = desk, keyframing_of(desk), fixing_of(desk)
        super().__init__(self._keyframing)
        self.edit = self._action("mdi6.brush", "Ctrl+E", self._edit)
        self.choose = self._action("mdi6.image-plus-outline", "Ctrl+Shift+I", self._choose)
        self.paste = self._action("mdi6.content-paste", "Ctrl+Shift+V", lambda: paste(desk, self._frame))
        self.export = self._action("mdi6.export-variant", "Ctrl+Shift+E", self._export)
        self.remove = self._action(
            "mdi6.delete-outline", "Ctrl+Backspace", lambda: self._keyframing.remove(self._frame)
        )
        self.reveal = self._action("mdi6.folder-outline", "", self._reveal)
        self.previous = self._action("mdi6.skip-previous", "Ctrl+Left", lambda: self._go(-1))
        self.next = self._action("mdi6.skip-next", "Ctrl+Right", lambda: self._go(1))
        self.help_most = self._action("mdi6.lightbulb-on-outline", "Ctrl+Shift+H", self._paint_best)
        self.fix = self._action("mdi6.auto-fix", "Ctrl+Shift+F", self._fix)
        self.use = self._action("mdi6.image-move", "Ctrl+Shift+K", self._use)
        self.export.setText("E&xport Frame …")
        self.remove.setText("&Remove Keyframe")
        self.fix.setToolTip("Correct the result in the image editor; only what lies around it is rendered anew")
        self.paste.setText("&Paste Image as Keyframe")
        self.choose.setText("&Use Picture as Keyframe …")
        self.reveal.setText("Show &File in Folder")
        self.previous.setText("&Previous Keyframe")
        self.next.setText("&Next Keyframe")
        self.help_most.setText("Paint the Frame That &Helps Most")
        self.help_most.setToolTip("Open the frame that would take most of the guessing away")
        for signal in (
            desk.project.changed, desk.project.facts_changed, desk.playhead.moved, desk.takes.chosen,
            desk.takes.updated, desk.preferences.changed, desk.draft.changed,
        ):  # fmt: skip
            signal.connect(self.show)
        self.show()

    def fill(self, menu: QMenu) -> None:
        """Put all of them into a menu."""
        menu.setToolTipsVisible(True)
        for group in self.groups():
            menu.addActions(group)
            menu.addSeparator()

    def groups(self) -> tuple[tuple[QAction, ...], ...]:
        """All of them, in the order in which a menu shows them."""
        return (
            (self.edit, self.choose, self.paste, self.export),
            (self.previous, self.next, self.help_most),
            (self.fix, self.use),
            (self.reveal, self.remove),
        )

    def fill_editors(self, menu: QMenu) -> None:
        """Put the image editors of this machine into `menu`; what is chosen is remembered."""
        menu.clear()
        looking = menu.addAction("Looking for image editors …")
        assert looking is not None
        looking.setEnabled(False)
        in_background(found_editors, owner=menu, done=lambda found: self._list_editors(menu, found))

    def show(self, *_: object) -> None:
        """Say what each would do to the frame that is looked at now."""
        desk, frame = self._desk, self._frame
        keyframe, take = desk.project.document.keyframe_at(frame), self._take
        is_open, can_fix = desk.project.facts is not None, self._fixing.shows(self._take, frame)
        editor, name = self._keyframing.editor_name, take.name if take else "the Take"
        self.edit.setText(f"&Edit Frame in {titled(editor)}")
        self.edit.setToolTip(f"Open this frame in {editor}: each save comes back as its keyframe")
        self.fix.setText(f"&Fix This Frame of {name}")
        self.use.setText(f"&Use This Frame of {name} as Keyframe")
        for action in (self.edit, self.choose, self.paste, self.export):
            action.setEnabled(is_open)
        for action in (self.remove, self.reveal):
            action.setEnabled(keyframe is not None)
        for action in (self.fix, self.use):
            action.setEnabled(can_fix)
        frames = [each.frame for each in desk.project.document.keyframes]
        self.previous.setEnabled(any(each < frame for each in frames))
        self.next.setEnabled(any(each > frame for each in frames))
        self.help_most.setEnabled(self._best is not None)

    @property
    def _frame(self) -> int:
        return self._desk.playhead.frame

    @property
    def _best(self) -> int | None:
        known = doubts_on(self._desk)
        return known.best if known else None

    @property
    def _take(self) -> Take | None:
        return self._desk.takes.get(self._desk.takes.current)

    def _edit(self) -> None:
        self._keyframing.edit(self._frame)

    def _remove(self) -> None:
        self._keyframing.remove(self._frame)

    def _choose(self) -> None:
        preferences, frame = self._desk.preferences, self._frame
        path, _ = QFileDialog.getOpenFileName(
            QApplication.activeWindow(), f"The picture of frame {frame}", preferences.last_folder, _PICTURES
        )
        if path:
            preferences.last_folder = str(Path(path).parent)
            self._keyframing.take_file(frame, Path(path))

    def _export(self) -> None:
        preferences, frame = self._desk.preferences, self._frame
        proposed = str(Path(preferences.last_folder) / f"frame-{frame:04d}.png")
        path, kind = QFileDialog.getSaveFileName(
            QApplication.activeWindow(), f"Export frame {frame}", proposed, _EXPORTS
        )
        if path:
            preferences.last_folder = str(Path(path).parent)
            suffix = Path(path).suffix or f".{kind.rpartition('*.')[2].rstrip(')')}"
            self._keyframing.export(frame, Path(path).with_suffix(suffix))

    def _reveal(self) -> None:
        keyframe = self._desk.project.document.keyframe_at(self._frame)
        if keyframe is not None:
            folder = self._desk.project.path_of(keyframe.path).parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _go(self, direction: int) -> None:
        frames = [each.frame for each in self._desk.project.document.keyframes]
        beyond = [each for each in frames if (each - self._frame) * direction > 0]
        if beyond:
            self._desk.playhead.stop()
            self._desk.playhead.seek(min(beyond) if direction > 0 else max(beyond))

    def _paint_best(self) -> None:
        if (best := self._best) is not None:
            self._desk.playhead.stop()
            self._desk.playhead.seek(best)
            self._keyframing.edit(best)

    def _fix(self) -> None:
        if (take := self._take) is not None:
            self._fixing.fix(take, self._frame)

    def _use(self) -> None:
        if (take := self._take) is not None:
            self._fixing.use_as_keyframe(take, self._frame)

    def _list_editors(self, menu: QMenu, found: list[Editor]) -> None:
        chosen = self._desk.preferences.image_editor
        menu.clear()
        offered = [*found, Editor("System's Own Choice", "")]
        if chosen and chosen not in [editor.command for editor in offered]:
            offered.insert(0, Editor(self._keyframing.editor_name, chosen))
        for editor in offered:
            entry = menu.addAction(editor.name)
            assert entry is not None
            entry.setCheckable(True)
            entry.setChecked(editor.command == chosen)
            entry.triggered.connect(partial(self._prefer, editor.command))
        menu.addSeparator()
        other = menu.addAction("Another Program …")
        assert other is not None
        other.triggered.connect(self._choose_editor)

    def _prefer(self, command: str, *_: object) -> None:
        self._desk.preferences.image_editor = command

    def _choose_editor(self) -> None:
        path, _ = QFileDialog.getOpenFileName(QApplication.activeWindow(), "The image editor")
        if path:
            self._prefer(path)

    def _action(self, icon: str, keys: str, do: Callable[[], object]) -> QAction:
        action = QAction(self)
        action.setIcon(qtawesome.icon(icon, color=theme.TEXT, color_disabled=theme.FAINT))
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: do())
        return action


def actions_of(desk: Desk) -> KeyframeActions:
    """Those of this desk, made when they are first asked for."""
    return keyframing_of(desk).findChild(KeyframeActions) or KeyframeActions(desk)
