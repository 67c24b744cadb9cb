# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes and doubts along the time axis, by mouse and by key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QImage, QWheelEvent
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from maskedit.demo import KEYFRAME
from plugin_client.core.job import JobState
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.keyframes.doubt_strip import DoubtStrip
from plugin_client.panel.keyframes.doubting import doubts_on
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.keyframes.strip import KeyframeStrip
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import KeyframePicture
from plugin_client.panel.model.takes import Take

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def strip(qtbot: QtBot, sample_desk: Desk) -> Iterator[KeyframeStrip]:
    made = KeyframeStrip(sample_desk)
    made.resize(900, made.sizeHint().height())
    qtbot.addWidget(made)
    made.show()
    yield made


@pytest.fixture
def doubt_strip(qtbot: QtBot, sample_desk: Desk) -> Iterator[DoubtStrip]:
    made = DoubtStrip(sample_desk)
    made.resize(900, made.sizeHint().height())
    qtbot.addWidget(made)
    made.show()
    yield made


def frames_of(desk: Desk) -> list[int]:
    return [each.frame for each in desk.project.document.keyframes]


def middle(strip: KeyframeStrip, frame: int) -> QPoint:
    return strip.place_of(frame).center().toPoint()


def add(desk: Desk, frame: int) -> None:
    path = desk.project.document.keyframes[0].path
    document = desk.project.document.with_keyframe(KeyframePicture(frame=frame, path=path))
    desk.project.change(f"Keyframe {frame}", document)


def test_a_click_on_a_picture_seeks_to_it(qtbot: QtBot, sample_desk: Desk, strip: KeyframeStrip) -> None:
    add(sample_desk, 15)
    for frame in (15, 0):
        qtbot.mouseClick(strip, LEFT, pos=middle(strip, frame))
        assert sample_desk.playhead.frame == frame


def test_a_click_beside_them_scrubs(qtbot: QtBot, sample_desk: Desk, strip: KeyframeStrip) -> None:
    x = round(sample_desk.axis.x_of(9, strip.width()))
    qtbot.mouseClick(strip, LEFT, pos=QPoint(x, 20))
    assert sample_desk.playhead.frame == 9
    qtbot.mouseClick(strip, LEFT, pos=QPoint(10, 20))
    assert sample_desk.playhead.frame == 9, "the strip's name is no place in time"


def test_pictures_lie_on_their_frames_and_stay_whole_at_the_ends(sample_desk: Desk, strip: KeyframeStrip) -> None:
    axis, wide = sample_desk.axis, strip.width()
    assert abs(strip.place_of(12).center().x() - axis.x_of(12, wide)) < 0.5
    for frame in (0, 24):
        assert strip.place_of(frame).left() >= axis.left
        assert strip.place_of(frame).right() <= wide


def test_of_two_that_overlap_the_one_near_the_playhead_is_hit(sample_desk: Desk, strip: KeyframeStrip) -> None:
    add(sample_desk, 10)
    add(sample_desk, 11)
    between = (strip.place_of(10).center() + strip.place_of(11).center()) / 2
    for frame in (10, 11):
        sample_desk.playhead.seek(frame)
        hit = strip.keyframe_under(between)
        assert hit is not None
        assert hit.frame == frame


def test_dragging_lets_the_picture_stand_for_another_frame(
    qtbot: QtBot, sample_desk: Desk, strip: KeyframeStrip
) -> None:
    said: list[str] = []
    sample_desk.notices.said.connect(lambda notice: said.append(notice.severity))
    target = QPoint(round(sample_desk.axis.x_of(14, strip.width())), 20)
    qtbot.mousePress(strip, LEFT, pos=middle(strip, 0))
    qtbot.mouseMove(strip, target)
    assert frames_of(sample_desk) == [0], "nothing happens before it is let go"
    qtbot.mouseRelease(strip, LEFT, pos=target)
    assert frames_of(sample_desk) == [14]
    assert sample_desk.playhead.frame == 14
    assert said == ["warning"]
    assert sample_desk.project.undo_name == "Move keyframe 0 to 14"


def test_escape_lets_go_of_a_drag(qtbot: QtBot, sample_desk: Desk, strip: KeyframeStrip) -> None:
    target = QPoint(round(sample_desk.axis.x_of(14, strip.width())), 20)
    qtbot.mousePress(strip, LEFT, pos=middle(strip, 0))
    qtbot.mouseMove(strip, target)
    qtbot.keyClick(strip, Qt.Key.Key_Escape)
    qtbot.mouseRelease(strip, LEFT, pos=target)
    assert frames_of(sample_desk) == [0]


def test_the_wheel_zooms_about_the_mouse_and_pans_with_shift(
    sample_desk: Desk, strip: KeyframeStrip, doubt_strip: DoubtStrip
) -> None:
    axis, at = sample_desk.axis, QPointF(sample_desk.axis.x_of(6, strip.width()), 20)

    def turn(widget: QWidget, keys: Qt.KeyboardModifier) -> None:
        none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
        widget.wheelEvent(QWheelEvent(at, at, QPoint(), QPoint(0, 120), none, keys, phase, False))

    turn(strip, Qt.KeyboardModifier.NoModifier)
    assert axis.last - axis.first < 25
    assert abs(axis.x_of(6, strip.width()) - at.x()) < 1
    before = axis.first
    turn(doubt_strip, Qt.KeyboardModifier.ShiftModifier)
    assert axis.first < before


def test_delete_removes_the_keyframe_under_the_playhead(qtbot: QtBot, sample_desk: Desk, strip: KeyframeStrip) -> None:
    add(sample_desk, 7)
    sample_desk.playhead.seek(3)
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert frames_of(sample_desk) == [0, 7]
    sample_desk.playhead.seek(7)
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert frames_of(sample_desk) == [0]


def test_a_dropped_picture_goes_to_the_frame_below_it(qtbot: QtBot, sample_desk: Desk, strip: KeyframeStrip) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(KEYFRAME))])
    at = QPointF(sample_desk.axis.x_of(18, strip.width()), 20)
    none, copy = Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    entered = QDragEnterEvent(at.toPoint(), copy, data, LEFT, none)
    strip.dragEnterEvent(entered)
    assert entered.isAccepted()
    with qtbot.waitSignal(keyframing_of(sample_desk).picked_up, timeout=20_000):
        strip.dropEvent(QDropEvent(at, copy, data, LEFT, none))
    assert frames_of(sample_desk) == [0, 18]


def test_a_thumbnail_is_painted_and_flashes_when_a_save_comes_in(
    qtbot: QtBot, sample_desk: Desk, strip: KeyframeStrip, tmp_path: Path
) -> None:
    keyframing = keyframing_of(sample_desk)
    keyframe = sample_desk.project.document.keyframes[0]
    qtbot.waitUntil(lambda: keyframing.thumbnails.painted(keyframe.path) is not None, timeout=20_000)
    place = strip.place_of(0).toRect().adjusted(6, 6, -6, -18)

    def brightness() -> float:
        shown: QImage = (
            strip.grab(place).toImage().scaled(1, 1, transformMode=Qt.TransformationMode.SmoothTransformation)
        )
        return shown.pixelColor(0, 0).lightnessF()

    still = brightness()
    dark = tmp_path / "dark.png"
    picture = cv2.imread(str(KEYFRAME))
    assert picture is not None
    picture[100:101] = 0
    cv2.imwrite(str(dark), picture)
    seen: list[float] = []
    keyframing.picked_up.connect(lambda frame: seen.append(frame))
    keyframing.take_file(0, dark)
    qtbot.waitUntil(lambda: seen == [0] and brightness() > still + 0.15, timeout=20_000)
    qtbot.waitUntil(lambda: abs(brightness() - still) < 0.03, timeout=20_000)


def test_the_doubts_are_the_live_drafts(qtbot: QtBot, sample_desk: Desk, doubt_strip: DoubtStrip) -> None:
    document = replace(sample_desk.project.document, frames=FrameRange(0, 11))
    sample_desk.project.change("In and out", document)
    assert doubt_strip.known is None
    assert "waiting" in doubt_strip.words_at(400).lower() or "working" in doubt_strip.words_at(400).lower()
    qtbot.waitUntil(lambda: sample_desk.draft.state == "ready", timeout=28_000)
    doubts, known = sample_desk.draft.doubts, doubt_strip.known
    assert doubts is not None
    assert known is not None
    assert list(known.uncertainty.values()) == list(doubts.uncertainty)
    assert known.best == doubts.next_keyframe
    assert known.best is not None
    wide = doubt_strip.width()
    assert doubt_strip.words_at(sample_desk.axis.x_of(0, wide)) == "Frame 0: the keyframes show all of its region."
    share = f"{max(1, round(100 * doubts.uncertainty[11]))} %"
    assert doubt_strip.words_at(sample_desk.axis.x_of(11, wide)) == (
        f"Frame 11: no keyframe shows {share} of its region, that much is a guess."
    )
    marker = sample_desk.axis.x_of(known.best, wide)
    assert f"Painting frame {known.best} would help most" in doubt_strip.words_at(marker)
    qtbot.mouseClick(doubt_strip, LEFT, pos=QPoint(round(marker) + 5, 10))
    assert sample_desk.playhead.frame == known.best

    # What has been painted is no advice any more.
    add(sample_desk, known.best)
    assert doubt_strip.known is not None
    assert doubt_strip.known.best is None


def test_a_take_that_is_shown_speaks_for_itself(sample_desk: Desk, doubt_strip: DoubtStrip) -> None:
    record = {
        "uncertainty": {"0": 0.0, "1": 0.25, "2": 0.001},
        "next_keyframe": {"frame": 1, "gain": 0.08},
    }
    document = sample_desk.project.document
    take = Take(
        job_id="a1", name="Take 1", created="2025-01-01T00:00:00+00:00", document=document,
        state=JobState.SUCCEEDED, record=record,
    )  # fmt: skip
    sample_desk.takes.add(take)
    sample_desk.takes.choose("a1")
    known = doubts_on(sample_desk)
    assert known == doubt_strip.known
    assert known is not None
    assert known.words(1) == (
        "Frame 1: no keyframe shows 25 % of its region, that much is a guess. "
        "Painting frame 1 would help most: 8 % less of the region to guess."
    )
    assert known.words(2) == "Frame 2: the keyframes show all of its region."
    assert known.words(9) == "Frame 9 lies outside the range."
