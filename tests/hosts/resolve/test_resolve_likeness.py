# SPDX-License-Identifier: GPL-3.0-or-later
"""A result looks like its source: transform, cropping, composite, grade, colours; and what does not is said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from plugin_client.core.errors import BadInput
from plugin_client.resolve.reading import read_item
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.item import PROPERTIES
from tests.hosts.resolve.fake.snapshot import each_failure, snapshot
from tests.hosts.resolve.scene import Scene
from tests.hosts.resolve.stage import Stage

LOOKS = {
    **{"ZoomGang": False, "ZoomX": 1.5, "ZoomY": 1.2, "Pan": 40.0, "Tilt": -8.5, "RotationAngle": 12.0, "FlipX": True},
    **{"CropLeft": 3.0, "CropSoftness": -2.0, "AnchorPointX": 5.0, "Pitch": 0.1, "Scaling": 3, "ResizeFilter": 11},
}


class Graded(Scene):
    """The source is moved, cropped and graded, and has colours of its own."""

    def __init__(self, numbered_clip: Any, **options: Any) -> None:
        super().__init__(numbered_clip, **options)
        self.source.properties |= LOOKS
        by_hand.grade(self.source, "teal", group="Night")
        bare(self.stage.items(1)[0].GetMediaPoolItem()).clip.properties["Input Color Space"] = "ARRI LogC4"

    @property
    def result_item(self) -> Any:
        return bare(self.stage.items(2)[0]).item


@pytest.fixture
def graded(numbered_clip) -> Graded:
    return Graded(numbered_clip)


@pytest.mark.parametrize(("version", "edition"), [("18.5", "free"), ("20.0", "studio"), ("21.1", "free")])
def test_the_result_is_moved_cropped_and_graded_as_its_source_is(numbered_clip, version, edition):
    graded = Graded(numbered_clip, version=version, edition=edition)
    assert graded.put().notes == ()
    item = graded.result_item
    assert PROPERTIES | item.properties == PROPERTIES | LOOKS
    assert (item.grade, item.group) == ("teal", "" if version == "18.5" else "Night")
    assert graded.stage.fake.misuses == [] and graded.stage.fake.modal == ""


def test_the_gang_of_the_zooms_is_let_go_first(graded):
    """With the gang, the last zoom that is set would be that of both axes."""
    graded.put()
    assert [graded.result_item.properties[name] for name in ("ZoomX", "ZoomY")] == [1.5, 1.2]


def test_what_is_its_own_and_what_is_as_it_comes_is_not_touched(graded):
    """How a retime is drawn and where a dynamic zoom goes belong to the source's own frames."""
    graded.source.properties |= {"RetimeProcess": 3, "DynamicZoomEase": 1}
    graded.put()
    assert graded.result_item.properties.keys() == LOOKS.keys()


@pytest.mark.parametrize("has_alpha", [False, True])
def test_the_media_is_tagged_as_its_source_is(graded, has_alpha):
    graded.put(has_alpha=has_alpha)
    clip = graded.stage.items(2)[0].GetMediaPoolItem()
    assert clip.GetClipProperty("Input Color Space") == "ARRI LogC4"
    assert clip.GetClipProperty("Alpha mode") == ("Straight" if has_alpha else "")


def test_tags_that_were_changed_by_hand_stay(graded):
    graded.put(has_alpha=True)
    clip = graded.stage.items(2)[0].GetMediaPoolItem()
    clip.SetClipProperty("Input Color Space", "Rec.709")
    graded.put(has_alpha=True, again="new")
    assert clip.GetClipProperty("Input Color Space") == "Rec.709"


def test_a_take_keeps_what_was_done_to_the_result(graded, numbered_clip):
    graded.put()
    graded.result_item.properties["Opacity"] = 40.0
    graded.result = numbered_clip("other.mov", 20)
    graded.put()
    assert graded.result_item.properties["Opacity"] == 40.0


@pytest.mark.parametrize("looks", [{"Opacity": 50.0}, {"CompositeMode": 4}])
def test_a_source_that_is_not_opaque_is_spoken_of(graded, looks):
    graded.source.properties |= looks
    (note,) = graded.put().notes
    assert "an opacity or a composite mode" in note and graded.result_item.properties.items() >= looks.items()


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        (["TimelineItem.SetProperty"] * 40, "did not take"),
        (["TimelineItem.CopyGrades"] * 2, r"The grade of 24_24\.mov could not be copied"),
        (["TimelineItem.AssignToColorGroup"] * 2, r"The colour group of 24_24\.mov could not be copied"),
        (["TimelineItem.GetProperty"], "could not be read: compare its Inspector"),
    ],
)
def test_what_could_not_be_copied_is_said_and_the_result_stays(graded, calls, words):
    for number, call in enumerate(calls, start=1):
        graded.stage.fake.fail(call, number)
    (note,) = graded.put().notes
    assert graded.span(2) == [(40, 20)] and re.search(words, note)


def test_values_that_resolve_does_not_take_are_named(numbered_clip, monkeypatch):
    graded = Graded(numbered_clip, version="21.1")
    monkeypatch.delitem(PROPERTIES, "Distortion")
    graded.source.properties |= {"Distortion": 0.3}
    (note,) = graded.put().notes
    assert "did not take Distortion 0.3 of 24_24_21.1.mov" in note
    assert graded.result_item.properties == LOOKS, "all others were taken"


def test_a_fusion_composition_is_spoken_of(graded):
    by_hand.draw_masks(graded.stage.items(1)[0])
    (note,) = graded.put().notes
    assert "has a Fusion composition, which was not copied" in note


def test_what_resolve_has_rendered_has_its_looks_already(numbered_clip):
    stage = Stage(FakeResolve())
    stage.append(stage.clip(numbered_clip("a.mov", 20)), recordFrame=stage.start)
    nest = stage.timeline.CreateCompoundClip(stage.items())
    bare(nest).item.properties["ZoomX"] = 2.0
    bare(nest).item.grade = "teal"
    scene = Scene(numbered_clip)
    scene.stage, scene.shot = stage, read_item(stage.project, stage.timeline, nest).shot
    assert scene.put().notes == ()
    placed = bare(stage.items(2)[0]).item
    assert placed.properties == {} and placed.grade == ""


@pytest.mark.parametrize("version", ["18.5", "21.1"])
def test_each_call_that_fails_is_said_or_undone(numbered_clip, version):
    graded = Graded(numbered_clip, version=version)
    done = len(graded.stage.fake.calls)
    graded.put()
    calls = graded.stage.fake.calls[done:]
    assert {"TimelineItem.CopyGrades", "MediaPoolItem.SetClipProperty"} <= set(calls)
    for call, nth in each_failure(calls):
        graded = Graded(numbered_clip, version=version)
        before = snapshot(graded.stage.fake)
        graded.stage.fake.fail(call, nth)
        try:
            placed = graded.put()
        except BadInput:
            assert snapshot(graded.stage.fake) == before, (call, nth)
        else:
            properties = graded.result_item.properties
            assert properties == LOOKS or placed.notes, (call, nth)
            assert (graded.result_item.grade == "teal") or placed.notes, (call, nth)
