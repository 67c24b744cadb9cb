# SPDX-License-Identifier: GPL-3.0-or-later
"""How Resolve's bridge answers: never with an exception, often with a lie."""

from __future__ import annotations

import threading
import time

import pytest

from plugin_client.resolve.agent import Lending
from plugin_client.resolve.recording import Recorder, replayed
from plugin_client.resolve.remote import Remote, Wire
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import BlocksForever, NotInTheFake
from tests.hosts.resolve.stage import Stage


def test_every_name_seems_to_be_there_and_only_dir_tells(stage):
    assert hasattr(stage.timeline, "GetNothing") and stage.timeline.GetNothing is None
    assert "GetNothing" not in dir(stage.timeline) and "GetName" in dir(stage.timeline)


@pytest.mark.parametrize(
    ("version", "has"),
    [("18.5", False), ("18.6.6", False), ("19.0", True), ("19.1", True), ("20.3", True), ("21.0.4", True)],
)
def test_a_version_has_the_names_of_its_time(version, has):
    stage = Stage(FakeResolve(version=version))
    assert ("GetTrackTypeAndIndex" in dir_of_an_item(stage)) is has
    assert ("GetSelectedClips" in dir(stage.timeline)) is (version == "21.0.4")
    assert (stage.timeline.GetSelectedClips is not None) is (version == "21.0.4")
    assert stage.resolve.GetVersionString().startswith(version)


def dir_of_an_item(stage: Stage) -> list[str]:
    return dir(stage.timeline.InsertGeneratorIntoTimeline("Solid Color"))


def test_what_nobody_plays_is_no_silent_none(stage):
    with pytest.raises(NotInTheFake):
        stage.timeline.Export("x.otio", None, None)
    assert "Timeline.Export" in stage.fake.misuses[-1]


def test_wrong_arguments_are_a_failure_without_a_word(stage):
    assert stage.timeline.AddTrack() is False
    assert stage.timeline.GetTrackName("video") is None
    assert stage.timeline.AddTrack(trackType="video") is False
    assert stage.timeline.GetTrackCount("video") == 1 and len(stage.fake.misuses) == 3


def test_what_is_asked_for_in_a_place_that_is_not_there_is_a_failure(stage):
    assert stage.timeline.AddTrack("smell") is False
    assert stage.timeline.SetTrackName("video", 9, "x") is False
    assert stage.project.GetTimelineByIndex(2) is None
    assert stage.resolve.OpenPage("kitchen") is False
    assert stage.pool.ImportMedia(["/nowhere.mov"]) == []


def test_two_handles_of_one_thing_are_not_equal(stage):
    again = stage.project.GetCurrentTimeline()
    assert again != stage.timeline and again.GetUniqueId() == stage.timeline.GetUniqueId()


def test_a_thing_that_is_gone_answers_none(stage):
    item = stage.timeline.InsertGeneratorIntoTimeline("Solid Color")
    assert stage.timeline.DeleteClips([item], False) is True
    assert item.GetName() is None and item.GetStart() is None and item.SetClipColor("Pink") is False


def test_a_call_can_be_made_to_fail_once_and_then_does_nothing(stage):
    stage.fake.fail("Timeline.AddTrack", nth=2)
    assert [stage.timeline.AddTrack("video") for _ in range(3)] == [True, False, True]
    assert stage.timeline.GetTrackCount("video") == 3
    stage.fake.fail("Project.AddRenderJob")
    assert stage.project.AddRenderJob() == ""
    assert stage.fake.calls.count("Timeline.AddTrack") == 3


def test_outside_of_the_free_edition_there_is_no_resolve():
    free, studio = FakeResolve(edition="free"), FakeResolve()
    assert free.module().scriptapp("Resolve") is None and free.scriptapp("Resolve") is not None
    assert free.scriptapp("Resolve").GetProductName() == "DaVinci Resolve"
    assert studio.module().scriptapp("Resolve").GetProductName() == "DaVinci Resolve Studio"
    assert studio.scriptapp("Fusion") is None


def test_a_studio_call_on_free_opens_a_window_that_fails_every_call_after_it():
    stage = Stage(FakeResolve(edition="free"))
    assert stage.timeline.GetName() == "Cut 3"
    item = stage.timeline.InsertGeneratorIntoTimeline("Solid Color")
    assert item.CreateMagicMask("F") is False
    assert "Studio" in stage.fake.modal and stage.timeline.GetName() is None
    stage.fake.close_modal()
    assert stage.timeline.GetName() == "Cut 3"


@pytest.mark.parametrize(
    ("edition", "version", "there"), [("free", "19.0", True), ("free", "19.1", False), ("studio", "21.0", True)]
)
def test_windows_of_uimanager_are_studios_since_19_1(edition, version, there):
    fusion = FakeResolve(edition=edition, version=version).scriptapp("Resolve").Fusion()
    assert (fusion.UIManager is not None) is there


def test_saving_a_project_without_a_name_never_comes_back():
    manager = FakeResolve().scriptapp("Resolve").GetProjectManager()
    with pytest.raises(BlocksForever):
        manager.SaveProject()
    manager.CreateProject("Named")
    assert manager.SaveProject() is True


def test_calls_can_take_their_time(stage):
    stage.fake.delay("Timeline.GetName", 0.05)
    started = time.monotonic()
    stage.timeline.GetName()
    assert time.monotonic() - started >= 0.05


def test_the_projects_of_the_manager():
    manager = FakeResolve().scriptapp("Resolve").GetProjectManager()
    first = manager.CreateProject("A")
    assert manager.CreateProject("A") is None
    assert manager.DeleteProject("A") is False and manager.LoadProject("Untitled Project").GetName() != "A"
    assert manager.DeleteProject("A") is True and first.GetName() is None
    assert manager.GetProjectListInCurrentFolder() == ["Untitled Project"]
    assert manager.CloseProject(manager.GetCurrentProject()) is True and manager.GetCurrentProject() is None


def test_a_conversation_over_the_wire_can_be_recorded_and_played_back(tmp_path, numbered_clip):
    path = numbered_clip("a.mov", 12)

    def script(resolve: Remote) -> list[object]:
        project = resolve.GetProjectManager().CreateProject("Wire")
        pool = project.GetMediaPool()
        timeline = pool.CreateEmptyTimeline("Cut")
        (clip,) = pool.ImportMedia([str(path)])
        (item,) = pool.AppendToTimeline([{"mediaPoolItem": clip, "startFrame": 2, "endFrame": 8}])
        names = dir(timeline)
        return [item.GetStart(), item.GetDuration(), "GetSelectedClips" in names, timeline.GetMarkers()]

    lending = Lending(FakeResolve(version="20.0").scriptapp("Resolve"))
    serving = threading.Thread(target=lending.serve, args=(lambda: True,), daemon=True)
    serving.start()
    with Recorder(tmp_path / "said.jsonl") as recorder:
        wire = Wire(lending.address, lending.token, on_call=recorder.note)
        heard = script(Remote(wire, 0))
        wire.close()
    serving.join(10)
    assert heard == [86400, 6, False, {}]
    assert script(replayed(tmp_path / "said.jsonl")) == heard
