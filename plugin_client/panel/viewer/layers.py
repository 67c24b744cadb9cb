# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that the canvas lays over one another, as Qt images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QColor, QImage, QPainterPath, QPolygonF, qRgba

from plugin_client.panel.viewer.showing import Picture

Matte = NDArray[np.uint8]

_INSIDE = 128
_MOST_EDGES = 500
_CHECK = 8
_CHECK_GREYS = (70, 96)


def image_of(picture: Picture) -> QImage:
    """The RGB picture in the format that Qt paints fastest, many times over."""
    return _view(picture, QImage.Format.Format_RGB888).convertToFormat(QImage.Format.Format_RGB32)


def difference(plate: Picture, result: Picture, *, gain: int) -> Picture:
    """uint8 (H, W, 3): |plate - result| times `gain`, clipped; a result of another size is brought to the plate's."""
    if result.shape != plate.shape:
        result = cv2.resize(result, plate.shape[1::-1], interpolation=cv2.INTER_LINEAR)  # pyright: ignore
    return cv2.convertScaleAbs(cv2.absdiff(plate, result), alpha=gain)  # pyright: ignore[reportReturnType]


def tint(matte: Matte, colour: str, *, opacity: float) -> QImage:
    """The matte as a veil of one colour: its values become opacity."""
    image = _view(matte, QImage.Format.Format_Indexed8)
    red, green, blue, _ = QColor(colour).getRgb()
    image.setColorTable([qRgba(red or 0, green or 0, blue or 0, round(value * opacity)) for value in range(256)])
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def grey(matte: Matte) -> QImage:
    """The matte itself, white inside."""
    return _view(matte, QImage.Format.Format_Grayscale8).convertToFormat(QImage.Format.Format_RGB32)


def cut_out(matte: Matte) -> QImage:
    """A checkerboard that hides what lies outside the matte."""
    board = _checkerboard(*matte.shape)
    samples = cv2.merge([board, board, board, cv2.bitwise_not(matte)])
    return _view(samples, QImage.Format.Format_RGBA8888).convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


@lru_cache(maxsize=2)
def _checkerboard(height: int, width: int) -> Matte:
    rows, columns = np.arange(height)[:, None] // _CHECK, np.arange(width) // _CHECK
    return np.where((rows + columns) % 2, *_CHECK_GREYS).astype(np.uint8)


def outline(matte: Matte) -> QPainterPath:
    """The matte's edge, in its own pixels. Of a matte full of specks only the longest edges."""
    inside = cv2.threshold(matte, _INSIDE - 1, 1, cv2.THRESH_BINARY)[1]
    contours, _ = cv2.findContours(
        cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0),
        cv2.RETR_CCOMP,
        cv2.CHAIN_APPROX_SIMPLE,
        offset=(-1, -1),
    )
    path = QPainterPath()
    for contour in sorted(contours, key=len, reverse=True)[:_MOST_EDGES]:
        path.addPolygon(QPolygonF([QPointF(x + 0.5, y + 0.5) for x, y in contour[:, 0].tolist()]))
        path.closeSubpath()
    return path


class Made:
    """The last few images, so that painting again costs no conversion. A source that is kept keeps its identity."""

    def __init__(self, most: int = 6) -> None:
        self._most = most
        self._made: OrderedDict[Hashable, tuple[tuple[np.ndarray, ...], Any]] = OrderedDict()

    def get(self, make: Callable[..., Any], *sources: np.ndarray, **how: Any) -> Any:
        """`make(*sources, **how)`, made once."""
        key = (make, *(id(source) for source in sources), *sorted(how.items()))
        if key not in self._made:
            self._made[key] = sources, make(*sources, **how)
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key][1]


def _view(samples: np.ndarray, kind: QImage.Format) -> QImage:
    samples = np.ascontiguousarray(samples)
    image = QImage(samples.data, samples.shape[1], samples.shape[0], samples.strides[0], kind)  # pyright: ignore
    # The image only points at the samples: they must live as long.
    image.samples = samples  # pyright: ignore[reportAttributeAccessIssue]
    return image
