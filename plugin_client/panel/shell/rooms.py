# SPDX-License-Identifier: GPL-3.0-or-later
"""The panes that the window is made of: the only place of the shell that knows every room."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QScrollArea, QSplitter, QTabWidget, QVBoxLayout, QWidget

from plugin_client.panel.keyframes.doubt_strip import DoubtStrip
from plugin_client.panel.keyframes.pane import KeyframesPane
from plugin_client.panel.keyframes.strip import KeyframeStrip
from plugin_client.panel.mattes.pane import MattesPane
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto.dope_sheet import DopeSheet
from plugin_client.panel.roto.pane import RotoPane
from plugin_client.panel.running.pane import RunPane
from plugin_client.panel.running.queue_pane import QueuePane
from plugin_client.panel.takes.pane import TakesPane
from plugin_client.panel.viewer.pane import ViewerPane
from plugin_client.panel.viewer.ruler import TimeRuler


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """Every pane, made for one desk."""

    viewer: ViewerPane
    ruler: TimeRuler
    keyframe_strip: KeyframeStrip
    doubt_strip: DoubtStrip
    dope_sheet: DopeSheet
    roto: RotoPane
    mattes: MattesPane
    keyframes: KeyframesPane
    run: RunPane
    takes: TakesPane
    queue: QueuePane


def build_rooms(desk: Desk) -> Rooms:
    """All panes of one window."""
    viewer = ViewerPane(desk)
    return Rooms(
        viewer=viewer,
        ruler=TimeRuler(desk),
        keyframe_strip=KeyframeStrip(desk),
        doubt_strip=DoubtStrip(desk),
        dope_sheet=DopeSheet(desk),
        roto=RotoPane(desk, viewer.canvas),
        mattes=MattesPane(desk, viewer.canvas),
        keyframes=KeyframesPane(desk, viewer.canvas),
        run=RunPane(desk),
        takes=TakesPane(desk),
        queue=QueuePane(desk),
    )


def centre_of(rooms: Rooms) -> QWidget:
    """The viewer over the strips of time, which share one axis."""
    strips = QWidget()
    column = QVBoxLayout(strips)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for strip in (rooms.ruler, rooms.keyframe_strip, rooms.doubt_strip):
        column.addWidget(strip)
    column.addWidget(rooms.dope_sheet, 1)
    centre = QSplitter(Qt.Orientation.Vertical)
    centre.setObjectName("centre")
    centre.addWidget(rooms.viewer)
    centre.addWidget(strips)
    centre.setStretchFactor(0, 4)
    centre.setStretchFactor(1, 1)
    centre.setCollapsible(0, False)
    centre.setHandleWidth(4)
    return centre


def tabs_of(rooms: Rooms) -> QTabWidget:
    """What is done to the clip, in the order in which it is done. What is higher than the window scrolls."""
    tabs = QTabWidget()
    tabs.setDocumentMode(True)
    for name, pane in (("Roto", rooms.roto), ("Mattes", rooms.mattes), ("Keyframes", rooms.keyframes)):
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(pane)
        tabs.addTab(scroll, name)
    tabs.addTab(rooms.run, "Run")  # scrolls by itself above its button
    return tabs
