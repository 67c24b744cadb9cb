# SPDX-License-Identifier: GPL-3.0-or-later
"""How far beyond the drawn edge the model may work: grow, feather, loosening."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QFormLayout, QSpinBox, QWidget

from plugin_client.panel.keyframes.edges import edges_of
from plugin_client.panel.model.document import Choices
from plugin_client.panel.model.project import Project
from plugin_client.panel.shell import theme

_BY_PRESET = -1
_MOST_PX = 500
_LOOSENINGS = {
    "grown": ("Its outline", "The drawn outline, grown"),
    "box": ("Its box", "The bounding box: room for a new silhouette"),
    "hull": ("Its hull", "The convex hull: room between limbs"),
}


class EdgeForm(QWidget):
    """Shows what the document's choices say; below 0 a field leaves it to the preset."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.loosening = QComboBox()
        for value, (words, meaning) in _LOOSENINGS.items():
            self.loosening.addItem(words, value)
            self.loosening.setItemData(self.loosening.count() - 1, meaning, Qt.ItemDataRole.ToolTipRole)
        self.loosening.setToolTip("Into what the drawn matte is widened before it is grown")
        self.grow = _pixels("By how far the matte is grown beyond what is drawn; 0 px holds the drawn edge")
        self.feather = _pixels("Over how far the result runs out beyond the grown edge")
        self.loosening.activated.connect(lambda _: self._choose("Loosening", loosening=self.loosening.currentData()))
        self.grow.valueChanged.connect(lambda value: self._choose("Grow", grow_px=_chosen(value)))
        self.feather.valueChanged.connect(lambda value: self._choose("Feather", feather_px=_chosen(value)))
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(theme.SPACE)
        form.setVerticalSpacing(theme.SPACE // 2)
        for words, field in (("Loosen to", self.loosening), ("Grow", self.grow), ("Feather", self.feather)):
            form.addRow(words, field)
        project.changed.connect(lambda *_: self._show())
        project.facts_changed.connect(self._show)
        self._show()

    def _choose(self, name: str, **fields: object) -> None:
        document = self._project.document
        choices: Choices = replace(document.choices, **fields)  # type: ignore[arg-type]
        self._project.change(f"{name} of matte", replace(document, choices=choices), merge=f"edge {name}")

    def _show(self) -> None:
        choices, facts = self._project.document.choices, self._project.facts
        edges = edges_of(self._project.document, frame_height=facts.height if facts else 1080)
        self.loosening.setCurrentIndex(self.loosening.findData(choices.loosening))
        for field, chosen, otherwise in (
            (self.grow, choices.grow_px, edges.grow_px),
            (self.feather, choices.feather_px, edges.feather_px),
        ):
            field.blockSignals(True)
            field.setSpecialValueText(f"{otherwise} px by preset")
            field.setValue(_BY_PRESET if chosen is None else chosen)
            field.blockSignals(False)


def _pixels(tip: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(_BY_PRESET, _MOST_PX)
    field.setSuffix(" px")
    field.setToolTip(f"{tip}, in the clip's pixels. Below 0: as the preset chooses.")
    return field


def _chosen(value: int) -> int | None:
    return None if value == _BY_PRESET else value
