# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the chosen take: its scorecard in words, how it was made, and the notes on it."""

from __future__ import annotations

import html

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from plugin_client.core.progress import duration_words, stage_order, stage_words
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.shell import theme
from plugin_client.panel.takes.words import Verdict, next_keyframe, verdicts


class TakeDetails(QWidget):
    """Follows the chosen take."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        self.card = QLabel()
        self.card.setWordWrap(True)
        self.card.setTextFormat(Qt.TextFormat.RichText)
        self.card.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.card.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        self.card.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.card)
        self.notes = QPlainTextEdit()
        self.notes.setPlaceholderText("Notes on this take")
        self.notes.setAccessibleName("Notes on this take")
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(3 * self.fontMetrics().lineSpacing() + 2 * theme.SPACE)
        self.notes.textChanged.connect(self._note)
        column.addWidget(area, 1)
        column.addWidget(self.notes)
        desk.takes.chosen.connect(self._show)
        desk.takes.changed.connect(self._show)
        desk.takes.updated.connect(self._show)
        self._show()

    def _note(self) -> None:
        self._desk.takes.update(self._desk.takes.current, notes=self.notes.toPlainText())

    def _show(self, *_: object) -> None:
        take = self._desk.takes.get(self._desk.takes.current)
        self.setVisible(take is not None)
        if take is None:
            return
        if self.notes.toPlainText() != take.notes:  # else the cursor would jump while it is typed
            self.notes.blockSignals(True)
            self.notes.setPlainText(take.notes)
            self.notes.blockSignals(False)
        shown = _page(take)
        if shown != self.card.text():
            self.card.setText(shown)


def _page(take: Take) -> str:
    lines = [_line(verdict) for verdict in verdicts(take.record)]
    if take.error:
        lines.insert(0, _line(Verdict(False, take.error)))
    if hint := next_keyframe(take.record):
        lines.append(f'<p style="margin:0 0 6px 0">{html.escape(hint)}</p>')
    lines.append(f'<p style="margin:6px 0 0 0; color:{theme.DIM}">{"<br>".join(map(html.escape, _made(take)))}</p>')
    return "".join(lines)


def _line(verdict: Verdict) -> str:
    colour, mark = (theme.GOOD, "●") if verdict.good else (theme.WARNING, "▲")
    means = f'<br><span style="color:{theme.DIM}">{html.escape(verdict.means)}</span>' if verdict.means else ""
    return (
        f'<p style="margin:0 0 6px 0"><span style="color:{colour}">{mark}</span> {html.escape(verdict.says)}{means}</p>'
    )


def _made(take: Take) -> list[str]:
    """How it was made, a line each."""
    choices, record = take.document.choices, take.record
    model = (record.get("model") or {}).get("name") or choices.model
    lines = [f"{take.preset.capitalize()}, seed {take.seed}" + (f", {model}" if model else "")]
    if choices.prompt:
        lines.append(f"“{choices.prompt}”")
    count = len(take.document.keyframes)
    frames = take.document.frames
    where = f"frames {frames.first}–{frames.last}" if frames is not None else "the whole clip"
    lines.append(f"{count} {'keyframe' if count == 1 else 'keyframes'}, {where}")
    stages = record.get("stage_seconds") or {}
    if stages:
        lines.append(f"Took {duration_words(sum(stages.values()))}")
        lines += [
            f"   {stage_words(stage)}: {duration_words(stages[stage])}"
            for stage in sorted(stages, key=stage_order)
            if stages[stage] >= 1
        ]
    if (record.get("adapter") or {}).get("reused"):
        lines.append("The shot's motion was known from an earlier take.")
    return lines
