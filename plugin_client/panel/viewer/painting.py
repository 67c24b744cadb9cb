# SPDX-License-Identifier: GPL-3.0-or-later
"""Painting the canvas: plate and result one way or another, onion skin, matte."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QPainter, QPen, QTransform

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.viewer import layers
from plugin_client.panel.viewer.look import Compare, Look, Onion, Overlay
from plugin_client.panel.viewer.marks import draw_ground, draw_name, draw_sentence, draw_wipe
from plugin_client.panel.viewer.showing import Picture
from plugin_client.panel.viewer.shown import Shown
from plugin_client.panel.viewer.stills import Stills
from plugin_client.panel.viewer.view import View

# From this zoom on pixels are shown as squares.
_SHARP = 3.0
_PLATE = "Plate"
_EMPTY = "Open a clip to begin: choose Open in the File menu, or drop one here."


class Scenery(QObject):
    """Paints what `desk` and `shown` say. `changed`: a picture that was waited for is there."""

    changed = pyqtSignal()

    def __init__(self, desk: Desk, shown: Shown, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._shown = desk, shown
        self._made = layers.Made()
        self._stills = Stills(self)
        self._stills.ready.connect(self.changed)

    def paint(self, painter: QPainter, area: QRectF, *, view: View, look: Look, shows_plate: bool) -> None:
        """Everything but the tool. `area`: the whole canvas; `shows_plate`: rather than the result, where one is."""
        draw_ground(painter, area.toRect())
        if self._desk.project.facts is None:
            draw_sentence(painter, area.toRect(), _EMPTY)
            return
        frame = self._desk.playhead.frame
        skins = self._onion(look, frame) if not self._desk.playhead.speed else []
        full = self._wants_all(painter, view)
        compares = look.compare not in (Compare.OFF, Compare.BLINK)
        result = self._shown.result_picture(frame, full=full) if compares or not shows_plate else None
        # What is asked for last is decoded first.
        plate = self._shown.plate_picture(frame, full=full)
        fault = self._shown.plate_fault or (self._shown.result_fault if compares or not shows_plate else "")
        if plate is None or fault:
            draw_sentence(painter, area.toRect(), fault or "Reading the clip …", is_fault=bool(fault))
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.scale < _SHARP)
        if look.compare is Compare.SIDE:
            self._paint_sides(painter, area, plate, result, view=view, look=look, skins=skins)
            return
        picture = plate if compares or result is None else result
        if look.compare is Compare.DIFFERENCE and result is not None:
            picture = self._made.get(layers.difference, plate, result, gain=look.gain)
        self._lay(painter, picture, view)
        if look.compare is Compare.WIPE and result is not None:
            self._lay_right_of(painter, result, view, look.wipe)
        self._paint_over(painter, skins, view=view, look=look)
        if look.compare is Compare.WIPE and result is not None:
            draw_wipe(painter, view, look.wipe)
        self._name(painter, area, result, look=look, shows_plate=shows_plate)

    def _paint_sides(
        self,
        painter: QPainter,
        area: QRectF,
        plate: Picture,
        result: Picture | None,
        *,
        view: View,
        look: Look,
        skins: list[Picture],
    ) -> None:
        half = area.width() / 2
        for picture, left, name in ((plate, 0.0, _PLATE), (result, half, self._shown.result_name)):
            side = QRectF(left, area.top(), half, area.height())
            painter.save()
            painter.setClipRect(side)
            if picture is None:
                draw_sentence(painter, side.toRect(), "There is no result of this frame yet.")
            else:
                there = view.panned(QPointF(left, 0))
                self._lay(painter, picture, there)
                self._paint_over(painter, skins if picture is plate else [], view=there, look=look)
                draw_name(painter, side, name)
            painter.restore()
        painter.fillRect(QRectF(half - 0.5, area.top(), 1, area.height()), QColor("#000000"))

    def _name(self, painter: QPainter, area: QRectF, result: Picture | None, *, look: Look, shows_plate: bool) -> None:
        """Say what is shown wherever it may be doubted."""
        name = self._shown.result_name
        if result is None:
            if self._shown.has_result:
                draw_name(painter, area, _PLATE)
        elif look.compare is Compare.WIPE:
            draw_name(painter, QRectF(area.left(), area.top(), area.width() / 2, area.height()), _PLATE)
            draw_name(painter, QRectF(area.center().x(), area.top(), area.width() / 2, area.height()), name, right=True)
        elif look.compare is Compare.DIFFERENCE:
            draw_name(painter, area, f"Difference × {look.gain}: {name}")
        else:
            draw_name(painter, area, name)

    def _paint_over(self, painter: QPainter, skins: list[Picture], *, view: View, look: Look) -> None:
        painter.save()
        painter.setOpacity(look.onion_opacity)
        for skin in skins:
            self._lay(painter, skin, view)
        painter.restore()
        matte = self._desk.mattes.picture(self._desk.playhead.frame) if look.overlay_on else None
        if matte is None or self._desk.mattes.is_empty:
            return
        if look.overlay is Overlay.OUTLINE:
            self._trace(painter, matte, view, look.overlay_colour)
        elif look.overlay is Overlay.MATTE:
            self._draw(painter, self._made.get(layers.grey, matte), view)
        elif look.overlay is Overlay.CUTOUT:
            self._draw(painter, self._made.get(layers.cut_out, matte), view)
        else:
            veil = self._made.get(layers.tint, matte, colour=look.overlay_colour, opacity=look.overlay_opacity)
            self._draw(painter, veil, view)

    def _trace(self, painter: QPainter, matte: np.ndarray, view: View, colour: str) -> None:
        path = _fitting(matte.shape[1], matte.shape[0], view).map(self._made.get(layers.outline, matte))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(QColor(0, 0, 0, 120), 3.0), QPen(QColor(colour), 1.5)):
            painter.setPen(pen)
            painter.drawPath(path)
        painter.restore()

    def _onion(self, look: Look, frame: int) -> list[Picture]:
        """What shines through, as far as it is there."""
        project = self._desk.project
        if look.onion is Onion.FRAMES:
            last = self._desk.playhead.last
            pictures = [self._shown.neighbour(near) for near in (frame - 1, frame + 1) if 0 <= near <= last]
        elif look.onion is Onion.KEYFRAMES and project.facts is not None:
            keyframes = project.document.keyframes
            before = [each for each in keyframes if each.frame < frame][-1:]
            after = [each for each in keyframes if each.frame > frame][:1]
            colour = project.document.choices.colour
            pictures = [
                self._stills.picture(project.path_of(each.path), facts=project.facts, colour=colour)
                for each in (*before, *after)
            ]
        else:
            return []
        return [picture for picture in pictures if picture is not None]

    def _wants_all(self, painter: QPainter, view: View) -> bool:
        """Only a picture that stands still, and is shown larger than it is held, is worth decoding at full size."""
        device, plate = painter.device(), self._shown.plate
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        return plate is not None and not self._desk.playhead.speed and view.scale * ratio > plate.proxy_scale

    def _lay(self, painter: QPainter, picture: Picture, view: View) -> None:
        self._draw(painter, self._made.get(layers.image_of, picture), view)

    def _lay_right_of(self, painter: QPainter, picture: Picture, view: View, wipe: float) -> None:
        rect = view.rect
        painter.save()
        painter.setClipRect(rect.adjusted(wipe * rect.width(), 0, 0, 0))
        self._lay(painter, picture, view)
        painter.restore()

    def _draw(self, painter: QPainter, image: QImage, view: View) -> None:
        painter.save()
        painter.setTransform(_fitting(image.width(), image.height(), view), True)
        painter.drawImage(QPointF(), image)
        painter.restore()


def _fitting(width: int, height: int, view: View) -> QTransform:
    """From the pixels of a picture of the whole frame, whatever its size, to the widget."""
    return QTransform.fromScale(view.width / width, view.height / height) * view.transform
