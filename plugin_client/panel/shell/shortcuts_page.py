# SPDX-License-Identifier: GPL-3.0-or-later
"""Every shortcut of the window on one page, gathered from the window itself: what is not there does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from PyQt6.QtGui import QAction, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLineEdit,
    QMainWindow,
    QMenu,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
)

from plugin_client.panel.shell import theme


class ShortcutsPage(QDialog):
    """A list with a search field; built anew each time it is shown."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self.setWindowTitle("Shortcuts")
        self.resize(480, 600)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setClearButtonEnabled(True)
        self.list = QTreeWidget()
        self.list.setRootIsDecorated(False)
        self.list.setHeaderHidden(True)
        self.list.setColumnCount(2)
        header = self.list.header()
        assert header is not None
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self.search.textChanged.connect(self._filter)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.SPACE] * 4)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.search)
        column.addWidget(self.list)
        for group, entries in shortcuts_of(window).items():
            heading = QTreeWidgetItem([group])
            font = heading.font(0)
            font.setBold(True)
            heading.setFont(0, font)
            self.list.addTopLevelItem(heading)
            heading.addChildren([QTreeWidgetItem([name, keys]) for name, keys in entries])
        self.list.expandAll()

    def _filter(self, words: str) -> None:
        wanted = words.casefold()
        for group in (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount())):
            assert group is not None
            shown = 0
            for entry in (group.child(row) for row in range(group.childCount())):
                assert entry is not None
                fits = wanted in f"{entry.text(0)} {entry.text(1)}".casefold()
                entry.setHidden(not fits)
                shown += fits
            group.setHidden(not shown)


def shortcuts_of(window: QMainWindow) -> dict[str, list[tuple[str, str]]]:
    """Group → (what it does, its keys) of all of the window's actions and shortcuts: menus first, then its panes."""
    found: dict[str, list[tuple[str, str]]] = {}
    seen: set[QAction] = set()
    bar = window.menuBar()
    for top in bar.actions() if bar is not None else ():
        for action in _actions_of(top.menu()):
            seen.add(action)
            _note(found, _plain(top.text()), _plain(action.text()), action.shortcuts())
    for action in window.findChildren(QAction):
        if action not in seen:
            _note(found, "More", _plain(action.text() or action.toolTip()), action.shortcuts())
    for shortcut in window.findChildren(QShortcut):
        _note(found, "More", shortcut.whatsThis(), [shortcut.key()])
    return found


def _actions_of(menu: QMenu | None) -> Iterator[QAction]:
    for action in menu.actions() if menu is not None else ():
        yield action
        yield from _actions_of(action.menu())


def _note(found: dict[str, list[tuple[str, str]]], group: str, name: str, keys: list[QKeySequence]) -> None:
    native = ", ".join(_names(keys))
    if name and native:
        found.setdefault(group, []).append((name, native))


def _names(keys: list[QKeySequence]) -> Iterator[str]:
    for key in keys:
        if text := key.toString(QKeySequence.SequenceFormat.NativeText):
            yield text


def _plain(text: str) -> str:
    return text.replace("&", "").removesuffix("…").strip()
