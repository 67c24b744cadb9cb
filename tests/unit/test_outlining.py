# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of mattes: few points that draw the matte again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.mattes.outlining import Outline, outlines
from maskedit.mattes.rasterise import rasterise
from maskedit.mattes.roto import RotoFile, Shape
from maskedit.mattes.roto_keys import Key


def drawn(found: list[Outline], *, width: int, height: int) -> np.ndarray:
    """What the outlines draw, parts added and holes subtracted, in their order."""
    shapes = tuple(
        Shape(blend="subtract" if each.is_hole else "add", keys=(Key(frame=0, points=each.points),)) for each in found
    )
    roto = RotoFile(format="maskedit-roto", version=1, size=(width, height), shapes=shapes)
    return rasterise(roto, 0, width=width, height=height)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of what is inside."""
    one, other = one >= 0.5, other >= 0.5
    return float((one & other).sum() / (one | other).sum())


def ellipse(width: int, height: int, *, turned: float) -> np.ndarray:
    matte = np.zeros((200, 240), np.float32)
    cv2.ellipse(matte, (120, 100), (width, height), turned, 0, 360, 1, -1)
    return matte


@given(width=st.integers(20, 90), height=st.integers(20, 70), turned=st.floats(0, 90))
@settings(max_examples=25)
def test_an_ellipse_is_drawn_again_with_few_points(width: int, height: int, turned: float) -> None:
    matte = ellipse(width, height, turned=turned)
    (found,) = outlines(matte, tolerance_px=1)
    assert len(found.points) <= 14
    assert overlap(drawn([found], width=240, height=200), matte) > 0.96


@given(corners=st.lists(st.tuples(st.integers(5, 95), st.integers(5, 95)), min_size=3, max_size=6, unique=True))
@settings(max_examples=25)
def test_any_polygon_is_drawn_again(corners: list[tuple[int, int]]) -> None:
    hull = cv2.convexHull(np.array(corners, np.int32))
    matte = cv2.fillPoly(np.zeros((100, 100), np.float32), [hull], 1.0)
    if cv2.contourArea(hull) < 400 or min(cv2.minAreaRect(hull)[1]) < 12:
        return
    assert overlap(drawn(outlines(matte, tolerance_px=1), width=100, height=100), matte) > 0.93


def test_a_rectangle_has_a_point_at_each_corner() -> None:
    matte = np.zeros((100, 140), np.float32)
    matte[20:80, 30:110] = 1
    (found,) = outlines(matte, tolerance_px=1)
    corners = {(30, 20), (110, 20), (110, 80), (30, 80)}
    assert len(found.points) == 4
    assert all(min(np.hypot(x - point.co[0], y - point.co[1]) for point in found.points) < 1.5 for x, y in corners)


def test_the_edge_is_found_between_the_pixels() -> None:
    matte = np.zeros((60, 60), np.float32)
    matte[10:50, 10:40] = 1
    matte[10:50, 40] = 0.75  # the edge passes one half a quarter of a pixel beyond that pixel's middle
    (found,) = outlines(matte, tolerance_px=0.4)
    right = max(point.co[0] for point in found.points)
    assert right == pytest.approx(40.8, abs=0.3)


def test_parts_come_with_their_holes_behind_them() -> None:
    matte = np.zeros((200, 300), np.float32)
    cv2.circle(matte, (80, 100), 60, 1.0, -1)
    cv2.circle(matte, (80, 100), 25, 0.0, -1)
    cv2.circle(matte, (230, 100), 40, 1.0, -1)
    found = outlines(matte, tolerance_px=1)
    assert [each.is_hole for each in found] == [False, True, False]
    assert overlap(drawn(found, width=300, height=200), matte) > 0.97
    assert found[0].area == pytest.approx(np.pi * 60**2, rel=0.03)


def test_specks_and_nothing_have_no_outlines() -> None:
    matte = np.zeros((100, 100), np.float32)
    assert outlines(matte, tolerance_px=1) == []
    matte[20:60, 20:60] = 1
    matte[80:83, 80:83] = 1
    assert len(outlines(matte, tolerance_px=1)) == 1


def test_a_coarser_tolerance_needs_fewer_points() -> None:
    rng = np.random.default_rng(7)
    noise = cv2.GaussianBlur(rng.normal(size=(300, 300)).astype(np.float32), (0, 0), 18)
    matte = (noise > noise.std()).astype(np.float32)
    fine, coarse = (outlines(matte, tolerance_px=tolerance) for tolerance in (0.7, 3))
    assert sum(len(each.points) for each in coarse) < 0.7 * sum(len(each.points) for each in fine)
    assert overlap(drawn(fine, width=300, height=300), matte) > overlap(drawn(coarse, width=300, height=300), matte)


def test_a_matte_that_touches_the_frame_keeps_its_border() -> None:
    matte = np.ones((60, 80), np.float32)
    matte[:, 60:] = 0
    (found,) = outlines(matte, tolerance_px=1)
    assert overlap(drawn([found], width=80, height=60), matte) > 0.98
