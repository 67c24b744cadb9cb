# SPDX-License-Identifier: GPL-3.0-or-later
"""The presets as cards, each with what it would take here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QAbstractButton, QButtonGroup, QGridLayout, QSizePolicy, QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.running.estimating import memory_words, time_words
from plugin_client.panel.running.preflight import Preflight
from plugin_client.panel.running.rows import CHOSEN
from plugin_client.panel.shell import theme


@dataclass(frozen=True)
class _Preset:
    name: str
    what: str
    tip: str


_PRESETS = (
    _Preset(
        "draft", "Optical flow only", "The keyframes carried along by optical flow: no model, the motion in seconds."
    ),
    _Preset("fast", "Short tuning", "A short tuning of the adapter and few render steps: to see whether it will work."),
    _Preset("standard", "Full tuning", "A tuning that serves most shots, with fewer render steps than Best."),
    _Preset("best", "All the steps", "The method's published settings: the most tuning and render steps."),
)


class PresetCards(QWidget):
    """Two rows of cards; the chosen one is the document's preset."""

    def __init__(self, desk: Desk, preflight: Preflight, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._preflight = desk, preflight
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.SPACE // 2)
        self._group = QButtonGroup(self)
        self.cards = {preset.name: _Card(preset) for preset in _PRESETS}
        for place, (name, card) in enumerate(self.cards.items()):
            grid.addWidget(card, place // 2, place % 2)
            self._group.addButton(card)
            card.clicked.connect(lambda _=False, name=name: self._choose(name))
        for signal in (desk.project.changed, desk.project.facts_changed, desk.takes.updated, preflight.changed):
            signal.connect(self._show)
        self._show()

    def _choose(self, preset: str) -> None:
        document = self._desk.project.document
        choices = replace(document.choices, preset=preset)
        self._desk.project.change("Choose preset", replace(document, choices=choices))

    def _show(self, *_: object) -> None:
        project = self._desk.project
        estimates = {each.preset: each for each in self._preflight.estimates}
        for name, card in self.cards.items():
            estimate, time = estimates.get(name), ""
            if project.facts is not None:
                takes = self._desk.takes.takes
                time = time_words(name, project.document, project.facts, estimate=estimate, takes=takes)
            card.say(time, memory_words(estimate), problem=estimate.problem if estimate else "")
            card.setChecked(name == project.document.choices.preset)


class _Card(QAbstractButton):
    def __init__(self, preset: _Preset) -> None:
        super().__init__()
        self._preset = preset
        self._time = self._memory = self._problem = ""
        self.setCheckable(True)
        self.setText(preset.name.capitalize())
        self.setAccessibleDescription(preset.tip)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def cost(self) -> str:
        """What it says of time and memory."""
        return " · ".join(part for part in (self._time, self._memory) if part)

    def say(self, time: str, memory: str, *, problem: str) -> None:
        """Show what the preset would take, or why it cannot be run."""
        self._time, self._memory, self._problem = time, memory, problem
        tip = f"{self._preset.tip}\n\nTime and memory are for the server's machine as busy as it is now."
        self.setToolTip(problem or tip)
        self.update()

    def sizeHint(self) -> QSize:
        line = QFontMetrics(self.font()).height()
        return QSize(140, 3 * line + 2 * theme.SPACE + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(112, self.sizeHint().height())

    def paintEvent(self, _: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen, near = self.isChecked(), self.underMouse() or self.hasFocus()
        edge = theme.ACCENT if chosen else (theme.DIM if near else theme.LINE)
        painter.setPen(QPen(QColor(edge), 2 if chosen else 1))
        painter.setBrush(QColor(CHOSEN if chosen else theme.RAISED))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        line, left = QFontMetrics(self.font()).height(), theme.SPACE
        cost = "Does not fit here" if self._problem else self._time or "—"
        colours = (theme.TEXT, theme.DIM, theme.WARNING if self._problem else theme.TEXT)
        for row, (text, font, colour) in enumerate(
            zip((self.text(), self._preset.what, cost), (bold, self.font(), self.font()), colours, strict=True)
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            room = self.width() - 2 * left
            shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room)
            painter.drawText(left, theme.SPACE + row * (line + 2), room, line, Qt.AlignmentFlag.AlignLeft, shown)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.DIM))
        right = self.rect().adjusted(left, theme.SPACE, -left, 0)
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, self._memory)
