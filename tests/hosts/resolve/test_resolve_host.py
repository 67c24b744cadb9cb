# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve as every host is seen from core."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from maskedit.media import ClipReader, read_picture
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Host, Marks
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.host import ResolveHost
from plugin_client.resolve.rendering import Patience
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.snapshot import snapshot
from tests.hosts.resolve.stage import Stage, grey_of

QUICK = Patience(poll_s=0.01, stall_s=5, stop_s=1)


@pytest.fixture
def host(stage) -> ResolveHost:
    return ResolveHost(stage.resolve, patience=QUICK)


@pytest.fixture
def cut(stage, numbered_clip):
    """Frames 10 to 29 of a clip at frame 40, selected."""
    clip = stage.clip(numbered_clip("plate.mov", 60))
    item = by_hand.place(stage.timeline, clip, track=1, start=stage.start + 40, source=(10, 30))
    by_hand.select(stage.timeline, item)
    return item


def ignored(done: int, total: int) -> None:
    pass


def test_it_is_a_host_that_says_its_name(host):
    kept: Host = host
    assert kept.name == "DaVinci Resolve Studio 21.0.0.7"


def test_a_name_that_is_not_answered_does_not_matter(stage):
    stage.fake.fail("Resolve.GetProductName")
    stage.fake.fail("Resolve.GetVersionString")
    assert ResolveHost(stage.resolve).name == "DaVinci Resolve"


def test_the_selected_clip_its_file_and_a_frame_of_it(host, cut, tmp_path):
    shot = host.selected_shot()
    assert shot.frames == FrameRange(10, 29) and host.notes() == ()
    assert host.where(shot) == "Cut 3 in Resolve"
    assert host.prepare_clip(shot, tmp_path)(ignored) == shot.media
    target = host.prepare_picture(shot, 17, tmp_path / "17.png")(ignored)
    assert np.allclose(read_picture(target)[..., :3] * 255, grey_of(17), atol=1)


def test_several_clips_are_one_too_many(numbered_clip):
    stage = Stage(FakeResolve(version="21.0.4"))
    clip = stage.clip(numbered_clip("plate.mov", 60))
    starts = (stage.start, stage.start + 20)
    items = [by_hand.place(stage.timeline, clip, track=1, start=start, source=(0, 10)) for start in starts]
    by_hand.select(stage.timeline, *items)
    with pytest.raises(BadInput, match=r"^2 clips are selected in Resolve: select the one to edit"):
        ResolveHost(stage.resolve).selected_shot()


def test_a_clip_of_another_rate_comes_with_a_note_that_is_told_once(numbered_clip):
    stage = Stage(FakeResolve(), rate="24")
    clip = stage.clip(numbered_clip("plate.mov", 60, rate=Fraction(25)))
    by_hand.select(stage.timeline, by_hand.place(stage.timeline, clip, track=1, start=stage.start, source=(0, 50)))
    host = ResolveHost(stage.resolve)
    host.selected_shot()
    (note,) = host.notes()
    assert "25 frames a second" in note and host.notes() == ()


def test_a_result_is_placed_and_what_became_of_its_clip_is_noted(host, stage, cut, numbered_clip):
    shot = host.selected_shot()
    by_hand.move(cut, 7)
    result = numbered_clip("result.mov", 20)
    placed = host.put_result(str(result), shot, marks=Marks(job_id="j"), has_alpha=True)
    assert (placed.record_frame, placed.frames) == (stage.start + 40, 20)
    (note,) = host.notes()
    assert "was moved or trimmed" in note


def test_while_resolve_renders_nothing_is_placed(host, stage, cut, numbered_clip, tmp_path):
    shot = host.selected_shot()
    by_hand.deliver_page(stage.project).polls = 1000
    stage.project.SetCurrentRenderFormatAndCodec("mov", "ProRes4444")
    stage.project.SetRenderSettings({"TargetDir": str(tmp_path), "CustomName": "x"})
    stage.project.StartRendering([stage.project.AddRenderJob()], False)
    before = snapshot(stage.fake)
    result = numbered_clip("result.mov", 20)
    assert not host.may_place()
    with pytest.raises(BadInput, match=rf"Resolve is rendering: wait .*{result.name}"):
        host.put_result(str(result), shot, marks=Marks(job_id="j"), has_alpha=True)
    assert snapshot(stage.fake) == before


def test_what_is_no_file_is_rendered_and_so_is_one_frame_of_it(host, stage, cut, tmp_path):
    compound = stage.timeline.CreateCompoundClip(stage.items(), {"name": "Nest"})
    by_hand.select(stage.timeline, bare(compound).item)
    shot = host.selected_shot()
    assert shot.media == ""
    told: list[tuple[int, int]] = []
    media = host.prepare_clip(shot, tmp_path / "clips")(lambda done, total: told.append((done, total)))
    with ClipReader(media) as clip:
        assert clip.facts.frame_count == 20
    assert told[-1] == (20, 20)
    host.prepare_picture(shot, 3, tmp_path / "3.png")(ignored)
    assert (tmp_path / "3.png").stat().st_size > 0


def test_a_frame_that_is_not_there_is_a_sentence(host, cut, tmp_path):
    shot = host.selected_shot()
    with pytest.raises(BadInput, match=r"^Frame 99 of plate.mov cannot be read: .*there is no frame 99"):
        host.prepare_picture(shot, 99, tmp_path / "99.png")(ignored)
