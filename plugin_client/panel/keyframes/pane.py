# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyframes' pane: what to paint, what was painted, and what became of it."""

from __future__ import annotations

import qtawesome
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from plugin_client.panel.keyframes.actions import actions_of
from plugin_client.panel.keyframes.card import KeyframeCard
from plugin_client.panel.keyframes.compare_tool import CompareTool
from plugin_client.panel.keyframes.doubting import doubts_on
from plugin_client.panel.keyframes.dropping import DropCatcher
from plugin_client.panel.keyframes.editors import titled
from plugin_client.panel.keyframes.fixing import fixing_of
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import KeyframePicture
from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.canvas import Canvas


class KeyframesPane(QWidget):
    """Paint a frame, see each keyframe beside its plate, and correct frames of the take that is shown."""

    def __init__(self, desk: Desk, canvas: Canvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._canvas = desk, canvas
        self._keyframing, self._fixing = keyframing_of(desk), fixing_of(desk)
        self._offered = actions_of(desk)
        self._compare_tool = CompareTool(desk, canvas)
        self.compare = QAction("&Compare Keyframe with Original", self)
        self.compare.setShortcut(QKeySequence("Ctrl+Shift+C"))
        self.compare.setCheckable(True)
        self.compare.toggled.connect(self._toggle_compare)
        DropCatcher(desk, canvas)
        DropCatcher(desk, self)
        self._make()
        for group in self._offered.groups():
            self.addActions(group)
        self.addAction(self.compare)
        for signal in (
            desk.project.changed, desk.project.facts_changed, desk.playhead.moved, desk.draft.changed,
            desk.takes.chosen, desk.takes.updated, desk.preferences.changed, self._keyframing.changed,
            self._keyframing.thumbnails.ready, self._keyframing.inspection.changed, self._fixing.changed,
        ):  # fmt: skip
            signal.connect(self._show)
        canvas.tool_changed.connect(self._follow_tool)
        self._show()

    @property
    def cards(self) -> list[KeyframeCard]:
        """The keyframes as they are shown, in their order."""
        items = (self._list.itemAt(place) for place in range(self._list.count()))
        return [card for item in items if item is not None and isinstance(card := item.widget(), KeyframeCard)]

    # Made once.

    def _make(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addLayout(self._made_top())
        column.addLayout(self._made_ways())
        column.addWidget(self._made_advice())
        column.addWidget(self._made_take())
        self._draft_words, self._draft_bar = QLabel(), QProgressBar()
        self._draft_words.setProperty("dim", True)
        self._draft_words.setWordWrap(True)
        self._draft_bar.setTextVisible(False)
        self._draft_bar.setFixedHeight(4)
        column.addWidget(self._draft_words)
        column.addWidget(self._draft_bar)
        self._empty = QLabel(
            "A keyframe shows what the region shall look like. Paint one frame, the one that shows most of it; "
            "a second one where the shot changes helps more than anything else."
        )
        self._empty.setWordWrap(True)
        self._empty.setProperty("dim", True)
        column.addWidget(self._empty)
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.SPACE)
        column.addLayout(self._list)
        column.addStretch(1)

    def _made_top(self) -> QHBoxLayout:
        self._edit, self._editors = QPushButton(), QToolButton()
        self._edit.setProperty("primary", True)
        self._edit.clicked.connect(self._offered.edit.trigger)
        self._edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        menu = QMenu(self._editors)
        menu.aboutToShow.connect(lambda: self._offered.fill_editors(menu))
        self._editors.setMenu(menu)
        self._editors.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._editors.setIcon(qtawesome.icon("mdi6.chevron-down", color=theme.TEXT))
        self._editors.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self._editors.setFixedSize(28, 30)
        self._editors.setToolTip("Choose the image editor")
        self._editors.setAccessibleName("Choose the image editor")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._edit, 1)
        row.addWidget(self._editors)
        return row

    def _made_ways(self) -> QHBoxLayout:
        row, offered = QHBoxLayout(), self._offered
        row.setSpacing(4)
        self._ways: list[tuple[QToolButton, QAction]] = []
        for action, words in ((offered.choose, "Picture …"), (offered.paste, "Paste"), (offered.export, "Export …")):
            button = QToolButton()
            button.setText(words)
            button.setIcon(action.icon())
            button.setIconSize(QSize(16, 16))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setToolTip(_tip(action))
            button.clicked.connect(action.trigger)
            self._ways.append((button, action))
            row.addWidget(button)
        return row

    def _made_advice(self) -> QFrame:
        self._advice, self._advice_words, self._advice_do = QFrame(), QLabel(), QPushButton()
        self._advice_words.setWordWrap(True)
        self._advice_do.clicked.connect(self._offered.help_most.trigger)
        self._advice_do.setToolTip(_tip(self._offered.help_most))
        return _boxed(self._advice, self._advice_words, self._advice_do)

    def _made_take(self) -> QFrame:
        self._take, self._take_words = QFrame(), QLabel()
        self._take_words.setWordWrap(True)
        self._fix, self._use, self._send = QPushButton(), QPushButton("Use as Keyframe"), QPushButton("Render the Fix")
        self._send.setProperty("primary", True)
        for button, action in ((self._fix, self._offered.fix), (self._use, self._offered.use)):
            button.clicked.connect(action.trigger)
            button.setToolTip(_tip(action))
        self._send.clicked.connect(self._send_fix)
        self._send.setToolTip("Render the take anew around the corrected frames; all others stay as they are")
        box = _boxed(self._take, self._take_words, self._fix, self._use)
        layout = box.layout()
        assert layout is not None
        layout.addWidget(self._send)
        return box

    # Shown again and again.

    def _show(self, *_: object) -> None:
        document = self._desk.project.document
        self._edit.setText(self._offered.edit.text().replace("&", ""))
        self._edit.setToolTip(_tip(self._offered.edit))
        self._edit.setEnabled(self._offered.edit.isEnabled())
        for button, action in self._ways:
            button.setEnabled(action.isEnabled())
        self._show_advice()
        self._show_take()
        self._show_draft()
        self._empty.setVisible(not document.keyframes)
        if [card.keyframe for card in self.cards] != list(document.keyframes):
            self._relist()
        for card in self.cards:
            card.show_state()

    def _show_advice(self) -> None:
        known = doubts_on(self._desk)
        hint = known.hint if known else ""
        self._advice.setVisible(bool(hint))
        self._advice_words.setText(hint)
        self._advice_do.setText(f"Paint Frame {known.best}" if known and known.best is not None else "")

    def _show_take(self) -> None:
        take, frame = self._desk.takes.get(self._desk.takes.current), self._desk.playhead.frame
        shows = self._fixing.shows(take, frame)
        corrected = self._fixing.corrected(take) if take else ()
        self._take.setVisible(take is not None and (shows or bool(corrected)))
        if take is None:
            return
        words = f"Frame {frame} of {take.name} is not right?"
        if corrected:
            words += f" Corrected and not rendered yet: {', '.join(map(str, corrected))}."
        self._take_words.setText(words)
        self._fix.setText(f"Fix in {titled(self._keyframing.editor_name)}")
        self._fix.setEnabled(shows)
        self._use.setEnabled(shows)
        self._send.setVisible(bool(corrected))

    def _show_draft(self) -> None:
        kind, _, rest = self._desk.draft.state.partition(": ")
        is_working = kind.startswith("working")
        self._draft_bar.setVisible(is_working)
        if is_working:
            done, _, total = kind.removeprefix("working ").partition("/")
            self._draft_bar.setMaximum(max(1, int(total)))
            self._draft_bar.setValue(int(done))
            self._draft_words.setText(f"Live draft: {done} of {total} frames")
        elif kind == "waiting":
            self._draft_words.setText(f"Live draft: {rest.rstrip('.')}.")
        else:
            self._draft_words.setText("Live draft: ready, press play to see it.")

    def _relist(self) -> None:
        kept = {card.keyframe: card for card in self.cards}
        wanted = self._desk.project.document.keyframes
        while (item := self._list.takeAt(0)) is not None:
            card = item.widget()
            if isinstance(card, KeyframeCard) and card.keyframe not in wanted:
                card.deleteLater()
        for keyframe in wanted:
            self._list.addWidget(kept.get(keyframe) or self._made_card(keyframe))

    def _made_card(self, keyframe: KeyframePicture) -> KeyframeCard:
        card = KeyframeCard(self._desk, self._keyframing, keyframe)
        card.chosen.connect(self._desk.playhead.seek)
        card.edit.connect(self._keyframing.edit)
        card.remove.connect(self._keyframing.remove)
        card.compare.connect(self._compare)
        return card

    def _compare(self, frame: int) -> None:
        self._desk.playhead.seek(frame)
        self.compare.setChecked(True)

    def _toggle_compare(self, on: bool) -> None:
        if on:
            self._canvas.set_tool(self._compare_tool)
        elif self._canvas.tool is self._compare_tool:
            self._canvas.set_tool(None)

    def _follow_tool(self) -> None:
        self.compare.setChecked(self._canvas.tool is self._compare_tool)

    def _send_fix(self) -> None:
        if (take := self._desk.takes.get(self._desk.takes.current)) is not None:
            self._fixing.send(take)


def _tip(action: QAction) -> str:
    keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    return f"{action.toolTip().replace('&', '')} ({keys})" if keys else action.toolTip()


def _boxed(box: QFrame, words: QLabel, *buttons: QPushButton) -> QFrame:
    """A sentence over what can be done about it."""
    box.setStyleSheet(f"QFrame {{ background: {theme.RAISED}; border-radius: 3px; }}")
    column, row = QVBoxLayout(box), QHBoxLayout()
    column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
    column.setSpacing(theme.SPACE)
    column.addWidget(words)
    row.setSpacing(4)
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    column.addLayout(row)
    return box
