# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of keyframes and of their plates, made in the background and kept."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QPixmap

from maskedit.errors import MaskEditError
from maskedit.media import read_picture
from plugin_client.panel.model.working import in_background
from plugin_client.panel.viewer.layers import image_of

if TYPE_CHECKING:
    from plugin_client.panel.model.desk import Desk

_log = logging.getLogger(__name__)
# Twice what the strip and the pane show, for screens of high density.
_HEIGHT = 144
_MOST = 256
_Key = tuple[str, int]


class Thumbnails(QObject):
    """`ready`: one is there that was asked for before."""

    ready = pyqtSignal()

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._made: OrderedDict[_Key, QPixmap] = OrderedDict()
        self._making: set[_Key] = set()
        desk.project.opened.connect(self._made.clear)

    def painted(self, path: str) -> QPixmap | None:
        """A keyframe's picture, by its path in the document; empty for one that cannot be read, None until it is."""
        file = self._desk.project.path_of(path)
        return self._get((str(file), -1), lambda: _small(_read(file)))

    def plate(self, frame: int) -> QPixmap | None:
        """The clip's own frame."""
        document = self._desk.project.document
        footage = self._desk.footage.open(document.clip, colour=document.choices.colour)
        return self._get((f"{document.clip} {document.choices.colour}", frame), lambda: _small(footage.exact(frame)))

    def _get(self, key: _Key, make: Callable[[], QImage]) -> QPixmap | None:
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        if key not in self._making:
            self._making.add(key)
            in_background(
                make,
                owner=self,
                done=lambda image: self._keep(key, image),
                failed=lambda error: self._lack(key, error),
            )
        return None

    def _keep(self, key: _Key, image: QImage) -> None:
        self._making.discard(key)
        self._made[key] = QPixmap.fromImage(image)
        while len(self._made) > _MOST:
            self._made.popitem(last=False)
        self.ready.emit()

    def _lack(self, key: _Key, error: Exception) -> None:
        if not isinstance(error, MaskEditError | OSError):
            _log.error("a thumbnail could not be made", exc_info=error)
        self._keep(key, QImage())


def scaled(pixmap: QPixmap, size: QSize, ratio: float) -> QPixmap:
    """`pixmap` within `size`, sharp on a screen of `ratio` pixels per px."""
    fitting = pixmap.scaled(
        size * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    fitting.setDevicePixelRatio(ratio)
    return fitting


def _read(file: Path) -> NDArray[np.uint8]:
    return np.rint(read_picture(file)[..., :3] * np.float32(255)).astype(np.uint8)


def _small(picture: NDArray[np.uint8]) -> QImage:
    height, width = picture.shape[:2]
    size = max(1, round(width * _HEIGHT / height)), _HEIGHT
    return image_of(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8))
