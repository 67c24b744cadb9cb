# SPDX-License-Identifier: GPL-3.0-or-later
"""What the viewer takes for the plate and the result, and the bar that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPointF
from PyQt6.QtWidgets import QComboBox, QSlider, QToolButton
from pytestqt.qtbot import QtBot

from maskedit.media import probe, write_picture
from plugin_client.core.job import JobState
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.takes import Take
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.look import Compare, Overlay
from plugin_client.panel.viewer.pane import ViewerPane
from plugin_client.panel.viewer.shown import Shown

COUNT, HEIGHT, WIDTH = 8, 32, 48
FRAMES = np.random.default_rng(6).integers(0, 255, (COUNT, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def clip(desk: Desk, write_clip: Callable[..., Path]) -> Path:
    path = write_clip("plate.mkv", FRAMES)
    desk.project.replace(Document(clip=str(path)), probe(path))
    return path


@pytest.fixture
def shown(desk: Desk, clip: Path) -> Shown:
    return Shown(desk)


def add_take(desk: Desk, job: str, *, result: str = "", name: str = "Take") -> None:
    take = Take(job_id=job, name=name, created="2026-01-01T10:00:00+00:00", document=desk.project.document)
    desk.takes.add(replace(take, state=JobState.SUCCEEDED, result=result))


def test_until_a_frame_is_there_the_nearest_at_hand_is_shown(shown: Shown, desk: Desk, qtbot: QtBot) -> None:
    assert shown.plate_picture(0) is None
    assert shown.is_late
    qtbot.waitUntil(lambda: shown.plate_picture(0) is not None)
    assert not shown.is_late
    desk.footage.clear()
    desk.playhead.seek(5)
    # It may be decoded already: then it is the very frame.
    first = shown.plate_picture(5)
    assert any(np.array_equal(first, FRAMES[number]) for number in range(COUNT))
    qtbot.waitUntil(lambda: np.array_equal(shown.plate_picture(5), FRAMES[5]))
    assert not shown.is_late


def test_a_sequence_of_pictures_is_a_result_as_well(shown: Shown, desk: Desk, qtbot: QtBot) -> None:
    folder = desk.project.workspace / "takes" / "job" / "result"
    folder.mkdir(parents=True)
    for number, frame in enumerate(FRAMES[::-1]):
        write_picture(folder / f"result.{number + 1001:04}.png", frame.astype(np.float32) / 255)
    add_take(desk, "job", result="takes/job/result")
    desk.takes.choose("job")
    qtbot.waitUntil(lambda: shown.result_picture(2) is not None)
    assert np.array_equal(shown.result_picture(2), FRAMES[COUNT - 3])


def test_a_take_that_is_fetched_later_appears(shown: Shown, desk: Desk, clip: Path, qtbot: QtBot) -> None:
    add_take(desk, "job")
    desk.takes.choose("job")
    assert shown.take is None
    assert not shown.has_result
    with qtbot.waitSignal(shown.changed):
        desk.takes.update("job", result=str(clip))
    assert shown.has_result
    desk.takes.remove("job")
    assert not shown.has_result


def test_a_result_folder_that_is_gone_is_told(shown: Shown, desk: Desk) -> None:
    (desk.project.workspace / "empty").mkdir()
    add_take(desk, "job", result="empty", name="Blue hat")
    desk.takes.choose("job")
    assert shown.result_fault == "The pictures of Blue hat are gone: choose Fetch again on the take."


def test_another_colour_is_another_picture(shown: Shown, desk: Desk, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: shown.plate_picture(0) is not None)
    before = shown.plate_picture(0)
    document = desk.project.document
    desk.project.change("Colour", replace(document, choices=replace(document.choices, colour="logc3")))
    qtbot.waitUntil(lambda: shown.plate_picture(0) is not None)
    assert not np.array_equal(shown.plate_picture(0), before)
    desk.project.undo()
    qtbot.waitUntil(lambda: shown.plate_picture(0) is not None)
    assert np.array_equal(shown.plate_picture(0), before)


def test_the_sample_shows_its_live_draft_where_no_take_is_chosen(sample_desk: Desk, qtbot: QtBot) -> None:
    shown = Shown(sample_desk)
    assert shown.result_name == "Live draft"
    qtbot.waitUntil(lambda: shown.has_result, timeout=20_000)
    draft = shown.result_picture(0)
    assert draft is not None
    assert draft.dtype == np.uint8
    assert draft.shape[2] == 3


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_clips_stand_upright_and_wide_pixels_are_wide(
    rotation: int, desk: Desk, clip: Path, qtbot: QtBot
) -> None:
    facts = replace(probe(clip), rotation=rotation, pixel_aspect=Fraction(2))
    desk.project.replace(desk.project.document, facts)
    canvas = Canvas(desk)
    qtbot.addWidget(canvas)
    canvas.looks.change(overlay_on=False)
    canvas.resize(300, 300)
    canvas.zoom_to(4.0)

    def painted() -> bool:
        canvas.grab()
        return not canvas.shown.is_late

    qtbot.waitUntil(painted)
    image = canvas.grab().toImage()
    for x, y in ((3, 5), (40, 3), (20, 30), (47, 31)):
        at = canvas.view.to_widget(QPointF(x + 0.5, y + 0.5))
        if canvas.rect().contains(at.toPoint()):
            colour = image.pixelColor(int(at.x()), int(at.y()))
            assert (colour.red(), colour.green(), colour.blue()) == tuple(FRAMES[0, y, x])


@pytest.fixture
def pane(desk: Desk, clip: Path, qtbot: QtBot) -> ViewerPane:
    pane = ViewerPane(desk)
    qtbot.addWidget(pane)
    pane.resize(900, 500)
    pane.show()
    qtbot.waitExposed(pane)
    return pane


def named(pane: ViewerPane, kind: type, name: str):
    return next(each for each in pane.findChildren(kind) if each.accessibleName() == name)


def test_the_bar_chooses_takes_and_says_which(pane: ViewerPane, desk: Desk, clip: Path) -> None:
    for number in range(11):
        add_take(desk, f"job-{number}", result=str(clip), name=f"A take with quite a long name, number {number}")
    results = named(pane, QComboBox, "Result")
    assert results.count() == 12
    assert results.itemText(1).startswith("1  A take")
    assert results.itemText(11) == "A take with quite a long name, number 0"
    results.setCurrentIndex(3)
    results.activated.emit(3)
    assert desk.takes.current == "job-8"
    desk.takes.choose("job-2")
    assert results.currentData() == "job-2"
    desk.takes.update("job-2", name="Renamed")
    assert results.currentText() == "9  Renamed"
    # However long a name is, the bar stays as narrow.
    assert pane.minimumSizeHint().width() <= 760


def test_the_bar_follows_and_changes_the_look(pane: ViewerPane) -> None:
    looks = pane.canvas.looks
    modes, gain = named(pane, QComboBox, "Compare"), named(pane, QSlider, "Gain of the difference")
    assert not gain.isVisible()
    modes.activated.emit(modes.findData(Compare.DIFFERENCE))
    assert looks.look.compare is Compare.DIFFERENCE
    assert gain.isVisible()
    gain.setValue(9)
    assert looks.look.gain == 9
    looks.change(compare=Compare.SIDE, gain=2)
    assert modes.currentData() is Compare.SIDE
    assert gain.value() == 2
    opacity = named(pane, QSlider, "Opacity of the matte overlay, %")
    opacity.setValue(80)
    assert looks.look.overlay_opacity == 0.8


def test_the_overlay_is_chosen_from_its_menu(pane: ViewerPane) -> None:
    button = next(each for each in pane.findChildren(QToolButton) if each.toolTip().startswith("Matte overlay"))
    entries = {action.text(): action for action in button.menu().actions()}
    entries["Cut out"].trigger()
    assert pane.canvas.looks.look.overlay is Overlay.CUTOUT
    pane.canvas.looks.change(overlay=Overlay.MATTE)
    assert entries["Matte only"].isChecked()
    assert not entries["Cut out"].isChecked()


def test_the_zoom_is_told_in_percent(pane: ViewerPane, desk: Desk) -> None:
    button = next(each for each in pane.findChildren(QToolButton) if "%" in each.text())
    pane.canvas.zoom_to(2.5)
    assert button.text().startswith("250 %")
    desk.project.replace(Document(), None)
    assert not button.isEnabled()
