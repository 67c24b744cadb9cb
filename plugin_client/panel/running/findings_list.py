# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight's findings, the worst first, each with its one click."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import qtawesome
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.preflight import Preflight, Said
from plugin_client.panel.running.remedies import remedy_for
from plugin_client.panel.shell import theme

_MARKS = {
    "error": ("mdi6.close-circle", theme.ERROR, "The edit would be refused"),
    "warning": ("mdi6.alert", theme.WARNING, "The result will suffer"),
    "note": ("mdi6.information-outline", theme.DIM, "Good to know"),
}
_ICON_PX = 16


class FindingsList(QWidget):
    """Says that all is well, too: an empty list could mean that nobody looked."""

    def __init__(self, desk: Desk, preflight: Preflight, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._preflight = desk, preflight
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(theme.SPACE // 2)
        self._shown: tuple[object, ...] = ()
        self._notes_open = False
        preflight.changed.connect(self._show)
        desk.session.changed.connect(self._show)
        desk.project.changed.connect(self._show)
        self._show()

    def _show(self, *_: object) -> None:
        document, said = self._desk.project.document, self._preflight.said
        remedies = tuple(remedy_for(each.flag, document) for each in said)
        labels = tuple(remedy.label if remedy else "" for remedy in remedies)
        wanted = (said, labels, self._state())
        if wanted == self._shown:
            return
        self._shown = wanted
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        if state := self._state():
            self._rows.addWidget(_line(state))
        rows = list(zip(said, labels, strict=True))
        notes = [row for row in rows if row[0].severity == "note"]
        for each, label in rows[: len(rows) - len(notes)]:
            self._rows.addWidget(_Row(each, label, partial(self._do, each.flag)))
        if notes:
            self._add_notes(notes)

    def _add_notes(self, notes: list[tuple[Said, str]]) -> None:
        """Good to know, and in nobody's way: folded into one line until somebody asks."""
        fold = QToolButton()
        fold.setCheckable(True)
        fold.setAutoRaise(True)
        fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        fold.setText("1 note" if len(notes) == 1 else f"{len(notes)} notes")
        self._rows.addWidget(fold)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        for each, label in notes:
            column.addWidget(_Row(each, label, partial(self._do, each.flag)))
        self._rows.addWidget(body)

        def unfold(on: bool) -> None:
            self._notes_open = on
            body.setVisible(on)
            fold.setIcon(qtawesome.icon("mdi6.chevron-down" if on else "mdi6.chevron-right", color=theme.DIM))

        fold.toggled.connect(unfold)
        fold.setChecked(self._notes_open)
        unfold(self._notes_open)

    def _state(self) -> str:
        document, preflight = self._desk.project.document, self._preflight
        if not document.clip:
            return "Open a clip to begin."
        if not document.keyframes:
            return "Edit a frame of the clip: it is checked as soon as there is a keyframe."
        if not self._desk.session.connected:
            return "The edit is checked when the server is there."
        if preflight.is_far:
            return "The server is on another machine: it checks the edit when it is sent."
        if preflight.busy:
            return "Checking the edit …"
        return "" if preflight.said else "Nothing speaks against this edit."

    def _do(self, flag: str) -> None:
        # Of the document as it is now: since the check it may have become another.
        remedy = remedy_for(flag, self._desk.project.document)
        if remedy is not None and remedy.document is not None:
            self._desk.project.change(remedy.label, remedy.document)
        if remedy is not None and remedy.frame is not None:
            self._desk.playhead.seek(remedy.frame)


class _Row(QWidget):
    def __init__(self, said: Said, label: str, do: Callable[[], None]) -> None:
        super().__init__()
        icon, colour, meaning = _MARKS[said.severity]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.SPACE)
        grid.setVerticalSpacing(theme.SPACE // 2)
        mark = QLabel()
        mark.setPixmap(qtawesome.icon(icon, color=colour).pixmap(_ICON_PX, _ICON_PX))
        mark.setToolTip(meaning)
        grid.addWidget(mark, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(_line(said.sentence, dim=said.severity == "note"), 0, 1)
        grid.setColumnStretch(1, 1)
        if label:
            button = QPushButton(label)
            button.clicked.connect(lambda: do())
            grid.addWidget(button, 1, 1, Qt.AlignmentFlag.AlignLeft)


def _line(text: str, *, dim: bool = True) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setProperty("dim", dim)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
