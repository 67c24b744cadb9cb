# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering what has no file: the right frames alone, and a Resolve that is afterwards as it was, whatever happened."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.reading import read_item
from plugin_client.resolve.render_formats import best_format
from plugin_client.resolve.rendering import Patience, Rendered, render_item
from plugin_client.resolve.spots import Spot
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.model import Track
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.stage import Stage, grey_of

AT_ONCE = Patience(poll_s=0, stop_s=0.2)


class Scene:
    """Frames 10-29 of a clip nested at frame 40 of a timeline, another clip above it, and the user elsewhere."""

    def __init__(self, numbered_clip, *, version: str = "21.0") -> None:
        self.stage = stage = Stage(FakeResolve(version=version))
        clip = stage.clip(numbered_clip("a.mov", 48))
        by_hand.place(stage.timeline, clip, track=1, start=stage.start + 40, source=(10, 30))
        self.item = stage.timeline.CreateCompoundClip(stage.items(), {"name": "Nest 1: a/b"})
        stage.timeline.AddTrack("video")
        by_hand.place(stage.timeline, clip, track=2, start=stage.start + 30, source=(5, 48))
        bare(stage.timeline).cut.tracks["subtitle"].append(Track("Subtitle 1"))
        stage.timeline.SetCurrentTimecode("01:00:02:00")
        if version >= "19.1":
            stage.timeline.SetMarkInOut(3, 70)
        by_hand.deliver_page(stage.project).settings |= {"ExportVideo": False, "FormatWidth": 640, "FrameRate": 12}
        self.spot: Spot = read_item(stage.project, stage.timeline, self.item).spot
        stage.pool.CreateEmptyTimeline("Other")
        stage.resolve.OpenPage("fusion")

    def render(self, folder: Path, *, progress=lambda done, total: None, patience=AT_ONCE, **wanted) -> Rendered:
        return render_item(self.stage.resolve, self.spot, folder, progress=progress, patience=patience, **wanted)


@pytest.fixture
def scene(numbered_clip) -> Scene:
    return Scene(numbered_clip)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where the renders go; not there yet."""
    return tmp_path / "renders"


def pictures(media: str) -> np.ndarray:
    """(T, H, W, 4) of a file."""
    with av.open(media) as container:
        return np.stack([frame.to_ndarray(format="rgba") for frame in container.decode(video=0)])


def greys(media: str) -> list[int]:
    return [int(picture[8, 16, 1]) for picture in pictures(media)]


@pytest.mark.parametrize("version", ["18.5", "19.1", "21.0.4", "21.1"])
def test_a_nested_clip_alone_is_rendered_frame_for_frame(numbered_clip, folder, version):
    scene = Scene(numbered_clip, version=version)
    before = snapshot(scene.stage.fake)
    told: list[tuple[int, int]] = []
    rendered = scene.render(folder, progress=lambda done, total: told.append((done, total)))
    assert np.allclose(greys(rendered.media), [grey_of(number) for number in range(10, 30)], atol=2)
    assert pictures(rendered.media).shape[1:3] == (16, 32), "not the width that was left on the Deliver page"
    assert Path(rendered.media).name == "Nest_1_a_b.mov"
    assert told[0] == (0, 20) and told[-1] == (20, 20) and told == sorted(told)
    after = snapshot(scene.stage.fake)
    if version == "18.5":
        assert after.pop("presets") == [*before.pop("presets"), "MaskEdit puts this back 1"]
        # Its scripts can neither read in and out nor delete a preset.
        for cut in (*before["timelines"], *after["timelines"]):
            cut.pop("marked")
        assert "in and out points: set yours again" in rendered.notes[0]
        assert "MaskEdit puts this back 1 has done its work" in rendered.notes[1]
    else:
        assert rendered.notes == ()
    assert after == before and scene.stage.fake.misuses == [] and not scene.stage.fake.modal


def test_one_frame_is_that_frame(scene, folder):
    rendered = scene.render(folder, frames=FrameRange(7, 7))
    assert np.allclose(greys(rendered.media), [grey_of(17)], atol=2)


def test_a_clip_that_moved_is_rendered_where_it_is_and_one_that_was_trimmed_or_went_is_not(scene, folder):
    item = bare(scene.item).item
    by_hand.move(item, 100)
    assert np.allclose(greys(scene.render(folder).media)[:3], [grey_of(10), grey_of(11), grey_of(12)], atol=2)
    item.duration -= 1
    with pytest.raises(BadInput, match="was trimmed meanwhile"):
        scene.render(folder)
    by_hand.delete(scene.stage.timeline, item)
    with pytest.raises(BadInput, match="is not on Cut 3 any more"):
        scene.render(folder)
    scene.stage.resolve.GetProjectManager().CreateProject("Next job")
    with pytest.raises(BadInput, match="open Night shoot, then try again"):
        scene.render(folder)


def test_a_generator_and_a_clip_on_a_track_that_is_switched_off(stage, folder):
    stage.timeline.InsertGeneratorIntoTimeline("Solid Color")
    (item,) = stage.items()
    bare(item).item.colour = (80, 80, 80, 255)
    stage.timeline.SetTrackEnable("video", 1, False)
    spot = read_item(stage.project, stage.timeline, item).spot
    wanted = {"progress": lambda done, total: None, "patience": AT_ONCE, "frames": FrameRange(0, 3)}
    rendered = render_item(stage.resolve, spot, folder, **wanted)
    assert np.allclose(greys(rendered.media), [80] * 4, atol=2)
    assert stage.timeline.GetIsTrackEnabled("video", 1) is False


def test_alpha_is_rendered_where_it_is_asked_for(stage, folder):
    stage.timeline.InsertFusionCompositionIntoTimeline()
    spot = read_item(stage.project, stage.timeline, stage.items()[0]).spot
    wanted = {"progress": lambda done, total: None, "patience": AT_ONCE, "frames": FrameRange(0, 0)}
    for alpha, expected in [(True, 0), (False, 255)]:
        rendered = render_item(stage.resolve, spot, folder, alpha=alpha, **wanted)
        assert np.all(pictures(rendered.media)[..., 3] == expected)


class Offers:
    """A project that offers these codecs: label → id by format."""

    def __init__(self, codecs: dict[str, dict[str, str]]) -> None:
        self._codecs = codecs

    def GetRenderFormats(self) -> dict[str, str]:
        return {format.upper(): format for format in self._codecs}

    def GetRenderCodecs(self, format: str) -> dict[str, str]:
        return self._codecs[format]


PRORES = {"Apple ProRes 422 HQ": "ProRes422HQ", "Apple ProRes 4444 XQ": "ProRes4444XQ", "Apple ProRes 4444": "P4444"}
DNX = {"DNxHR HQX 10-bit": "DNxHRHQX", "DNxHR 444 12-bit": "DNxHR444_12"}
TIFF = {"RGB 8 bits LZW": "RGB8LZW", "RGB 16 bits LZW": "RGB16LZW"}


@pytest.mark.parametrize(
    ("codecs", "alpha", "chosen"),
    [
        ({"mov": PRORES | DNX, "tif": TIFF}, False, "P4444"),
        ({"mov": {"Apple ProRes 4444 XQ": "ProRes4444XQ"} | DNX}, True, "ProRes4444XQ"),
        ({"mov": DNX, "tif": TIFF}, False, "DNxHR444_12"),
        ({"mov": DNX, "tif": TIFF}, True, "RGB16LZW"),
        ({"mov": {"H.264": "H264"}, "tif": TIFF}, False, "RGB16LZW"),
    ],
)
def test_the_best_codec_is_taken_by_its_id(codecs, alpha, chosen):
    assert best_format(Offers(codecs), alpha=alpha).codec == chosen


def test_without_any_good_codec_it_says_so():
    with pytest.raises(BadInput, match="neither ProRes 4444, DNxHR 444 nor 16-bit TIFF"):
        best_format(Offers({"mov": {"H.264": "H264"}, "tif": {"RGB 8 bits": "RGB8"}}), alpha=False)


def test_numbered_pictures_where_there_is_no_movie_codec(scene, folder, monkeypatch):
    from tests.hosts.resolve.fake import pictures as fake_pictures

    monkeypatch.setitem(fake_pictures.FORMATS, "mov", ("QuickTime", {"H264": ("H.264", None)}))
    rendered = scene.render(folder, frames=FrameRange(2, 4))
    assert Path(rendered.media).name == "Nest_1_a_b_%08d.tif"
    assert sorted(int(path.stem[-8:]) for path in Path(rendered.media).parent.iterdir()) == [86442, 86443, 86444]
    assert greys(rendered.media % 86442) == [grey_of(12)]


def test_a_render_that_is_under_way_is_not_disturbed(scene, folder, tmp_path):
    project = scene.stage.project
    project.SetRenderSettings({"TargetDir": str(tmp_path), "CustomName": "theirs"})
    by_hand.deliver_page(project).polls = 50
    project.SetCurrentTimeline(scene.stage.timeline)
    theirs = project.AddRenderJob()
    project.StartRendering([theirs], False)
    before = snapshot(scene.stage.fake)
    with pytest.raises(BadInput, match="Resolve is rendering: wait"):
        scene.render(folder)
    assert snapshot(scene.stage.fake) == before
    assert project.GetRenderJobStatus(theirs)["JobStatus"] == "Rendering"


def nothing_left(folder: Path) -> bool:
    return not list(folder.glob("*"))


def test_resolves_own_words_about_a_failure_are_passed_on(scene, folder):
    before = snapshot(scene.stage.fake)
    by_hand.deliver_page(scene.stage.project).next_error = "The disk is full."
    with pytest.raises(BadInput, match=r"could not render the clip \(The disk is full\)"):
        scene.render(folder)
    assert snapshot(scene.stage.fake) == before and nothing_left(folder)


def test_a_success_without_a_file_is_not_believed(scene, folder, monkeypatch):
    from tests.hosts.resolve.fake.jobs import Job

    before = snapshot(scene.stage.fake)
    monkeypatch.setattr(Job, "write", lambda job: None)
    with pytest.raises(BadInput, match="files are not there"):
        scene.render(folder)
    monkeypatch.setattr(Job, "write", lambda job: (Path(job.settings["TargetDir"]) / "Nest_1_a_b.mov").touch())
    with pytest.raises(BadInput, match="files are not there"):
        scene.render(folder)
    assert snapshot(scene.stage.fake) == before and nothing_left(folder)


class Enough(Exception):
    """What a progress dialog raises when it is closed."""


@pytest.mark.parametrize("after", [0, 10])
def test_a_cancelled_render_is_stopped_and_gone(scene, folder, after):
    by_hand.deliver_page(scene.stage.project).polls = 1000

    def cancel(done: int, total: int) -> None:
        if done >= after:
            raise Enough

    before = snapshot(scene.stage.fake)
    with pytest.raises(Enough):
        scene.render(folder, progress=cancel)
    assert snapshot(scene.stage.fake) == before and nothing_left(folder)
    assert scene.stage.project.IsRenderingInProgress() is False


def test_one_that_does_not_get_on_is_given_up(scene, folder):
    by_hand.deliver_page(scene.stage.project).polls = 10**9
    before = snapshot(scene.stage.fake)
    with pytest.raises(BadInput, match="does not get on with rendering"):
        scene.render(folder, patience=Patience(poll_s=0.001, stall_s=0.05, stop_s=1))
    assert snapshot(scene.stage.fake) == before


def test_one_that_the_user_stops_is_over(scene, folder):
    by_hand.deliver_page(scene.stage.project).polls = 10**9
    before = snapshot(scene.stage.fake)

    def stop(done: int, total: int) -> None:
        if done:
            scene.stage.project.StopRendering()

    with pytest.raises(BadInput, match="was stopped in Resolve"):
        scene.render(folder, progress=stop)
    assert snapshot(scene.stage.fake) == before


def test_what_could_not_be_put_back_is_said(scene, folder):
    for nth in (2, 3):  # the first one opens the Deliver page
        scene.stage.fake.fail("Resolve.OpenPage", nth)
    assert scene.render(folder).notes == ("Resolve did not put back the fusion page: do so by hand.",)
    scene.stage.resolve.OpenPage("fusion")
    scene.stage.fake.fail("Project.AddRenderJob")
    for nth in (2, 3):
        scene.stage.fake.fail("Resolve.OpenPage", nth)
    with pytest.raises(BadInput, match=r"render queue.*try again\. Resolve did not put back the fusion page"):
        scene.render(folder)


def test_the_format_is_put_back_where_the_preset_cannot_be_loaded(scene, folder):
    project = scene.stage.project
    project.SetCurrentRenderFormatAndCodec("mp4", "H264")
    project.SetCurrentRenderMode(0)
    for nth in (1, 2):
        scene.stage.fake.fail("Project.LoadRenderPreset", nth)
    assert scene.render(folder).notes == ("Resolve did not put back the render settings: do so by hand.",)
    assert project.GetCurrentRenderFormatAndCodec() == {"format": "mp4", "codec": "H264"}
    assert project.GetCurrentRenderMode() == 0
    assert project.GetRenderPresetList() == ["H.264 Master"]


def test_each_call_that_fails_leaves_resolve_as_it_was(numbered_clip, folder):
    scene = Scene(numbered_clip)
    done = len(scene.stage.fake.calls)
    scene.render(folder)
    calls = scene.stage.fake.calls[done:]
    assert len(calls) >= 40
    refused = 0
    for call, nth in each_failure(calls):
        scene = Scene(numbered_clip)
        before = snapshot(scene.stage.fake)
        scene.stage.fake.fail(call, nth)
        try:
            rendered = scene.render(folder / f"{call} {nth}")
        except BadInput as error:
            refused += 1
            assert str(error).endswith(".") and "None" not in str(error), (call, nth)
            assert nothing_left(folder / f"{call} {nth}")
        else:
            assert len(greys(rendered.media)) == 20, (call, nth)
        scene.stage.fake.door.forget_failures()
        # The ids of a fresh scene are its own, so it is compared with itself.
        assert snapshot(scene.stage.fake) == before, (call, nth)
    assert refused > 20


def test_a_failure_while_it_is_stopped_is_made_good(numbered_clip, folder):
    def cancelled(*failing: tuple[str, int]) -> list[str]:
        scene = Scene(numbered_clip)
        by_hand.deliver_page(scene.stage.project).polls = 1000
        before = snapshot(scene.stage.fake)
        done: list[int] = []

        def cancel(frames: int, total: int) -> None:
            if frames:
                done.append(len(scene.stage.fake.calls))
                for call, nth in failing:
                    scene.stage.fake.fail(call, nth)
                raise Enough

        with pytest.raises(Enough):
            scene.render(folder, progress=cancel)
        scene.stage.fake.door.forget_failures()
        assert snapshot(scene.stage.fake) == before, failing
        assert scene.stage.project.IsRenderingInProgress() is False
        return scene.stage.fake.calls[done[0] : -1]

    for failing in each_failure(cancelled()):
        cancelled(failing)
