# SPDX-License-Identifier: GPL-3.0-or-later
"""Playing by the wall clock, the ruler, timecode, in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from maskedit.media import probe
from maskedit.request import MediaFacts
from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.player import Player, place_after
from plugin_client.panel.viewer.ranges import with_in, with_out
from plugin_client.panel.viewer.ruler import TimeRuler, runs, tick_step
from plugin_client.panel.viewer.timecodes import place_of, timecode_of

COUNT = 50
NTSC = Fraction(24000, 1001)


@pytest.fixture
def clip(desk: Desk, write_clip: Callable[..., Path]) -> Path:
    """A clip on the desk, of 50 frames at 23.976 a second."""
    path = write_clip("plate.mkv", np.zeros((COUNT, 16, 32, 3), np.uint8), rate=NTSC)
    desk.project.replace(Document(clip=str(path)), probe(path))
    return path


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 10**15

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: Fraction) -> None:
        self.now += int(seconds * 10**9)


@pytest.fixture
def player(desk: Desk, clip: Path, qtbot: QtBot) -> Iterator[tuple[Player, Clock]]:
    canvas, clock = Canvas(desk), Clock()
    qtbot.addWidget(canvas)
    player = Player(desk, canvas.looks, canvas.shown, canvas, clock=clock)
    # The test ticks for itself.
    desk.playhead.speed_changed.connect(player._timer.stop)
    yield player, clock


@pytest.mark.parametrize("speed", [1, 2, 4, -1, -2])
def test_the_playhead_is_where_the_clock_says(speed: int, player: tuple[Player, Clock], desk: Desk) -> None:
    played, clock = player
    desk.playhead.seek(25)
    for _ in range(abs(speed).bit_length()):
        desk.playhead.play(1 if speed > 0 else -1)
    assert desk.playhead.speed == speed
    clock.forward(1 / NTSC / 2)
    played._tick()
    assert desk.playhead.frame == 25
    # Three frames' time in one go: the frames between are left out, the time is kept.
    clock.forward(Fraction(5, 2) / NTSC + Fraction(1, 10**6))
    played._tick()
    assert desk.playhead.frame == 25 + 3 * speed


def test_it_plays_from_in_to_out_and_begins_anew(player: tuple[Player, Clock], desk: Desk) -> None:
    played, clock = player
    desk.project.change("Range", replace(desk.project.document, frames=FrameRange(10, 14)))
    desk.playhead.seek(12)
    desk.playhead.play(1)
    frames = []
    for _ in range(7):
        clock.forward(1 / NTSC + Fraction(1, 10**6))
        played._tick()
        frames.append(desk.playhead.frame)
    assert frames == [13, 14, 10, 11, 12, 13, 14]
    # Outside of the range the whole clip is played.
    desk.playhead.stop()
    desk.playhead.seek(30)
    assert played.span == FrameRange(0, COUNT - 1)


def test_without_a_loop_it_stops_at_the_end_and_plays_from_the_start_again(
    player: tuple[Player, Clock], desk: Desk
) -> None:
    played, clock = player
    played._looks.change(loop=False)
    desk.playhead.seek(47)
    desk.playhead.play(1)
    clock.forward(Fraction(3))
    played._tick()
    assert (desk.playhead.frame, desk.playhead.speed) == (COUNT - 1, 0)
    desk.playhead.play(1)
    assert desk.playhead.frame == 0


def test_it_plays_in_real_time(desk: Desk, clip: Path, qtbot: QtBot) -> None:
    canvas = Canvas(desk)
    qtbot.addWidget(canvas)
    player = Player(desk, canvas.looks, canvas.shown, canvas)
    desk.playhead.play(1)
    qtbot.waitUntil(lambda: desk.playhead.frame >= 8, timeout=5000)
    assert player._timer.isActive()
    desk.playhead.stop()
    assert not player._timer.isActive()


def test_frames_that_come_too_late_are_counted_as_not_shown(player: tuple[Player, Clock], desk: Desk) -> None:
    played, clock = player

    class Late:
        is_at_hand = False

    rates = []
    played.shown_rate_changed.connect(rates.append)
    desk.playhead.play(1)
    for number in range(48):
        played._shown = Late() if number % 2 else type("AtHand", (), {"is_at_hand": True})()
        clock.forward(1 / NTSC + Fraction(1, 10**6))
        played._tick()
    assert rates[-1] == pytest.approx(float(NTSC) / 2, rel=0.05)


@given(st.integers(0, 60), st.integers(1, 60), st.data(), st.integers(-500, 500), st.booleans())
def test_stepping_on_is_as_slow_stepping(first: int, length: int, data: st.DataObject, steps: int, loop: bool) -> None:
    span = FrameRange(first, first + length - 1)
    start = data.draw(st.integers(span.first, span.last))
    twin, direction = start, 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        if twin + direction in span:
            twin += direction
        elif loop:
            twin = span.first if direction > 0 else span.last
    frame, moves = place_after(start, steps, span, loop=loop)
    assert frame == twin
    assert moves == (length > 1 if loop else frame == start + steps)


def facts(rate: Fraction, *, start: str = "", count: int = 4000) -> MediaFacts:
    return MediaFacts(frame_count=count, width=8, height=8, rate=rate, pixel_format="gray", start_timecode=start)


@given(
    st.sampled_from([
        (Fraction(25), ""), (NTSC, "01:00:00:00"), (Fraction(30000, 1001), "00:59:58;10"),
        (Fraction(60000, 1001), "10:00:00;00"), (Fraction(30000, 1001), "10:00:00:00"), (Fraction(24), "nonsense"),
    ]),
    st.integers(0, 3999),
)  # fmt: skip
def test_a_frames_timecode_leads_back_to_it(kind: tuple[Fraction, str], frame: int) -> None:
    clip = facts(kind[0], start=kind[1])
    label = timecode_of(frame, clip)
    assert place_of(label, clip) == place_of(str(frame), clip) == frame
    assert (";" in label) == (";" in kind[1])


def test_the_first_frame_carries_the_start() -> None:
    assert timecode_of(0, facts(Fraction(25), start="09:59:59:24")) == "09:59:59:24"
    assert timecode_of(1, facts(Fraction(25), start="09:59:59:24")) == "10:00:00:00"
    with pytest.raises(BadInput, match="lies outside the clip"):
        place_of("00:00:00:00", facts(Fraction(25), start="09:59:59:24"))


@given(st.floats(0.001, 200), st.floats(1, 200), st.sampled_from([24, 25, 30, 60]))
def test_ticks_are_as_close_as_they_fit(px: float, least: float, nominal: int) -> None:
    step = tick_step(px, least_px=least, nominal=nominal)
    steps = [1, 2, 5, 10, *(nominal * seconds for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600))]
    assert step * px >= least or step == 7200 * nominal
    assert all(smaller * px < least for smaller in steps if smaller < step and smaller != nominal)


@given(st.sets(st.integers(0, 60)))
def test_runs_are_the_frames(frames: set[int]) -> None:
    found = runs(sorted(frames))
    assert [frame for first, last in found for frame in range(first, last + 1)] == sorted(frames)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(found))


@given(st.integers(1, 60), st.lists(st.tuples(st.booleans(), st.integers(0, 59)), max_size=8))
def test_in_and_out_always_hold_frames(count: int, marks: list[tuple[bool, int]]) -> None:
    document = Document(clip="x")
    for is_in, frame in marks:
        frame = min(frame, count - 1)
        document = (with_in if is_in else with_out)(document, frame, last=count - 1)
        span = document.frames or FrameRange(0, count - 1)
        assert frame == (span.first if is_in else span.last)
        assert span.last < count
        # The whole clip is said by saying nothing.
        assert document.frames is None or len(span) < count


@pytest.fixture
def ruler(desk: Desk, clip: Path, qtbot: QtBot) -> TimeRuler:
    ruler = TimeRuler(desk)
    qtbot.addWidget(ruler)
    ruler.resize(708, ruler.height())
    ruler.show()
    qtbot.waitExposed(ruler)
    return ruler


def at(ruler: TimeRuler, desk: Desk, frame: float, y: int = 5) -> QPoint:
    return QPoint(round(desk.axis.x_of(frame, ruler.width())), y)


def test_pressing_and_dragging_scrubs_to_every_frame(ruler: TimeRuler, desk: Desk, qtbot: QtBot) -> None:
    desk.playhead.play(1)
    qtbot.mousePress(ruler, Qt.MouseButton.LeftButton, pos=at(ruler, desk, 7))
    assert (desk.playhead.frame, desk.playhead.speed) == (7, 0)
    for frame in (8, 20, 3, 0, COUNT - 1):
        qtbot.mouseMove(ruler, at(ruler, desk, frame))
        assert desk.playhead.frame == frame
    qtbot.mouseMove(ruler, QPoint(5000, 5))
    assert desk.playhead.frame == COUNT - 1
    qtbot.mouseRelease(ruler, Qt.MouseButton.LeftButton, pos=QPoint(0, 5))
    qtbot.mouseMove(ruler, at(ruler, desk, 20))
    assert desk.playhead.frame == COUNT - 1


def test_the_grips_drag_in_and_out_one_step_each(ruler: TimeRuler, desk: Desk, qtbot: QtBot) -> None:
    for start, marks, name in ((-0.5, (4, 9, 12), "Move in"), (COUNT - 0.5, (40, 30), "Move out")):
        qtbot.mousePress(ruler, Qt.MouseButton.LeftButton, pos=at(ruler, desk, start, 30))
        for mark in marks:
            qtbot.mouseMove(ruler, at(ruler, desk, mark, 30))
        qtbot.mouseRelease(ruler, Qt.MouseButton.LeftButton, pos=at(ruler, desk, marks[-1], 30))
        assert desk.project.undo_name == name
    assert desk.project.document.frames == FrameRange(12, 30)
    assert desk.playhead.frame == 0
    # The in never passes the out.
    qtbot.mousePress(ruler, Qt.MouseButton.LeftButton, pos=at(ruler, desk, 11.5, 30))
    qtbot.mouseMove(ruler, at(ruler, desk, 45, 30))
    assert desk.project.document.frames == FrameRange(30, 30)
    qtbot.mouseRelease(ruler, Qt.MouseButton.LeftButton)
    for frames in (FrameRange(12, 30), FrameRange(12, COUNT - 1), None):
        desk.project.undo()
        assert desk.project.document.frames == frames


def test_the_wheel_zooms_the_shared_axis_about_the_pointer(ruler: TimeRuler, desk: Desk) -> None:
    place = QPointF(at(ruler, desk, 20))
    turn = QWheelEvent(
        place, place, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(ruler, turn)
    assert desk.axis.last - desk.axis.first == pytest.approx(COUNT / 1.25)
    assert desk.axis.frame_at(place.x(), ruler.width()) == 20


def test_the_bar_shows_which_frames_are_at_hand(ruler: TimeRuler, desk: Desk, clip: Path, qtbot: QtBot) -> None:
    desk.footage.open(str(clip)).prefetch(0, 0)
    qtbot.waitUntil(lambda: ruler._held == frozenset(range(COUNT)), timeout=10_000)
    line = ruler.grab().toImage()
    colours = {line.pixelColor(at(ruler, desk, frame).x(), ruler.height() - 2).name() for frame in range(1, COUNT)}
    assert len(colours) == 1
    assert colours != {line.pixelColor(4, ruler.height() - 2).name()}
