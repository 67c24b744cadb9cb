# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that most runs leave to the preset, folded away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import qtawesome
from PyQt6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSpinBox, QWidget
from superqt import QCollapsible

from maskedit.colour import NAMES as COLOURS
from plugin_client.core.requests import COMPOSITES, LOOSENINGS, Care
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Choices
from plugin_client.panel.shell import theme

_BY_PRESET = "by preset"


@dataclass(frozen=True)
class _Number:
    """A setting with a number. `step` a fraction: of as many decimals."""

    name: str
    label: str
    least: float
    most: float
    step: float
    tip: str


_SETTINGS = (
    _Number(
        "motion_steps", "Motion steps", 0, 5000, 10, "Optimiser steps of stage 1: the shot's motion and background."
    ),
    _Number("appearance_steps", "Appearance steps", 0, 5000, 10, "Optimiser steps of stage 2, per keyframe."),
    _Number(
        "rank", "LoRA rank", 1, 256, 4, "Rank of the adapter's matrices: higher learns more and takes more memory."
    ),
    _Number("learning_rate", "Learning rate", 0.00001, 0.01, 0.00001, "Step size of the optimiser."),
    _Number("render_steps", "Render steps", 1, 200, 1, "Sampler steps: more are finer and slower."),
    _Number("guidance", "Guidance", 1, 20, 0.5, "Classifier-free guidance: how hard the prompt pulls."),
    _Number(
        "draft_strength",
        "Noise over draft",
        0.05,
        1,
        0.05,
        "1 starts from noise alone, less from the optical-flow draft.",
    ),
    _Number(
        "budget_px",
        "Largest crop",
        0,
        4_000_000,
        10_000,
        "Pixels of a frame the model works on at most; 0 is all it can.",
    ),
)
_REGION = (
    _Number("grow_px", "Grow", 0, 500, 1, "Source pixels by which the matte is widened; 0 holds the drawn edge."),
    _Number("feather_px", "Feather", 0, 500, 1, "Source pixels of the soft edge outside the widened matte."),
)
_FINISH = (
    ("grain", "Grain", 1.0, "Grain like the plate's where it is missing."),
    ("sharpness", "Sharpness", 1.0, "As sharp as the plate."),
    ("rim_colour", "Rim colour", 1.0, "Colours along the rim run into the plate's."),
    ("steady", "Steady", 1.0, "No more flicker than the plate has."),
    ("shutter", "Motion blur", 0.0, "Motion blur like the plate's."),
)
_LOOSENINGS: dict[str, str] = dict(zip(LOOSENINGS, ("Drawn outline", "Bounding box", "Convex hull"), strict=True))
_COMPOSITES: dict[str, str] = dict(zip(COMPOSITES, ("What came out different", "The whole drawn matte"), strict=True))


class AdvancedSettings(QCollapsible):
    """Rows of the document's choices; what differs from the preset is said in the title."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Advanced settings", parent)
        self._desk = desk
        for state, icon in ((self.setExpandedIcon, "mdi6.chevron-down"), (self.setCollapsedIcon, "mdi6.chevron-right")):
            state(qtawesome.icon(icon, color=theme.TEXT))
        self.setDuration(120)
        self._shows: list[Callable[[Choices], None]] = []
        body = QWidget()
        self._form = QFormLayout(body)
        self._form.setContentsMargins(theme.SPACE, theme.SPACE // 2, 0, theme.SPACE)
        self._form.setVerticalSpacing(theme.SPACE // 2)
        self._form.setHorizontalSpacing(theme.SPACE)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._build()
        self.setContent(body)
        self.collapse(animate=False)
        desk.project.changed.connect(self._show)
        self._show()

    def _build(self) -> None:
        self._heading("Tuning and rendering")
        for number in _SETTINGS:
            self._number(
                number,
                read=lambda choices, name=number.name: dict(choices.settings).get(name),
                write=lambda choices, value, name=number.name: choices.with_setting(name, value),
            )
        self._heading("Region")
        for number in _REGION:
            self._number(
                number,
                read=lambda choices, name=number.name: getattr(choices, name),
                write=lambda choices, value, name=number.name: replace(choices, **{name: value}),
            )
        self._choice("loosening", "Loosen to", _LOOSENINGS, "Into what the drawn matte is widened before it is grown.")
        self._choice("composite", "Paste", _COMPOSITES, "What of the region is laid over the plate.")
        self._heading("Finish")
        for name, label, usual, tip in _FINISH:
            self._strength(name, label, usual, tip)
        self._heading("Keyframes and colour")
        self._tick(
            "Keyframes as given",
            "Do not lay shifted keyframes back, nor undo a drift of their colours.",
            read=lambda care: not care.register,
            write=lambda care, on: replace(care, register=not on, match_colour=not on),
        )
        self._tick(
            "Fit keyframes to the clip",
            "Scale keyframes of another size and the same shape.",
            read=lambda care: care.fit,
            write=lambda care, on: replace(care, fit=on),
        )
        self._tick(
            "Take changes outside the matte",
            "Edit what the keyframes change outside the matte too.",
            read=lambda care: care.take_changes,
            write=lambda care, on: replace(care, take_changes=on),
        )
        colours = {"": "By the file's tags"} | {name: name for name in COLOURS}
        self._choice("colour", "Source colour", colours, "What the clip's colours are, if its tags do not say.")

    def _heading(self, text: str) -> None:
        label = QLabel(text)
        label.setProperty("dim", True)
        self._form.addRow(label)

    def _number(self, number: _Number, *, read: Callable[[Choices], Any], write: Callable[..., Choices]) -> None:
        whole = float(number.step).is_integer()
        field: QSpinBox | QDoubleSpinBox = QSpinBox() if whole else QDoubleSpinBox()
        kind = int if whole else float
        if isinstance(field, QDoubleSpinBox):
            field.setDecimals(len(f"{number.step:.5f}".rstrip("0").partition(".")[2]))
        # One step below what is allowed stands for the preset's own value.
        unset = kind(number.least - number.step)
        field.setRange(unset, kind(number.most))  # type: ignore[arg-type]
        field.setSingleStep(kind(number.step))  # type: ignore[arg-type]
        field.setSpecialValueText(_BY_PRESET)
        field.setToolTip(number.tip)

        def change(value: float) -> None:
            given = None if value < number.least else kind(value)
            self._change(f"Change {number.label.lower()}", lambda choices: write(choices, given), merge=number.name)

        def show(choices: Choices) -> None:
            value = read(choices)
            _quietly(field, unset if value is None else value)

        field.valueChanged.connect(change)
        field.editingFinished.connect(self._desk.project.settle)
        self._add(number.label, field, show)

    def _strength(self, name: str, label: str, usual: float, tip: str) -> None:
        field = QDoubleSpinBox()
        field.setRange(0, 1)
        field.setSingleStep(0.1)
        field.setToolTip(f"{tip} 0 is off, 1 full; usually {usual:g}.")

        def change(value: float) -> None:
            given = None if abs(value - usual) < 0.005 else round(value, 2)
            self._change(f"Change {label.lower()}", lambda choices: choices.with_finish(name, given), merge=name)

        field.valueChanged.connect(change)
        field.editingFinished.connect(self._desk.project.settle)
        self._add(label, field, lambda choices: _quietly(field, dict(choices.finish).get(name, usual)))

    def _choice(self, name: str, label: str, values: dict[str, str], tip: str) -> None:
        field = QComboBox()
        for value, words in values.items():
            field.addItem(words, value)
        field.setToolTip(tip)
        field.setMinimumContentsLength(10)
        field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

        def change() -> None:
            value = field.currentData()
            self._change(f"Change {label.lower()}", lambda choices: replace(choices, **{name: value}))

        def show(choices: Choices) -> None:
            value = getattr(choices, name)
            if field.findData(value) < 0:  # such as an OCIO space that only a file can name
                field.addItem(value, value)
            field.setCurrentIndex(field.findData(value))

        field.activated.connect(change)
        self._add(label, field, show)

    def _tick(self, label: str, tip: str, *, read: Callable[[Care], bool], write: Callable[[Care, bool], Care]) -> None:
        field = QCheckBox(label)
        field.setToolTip(tip)

        def change(on: bool) -> None:
            self._change(label, lambda choices: replace(choices, care=write(choices.care, on)))

        field.clicked.connect(change)
        self._shows.append(lambda choices: field.setChecked(read(choices.care)))
        self._form.addRow(field)

    def _add(self, label: str, field: QWidget, show: Callable[[Choices], None]) -> None:
        self._form.addRow(label, field)
        self._shows.append(show)

    def _change(self, name: str, change: Callable[[Choices], Choices], *, merge: str = "") -> None:
        document = self._desk.project.document
        self._desk.project.change(name, replace(document, choices=change(document.choices)), merge=merge)

    def _show(self, *_: object) -> None:
        choices = self._desk.project.document.choices
        for show in self._shows:
            show(choices)
        count = _differing(choices)
        self.setText(f"Advanced settings, {count} changed" if count else "Advanced settings")


def _differing(choices: Choices) -> int:
    plain = Choices()
    names = ("grow_px", "feather_px", "loosening", "composite", "colour", "care")
    return len(choices.settings) + len(choices.finish) + sum(getattr(choices, n) != getattr(plain, n) for n in names)


def _quietly(field: QSpinBox | QDoubleSpinBox, value: Any) -> None:
    """Show a value without taking it for one that was typed."""
    if field.value() != value:
        field.blockSignals(True)
        field.setValue(value)
        field.blockSignals(False)
