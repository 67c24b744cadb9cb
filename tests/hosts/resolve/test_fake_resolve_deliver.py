# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering, stills, nesting and takes: the fake's pictures are those of the real files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.pictures import FORMATS
from tests.hosts.resolve.stage import grey_of


@pytest.fixture
def cut(stage, numbered_clip):
    """Frames 10-29 of a clip at the start of the timeline."""
    clip = stage.clip(numbered_clip("a.mov", 48))
    stage.append(clip, startFrame=10, endFrame=30, recordFrame=stage.start)
    return stage


def render(stage, folder: Path, name: str, **settings: object) -> dict:
    """One job from its settings to its last status."""
    assert stage.project.SetRenderSettings({"TargetDir": str(folder), "CustomName": name, **settings})
    job = stage.project.AddRenderJob()
    assert job and stage.project.StartRendering([job], False) is True
    status = stage.project.GetRenderJobStatus(job)
    while status["JobStatus"] == "Rendering":
        status = stage.project.GetRenderJobStatus(job)
    return status


def greys(path: Path) -> list[int]:
    """The middle of every frame of a file."""
    with av.open(str(path)) as container:
        return [int(frame.to_ndarray(format="rgb24")[8, 16, 1]) for frame in container.decode(video=0)]


@pytest.mark.parametrize("codec", [("mov", "ProRes422HQ"), ("mov", "ProRes4444"), ("mp4", "H264")])
def test_a_render_is_the_timelines_own_frames(cut, tmp_path, codec):
    assert cut.project.SetCurrentRenderFormatAndCodec(*codec) is True
    assert render(cut, tmp_path, "out")["JobStatus"] == "Complete"
    assert np.allclose(greys(tmp_path / f"out.{codec[0]}"), [grey_of(number) for number in range(10, 30)], atol=3)


def test_mark_in_and_out_are_absolute_and_both_included(cut, tmp_path):
    cut.project.SetCurrentRenderFormatAndCodec("tif", "RGB8")
    marks = {"SelectAllFrames": False, "MarkIn": cut.start + 3, "MarkOut": cut.start + 5}
    render(cut, tmp_path, "s_", **marks)
    files = sorted(tmp_path.glob("s_*.tif"))
    assert [file.name for file in files] == [f"s_000864{number:02}.tif" for number in (3, 4, 5)]
    assert [greys(file)[0] for file in files] == [grey_of(number) for number in (13, 14, 15)]
    assert cut.timeline.GetMarkInOut() == {"video": {"in": 3, "out": 5}}, "they are the timeline's own"
    assert cut.timeline.GetCurrentTimecode() == "01:00:00:05", "the viewer shows what is rendered"


def test_settings_layer_over_what_was_left_there_and_nobody_can_read_them(cut, tmp_path):
    cut.project.SetCurrentRenderFormatAndCodec("mp4", "H264")
    by_hand.deliver_page(cut.project).settings |= {"FormatWidth": 64, "FormatHeight": 32}
    render(cut, tmp_path, "out", MarkIn=cut.start + 3, MarkOut=cut.start + 5)
    assert len(greys(tmp_path / "out.mp4")) == 20, "all frames were still selected"
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].width == 64
    assert not [name for name in dir(cut.project) if "RenderSettings" in name and name.startswith("Get")]


def test_formats_and_codecs_go_by_their_ids(cut):
    project = cut.project
    assert project.GetRenderFormats()["QuickTime"] == "mov"
    assert project.GetRenderCodecs("mov")["Apple ProRes 4444"] == "ProRes4444" and project.GetRenderCodecs("x") == {}
    before = project.GetCurrentRenderFormatAndCodec()
    for pair in [("QuickTime", "ProRes4444"), ("mov", "Apple ProRes 4444"), ("mp4", "ProRes4444")]:
        assert project.SetCurrentRenderFormatAndCodec(*pair) is False
    assert project.GetCurrentRenderFormatAndCodec() == before
    assert set(project.GetRenderFormats().values()) == set(FORMATS)


def test_a_private_preset_brings_back_what_was_there(cut):
    queue = by_hand.deliver_page(cut.project)
    queue.settings |= {"CustomName": "mine", "FormatWidth": 64}
    assert cut.project.SaveAsNewRenderPreset("before") is True and cut.project.SaveAsNewRenderPreset("before") is False
    cut.project.SetRenderSettings({"CustomName": "theirs", "ExportAlpha": True})
    cut.project.SetCurrentRenderMode(0)
    assert cut.project.LoadRenderPreset("before") is True and cut.project.LoadRenderPreset("no") is False
    assert (queue.settings["CustomName"], queue.settings["ExportAlpha"], queue.settings["mode"]) == ("mine", False, 1)
    assert cut.project.DeleteRenderPreset("before") is True and "before" not in cut.project.GetRenderPresetList()


def test_a_job_that_cannot_be_made_has_no_id(cut, tmp_path):
    assert cut.project.AddRenderJob() == ""
    assert cut.project.SetRenderSettings({"TargetDirectory": "x"}) is False
    cut.project.SetRenderSettings({"TargetDir": str(tmp_path / "not there"), "CustomName": "x"})
    assert cut.project.AddRenderJob() == ""
    cut.project.SetRenderSettings({"TargetDir": str(tmp_path), "SelectAllFrames": False, "MarkIn": 9, "MarkOut": 8})
    assert cut.project.AddRenderJob() == ""
    assert cut.project.StartRendering(["nothing"]) is False
    assert isinstance(cut.project.GetRenderJobStatus("nothing"), str)


def test_rendering_goes_on_after_the_call_and_can_fail_or_be_stopped(cut, tmp_path):
    by_hand.deliver_page(cut.project).next_error = "The disk is full"
    assert render(cut, tmp_path, "bad") == {
        "JobStatus": "Failed",
        "CompletionPercentage": 0,
        "Error": "The disk is full",
    }
    job = cut.project.AddRenderJob()
    cut.project.StartRendering(job)
    assert cut.project.IsRenderingInProgress() is True and cut.project.StartRendering([job]) is False
    assert cut.project.DeleteRenderJob(job) is False
    cut.project.StopRendering()
    assert cut.project.GetRenderJobStatus(job)["JobStatus"] == "Cancelled" and not list(tmp_path.glob("bad*"))
    assert cut.project.DeleteRenderJob(job) is True and len(cut.project.GetRenderJobList()) == 1
    assert cut.project.DeleteAllRenderJobs() is True


def test_individual_clips_are_a_file_each(cut, tmp_path):
    (item,) = cut.items()
    cut.append(item.GetMediaPoolItem(), startFrame=0, endFrame=4, recordFrame=cut.start + 24)
    assert cut.project.SetCurrentRenderMode(0) is True and cut.project.SetCurrentRenderMode(2) is False
    render(cut, tmp_path, "one")
    assert sorted(len(greys(path)) for path in tmp_path.glob("a_*.mov")) == [4, 20]


def test_alpha_is_rendered_where_the_codec_has_it(stage, tmp_path):
    stage.timeline.InsertFusionCompositionIntoTimeline()
    stage.project.SetCurrentRenderFormatAndCodec("mov", "ProRes4444")
    marks = {"SelectAllFrames": False, "MarkIn": stage.start, "MarkOut": stage.start}
    for name, alpha, wanted in [("with", True, 0), ("without", False, 255)]:
        render(stage, tmp_path, name, ExportAlpha=alpha, **marks)
        with av.open(str(tmp_path / f"{name}.mov")) as container:
            frame = next(container.decode(video=0)).to_ndarray(format="rgba")
        assert np.all(frame[..., 3] == wanted)


@pytest.mark.parametrize(("page", "shown"), [("edit", 11), ("color", 10), ("media", None)])
def test_a_still_on_the_color_page_leaves_out_the_tracks_above(cut, numbered_clip, tmp_path, page, shown):
    cut.timeline.AddTrack("video")
    above = cut.clip(numbered_clip("b.mov", 20))
    cut.append(above, startFrame=11, endFrame=20, trackIndex=2, recordFrame=cut.start)
    cut.resolve.OpenPage(page)
    assert cut.project.ExportCurrentFrameAsStill(str(tmp_path / "still.png")) is (shown is not None)
    assert not (tmp_path / "still.png").exists() if shown is None else greys(tmp_path / "still.png") == [grey_of(shown)]
    assert cut.project.ExportCurrentFrameAsStill(str(tmp_path / "still.xyz")) is False


def test_gallery_stills_are_grabbed_and_exported_on_the_color_page(cut, tmp_path):
    assert cut.timeline.GrabStill() is None
    cut.resolve.OpenPage("color")
    still = cut.timeline.GrabStill()
    album = cut.project.GetGallery().GetCurrentStillAlbum()
    assert album.SetLabel(still, "k") and [album.GetLabel(one) for one in album.GetStills()] == ["k"]
    assert album.ExportStills([still], str(tmp_path), "key", "png") is True
    assert greys(tmp_path / "key_1.1.1.png") == [grey_of(10)]
    cut.resolve.OpenPage("edit")
    assert album.ExportStills([still], str(tmp_path), "again", "png") is False
    assert album.DeleteStills([still]) is True and album.GetStills() == []


def test_nested_clips_and_generators_have_no_file_and_can_be_rendered(cut, tmp_path):
    compound = cut.timeline.CreateCompoundClip(cut.items(), {"name": "Nest"})
    assert compound.GetMediaPoolItem().GetClipProperty("File Path") == ""
    assert (compound.GetStart(), compound.GetDuration(), len(cut.items())) == (cut.start, 20, 1)
    render(cut, tmp_path, "nest")
    assert np.allclose(greys(tmp_path / "nest.mov"), [grey_of(number) for number in range(10, 30)], atol=3)
    cut.timeline.SetCurrentTimecode(cut.timeline.GetStartTimecode())
    generator = cut.timeline.InsertGeneratorIntoTimeline("Solid Color")
    assert generator.GetMediaPoolItem() is None and generator.GetDuration() == 120
    assert compound.GetStart() == cut.start + 120, "what lay there moves aside"


def test_replacing_a_clip_changes_every_use_of_it(cut, numbered_clip, tmp_path):
    (item,) = cut.items()
    clip = item.GetMediaPoolItem()
    cut.append(clip, startFrame=0, endFrame=4)
    assert clip.ReplaceClip("/nowhere.mov") is False
    assert clip.ReplaceClip(str(numbered_clip("v2.mov", 60))) is True
    assert {one.GetMediaPoolItem().GetClipProperty("File Name") for one in cut.items()} == {"v2.mov"}


def test_takes_keep_what_was_there_first(cut, numbered_clip):
    (item,) = cut.items()
    second = cut.clip(numbered_clip("b.mov", 60))
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (0, 0)
    assert item.AddTake(second, 5, 25) is True
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex(), item.GetLeftOffset()) == (2, 2, 5)
    assert item.GetTakeByIndex(1)["startFrame"] == 10 and item.GetTakeByIndex(3) is None
    assert item.SelectTakeByIndex(1) is True and item.GetMediaPoolItem().GetName() == "a.mov"
    assert item.DeleteTakeByIndex(1) is False, "it is the one that shows"
    assert item.FinalizeTake() is True and item.GetTakesCount() == 0


def test_clips_of_the_pool_can_be_sorted_and_deleted(cut, numbered_clip):
    folder = cut.pool.AddSubFolder(cut.pool.GetRootFolder(), "MaskEdit")
    assert cut.pool.GetCurrentFolder().GetName() == "MaskEdit", "a new folder is the current one"
    clip = cut.clip(numbered_clip("b.mov", 12))
    assert [one.GetName() for one in folder.GetClipList()] == ["b.mov"]
    assert cut.pool.AddSubFolder(cut.pool.GetRootFolder(), "MaskEdit") is None
    item = cut.append(clip)
    assert cut.pool.DeleteClips([clip]) is True and item.GetName() is None and clip.GetName() is None
    assert cut.pool.DeleteFolders([folder]) is True and cut.pool.GetCurrentFolder().GetName() == "Master"


def test_properties_and_grades_go_from_item_to_item(cut):
    (item,) = cut.items()
    other = cut.append(item.GetMediaPoolItem())
    by_hand.bare(item).item.grade = "warm"
    assert item.CopyGrades([other]) is True and by_hand.bare(other).item.grade == "warm"
    assert item.SetProperty("ZoomX", 1.5) is True and item.GetProperty("ZoomX") == 1.5
    assert item.SetProperty("Zoom", 1.5) is False and item.SetProperty("ZoomX", "big") is False
    assert other.GetProperty()["ZoomX"] == 1.0
    clip = item.GetMediaPoolItem()
    assert clip.SetClipProperty("Input Color Space", "Rec.709 Gamma 2.4") is True
    assert clip.GetClipProperty("Input Color Space") == "Rec.709 Gamma 2.4"
    assert clip.SetClipProperty("Frames", "9") is False
