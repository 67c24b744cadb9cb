# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the picture lies in the canvas: source pixels to widget px and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PyQt6.QtCore import QPointF, QRectF, QSizeF
from PyQt6.QtGui import QTransform

SMALLEST, LARGEST = 1 / 64, 64.0


@dataclass(frozen=True, kw_only=True)
class View:
    """A picture of `width` x `height` source pixels, shown turned by `rotation` degrees clockwise (multiples of 90) and
    with pixels as wide as `pixel_aspect` times their height. `scale`: widget px per source pixel along its height;
    (`left`, `top`): where the upright picture's corner lies in the widget.
    """

    width: int = 1
    height: int = 1
    pixel_aspect: float = 1.0
    rotation: int = 0
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    @property
    def shown_size(self) -> QSizeF:
        """The upright picture's size at scale 1."""
        width, height = self.width * self.pixel_aspect, float(self.height)
        return QSizeF(height, width) if self.rotation % 180 else QSizeF(width, height)

    @property
    def transform(self) -> QTransform:
        """From source pixels to widget px."""
        shown = self.shown_size
        upright = QTransform()
        upright.translate(self.left, self.top)
        upright.scale(self.scale, self.scale)
        upright.translate(shown.width() / 2, shown.height() / 2)
        upright.rotate(self.rotation)
        upright.scale(self.pixel_aspect, 1.0)
        upright.translate(-self.width / 2, -self.height / 2)
        return upright

    @property
    def rect(self) -> QRectF:
        """The picture's place in the widget."""
        return QRectF(self.left, self.top, self.shown_size.width() * self.scale, self.shown_size.height() * self.scale)

    def to_widget(self, source: QPointF) -> QPointF:
        """Where a point of the source lies in the widget."""
        return self.transform.map(source)

    def to_source(self, widget: QPointF) -> QPointF:
        """The inverse of `to_widget`."""
        inverse, _ = self.transform.inverted()
        return inverse.map(widget)

    def fitted(self, space: QRectF) -> View:
        """The whole picture as large as `space` allows, in its middle."""
        shown = self.shown_size
        scale = min(max(space.width(), 1.0) / shown.width(), max(space.height(), 1.0) / shown.height())
        return self.centred(space, min(max(scale, SMALLEST), LARGEST))

    def centred(self, space: QRectF, scale: float) -> View:
        """The picture at `scale`, its middle in the middle of `space`."""
        size = self.shown_size * scale
        middle = space.center()
        return replace(self, scale=scale, left=middle.x() - size.width() / 2, top=middle.y() - size.height() / 2)

    def zoomed(self, factor: float, about: QPointF) -> View:
        """`factor` times as large, with the picture's point at `about` (widget px) staying there."""
        scale = min(max(self.scale * factor, SMALLEST), LARGEST)
        ratio = scale / self.scale
        return replace(
            self,
            scale=scale,
            left=about.x() - (about.x() - self.left) * ratio,
            top=about.y() - (about.y() - self.top) * ratio,
        )

    def panned(self, by: QPointF) -> View:
        """Moved by so many widget px."""
        return replace(self, left=self.left + by.x(), top=self.top + by.y())
