# SPDX-License-Identifier: GPL-3.0-or-later
"""Comps and mattes: the mask routes that a script has."""

from __future__ import annotations

import pytest

from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.fusion import PolylineMask

TRIANGLE = [{"X": -0.25, "Y": 0.0}, {"X": 0.25, "Y": 0.0}, {"X": 0.0, "Y": 0.25}]
HIGHER = [point | {"Y": point["Y"] + 0.5} for point in TRIANGLE]


@pytest.fixture
def item(stage, numbered_clip):
    """A clip on the timeline with a moving mask drawn in Fusion, and the Fusion page open."""
    placed = stage.append(stage.clip(numbered_clip("a.mov", 24)), recordFrame=stage.start)
    by_hand.draw_masks(placed, PolylineMask("Polygon1", {0: TRIANGLE, 10: HIGHER}, paint_mode="Subtract", invert=True))
    stage.resolve.OpenPage("fusion")
    return placed


def test_there_are_comps_on_the_fusion_page_alone(stage, item, tmp_path):
    stage.resolve.OpenPage("edit")
    assert item.GetFusionCompCount() == 1 and item.GetFusionCompByIndex(1) is None
    assert item.ExportFusionComp(str(tmp_path / "a.comp"), 1) is False and item.AddFusionComp() is None
    stage.resolve.OpenPage("fusion")
    assert item.GetFusionCompByIndex(1) is not None and item.GetFusionCompByIndex(2) is None


def test_masks_are_found_and_read_at_a_frame(item):
    comp = item.GetFusionCompByName("Composition 1")
    (mask,) = comp.GetToolList(False, "PolylineMask").values()
    assert mask.GetAttrs() == {"TOOLS_Name": "Polygon1", "TOOLS_RegID": "PolylineMask"}
    assert (mask.GetInput("PaintMode"), mask.GetInput("Invert")) == ("Subtract", 1)
    assert mask.GetBezierPolyline(5)["Points"][3] == {"X": 0.0, "Y": 0.5}
    assert mask.GetBezierPolyline(99)["Points"] == dict(enumerate(HIGHER, 1))
    assert comp.FindTool("MediaIn1").GetBezierPolyline(0) is None and comp.FindTool("Blur1") is None


def test_a_comp_is_exported_as_text_and_comes_back_to_the_letter(stage, item, tmp_path, numbered_clip):
    path = tmp_path / "a.comp"
    assert item.ExportFusionComp(str(path), 1) is True and item.ExportFusionComp(str(path), 2) is False
    text = path.read_text()
    assert text.count("{") == text.count("}")
    for part in ("Polygon1 = PolylineMask", "[10] = { 1,", "X = -0.25", 'SourceOp = "Polygon1"', '"Subtract"'):
        assert part in text
    other = stage.append(stage.clip(numbered_clip("b.mov", 24)))
    assert other.ImportFusionComp(str(tmp_path / "none.comp")) is None
    comp = other.ImportFusionComp(str(path))
    assert comp.FindTool("Polygon1") is not None
    other.ExportFusionComp(str(tmp_path / "again.comp"), 1)
    assert (tmp_path / "again.comp").read_text() == text


def test_a_mask_that_does_not_move_has_no_spline(stage, item, tmp_path):
    by_hand.draw_masks(item, PolylineMask("Polygon2", {0: TRIANGLE}, closed=False))
    item.ExportFusionComp(str(tmp_path / "a.comp"), 1)
    text = (tmp_path / "a.comp").read_text()
    assert "Polygon2Polyline" not in text and "Closed = false" in text


def test_attached_mattes_are_paths(stage, item):
    clip = item.GetMediaPoolItem()
    assert stage.pool.GetClipMatteList(clip) == []
    by_hand.attach_matte(clip, "/mattes/a.mov")
    assert stage.pool.GetClipMatteList(clip) == ["/mattes/a.mov"]


def test_magic_mask_only_tracks_what_somebody_clicked_on(stage, item):
    assert item.CreateMagicMask("BI") is False
    by_hand.bare(item).item.properties["MagicMaskStroke"] = True
    assert item.CreateMagicMask("BI") is True and item.CreateMagicMask("sideways") is False
