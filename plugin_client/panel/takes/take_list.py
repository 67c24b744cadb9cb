# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of takes: a picture, a name, how it was made, how it stands; dragged out as the result's file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import qtawesome
from PyQt6.QtCore import QEvent, QMimeData, QModelIndex, QPoint, QRect, QSize, Qt, QUrl, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPixmap
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from plugin_client.core.job import JobState
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.rows import paint_ground
from plugin_client.panel.shell import theme
from plugin_client.panel.takes.words import headline

JOB_ID = Qt.ItemDataRole.UserRole
_PICTURE = QSize(80, 45)
_STAR_PX = 16
PLATE = ""
"""The job id of the row that stands for the plate."""


class TakeList(QListWidget):
    """The plate first, then the takes that `show_takes` is given. `starred(job_id)`: its star was clicked."""

    starred = pyqtSignal(str)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._pictures: dict[str, QPixmap] = {}
        self.setItemDelegate(_Delegate(desk, self))
        self.setAccessibleName("Takes")
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def show_takes(self, takes: Iterable[Take], *, chosen: str) -> None:
        """List these, with that one chosen."""
        wanted = [PLATE, *(take.job_id for take in takes)]
        self.blockSignals(True)
        if wanted != [self.job_at(row) for row in range(self.count())]:
            self.clear()
            for job_id in wanted:
                item = QListWidgetItem()
                item.setData(JOB_ID, job_id)
                self.addItem(item)
        for row, job_id in enumerate(wanted):
            item = self.item(row)
            assert item is not None
            take = self._desk.takes.get(job_id)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, take.name if take else "Plate")
            item.setToolTip(_tip(take))
            drags = Qt.ItemFlag.ItemIsDragEnabled if take is not None and take.result else Qt.ItemFlag.NoItemFlags
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | drags)
            if job_id == chosen:
                self.setCurrentItem(item)
        self.blockSignals(False)
        self.refresh()

    def job_at(self, row: int) -> str:
        """The job of that row, PLATE for the first."""
        item = self.item(row)
        return item.data(JOB_ID) if item is not None else PLATE

    def refresh(self) -> None:
        """Paint anew."""
        if (viewport := self.viewport()) is not None:
            viewport.update()

    def picture(self, take: Take) -> QPixmap | None:
        """Its thumbnail, read once; None without one."""
        if not take.thumbnail:
            return None
        path = str(self._desk.project.path_of(take.thumbnail))
        if path not in self._pictures:
            self._pictures[path] = QPixmap(path)
        return None if self._pictures[path].isNull() else self._pictures[path]

    def mimeData(self, items: Iterable[QListWidgetItem]) -> QMimeData:
        """The result's file, for editors and file managers; for a sequence its folder."""
        data = QMimeData()
        takes = (self._desk.takes.get(item.data(JOB_ID)) for item in items)
        paths = [self._desk.project.path_of(take.result) for take in takes if take is not None and take.result]
        data.setUrls([QUrl.fromLocalFile(str(Path(path).absolute())) for path in paths])
        return data

    def mouseReleaseEvent(self, e: QMouseEvent | None) -> None:
        if e is not None and (item := self.itemAt(e.position().toPoint())) is not None:
            job_id = item.data(JOB_ID)
            if job_id and star_place(self.visualItemRect(item)).contains(e.position().toPoint()):
                self.starred.emit(job_id)
        super().mouseReleaseEvent(e)

    def viewportEvent(self, event: QEvent | None) -> bool:
        if event is not None and event.type() in (QEvent.Type.HoverMove, QEvent.Type.Leave):
            self.refresh()
        return super().viewportEvent(event)


def star_place(row: QRect) -> QRect:
    """Where the star of a row is."""
    return QRect(QPoint(row.right() - theme.SPACE - _STAR_PX, row.top() + theme.SPACE), QSize(_STAR_PX, _STAR_PX))


class _Delegate(QStyledItemDelegate):
    def __init__(self, desk: Desk, parent: TakeList) -> None:
        super().__init__(parent)
        self._desk, self._list = desk, parent

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        high = max(_PICTURE.height(), 3 * option.fontMetrics.height()) + 2 * theme.SPACE
        return QSize(200, high)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        assert painter is not None
        self.initStyleOption(option, index)
        paint_ground(painter, option)
        row = option.rect.adjusted(theme.SPACE, theme.SPACE, -theme.SPACE, -theme.SPACE)
        frame = QRect(row.topLeft(), _PICTURE)
        take = self._desk.takes.get(index.data(JOB_ID))
        painter.fillRect(frame, QColor(theme.SUNKEN))
        self._paint_picture(painter, frame, take)
        texts = row.adjusted(_PICTURE.width() + theme.SPACE, 0, -_STAR_PX - theme.SPACE, 0)
        line = option.fontMetrics.height()
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        for number, (text, colour) in enumerate(self._lines(take)):
            font = option.font if number else bold
            painter.setFont(font)
            painter.setPen(QColor(colour))
            shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, texts.width())
            painter.drawText(QRect(texts.left(), texts.top() + number * line, texts.width(), line), 0, shown)
        if take is not None:
            self._paint_star(painter, star_place(option.rect), take, near=option.state)
            self._paint_progress(painter, QRect(texts.left(), row.bottom() - 2, texts.width(), 2), take)

    def _paint_picture(self, painter: QPainter, frame: QRect, take: Take | None) -> None:
        picture = self._list.picture(take) if take is not None else None
        if picture is not None:
            size = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(QPoint(0, 0), size)
            place.moveCenter(frame.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(place, picture)
            return
        name = "mdi6.filmstrip" if take is None else _ICONS.get(take.state, "mdi6.timer-sand")
        icon = qtawesome.icon(name, color=theme.FAINT)
        place = QRect(0, 0, 24, 24)
        place.moveCenter(frame.center())
        icon.paint(painter, place)

    def _paint_star(self, painter: QPainter, place: QRect, take: Take, *, near: QStyle.StateFlag) -> None:
        if take.star:
            qtawesome.icon("mdi6.star", color=theme.WARNING).paint(painter, place)
        elif near & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected):
            qtawesome.icon("mdi6.star-outline", color=theme.TEXT).paint(painter, place)

    def _paint_progress(self, painter: QPainter, bar: QRect, take: Take) -> None:
        course = self._desk.runs.course(take.job_id)
        if take.state is JobState.RUNNING and course is not None and course.share is not None:
            painter.fillRect(bar, QColor(theme.SUNKEN))
            bar.setWidth(round(bar.width() * course.share))
            painter.fillRect(bar, QColor(theme.ACCENT))

    def _lines(self, take: Take | None) -> tuple[tuple[str, str], ...]:
        if take is None:
            return (("Plate", theme.TEXT), ("The clip as it is", theme.DIM))
        made = f"{take.preset.capitalize()}, seed {take.seed}" + (", fix" if take.parent else "")
        return ((take.name, theme.TEXT), (made, theme.DIM), self._state(take))

    def _state(self, take: Take) -> tuple[str, str]:
        course = self._desk.runs.course(take.job_id)
        if self._desk.runs.is_fetching(take.job_id):
            return "Fetching the result …", theme.DIM
        if take.error:
            return take.error, theme.ERROR
        if take.state is JobState.SUCCEEDED:
            said = headline(take.record)
            if said is None:
                return "Done", theme.DIM
            return said.says, theme.GOOD if said.good else theme.WARNING
        if not take.state.is_final and course is not None:
            return "Stopping …" if take.state is JobState.CANCELLING else course.short, theme.ACCENT
        return take.state.value.capitalize(), theme.DIM


_ICONS = {
    JobState.FAILED: "mdi6.alert-circle-outline",
    JobState.CANCELLED: "mdi6.cancel",
    JobState.SUCCEEDED: "mdi6.image-outline",
    JobState.RUNNING: "mdi6.cog-outline",
}


def _tip(take: Take | None) -> str:
    if take is None:
        return "Show the clip without any take."
    lines = [take.name, take.error, take.notes, "Drag it into an editor, or double-click to export it."]
    return "\n".join(line for line in lines if line)
