# SPDX-License-Identifier: GPL-3.0-or-later
"""Recolouring changes the material and nothing else: not the shading, not what is colourful, not what is outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskedit.recolour import FOX, LUMA, Ramp, recolour

PICTURES = arrays(np.float32, (4, 5, 3), elements=st.floats(0, 1, width=32))
MATTES = arrays(np.float32, (4, 5), elements=st.sampled_from([0.0, 0.25, 1.0]))


@given(PICTURES, MATTES)
def test_outside_is_untouched_and_inside_stays_in_range(rgb, matte):
    edited = recolour(rgb, matte, ramp=FOX)
    assert edited.dtype == np.float32 and edited.shape == rgb.shape
    np.testing.assert_array_equal(edited[matte == 0], rgb[matte == 0])
    assert edited.min() >= 0 and edited.max() <= 1


@given(PICTURES, MATTES)
def test_the_same_picture_gives_the_same_edit_and_the_input_is_kept(rgb, matte):
    before = rgb.copy()
    np.testing.assert_array_equal(recolour(rgb, matte, ramp=FOX), recolour(rgb, matte, ramp=FOX))
    np.testing.assert_array_equal(rgb, before)


@given(PICTURES)
def test_a_soft_matte_mixes(rgb):
    whole = recolour(rgb, np.ones((4, 5), np.float32), ramp=FOX)
    half = recolour(rgb, np.full((4, 5), 0.5, np.float32), ramp=FOX)
    np.testing.assert_allclose(half, (rgb + whole) / 2, atol=1e-6)


def test_shading_is_kept_on_grey():
    """What was lighter stays lighter, everywhere along the ramp, so folds and light survive the edit."""
    grey = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[None, :, None], 3, axis=2)
    edited = recolour(grey, np.ones((1, 256), np.float32), ramp=FOX)
    assert (np.diff((edited @ LUMA)[0]) > 0).all()


def test_grey_becomes_clearly_another_colour():
    grey = np.full((1, 1, 3), 0.6, np.float32)
    red, green, blue = recolour(grey, np.ones((1, 1), np.float32), ramp=FOX)[0, 0]
    assert red > 0.7 and red > 2 * green > 2 * blue


def test_stops_are_met_and_joined_by_straight_lines():
    ramp = Ramp(stops=((0.0, (0.0, 0.0, 0.0)), (0.5, (1.0, 0.0, 0.5)), (1.0, (1.0, 1.0, 1.0))))
    colours = ramp.colours(np.array([0.0, 0.25, 0.5, 0.75, 1.0]))
    expected = [(0, 0, 0), (0.5, 0, 0.25), (1, 0, 0.5), (1, 0.5, 0.75), (1, 1, 1)]
    np.testing.assert_allclose(colours, expected)


@pytest.mark.parametrize(("saturation", "share"), [(0.25, 1.0), (0.4, 0.5), (0.6, 0.0)])
def test_what_is_colourful_already_is_spared(saturation, share):
    green = np.array([[[0.5 - saturation / 2, 0.5 + saturation / 2, 0.5]]], np.float32)
    ramp = Ramp(stops=((0.0, (0.0, 0.0, 0.0)), (1.0, (0.0, 0.0, 0.0))), spare_from=0.3, spare_to=0.5)
    edited = recolour(green, np.ones((1, 1), np.float32), ramp=ramp)
    np.testing.assert_allclose(edited, green * (1 - share), atol=1e-6)
