# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss over the steps of tuning, one curve a stage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QWidget

from plugin_client.core.course import Loss
from plugin_client.core.progress import stage_words
from plugin_client.panel.shell import theme

_COLOURS = {"tune_motion": theme.ACCENT, "tune_appearance": theme.GOOD}
# Each step is measured at another noise level, so that single ones say little: the bold line is their running mean.
_MEAN_SHARE = 0.1


class LossCurve(QWidget):
    """Faint: each step; bold: their running mean. Both stages share the scale and stand side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._losses: Sequence[Loss] = ()
        self.setToolTip("The tuning's loss: it falls while the adapter learns, and levels off when it has learnt.")

    def show_losses(self, losses: Sequence[Loss]) -> None:
        """Draw these, in their order."""
        self._losses = tuple(losses)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 80)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 64)

    def paintEvent(self, _: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.SUNKEN))
        if len(self._losses) < 2:
            painter.setPen(QColor(theme.FAINT))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "The loss is drawn while tuning")
            return
        values = [loss.value for loss in self._losses]
        low, high = min(values), max(max(values), min(values) + 1e-9)
        # The curve keeps clear of the words above it.
        whole = QRectF(self.rect()).adjusted(4, 2, -4, -4)
        area = whole.adjusted(0, self.fontMetrics().height() + 2, 0, 0)

        def place(number: int, value: float) -> QPointF:
            x = area.left() + area.width() * number / (len(values) - 1)
            return QPointF(x, area.bottom() - area.height() * (value - low) / (high - low))

        begin = 0
        for stage, losses in groupby(self._losses, key=lambda loss: loss.stage):
            run = [loss.value for loss in losses]
            colour = QColor(_COLOURS.get(stage, theme.TEXT))
            for line, alpha, width in ((run, 90, 1), (running_mean(run), 255, 2)):
                colour.setAlpha(alpha)
                painter.setPen(QPen(colour, width))
                painter.drawPolyline(QPolygonF([place(begin + n, value) for n, value in enumerate(line)]))
            begin += len(run)
        painter.setPen(QColor(theme.DIM))
        latest = self._losses[-1]
        words = f"{stage_words(latest.stage)}: {latest.value:.3f}"
        painter.drawText(whole, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight, words)


def running_mean(values: Sequence[float]) -> list[float]:
    """The exponential mean of `values`, over a tenth of them, unbiased from the first on."""
    keep = 1 - 1 / max(1.0, len(values) * _MEAN_SHARE)
    total, means = 0.0, []
    for number, value in enumerate(values, start=1):
        total = keep * total + (1 - keep) * value
        means.append(total / (1 - math.pow(keep, number)))
    return means
