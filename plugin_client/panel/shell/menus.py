# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu bar: every action of the window and of its panes, each with its shortcut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QMenuBar

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell.projects import Projects

Keys = str | tuple[str, ...]


def add_action(menu: QMenu, text: str, do: Callable[[], object], keys: Keys = (), *, tip: str = "") -> QAction:
    """A menu's action with its shortcuts, the first of which the menu shows."""
    action = QAction(text, menu)
    action.setShortcuts([QKeySequence(key) for key in ((keys,) if isinstance(keys, str) else keys)])
    if tip:
        action.setToolTip(tip)
    action.triggered.connect(lambda: do())
    menu.addAction(action)
    return action


class FileMenu(QObject):
    """Opening and saving; the recent ones are read anew each time they are shown."""

    def __init__(self, bar: QMenuBar, desk: Desk, projects: Projects, *, quit_window: Callable[[], object]) -> None:
        super().__init__(bar)
        self._desk, self._projects = desk, projects
        menu = _menu(bar, "&File")
        add_action(menu, "&Open Clip …", projects.choose_clip, "Ctrl+O")
        add_action(menu, "Open &Project …", projects.choose_project, "Ctrl+Shift+O")
        recent = menu.addMenu("Open &Recent")
        assert recent is not None
        self._recent = recent
        recent.aboutToShow.connect(self._list_recent)
        add_action(menu, "Open S&ample", projects.open_sample)
        menu.addSeparator()
        self._with_clip = [
            add_action(menu, "&Save", projects.save, "Ctrl+S"),
            add_action(menu, "Save &As …", projects.save_as, "Ctrl+Shift+S"),
            add_action(menu, "&Find Clip …", projects.find_clip, tip="The clip was moved: say where it is now"),
            add_action(menu, "Show Project &Folder", projects.show_folder),
        ]
        menu.addSeparator()
        add_action(menu, "&Quit", quit_window, "Ctrl+Q")
        desk.project.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        for action in self._with_clip:
            action.setEnabled(bool(self._desk.project.document.clip))

    def _list_recent(self) -> None:
        self._recent.clear()
        for path in self._desk.preferences.recent:
            name = Path(path)
            action = add_action(self._recent, name.name, lambda at=name: self._projects.open(at))
            action.setToolTip(path)
        if self._recent.isEmpty():
            none = self._recent.addAction("Nothing yet")
            assert none is not None
            none.setEnabled(False)


class EditMenu(QObject):
    """Undo and redo by their names."""

    def __init__(self, bar: QMenuBar, desk: Desk, *, show_settings: Callable[[], object]) -> None:
        super().__init__(bar)
        self._project = desk.project
        menu = _menu(bar, "&Edit")
        self.undo = add_action(menu, "Undo", desk.project.undo, "Ctrl+Z")
        self.redo = add_action(menu, "Redo", desk.project.redo, ("Ctrl+Shift+Z", "Ctrl+Y"))
        menu.addSeparator()
        add_action(menu, "&Settings …", show_settings, "Ctrl+,")
        desk.project.history_changed.connect(self._show)
        desk.project.opened.connect(self._show)
        self._show()

    def _show(self) -> None:
        for action, word, name in (
            (self.undo, "Undo", self._project.undo_name),
            (self.redo, "Redo", self._project.redo_name),
        ):
            action.setText(f"{word} {name}".strip())
            action.setEnabled(bool(name))


def add_pane_menu(bar: QMenuBar | QMenu, title: str, *groups: Iterable[QAction]) -> QMenu:
    """A menu of actions that belong to the panes, in groups."""
    menu = _menu(bar, title)
    for number, group in enumerate(groups):
        if number:
            menu.addSeparator()
        menu.addActions([action for action in group if action.text()])
    return menu


def _menu(bar: QMenuBar | QMenu, title: str) -> QMenu:
    menu = bar.addMenu(title)
    assert menu is not None
    menu.setToolTipsVisible(True)
    return menu
