# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that are dropped or pasted, on their way to becoming keyframes."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QEvent, QMimeData, QObject
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PyQt6.QtWidgets import QWidget

from maskedit.media.pictures import PICTURE_SUFFIXES
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.model.desk import Desk


def can_take(data: QMimeData | None) -> bool:
    """Whether there is a picture in it: one file, or an image."""
    return data is not None and (bool(_files(data)) or data.hasImage())


def take_dropped(desk: Desk, data: QMimeData | None, frame: int, *, source: str = "a drop") -> bool:
    """Make the picture in `data` the keyframe of `frame`; False if there is none."""
    if data is None:
        return False
    files = _files(data)
    if len(files) > 1:
        desk.notices.say("Several pictures at once have no frame to go to: drop them one by one.", severity="error")
    elif files:
        keyframing_of(desk).take_file(frame, files[0])
    elif isinstance(image := data.imageData(), QImage) and not image.isNull():
        keyframing_of(desk).take_image(frame, image, source=source)
    else:
        return False
    return True


def paste(desk: Desk, frame: int) -> None:
    """Make the clipboard's picture the keyframe of `frame`, or say that there is none."""
    clipboard = QGuiApplication.clipboard()
    data = clipboard.mimeData() if clipboard is not None else None
    if desk.project.facts is None:
        desk.notices.say("There is no clip for the picture yet: open one first.", severity="error")
    elif not take_dropped(desk, data, frame, source="the clipboard"):
        desk.notices.say("The clipboard holds no picture: copy one in your image editor first.", severity="warning")


class DropCatcher(QObject):
    """Lets a widget that knows nothing of keyframes, the canvas, take pictures for the frame under the playhead."""

    def __init__(self, desk: Desk, widget: QWidget) -> None:
        super().__init__(widget)
        self._desk = desk
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take what is a picture, leave the rest to whoever is behind."""
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            if take_dropped(self._desk, event.mimeData(), self._desk.playhead.frame):
                event.acceptProposedAction()
                return True
        elif isinstance(event, QDragEnterEvent) and can_take(event.mimeData()) and self._desk.project.facts is not None:
            event.acceptProposedAction()
            return True
        return False


def _files(data: QMimeData) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
