# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes made in Resolve come onto the desk by the menu Matte › From the Timeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QAction
from pytestqt.qtbot import QtBot

from plugin_client.panel.hosting.opening import Opening
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.shell.window import MainWindow
from tests.hosts.panel.timeline_hand import Cut, lent, plate, window_of
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.fusion import PolylineMask

pytestmark = pytest.mark.timeout(60)
CORNERS = [{"X": x, "Y": y} for x, y in ((-0.2, -0.25), (0.2, -0.25), (0.2, 0.25), (-0.2, 0.25))]


@pytest.fixture
def cut(write_clip) -> Cut:
    made = Cut()
    made.place(plate(write_clip, "plate.mov", rate=made.media_rate))
    return made


@pytest.fixture
def window(cut, preferences: Preferences, tmp_path: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on frames 6 to 17 of the clip."""
    preferences.timeline_folder = str(tmp_path / "films")
    with lent(cut) as host, window_of(host, preferences) as made:
        Opening(made.desk.timeline, made.desk, made.projects, made).open_selected()
        qtbot.waitUntil(lambda: made.desk.project.folder is not None, timeout=20_000)
        yield made


def take(window: MainWindow, words: str) -> None:
    action = next(each for each in window.findChildren(QAction) if each.text() == words)
    assert action.isEnabled()
    action.trigger()


def test_fusion_masks_become_shapes(window, cut, qtbot):
    by_hand.draw_masks(cut.stage.items()[0], PolylineMask("Polygon1", {0: CORNERS}))
    take(window, "Fusion Masks")
    qtbot.waitUntil(lambda: bool(window.desk.project.document.shapes), timeout=20_000)
    (shape,) = window.desk.project.document.shapes
    assert np.allclose([point.co for point in shape.keys[0].points], [(28.8, 48), (67.2, 48), (67.2, 16), (28.8, 16)])
    window.desk.project.undo()
    assert not window.desk.project.document.shapes


def test_an_attached_matte_is_taken_as_it_is_and_only_once(window, cut, write_clip, qtbot):
    path = plate(write_clip, "matte.mov", rate=cut.media_rate)
    by_hand.attach_matte(cut.stage.items()[0].GetMediaPoolItem(), str(path))
    take(window, "Attached Matte")
    qtbot.waitUntil(lambda: bool(window.desk.project.document.mattes), timeout=20_000)
    assert [matte.path for matte in window.desk.project.document.mattes] == [str(path)]
    with qtbot.waitSignal(window.desk.timeline.failed, timeout=20_000) as failed:
        take(window, "Attached Matte")
    assert failed.args == ["matte.mov is there already."]


def test_what_the_clip_does_not_have_is_a_sentence(window, qtbot):
    with qtbot.waitSignal(window.desk.timeline.failed, timeout=20_000) as failed:
        take(window, "Attached Matte")
    assert failed.args is not None and "has no such attached matte" in failed.args[0]
    assert window.desk.project.document.mattes == () and window.desk.timeline.busy == ""


def test_a_rendered_matte_belongs_to_the_part_that_is_used(window, cut, write_clip, qtbot):
    stage = cut.stage
    stage.timeline.AddTrack("video")
    stage.timeline.SetTrackName("video", 2, "MaskEdit matte")
    matte = stage.clip(plate(write_clip, "matte.mov", rate=cut.media_rate, frames=25))
    by_hand.place(stage.timeline, matte, track=2, start=cut.item.start, source=(0, 12))
    failed: list[str] = []
    window.desk.timeline.failed.connect(failed.append)
    take(window, "Clip on the Matte Track")
    qtbot.waitUntil(lambda: bool(window.desk.project.document.mattes or failed), timeout=20_000)
    assert not failed
    (taken,) = window.desk.project.document.mattes
    assert (taken.channel, taken.first_frame) == ("luma", 6) and Path(taken.path).is_file()
    assert window.desk.project.folder in Path(taken.path).parents
