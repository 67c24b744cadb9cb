# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures behind the scorecard: which samples count as outside, decibels, similarity, the ring."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.compositing import composite
from maskedit.mattes import paste_matte
from maskedit.measures import inner_ring, psnr, samples_changed, similarity
from maskedit.media import PlateFrame
from maskedit.media.colour import PlateColour
from maskedit.media.pixels import layout_of
from maskedit.media.plate import enlarge_chroma


@pytest.mark.parametrize(("row", "column", "count"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (1, 2, 1)])
def test_a_chroma_sample_is_outside_as_soon_as_one_pixel_that_it_serves_is(row, column, count):
    """4:2:0, chroma sited left and halfway down: sample (r, c) serves rows 2r-1…2r+2 and columns 2c-1…2c+1."""
    planes = tuple(np.zeros(shape, np.uint8) for shape in ((8, 8), (4, 4), (4, 4)))
    source = PlateFrame(number=0, planes=planes, pixel_format="yuv420p")
    changed = planes[1].copy()
    changed[row, column] = 1
    result = PlateFrame(number=0, planes=(planes[0], changed, planes[2]), pixel_format="yuv420p")
    outside = np.ones((8, 8), bool)
    outside[:5, :4] = False  # rows 0-4 and columns 0-3 may change
    assert samples_changed(source, result, outside) == count
    assert samples_changed(source, source, outside) == 0


@given(
    pixel_format=st.sampled_from(["yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv440p"]),
    siting=st.tuples(st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.5])),
    width=st.integers(5, 12),
    height=st.integers(5, 12),
    data=st.data(),
)
def test_what_a_chroma_sample_serves_is_what_its_enlargement_reaches(pixel_format, siting, width, height, data):
    layout, colour = layout_of(pixel_format), PlateColour(siting=siting)
    shapes = [layout.plane_shape(plane, width=width, height=height) for plane in range(3)]
    planes = tuple(np.zeros(shape, np.uint8) for shape in shapes)
    row, column = (data.draw(st.integers(0, side - 1)) for side in shapes[1])
    touched = planes[1].copy()
    touched[row, column] = 1
    outside = np.zeros((height, width), bool)
    outside[data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))] = True
    reached = enlarge_chroma(touched.astype(np.float32), layout, colour, width=width, height=height) > 0
    source, result = (
        PlateFrame(number=0, planes=(planes[0], chroma, planes[2]), pixel_format=pixel_format, colour=colour)
        for chroma in (planes[1], touched)
    )
    assert samples_changed(source, result, outside) == int((reached & outside).any())


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuva444p10le", "gbrp12le", "gray16le"])
def test_what_the_compositor_touches_lies_inside_the_paste_matte(pixel_format):
    generator = np.random.default_rng(5)
    layout = layout_of(pixel_format)
    shapes = [layout.plane_shape(plane, width=45, height=31) for plane in range(layout.plane_count)]
    planes = tuple(generator.integers(0, 1 << layout.depth, shape).astype(layout.dtype) for shape in shapes)
    plate = PlateFrame(number=0, planes=planes, pixel_format=pixel_format)
    drawn = np.zeros((31, 45), np.float32)
    drawn[7:20, 9:30] = 1
    paste = paste_matte(drawn, feather_px=3)
    painted = generator.random((31, 45, 3), np.float32)
    edited = composite(plate, painted, x=0, y=0, paste_matte=paste)
    assert samples_changed(plate, edited, paste == 0) == 0
    assert samples_changed(plate, edited, paste < 1) > 0


def test_decibels_of_nothing_and_of_identity():
    assert psnr(None) is None
    assert psnr(0.0) == math.inf
    assert psnr(0.01) == pytest.approx(20)


def test_similarity_of_a_region_ignores_what_lies_outside():
    generator = np.random.default_rng(1)
    picture = generator.random((40, 40, 3), np.float32)
    other = generator.random((40, 40, 3), np.float32)
    inside = np.zeros((40, 40), bool)
    inside[12:24, 12:24] = True
    other[8:28, 8:28] = picture[8:28, 8:28]
    assert similarity(picture, other, inside) == pytest.approx(np.ones(144))
    assert similarity(picture, other, np.roll(inside, 16, axis=1)).mean() < 0.5
    assert similarity(picture, other, np.zeros_like(inside)).size == 0


def test_the_ring_lies_just_inside_the_paste_and_not_at_the_frames_border():
    paste = np.zeros((32, 32), np.float32)
    paste[0:16, 8:24] = 0.5
    ring = inner_ring(paste)
    assert ring[:16, 8].all() and ring[15, 8:24].all()
    assert not ring[0, 14:18].any() and not ring[paste == 0].any()
    assert not inner_ring(np.ones((8, 8), np.float32)).any()
