# SPDX-License-Identifier: GPL-3.0-or-later
"""The bar over the picture: what is shown, how plate and result are compared, the matte's overlay, the zoom."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from PyQt6.QtCore import QSignalBlocker, Qt
from PyQt6.QtGui import QAction, QActionGroup, QColor, QIcon, QPixmap
from PyQt6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.commands import Commands
from plugin_client.panel.viewer.look import Compare, Onion, Overlay
from plugin_client.panel.viewer.transport import button_for

_Kind = TypeVar("_Kind", bound=StrEnum)
_DRAFT = "Live draft"
_COMPARE = {
    Compare.OFF: "One picture",
    Compare.WIPE: "Wipe",
    Compare.SIDE: "Side by side",
    Compare.DIFFERENCE: "Difference",
    Compare.BLINK: "Blink (hold A)",
}
_OVERLAY = {
    Overlay.COLOUR: "Colour",
    Overlay.OUTLINE: "Outline",
    Overlay.CUTOUT: "Cut out",
    Overlay.MATTE: "Matte only",
}
_ONION = {Onion.OFF: "No onion skin", Onion.FRAMES: "Frames beside", Onion.KEYFRAMES: "Nearest keyframes"}
_MOST_GAIN = 16


class CompareBar(QWidget):
    """Shows the looks and the takes, and changes them."""

    def __init__(self, desk: Desk, canvas: Canvas, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._canvas = desk, canvas
        self._takes = QComboBox()
        self._takes.addItem(_DRAFT, "")
        self._listed: tuple[tuple[str, str], ...] = ()
        self._takes.setToolTip("The result to look at: the live draft or a take (1 to 9 choose one, [ and ] go along)")
        self._takes.setMinimumContentsLength(10)
        self._takes.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._takes.setAccessibleName("Result")
        self._takes.activated.connect(lambda row: desk.takes.choose(self._takes.itemData(row)))
        self._modes = QComboBox()
        self._modes.setToolTip("How plate and result are compared (C: the next way)")
        self._modes.setAccessibleName("Compare")
        for mode, words in _COMPARE.items():
            self._modes.addItem(words, mode)
        self._modes.activated.connect(lambda row: canvas.looks.change(compare=self._modes.itemData(row)))
        self._gain = _slider(1, _MOST_GAIN, "Gain of the difference")
        self._gain.valueChanged.connect(lambda gain: canvas.looks.change(gain=gain))
        self._gain_label = QLabel()
        self._zoom = QToolButton()
        self._zoom.setAutoRaise(True)
        # The style's own arrow would lie over the text.
        self._zoom.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self._zoom.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._zoom.setToolTip("Zoom: wheel at the pointer; pan with the middle button, or Space and drag")
        self._zoom.setMenu(_menu_of(self._zoom, [*commands.view.values()]))
        self._matte = button_for(commands.matte["overlay"])
        self._matte.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self._matte.setMenu(self._matte_menu(commands))
        self._onion = button_for(commands.matte["onion"])
        self._onion.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self._onion.setMenu(self._onion_menu())
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, theme.SPACE // 2, theme.SPACE, theme.SPACE // 2)
        row.setSpacing(theme.SPACE // 2)
        plate = button_for(commands.compare["plate"])
        plate.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row.addWidget(plate)
        row.addWidget(self._takes)
        row.addWidget(button_for(commands.compare["newer"]))
        row.addWidget(button_for(commands.compare["older"]))
        row.addSpacing(theme.SPACE)
        row.addWidget(self._modes)
        row.addWidget(self._gain)
        row.addWidget(self._gain_label)
        row.addStretch(1)
        row.addWidget(self._onion)
        row.addWidget(self._matte)
        row.addSpacing(theme.SPACE)
        row.addWidget(self._zoom)
        canvas.looks.changed.connect(self._show)
        canvas.view_changed.connect(self._show_zoom)
        desk.project.facts_changed.connect(self._show_zoom)
        for signal in (desk.takes.changed, desk.takes.updated, desk.takes.chosen):
            signal.connect(self._show_takes)
        self._show()
        self._show_zoom()
        self._show_takes()

    def _matte_menu(self, commands: Commands) -> QMenu:
        looks = self._canvas.looks
        menu = QMenu(self)
        self._overlays = _choices(menu, _OVERLAY, lambda overlay: looks.change(overlay=overlay, overlay_on=True))
        menu.addSeparator()
        self._opacity = _slider(5, 100, "Opacity of the matte overlay, %")
        self._opacity.valueChanged.connect(lambda percent: looks.change(overlay_opacity=percent / 100))
        menu.addAction(_labelled(menu, "Opacity", self._opacity))
        self._colour = QAction("Colour …", menu)
        self._colour.triggered.connect(self._pick_colour)
        menu.addAction(self._colour)
        menu.addSeparator()
        menu.addAction(commands.matte["overlay_next"])
        return menu

    def _onion_menu(self) -> QMenu:
        looks = self._canvas.looks
        menu = QMenu(self)
        self._onions = _choices(menu, _ONION, lambda onion: looks.change(onion=onion))
        menu.addSeparator()
        self._onion_opacity = _slider(5, 90, "Opacity of the onion skin, %")
        self._onion_opacity.valueChanged.connect(lambda percent: looks.change(onion_opacity=percent / 100))
        menu.addAction(_labelled(menu, "Opacity", self._onion_opacity))
        return menu

    def _pick_colour(self) -> None:
        looks = self._canvas.looks
        chosen = QColorDialog.getColor(QColor(looks.look.overlay_colour), self, "Colour of the matte overlay")
        if chosen.isValid():
            looks.change(overlay_colour=chosen.name())

    def _show(self) -> None:
        look = self._canvas.looks.look
        self._modes.setCurrentIndex(self._modes.findData(look.compare))
        is_difference = look.compare is Compare.DIFFERENCE
        self._gain.setVisible(is_difference)
        self._gain_label.setVisible(is_difference)
        self._gain_label.setText(f"× {look.gain}")
        for slider, value in (
            (self._gain, look.gain),
            (self._opacity, round(100 * look.overlay_opacity)),
            (self._onion_opacity, round(100 * look.onion_opacity)),
        ):
            with QSignalBlocker(slider):
                slider.setValue(value)
        self._overlays[look.overlay].setChecked(True)
        self._onions[look.onion].setChecked(True)
        swatch = QPixmap(16, 16)
        swatch.fill(QColor(look.overlay_colour))
        self._colour.setIcon(QIcon(swatch))

    def _show_zoom(self) -> None:
        percent = self._canvas.view.scale * self._canvas.devicePixelRatioF() * 100
        self._zoom.setEnabled(self._desk.project.facts is not None)
        self._zoom.setText(f"{percent:.0f} % ▾" if self._zoom.isEnabled() else "– % ▾")

    def _show_takes(self) -> None:
        takes = self._desk.takes
        listed = tuple((take.job_id, take.name) for take in takes.takes if take.result)
        with QSignalBlocker(self._takes):
            # An open list must not be taken from under the hand because some take has come a step further.
            if listed != self._listed:
                self._listed = listed
                self._takes.clear()
                self._takes.addItem(_DRAFT, "")
                for number, (job_id, name) in enumerate(listed, start=1):
                    self._takes.addItem(f"{number}  {name}" if number <= 9 else name, job_id)
                    self._takes.setItemData(number, name, Qt.ItemDataRole.ToolTipRole)
            self._takes.setCurrentIndex(max(0, self._takes.findData(takes.current)))


def _slider(least: int, most: int, name: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(least, most)
    slider.setFixedWidth(96)
    slider.setToolTip(name)
    slider.setAccessibleName(name)
    return slider


def _labelled(menu: QMenu, words: str, slider: QSlider) -> QWidgetAction:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(3 * theme.SPACE, theme.SPACE // 2, theme.SPACE, theme.SPACE // 2)
    row.addWidget(QLabel(words))
    row.addWidget(slider)
    action = QWidgetAction(menu)
    action.setDefaultWidget(line)
    return action


def _menu_of(parent: QWidget, actions: list[QAction]) -> QMenu:
    menu = QMenu(parent)
    menu.addActions(actions)
    return menu


def _choices(menu: QMenu, words: dict[_Kind, str], choose: Callable[[_Kind], object]) -> dict[_Kind, QAction]:
    """One checkable entry each, of which one is checked."""
    group = QActionGroup(menu)
    entries = {}
    for kind, text in words.items():
        entry = group.addAction(text)
        assert entry is not None
        entry.setCheckable(True)
        entry.triggered.connect(lambda _checked=False, kind=kind: choose(kind))
        menu.addAction(entry)
        entries[kind] = entry
    return entries
