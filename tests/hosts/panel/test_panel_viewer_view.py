# SPDX-License-Identifier: GPL-3.0-or-later
"""Widget and source are two ways to name the same point, whatever the zoom, the pixel aspect and the rotation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPointF, QRectF

from plugin_client.panel.viewer.view import LARGEST, SMALLEST, View

places = st.builds(QPointF, st.floats(-3000, 9000), st.floats(-3000, 9000))
views = st.builds(
    View,
    width=st.integers(1, 8192),
    height=st.integers(1, 4320),
    pixel_aspect=st.sampled_from([1.0, 0.9, 1.4222, 2.0]),
    rotation=st.sampled_from([0, 90, 180, 270]),
    scale=st.floats(SMALLEST, LARGEST),
    left=st.floats(-5000, 5000),
    top=st.floats(-5000, 5000),
)
spaces = st.builds(QRectF, st.floats(0, 100), st.floats(0, 100), st.floats(20, 4000), st.floats(20, 4000))


def near(one: QPointF, other: QPointF, *, within: float = 1e-4) -> bool:
    return (one - other).manhattanLength() <= within * max(1.0, other.manhattanLength())


@given(views, places)
def test_there_and_back(view: View, place: QPointF) -> None:
    assert near(view.to_source(view.to_widget(place)), place)
    assert near(view.to_widget(view.to_source(place)), place)


@given(views)
def test_the_frame_fills_its_rectangle(view: View) -> None:
    corners = [view.to_widget(QPointF(x, y)) for x in (0, view.width) for y in (0, view.height)]
    box = view.rect
    for value, found in (
        (box.left(), min(corner.x() for corner in corners)),
        (box.right(), max(corner.x() for corner in corners)),
        (box.top(), min(corner.y() for corner in corners)),
        (box.bottom(), max(corner.y() for corner in corners)),
    ):
        assert found == pytest.approx(value, abs=1e-3, rel=1e-6)


@given(views, spaces)
def test_fitted_it_lies_within_and_touches(view: View, space: QRectF) -> None:
    fitted = view.fitted(space)
    box = fitted.rect
    assert near(box.center(), space.center())
    if SMALLEST < fitted.scale < LARGEST:
        assert space.adjusted(-0.01, -0.01, 0.01, 0.01).contains(box)
        assert min(space.width() - box.width(), space.height() - box.height()) < 0.01


@given(views, places, st.floats(0.1, 10))
def test_zooming_keeps_the_point_under_the_hand(view: View, about: QPointF, factor: float) -> None:
    zoomed = view.zoomed(factor, about)
    assert near(view.to_source(about), zoomed.to_source(about), within=1e-3)
    assert SMALLEST <= zoomed.scale <= LARGEST


def test_a_quarter_turn_brings_the_source_upright() -> None:
    view = View(width=100, height=50, rotation=90)
    assert view.shown_size.width() == 50
    # What was at the bottom left comes to the top left.
    assert near(view.to_widget(QPointF(0, 50)), QPointF(0, 0))
    assert near(view.to_widget(QPointF(0, 0)), QPointF(50, 0))
    assert near(view.to_widget(QPointF(100, 50)), QPointF(0, 100))


def test_wide_pixels_are_shown_wide() -> None:
    view = View(width=720, height=576, pixel_aspect=2.0, scale=0.5)
    assert near(view.to_widget(QPointF(720, 576)), QPointF(720, 288))
