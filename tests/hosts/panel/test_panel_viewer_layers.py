# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies over the picture is what numpy makes of the same arrays."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QColor, QImage, QPainter

from plugin_client.panel.viewer import layers

RNG = np.random.default_rng(8)


def pixels(image: QImage) -> np.ndarray:
    """(H, W, 4) uint8 RGBA, not premultiplied."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    lines = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return lines[:, : image.width()].copy()


def over(ground: np.ndarray, image: QImage) -> np.ndarray:
    """`image` painted over the RGB `ground`."""
    canvas = layers.image_of(ground)
    with QPainter(canvas) as painter:
        painter.drawImage(QPointF(), image)
    return pixels(canvas)[..., :3]


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_an_image_is_the_picture(picture: np.ndarray) -> None:
    assert np.array_equal(pixels(layers.image_of(picture))[..., :3], picture)


def test_an_image_outlives_its_picture() -> None:
    image = layers.image_of(RNG.integers(0, 255, (64, 63, 3), np.uint8)[:, ::2])
    twin = np.random.default_rng(8).integers(0, 255, (64, 63, 3), np.uint8)[:, ::2]
    assert np.array_equal(pixels(image)[..., :3], twin)


@given(arrays.arrays(np.uint8, (6, 7, 3)), arrays.arrays(np.uint8, (6, 7, 3)), st.integers(1, 16))
def test_the_difference_is_absolute_gained_and_clipped(plate: np.ndarray, result: np.ndarray, gain: int) -> None:
    twin = np.minimum(np.abs(plate.astype(int) - result) * gain, 255)
    assert np.array_equal(layers.difference(plate, result, gain=gain), twin)


def test_a_smaller_result_is_compared_at_the_plates_size() -> None:
    plate = np.full((40, 60, 3), 90, np.uint8)
    found = layers.difference(plate, np.full((20, 30, 3), 100, np.uint8), gain=3)
    assert found.shape == plate.shape
    assert (found == 30).all()


@given(st.floats(0.05, 1.0), st.sampled_from(["#e5484d", "#00ff40", "#ffffff"]))
def test_a_veil_blends_its_colour_by_the_matte(opacity: float, colour: str) -> None:
    matte = np.arange(256, dtype=np.uint8).reshape(16, 16)
    ground = RNG.integers(0, 255, (16, 16, 3), np.uint8)
    share = (matte / 255 * opacity)[..., None]
    twin = ground * (1 - share) + np.array(QColor(colour).getRgb()[:3]) * share
    assert np.abs(over(ground, layers.tint(matte, colour, opacity=opacity)) - twin).max() <= 2.5


def test_a_cut_out_shows_the_picture_inside_and_checks_outside() -> None:
    matte = np.zeros((32, 32), np.uint8)
    matte[8:24, 8:24] = 255
    ground = RNG.integers(120, 255, (32, 32, 3), np.uint8)
    seen = over(ground, layers.cut_out(matte))
    assert np.array_equal(seen[8:24, 8:24], ground[8:24, 8:24])
    outside = seen[matte == 0]
    assert len(np.unique(outside)) == 2
    assert outside.max() < 120


def test_the_matte_alone_is_grey() -> None:
    matte = RNG.integers(0, 255, (11, 13), np.uint8)
    assert np.array_equal(pixels(layers.grey(matte))[..., :3], matte[..., None].repeat(3, axis=-1))


def test_the_outline_runs_along_the_edge_and_around_holes() -> None:
    matte = np.zeros((40, 50), np.uint8)
    cv2.circle(matte, (25, 20), 15, 255, -1)
    cv2.circle(matte, (25, 20), 6, 0, -1)
    path = layers.outline(matte)
    for row in range(0, 40, 3):
        for column in range(0, 50, 3):
            distance = np.hypot(column - 25, row - 20)
            if abs(distance - 15) > 1.5 and abs(distance - 6) > 1.5:
                assert path.contains(QPointF(column + 0.5, row + 0.5)) == bool(matte[row, column])
    assert layers.outline(np.zeros((4, 4), np.uint8)).isEmpty()
    # A matte that fills the frame has an outline too.
    assert layers.outline(np.full((4, 6), 255, np.uint8)).contains(QPointF(3, 2))


def test_images_are_made_once_and_only_the_last_are_kept() -> None:
    made, calls = layers.Made(most=2), []

    def make(picture: np.ndarray, *, gain: int) -> int:
        calls.append(gain)
        return gain

    first, second = np.zeros(1), np.zeros(1)
    assert [made.get(make, first, gain=1), made.get(make, first, gain=1), made.get(make, second, gain=1)] == [1, 1, 1]
    assert calls == [1, 1]
    made.get(make, first, gain=2)
    assert calls == [1, 1, 2]
    made.get(make, first, gain=1)
    assert calls == [1, 1, 2, 1]
