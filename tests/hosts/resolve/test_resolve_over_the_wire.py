# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and placing from the other end of the wire: the agent lends the fake as it lends Resolve."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.agent import Lending
from plugin_client.resolve.mattes import matte_of, offered
from plugin_client.resolve.placing import put_result
from plugin_client.resolve.reading import read_selected
from plugin_client.resolve.remote import Remote, Wire
from plugin_client.resolve.rendering import Patience, render_item
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.fusion import PolylineMask
from tests.hosts.resolve.fake.snapshot import snapshot
from tests.hosts.resolve.stage import Stage

RATE = Fraction(24000, 1001)


@pytest.fixture(params=["18.5", "21.0.4"])
def free(request) -> Stage:
    """The free edition with a cut, as old as we go and as new."""
    return Stage(FakeResolve(version=request.param, edition="free"), rate="23.976")


@pytest.fixture
def lent(free) -> Iterator[Remote]:
    """That edition's `resolve`, over loopback."""
    lending = Lending(free.fake.scriptapp("Resolve"))
    serving = threading.Thread(target=lending.serve, args=(lambda: True,), daemon=True)
    serving.start()
    wire = Wire(lending.address, lending.token)
    yield Remote(wire, 0)
    wire.close()
    serving.join(10)


def test_a_shot_is_read_and_its_result_placed(free, lent, numbered_clip):
    clip = free.clip(numbered_clip("a.mov", 60, rate=RATE))
    free.append(clip, startFrame=12, endFrame=36, recordFrame=free.start)
    (shot,) = read_selected(lent)
    assert (shot.shot.frames, shot.shot.record_frame) == (FrameRange(12, 35), free.start)
    result = numbered_clip("r.mov", 24, rate=RATE)
    placed = put_result(lent, str(result), shot.shot, marks=Marks(job_id="j", settings={"rim": 2}))
    (item,) = free.items(2)
    assert (item.GetUniqueId(), item.GetStart(), item.GetDuration()) == (placed.result.item, free.start, 24)
    assert free.fake.misuses == [] and free.fake.modal == ""


def test_a_window_that_is_open_is_a_sentence_and_nothing_happens(free, lent, numbered_clip):
    free.append(free.clip(numbered_clip("a.mov", 60, rate=RATE)), recordFrame=free.start)
    before = snapshot(free.fake)
    free.fake.door.modal = "Save the project?"
    with pytest.raises(BadInput, match=r"close any window that is open"):
        read_selected(lent)
    free.fake.close_modal()
    assert snapshot(free.fake) == before


def test_a_nested_clip_is_rendered_and_mattes_are_taken(free, lent, numbered_clip, tmp_path):
    clip = free.clip(numbered_clip("a.mov", 60, rate=RATE))
    free.append(clip, startFrame=12, endFrame=36, recordFrame=free.start)
    by_hand.draw_masks(free.items()[0], PolylineMask("Polygon1", {0: [{"X": 0, "Y": 0}, {"X": 1, "Y": 0}]}))
    (item,) = read_selected(lent)
    wanted = {"progress": lambda done, total: None, "patience": Patience(poll_s=0)}
    before = snapshot(free.fake)
    assert offered(lent, item.shot) == ("fusion:1", "alpha")
    comp = matte_of(lent, item.shot, "fusion:1", tmp_path, **wanted).matte
    assert "GlobalRange = { 0," in Path(comp.path).read_text()
    assert matte_of(lent, item.shot, "alpha", tmp_path, **wanted).matte.first_frame == 12
    rendered = render_item(lent, item.spot, tmp_path, frames=FrameRange(0, 1), **wanted)
    assert Path(rendered.media).stat().st_size
    after = snapshot(free.fake)
    if free.fake.version == "18.5":  # neither deletes presets nor tells in and out points
        after |= {part: before[part] for part in ("presets", "timelines")}
    assert after == before and free.fake.misuses == [] and free.fake.modal == ""


def test_a_second_result_becomes_a_take_of_the_first(free, lent, numbered_clip):
    free.append(free.clip(numbered_clip("a.mov", 60, rate=RATE)), startFrame=12, endFrame=36, recordFrame=free.start)
    (shot,) = read_selected(lent)
    for number in (1, 2):
        result = numbered_clip(f"r{number}.mov", 24, rate=RATE)
        put_result(lent, str(result), shot.shot, marks=Marks(job_id=f"job-{number}"), has_alpha=True)
    (item,) = free.items(2)
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 2)
    (mark,) = item.GetMarkers().values()
    assert '"job-2"' in mark["customData"] and free.fake.misuses == []
