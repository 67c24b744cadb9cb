# SPDX-License-Identifier: GPL-3.0-or-later
"""A window that was opened from a timeline: its clip on the desk, takes laid above it; no server is needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from maskedit.media import ClipReader, write_picture
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.hosting.opening import Opening, results_folder
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.shell.window import MainWindow
from tests.hosts.panel.timeline_hand import INSIDE, OUTSIDE, Cut, deliver, lent, plate, result_grey, window_of
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.stage import grey_of

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def preferences(preferences: Preferences, tmp_path: Path) -> Preferences:
    """Projects of clips from the timeline lie in this test's folder."""
    preferences.timeline_folder = str(tmp_path / "films")
    return preferences


@pytest.fixture
def cut(write_clip) -> Cut:
    """Frames 6 to 17 of a clip, 25 frames into a timeline at 24 a second."""
    made = Cut()
    made.place(plate(write_clip, "A010 C014.mov", rate=made.media_rate))
    return made


@pytest.fixture
def opened(cut, preferences, qtbot) -> Iterator[MainWindow]:
    """The window on that clip."""
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        yield window


def open_selected(window: MainWindow, qtbot: QtBot) -> None:
    desk = window.desk
    opening = Opening(desk.timeline, desk, window.projects, window)
    opening.open_selected()
    qtbot.waitUntil(lambda: desk.project.folder is not None, timeout=20_000)
    opening.deleteLater()


def put(window: MainWindow, qtbot: QtBot, verb: str = "timeline") -> None:
    timeline, failed = window.desk.timeline, []
    timeline.failed.connect(failed.append)
    placed: list[str] = []
    timeline.placed.connect(placed.append)
    window.rooms.takes.verbs[verb].trigger()
    qtbot.waitUntil(lambda: bool(placed or failed), timeout=30_000)
    assert not failed


def said_by(window: MainWindow) -> list[str]:
    said: list[str] = []
    window.desk.notices.said.connect(lambda notice: said.append(notice.text))
    return said


def compare(cut: Cut, before: np.ndarray) -> None:
    """The timeline now shows the source outside of the region, to the bit, and the result's own frame inside."""
    after = cut.shown()
    assert np.array_equal(after[:, *OUTSIDE], before[:, *OUTSIDE])
    greys = after[:, *INSIDE].mean(axis=(1, 2, 3))
    wanted = [result_grey(number) for number in range(len(after))]
    # ProRes is not lossless: a quarter of a step between frames.
    assert np.abs(greys - wanted).max() < 0.5, list(zip(greys, wanted, strict=True))


def test_the_clip_is_opened_with_the_part_that_is_used_and_saved(opened, tmp_path, qtbot):
    project = opened.desk.project
    assert project.folder == tmp_path / "films" / "A010 C014.maskedit" and not project.dirty
    assert project.document.clip == str(tmp_path / "A010 C014.mov")
    assert project.document.frames == FrameRange(6, 17)
    qtbot.waitUntil(lambda: opened.desk.playhead.frame == 6)
    assert opened.windowTitle() == "A010 C014[*] – Cut 3 in Resolve – MaskEdit"
    assert opened.rooms.takes.verbs["timeline"].isVisible()


def test_a_take_lies_above_its_clip_frame_for_frame(opened, cut, qtbot):
    before = cut.shown()
    assert before[3, 0, 0, 0] == grey_of(9)
    take = deliver(opened.desk)
    put(opened, qtbot)
    compare(cut, before)
    (item,) = cut.stage.items(2)
    assert item.GetStart() == cut.item.start and cut.stage.timeline.GetTrackName("video", 2) == "MaskEdit"
    assert opened.desk.timeline.chosen.placed == {take.job_id: item.GetUniqueId()}
    assert cut.stage.fake.misuses == [] and cut.stage.fake.modal == ""


def test_the_whole_frame_on_request(opened, cut, qtbot):
    deliver(opened.desk)
    put(opened, qtbot, "timeline_full")
    (item,) = cut.stage.items(2)
    path = item.GetMediaPoolItem().GetClipProperty("File Path")
    with ClipReader(path) as clip:
        (first,) = clip.frames(0, 0)
        assert not first.layout.has_alpha
    assert np.abs(cut.shown()[:, *INSIDE].mean(axis=(1, 2, 3))[0] - result_grey(0)) < 0.5


def test_a_take_of_a_part_goes_to_that_part(opened, cut, qtbot):
    desk, before = opened.desk, cut.shown()
    desk.project.change("Set in", replace(desk.project.document, frames=FrameRange(9, 14)))
    deliver(desk)
    put(opened, qtbot)
    after = cut.shown()
    changed = [not np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    assert changed == [3 <= frame < 9 for frame in range(12)]
    assert abs(after[3][INSIDE].mean() - result_grey(0)) < 0.5


@pytest.mark.parametrize("frames", [None, FrameRange(0, 17), FrameRange(20, 25)])
def test_a_take_of_frames_that_are_not_shown_cannot_be_put_there(opened, frames):
    desk = opened.desk
    desk.project.change("Set in", replace(desk.project.document, frames=frames))
    take = deliver(desk)
    assert "the timeline shows 6 to 17: set In and Out within these" in desk.timeline.why_not(take)
    assert not opened.rooms.takes.verbs["timeline"].isEnabled()


def test_a_moved_clip_is_said(opened, cut, qtbot):
    deliver(opened.desk)
    by_hand.move(cut.item, 40)
    said = said_by(opened)
    put(opened, qtbot)
    qtbot.waitUntil(lambda: len(said) > 1)
    assert said[0] == "Take 1 is on the timeline of Resolve, above its clip."
    assert "A010 C014.mov was moved or trimmed since the edit began" in said[1]


def test_a_deleted_clip_is_said(opened, cut, qtbot):
    deliver(opened.desk)
    start = cut.item.start
    by_hand.delete(cut.stage.timeline, cut.item)
    said = said_by(opened)
    put(opened, qtbot)
    qtbot.waitUntil(lambda: len(said) > 1)
    assert "is not on the timeline any more: the result lies where it was" in said[1]
    (item,) = cut.stage.items(2)
    assert item.GetStart() == start


def test_the_window_never_waits_for_resolve(cut, preferences, qtbot):
    for call in ("Project.GetCurrentTimeline", "Timeline.AddTrack"):
        cut.stage.fake.delay(call, 0.7)
    with lent(cut) as host, window_of(host, preferences) as window:
        begun = time.monotonic()
        Opening(window.desk.timeline, window.desk, window.projects, window).open_selected()
        assert time.monotonic() - begun < 0.2
        assert window.status.server.text() == "Asking Resolve for the clip …"
        qtbot.waitUntil(lambda: window.desk.project.folder is not None, timeout=20_000)
        deliver(window.desk)
        done: list[str] = []
        window.desk.timeline.placed.connect(done.append)
        pauses = pauses_while(qtbot, window.rooms.takes.verbs["timeline"].trigger, lambda: bool(done))
        assert max(pauses) < 0.35, "it stood still while Resolve took its time"


def pauses_while(qtbot: QtBot, begin, is_over) -> list[float]:
    """How long the UI thread was away at a time from `begin()` until `is_over()`."""
    seen = [time.monotonic()]

    def look() -> bool:
        seen.append(time.monotonic())
        return is_over()

    begin()
    qtbot.waitUntil(look, timeout=30_000)
    return list(np.diff(seen))


def test_nothing_selected_is_a_sentence_and_can_be_tried_again(preferences, write_clip, qtbot):
    cut = Cut()
    with lent(cut) as host, window_of(host, preferences) as window:
        Opening(window.desk.timeline, window.desk, window.projects, window).open_selected()
        qtbot.waitUntil(lambda: window.notices.shown is not None, timeout=20_000)
        notice = window.notices.shown
        assert "No video clip is selected in Resolve" in notice.text and notice.action == "Try again"
        cut.place(plate(write_clip, "late.mov", rate=cut.media_rate))
        assert notice.do is not None
        notice.do()
        qtbot.waitUntil(lambda: window.desk.project.folder is not None, timeout=20_000)


def test_a_clip_that_was_edited_before_is_gone_on_with(cut, preferences, qtbot):
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        deliver(window.desk)
        put(window, qtbot)
        window.close()
        qtbot.waitUntil(lambda: not window.isVisible())
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        qtbot.waitUntil(lambda: [take.name for take in window.desk.takes.takes] == ["Take 1"])
        assert list(window.desk.timeline.chosen.placed) == [window.desk.takes.takes[0].job_id]


def test_another_clip_on_the_desk_is_of_no_timeline(opened, write_clip, qtbot):
    other = plate(write_clip, "other.mov", rate=opened.desk.project.facts.rate)
    with qtbot.waitSignal(opened.desk.project.opened):
        opened.projects.open(other)
    assert opened.desk.timeline.chosen is None
    take = deliver(opened.desk)
    assert opened.desk.timeline.why_not(take).startswith("This project was not opened from Resolve")
    assert opened.windowTitle() == "other.mov[*] – MaskEdit"


def test_a_project_that_is_saved_elsewhere_stays_the_clips(opened, cut, tmp_path, qtbot):
    deliver(opened.desk)
    with qtbot.waitSignal(opened.desk.project.folder_changed):
        opened.projects.save_to(tmp_path / "moved.maskedit")
    put(opened, qtbot)
    (item,) = cut.stage.items(2)
    assert "moved.maskedit" in item.GetMediaPoolItem().GetClipProperty("File Path")
    (known,) = opened.desk.timeline.remembered()
    assert known.folder == tmp_path / "moved.maskedit"


def test_resolve_that_goes_away_is_said_and_the_window_stays(cut, preferences, qtbot):
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        deliver(window.desk)
        host.close()
        with qtbot.waitSignal(window.desk.timeline.failed, timeout=20_000) as failed:
            window.rooms.takes.verbs["timeline"].trigger()
        assert failed.args == [
            "DaVinci Resolve does not answer any more: open the project there and choose the MaskEdit entry again."
        ]
        assert window.desk.project.folder.is_dir() and window.desk.timeline.busy == ""


def test_what_is_being_put_there_comes_to_its_end_when_the_window_goes(cut, preferences, qtbot):
    cut.stage.fake.delay("MediaPool.AppendToTimeline", 1)
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        deliver(window.desk)
        window.rooms.takes.verbs["timeline"].trigger()
        qtbot.waitUntil(lambda: "Timeline.AddTrack" in cut.stage.fake.calls, timeout=20_000)
        assert not cut.stage.items(2)
    (item,) = cut.stage.items(2)
    assert item.GetMarkers()


def test_a_compound_clip_is_rendered_first(write_clip, preferences, qtbot):
    cut = Cut()
    cut.place(plate(write_clip, "inner.mov", rate=cut.media_rate))
    nested = cut.stage.timeline.CreateCompoundClip(cut.stage.items(), {"name": "Nest"})
    cut.item = by_hand_item(nested)
    by_hand.select(cut.stage.timeline, cut.item)
    before = cut.shown()
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        assert window.desk.project.document.frames is None and window.desk.project.facts.frame_count == 12
        with ClipReader(window.desk.project.document.clip) as clip:
            greys = [frame.rgb().mean() * 255 for frame in clip.frames(0, 11)]
        assert np.allclose(greys, [grey_of(number) for number in range(6, 18)], atol=0.6)
        deliver(window.desk)
        put(window, qtbot)
    compare(cut, before)


def by_hand_item(handle):
    from tests.hosts.resolve.fake.calls import bare

    return bare(handle).item


@pytest.mark.parametrize(
    ("rate", "version"), [("23.976", "18.5"), ("25", "19.1"), ("29.97 DF", "21.0.4"), ("59.94", "20.3")]
)
def test_it_is_aligned_at_every_rate_and_version(rate, version, write_clip, preferences, qtbot):
    cut = Cut(rate=rate, version=version)
    cut.place(plate(write_clip, "plate.mov", rate=cut.media_rate), start=1801, source=(3, 21))
    before = cut.shown()
    assert before[0, 0, 0, 0] == grey_of(3)
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        assert window.desk.project.document.frames == FrameRange(3, 20)
        deliver(window.desk)
        put(window, qtbot)
    compare(cut, before)


def test_a_subclip_is_aligned(write_clip, preferences, qtbot):
    cut = Cut(rate="25")
    stage = cut.stage
    whole = stage.clip(plate(write_clip, "plate.mov", rate=cut.media_rate))
    by_hand.subclip(whole, 8, 30, "part")
    part = next(clip for clip in stage.pool.GetCurrentFolder().GetClipList() if clip.GetName() == "part")
    cut.item = by_hand.place(stage.timeline, part, track=1, start=stage.start + 9, source=(4, 16))
    by_hand.select(stage.timeline, cut.item)
    before = cut.shown()
    assert before[0, 0, 0, 0] == grey_of(12)
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        assert window.desk.project.document.frames == FrameRange(12, 23)
        deliver(window.desk)
        put(window, qtbot)
    compare(cut, before)


def test_an_image_sequence_is_aligned(tmp_path, preferences, qtbot):
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(20):
        picture = np.full((64, 96, 3), grey_of(number) / 255, np.float32)
        write_picture(str(folder / f"shot_{1001 + number}.png"), picture)
    cut = Cut()
    stage = cut.stage
    pattern = {"FilePath": str(folder / "shot_%04d.png"), "StartIndex": 1001, "EndIndex": 1020}
    (clip,) = stage.pool.ImportMedia([pattern])
    cut.item = by_hand.place(stage.timeline, clip, track=1, start=stage.start + 9, source=(5, 15))
    by_hand.select(stage.timeline, cut.item)
    before = cut.shown()
    with lent(cut) as host, window_of(host, preferences) as window:
        open_selected(window, qtbot)
        assert window.desk.project.document.clip == str(folder / "shot_%04d.png")
        assert window.desk.project.document.frames == FrameRange(5, 14)
        deliver(window.desk)
        put(window, qtbot)
    compare(cut, before)


def test_results_go_among_the_films_unless_the_settings_say_otherwise(preferences, tmp_path):
    assert results_folder(preferences) == tmp_path / "films"
    preferences.timeline_folder = ""
    assert results_folder(preferences).name == "MaskEdit"
