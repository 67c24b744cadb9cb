# SPDX-License-Identifier: GPL-3.0-or-later
"""The room where an edit is run: what speaks against it, how it shall be made, the one big button, and its course."""

from __future__ import annotations

import qtawesome
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.advanced import AdvancedSettings
from plugin_client.panel.running.choices_form import ChoicesForm
from plugin_client.panel.running.findings_list import FindingsList
from plugin_client.panel.running.preflight import Preflight
from plugin_client.panel.running.preset_cards import PresetCards
from plugin_client.panel.running.queue_list import PRIORITY_MARKS
from plugin_client.panel.running.run_card import RunCard
from plugin_client.panel.shell import theme


class RunPane(QWidget):
    """`run_action` and `stop_action` are for the shell's menus too; they know when they can be chosen."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.preflight = Preflight(desk.project, desk.session, self)
        self.run_action = QAction(qtawesome.icon("mdi6.play", color=theme.TEXT), "Run edit", self)
        self.run_action.setShortcut(QKeySequence("Ctrl+Return"))
        self.run_action.triggered.connect(lambda: desk.runs.run())
        self.stop_action = QAction(qtawesome.icon("mdi6.stop", color=theme.TEXT), "Stop run", self)
        self.stop_action.setShortcut(QKeySequence("Ctrl+."))
        self.stop_action.triggered.connect(lambda: desk.runs.stop())
        self.ahead_action = self._with_priority("Run at high priority", "high", "Goes before all that wait as normal.")
        self.ahead_action.setShortcut(QKeySequence("Ctrl+Shift+Return"))
        self.behind_action = self._with_priority("Run at low priority", "low", "Starts when nothing else waits.")
        self.addActions([self.run_action, self.ahead_action, self.behind_action, self.stop_action])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._settings(), 1)
        column.addWidget(self._foot())
        for signal in (desk.project.changed, desk.session.changed, desk.runs.changed, self.preflight.changed):
            signal.connect(self._show)
        for signal in (desk.takes.updated, desk.takes.changed):
            signal.connect(self._show)
        self._show()

    def _settings(self) -> QWidget:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addWidget(FindingsList(self._desk, self.preflight))
        column.addWidget(PresetCards(self._desk, self.preflight))
        column.addWidget(ChoicesForm(self._desk))
        column.addWidget(AdvancedSettings(self._desk))
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        return area

    def _foot(self) -> QWidget:
        """Always in sight, however long the settings are."""
        foot = QFrame()
        foot.setObjectName("foot")
        foot.setStyleSheet(f"#foot {{ border-top: 1px solid {theme.LINE}; }}")
        column = QVBoxLayout(foot)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        self.card = RunCard(self._desk)
        self.button = QPushButton(qtawesome.icon("mdi6.play", color="white"), "Run")
        self.button.setProperty("primary", True)
        self.button.setMinimumHeight(36)
        self.button.clicked.connect(self.run_action.trigger)
        self.reason = QLabel()
        self.reason.setWordWrap(True)
        self.reason.setProperty("dim", True)
        self.others = QToolButton()
        self.others.setMinimumHeight(36)
        self.others.setIcon(qtawesome.icon("mdi6.chevron-down", color=theme.TEXT))
        self.others.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.others.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.others.setToolTip("Run at another priority")
        self.others.setAccessibleName("Run at another priority")
        menu = QMenu(self.others)
        menu.setToolTipsVisible(True)
        menu.addActions([self.ahead_action, self.behind_action])
        self.others.setMenu(menu)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE // 2)
        buttons.addWidget(self.button, 1)
        buttons.addWidget(self.others)
        column.addWidget(self.card)
        column.addLayout(buttons)
        column.addWidget(self.reason)
        return foot

    def _with_priority(self, text: str, priority: str, tip: str) -> QAction:
        icon, colour = PRIORITY_MARKS[priority]
        action = QAction(qtawesome.icon(icon, color=colour), text, self)
        action.setToolTip(tip)
        action.triggered.connect(lambda: self._desk.runs.run(priority=priority))
        return action

    @property
    def why_not(self) -> str:
        """Why the edit cannot be run now, a sentence; "" if it can."""
        project, session = self._desk.project, self._desk.session
        if project.facts is None or not project.document.clip:
            return "Open a clip first."
        if not project.document.keyframes:
            return "Edit a frame first: a keyframe shows what the region shall look like."
        if self._desk.runs.sending:
            return "The last edit is on its way to the server."
        if not session.connected:
            return session.words
        return self.preflight.refused

    def _show(self, *_: object) -> None:
        reason, running = self.why_not, self._desk.runs.running
        for part in (self.run_action, self.ahead_action, self.behind_action, self.others):
            part.setEnabled(not reason)
        self.stop_action.setEnabled(bool(running))
        self.button.setEnabled(not reason)
        preset = self._desk.project.document.choices.preset.capitalize()
        self.button.setText(f"Queue {preset}" if running else f"Run {preset}")
        shortcut = self.run_action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.button.setToolTip(reason or f"Run the edit as it stands ({shortcut})")
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
