# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted picture in any part of the frame, whole or cropped."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskedit.colour import view_of
from maskedit.geometry import Rect
from maskedit.media import PlateFrame, write_picture
from maskedit.media.colour import PlateColour
from maskedit.painting import keyframe_picture
from maskedit.request import Extent, Keyframe, MediaFacts, MediaReference, WorkingColour

WIDTH, HEIGHT = 24, 18


@st.composite
def rects(draw: st.DrawFn) -> Rect:
    x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    return Rect(x, y, draw(st.integers(1, WIDTH - x)), draw(st.integers(1, HEIGHT - y)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(crop=st.none() | rects(), part=rects())
def test_a_keyframe_is_seen_where_it_lies(tmp_path: Path, crop: Rect | None, part: Rect) -> None:
    planes = tuple(np.random.default_rng(1).integers(0, 256, (3, HEIGHT, WIDTH), np.uint8))
    plate = PlateFrame(number=0, planes=planes, pixel_format="gbrp", colour=PlateColour(matrix="gbr", range="pc"))
    facts = MediaFacts(frame_count=2, width=WIDTH, height=HEIGHT, rate=Fraction(24), pixel_format="gbrp")
    view = view_of(facts, WorkingColour(name="rec709"))
    placed = crop or Rect(0, 0, WIDTH, HEIGHT)
    codes = np.random.default_rng(2).integers(0, 256, (placed.height, placed.width, 3))
    write_picture(tmp_path / "painted.png", codes / 255)
    expected = view.shown(plate)
    expected[placed.slices] = codes / 255
    keyframe = Keyframe(
        frame=0,
        image=MediaReference(locations=(str(tmp_path / "painted.png"),)),
        extent=crop and Extent(x=crop.x, y=crop.y, width=crop.width, height=crop.height),
    )
    np.testing.assert_allclose(
        keyframe_picture(keyframe, plate, view=view, part=part), expected[part.slices], atol=1e-6
    )
