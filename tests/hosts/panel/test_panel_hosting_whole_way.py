# SPDX-License-Identifier: GPL-3.0-or-later
"""From a clip on Resolve's timeline to its result above it, with a real server and the bundled model; and what is
brought back once the window was closed while the run went on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from maskedit.mattes.roto import Shape
from maskedit.mattes.roto_keys import Key, Point
from maskedit.media import ClipReader, write_picture
from plugin_client.core.jobs import Jobs
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.hosting.bringing_back import BringingBack
from plugin_client.panel.hosting.opening import Opening
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.model.document import Choices
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.shell.window import MainWindow
from tests.hosts.panel.timeline_hand import INSIDE, OUTSIDE, Cut, deliver, lent, window_of
from tests.hosts.resolve.fake import by_hand
from tests.serving import ServerProcess

pytestmark = pytest.mark.timeout(240)
TINY = (("appearance_steps", 1), ("motion_steps", 2), ("render_steps", 1))
WAIT_MS = 100_000


@pytest.fixture
def preferences(preferences: Preferences, server: ServerProcess, tmp_path: Path) -> Preferences:
    """Those of somebody whose server is the module's."""
    preferences.token, preferences.server = server.facts["token"], server.facts["address"]
    preferences.timeline_folder = str(tmp_path / "films")
    return preferences


@pytest.fixture
def cut(write_clip) -> Cut:
    """Frames 3 to 11 of a clip of noise that moves, on a drop-frame timeline."""
    made = Cut(rate="29.97 DF")
    noise = np.random.default_rng(0).integers(40, 200, (64, 120, 3), dtype=np.uint8)
    frames = np.stack([noise[:, number : number + 96] for number in range(20)])
    path = write_clip("plate.mov", frames, codec="qtrle", pixel_format="rgb24", rate=made.media_rate)
    made.place(path, start=1801, source=(3, 12))
    return made


def open_selected(window: MainWindow, qtbot: QtBot) -> None:
    Opening(window.desk.timeline, window.desk, window.projects, window).open_selected()
    qtbot.waitUntil(lambda: window.desk.project.folder is not None, timeout=20_000)
    qtbot.waitUntil(lambda: window.desk.session.connected, timeout=20_000)


def prepare_edit(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """A matte, one painted frame, and the smallest settings that there are."""
    desk, frame = window.desk, 3
    corners = [(24, 16), (72, 16), (72, 48), (24, 48)]
    square = Shape(name="square", blend="add", keys=(Key(frame=frame, points=tuple(Point(co=at) for at in corners)),))
    choices = Choices(preset="fast", settings=tuple(sorted(TINY)))
    desk.project.change("Set up", replace(desk.project.document, shapes=(square,), choices=choices))
    with ClipReader(desk.project.document.clip) as clip:
        painted = next(iter(clip.frames(frame, frame))).rgb().copy()
    painted[16:48, 24:72] = (0.8, 0.3, 0.1)
    write_picture(str(tmp_path / "painted.png"), painted)
    keyframing_of(desk).take_file(frame, tmp_path / "painted.png")
    qtbot.waitUntil(lambda: len(desk.project.document.keyframes) == 1, timeout=20_000)


def run(window: MainWindow, qtbot: QtBot) -> str:
    window.desk.runs.run()
    qtbot.waitUntil(lambda: bool(window.desk.takes.takes), timeout=WAIT_MS)
    return window.desk.takes.takes[0].job_id


def close(window: MainWindow, qtbot: QtBot) -> None:
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)


def bring_back(window: MainWindow, qtbot: QtBot) -> str:
    back = BringingBack(window.desk.timeline, window.desk, window.projects, window)
    with qtbot.waitSignal(back.ended, timeout=WAIT_MS) as ended:
        back.begin()
    back.deleteLater()
    assert ended.args is not None
    return ended.args[0]


def result_of(folder: Path) -> np.ndarray:
    """The delivered frames of a project's only take, as 8-bit RGB."""
    (path,) = folder.glob("takes/*/result.mkv")
    with ClipReader(path) as clip:
        return np.stack([frame.rgb() for frame in clip.frames(0, clip.facts.frame_count - 1)]) * 255


def check_placed(cut: Cut, before: np.ndarray, folder: Path) -> None:
    """The timeline shows the source outside, to the bit, and the server's own frames inside."""
    after, result = cut.shown(), result_of(folder)
    assert len(result) == len(after) == 9
    assert np.array_equal(after[:, *OUTSIDE], before[:, *OUTSIDE])
    assert np.abs(after - result).mean() < 1.5, "more than ProRes loses"
    assert np.abs(after[:, *INSIDE].astype(float) - before[:, *INSIDE]).mean() > 5


def test_from_the_timeline_to_the_timeline(cut, preferences, tmp_path, qtbot):
    before = cut.shown()
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        assert window.desk.project.document.frames == FrameRange(3, 11)
        prepare_edit(window, qtbot, tmp_path)
        run(window, qtbot)
        qtbot.waitUntil(lambda: bool(window.desk.takes.takes[0].result), timeout=WAIT_MS)
        with qtbot.waitSignal(window.desk.timeline.placed, timeout=60_000):
            window.rooms.takes.verbs["timeline"].trigger()
    check_placed(cut, before, tmp_path / "films" / "plate.maskedit")
    (item,) = cut.stage.items(2)
    (marker,) = item.GetMarkers().values()
    assert "29.97" in str(cut.stage.timeline.GetSetting("timelineFrameRate")) and '"preset": "fast"' in str(marker)
    assert cut.stage.fake.misuses == [] and cut.stage.fake.modal == ""


def test_a_run_that_ended_after_the_window_is_brought_back_where_its_clip_was(
    cut, preferences, server, tmp_path, qtbot
):
    before, start = cut.shown(), cut.item.start
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        prepare_edit(window, qtbot, tmp_path)
        job_id = run(window, qtbot)
        session = window.desk.session
        close(window, qtbot)
        with session.connection() as connection:
            for _ in Jobs(connection).watch(job_id):
                pass
    assert not cut.stage.items(2)
    with lent(cut) as host, window_of(host, preferences) as window:
        assert bring_back(window, qtbot) == "One edit was brought back."
        assert window.desk.project.folder == tmp_path / "films" / "plate.maskedit"
    check_placed(cut, before, tmp_path / "films" / "plate.maskedit")
    (item,) = cut.stage.items(2)
    assert item.GetStart() == start
    with lent(cut) as host, window_of(host, preferences) as window:
        assert bring_back(window, qtbot) == "No finished edit was waiting."
    assert len(cut.stage.items(2)) == 1


def test_what_still_runs_stays_and_is_said(cut, preferences, tmp_path, qtbot):
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        prepare_edit(window, qtbot, tmp_path)
        document = window.desk.project.document
        slow = replace(document.choices, settings=(("motion_steps", 2000),))
        window.desk.project.change("Slow", replace(document, choices=slow))
        job_id = run(window, qtbot)
        close(window, qtbot)
    with lent(cut) as host, window_of(host, preferences) as window:
        assert bring_back(window, qtbot) == "No finished edit was waiting. One is still running."
        window.desk.runs.stop(job_id)
        qtbot.waitUntil(lambda: not window.desk.runs.running, timeout=WAIT_MS)
    assert not cut.stage.items(2)


def test_one_of_two_that_cannot_be_placed_does_not_keep_the_other(cut, preferences, write_clip, tmp_path, qtbot):
    """The first one's timeline is deleted meanwhile; the other one's clip is only moved."""
    stage = cut.stage
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        deliver(window.desk)
        close(window, qtbot)
    other = stage.pool.CreateEmptyTimeline("Cut 4")
    stage.project.SetCurrentTimeline(other)
    clip = stage.items(1)[0].GetMediaPoolItem()
    item = by_hand.place(other, clip, track=1, start=other.GetStartFrame(), source=(0, 8))
    by_hand.select(other, item)
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        deliver(window.desk)
        close(window, qtbot)
    by_hand.move(item, 30)
    stage.pool.DeleteTimelines([stage.timeline])
    with lent(cut) as host, window_of(host, preferences) as window:
        said: list[str] = []
        window.desk.notices.said.connect(lambda notice: said.append(notice.text))
        ended = bring_back(window, qtbot)
        assert ended.startswith("One edit was brought back. plate: The timeline Cut 3 is not in the project any more")
        assert any("was moved or trimmed since the edit began" in words for words in said)
    (placed,) = other.GetItemListInTrack("video", 2)
    assert placed.GetStart() == other.GetStartFrame()
