# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.media import PlateFrame, convert
from maskedit.media.colour import PlateColour, code_point, colour_tags, luma_weights, tag_of
from maskedit.media.pixels import layout_of
from maskedit.media.plate import (
    codes_from_signal,
    enlarge_chroma,
    reduce_chroma,
    rgb_from_signals,
    serves,
    signals_from_rgb,
)
from maskedit.request import ColourTag, Origin

MATRICES = ["bt709", "smpte170m", "bt2020nc", "smpte240m"]


def flat_plate(codes: tuple[int, ...], pixel_format: str, colour: PlateColour, *, size=(7, 5)) -> PlateFrame:
    layout = layout_of(pixel_format)
    planes = tuple(
        np.full(layout.plane_shape(plane, width=size[0], height=size[1]), code, layout.dtype)
        for plane, code in enumerate(codes)
    )
    return PlateFrame(number=0, planes=planes, pixel_format=pixel_format, colour=colour)


def rgb_by_the_standard(codes, *, depth: int, colour: PlateColour) -> list[float]:
    """H.273, equations 20 to 44, one pixel, in double precision."""
    step, half = 2 ** (depth - 8), 2 ** (depth - 1)
    full = 2**depth - 1
    luma, cb, cr = codes
    if colour.range == "tv":
        luma, cb, cr = (luma - 16 * step) / (219 * step), (cb - half) / (224 * step), (cr - half) / (224 * step)
    else:
        luma, cb, cr = luma / full, (cb - half) / full, (cr - half) / full
    weight_red, weight_blue = luma_weights(colour.matrix)
    red = luma + 2 * (1 - weight_red) * cr
    blue = luma + 2 * (1 - weight_blue) * cb
    green = (luma - weight_red * red - weight_blue * blue) / (1 - weight_red - weight_blue)
    return [min(max(value, 0.0), 1.0) for value in (red, green, blue)]


@given(
    codes=st.tuples(*[st.integers(0, 1023)] * 3),
    matrix=st.sampled_from(MATRICES),
    range=st.sampled_from(["tv", "pc"]),
    sampling=st.sampled_from(["420", "422", "444", "411", "410", "440"]),
    siting=st.sampled_from([(0.0, 0.5), (0.5, 0.5), (0.0, 0.0)]),
)
def test_constant_colours_follow_the_standard(codes, matrix, range, sampling, siting):
    colour = PlateColour(matrix=matrix, range=range, siting=siting)
    deep = layout_of("yuv444p10le") if sampling in ("411", "410") else layout_of(f"yuv{sampling}p10le")
    depth = deep.depth
    name = deep.name
    if sampling in ("411", "410"):
        codes, name, depth = tuple(code // 4 for code in codes), f"yuv{sampling}p", 8
    rgb = flat_plate(codes, name, colour).rgb()
    expected = rgb_by_the_standard(codes, depth=depth, colour=colour)
    np.testing.assert_allclose(rgb, np.broadcast_to(expected, rgb.shape), atol=2e-6)


def test_black_and_white_are_exactly_0_and_1():
    for pixel_format, black, white in (("yuv420p", (16, 128, 128), (235, 128, 128)), ("gray", (16,), (235,)),
                                       ("gbrp12le", (0, 0, 0), (4095, 4095, 4095))):  # fmt: skip
        colour = PlateColour(matrix="bt709", range="tv")
        assert (flat_plate(black, pixel_format, colour).rgb() == 0.0).all()
        assert (flat_plate(white, pixel_format, colour).rgb() == 1.0).all()


def rgb_by_libswscale(planes: list[np.ndarray], pixel_format: str, matrix: str) -> np.ndarray:
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for plane, samples in zip(frame.planes, planes, strict=True):
        np.frombuffer(plane, np.uint16).reshape(plane.height, -1)[:, : samples.shape[1]] = samples
    scaled = frame.reformat(
        format="gbrp16le",
        interpolation="BILINEAR",
        src_colorspace={"bt709": "ITU709", "smpte170m": "ITU601"}[matrix],
        src_color_range="MPEG",
        dst_color_range="JPEG",
    )
    planar = [np.frombuffer(bytes(plane), np.uint16).reshape(height, -1)[:, :width] for plane in scaled.planes]
    return np.stack([planar[2], planar[0], planar[1]], axis=-1) / 65535


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p10le", "yuv444p10le"])
def test_a_smooth_picture_agrees_with_libswscale(matrix, pixel_format):
    height, width = 48, 64
    layout = layout_of(pixel_format)
    planes = []
    for plane in range(3):
        rows, columns = layout.plane_shape(plane, width=width, height=height)
        y, x = np.mgrid[0:rows, 0:columns] / np.array([rows, columns])[:, None, None]
        planes.append((400 + 80 * np.sin(3 * x + plane) + 60 * y).astype(np.uint16))
    white = [np.full_like(plane, code) for plane, code in zip(planes, (940, 512, 512), strict=True)]
    # libswscale's 16-bit white is 255/256 of the full code.
    expected = rgb_by_libswscale(planes, pixel_format, matrix) / rgb_by_libswscale(white, pixel_format, matrix).max()
    # libswscale, unless told of a siting, centres chroma both ways.
    colour = PlateColour(matrix=matrix, range="tv", siting=(0.5, 0.5))
    found = PlateFrame(number=0, planes=tuple(planes), pixel_format=pixel_format, colour=colour).rgb()
    assert np.abs(found - expected)[2:-2, 2:-2].max() < 0.05 / 1023


@pytest.mark.parametrize("siting", [(0.0, 0.5), (0.5, 0.5), (0.0, 0.0)])
def test_a_ramp_in_chroma_lies_where_its_siting_says(siting):
    # A linear ramp is reproduced exactly by linear interpolation only if every sample's place is right.
    layout = layout_of("yuv420p")
    colour = PlateColour(siting=siting)
    rows, columns = np.mgrid[0:6, 0:8].astype(np.float32)
    chroma = 3 * (2 * columns + siting[0]) + 5 * (2 * rows + siting[1])
    full = enlarge_chroma(chroma, layout, colour, width=15, height=11)
    y, x = np.mgrid[0:11, 0:15].astype(np.float32)
    np.testing.assert_allclose(full[2:9, 2:13], (3 * x + 5 * y)[2:9, 2:13], atol=1e-4)
    # The low-pass is symmetric about the same places, so the ramp survives the way back too.
    back = reduce_chroma(3 * x + 5 * y, layout, colour)
    np.testing.assert_allclose(back[1:5, 1:6], chroma[1:5, 1:6], atol=1e-4)


def slow_enlarge(chroma: np.ndarray, layout, colour: PlateColour, *, width: int, height: int) -> np.ndarray:
    """One output pixel at a time, straight from the definition of linear interpolation between sited samples."""
    across, down = (1 << shift for shift in layout.chroma_shift)
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            row = (y - colour.siting[1] * (down - 1)) / down
            column = (x - colour.siting[0] * (across - 1)) / across
            for r in range(int(np.floor(row)), int(np.floor(row)) + 2):
                for c in range(int(np.floor(column)), int(np.floor(column)) + 2):
                    weight = max(0.0, 1 - abs(row - r)) * max(0.0, 1 - abs(column - c))
                    inside = chroma[min(max(r, 0), len(chroma) - 1), min(max(c, 0), chroma.shape[1] - 1)]
                    out[y, x] += weight * inside
    return out


@given(
    width=st.integers(1, 13),
    height=st.integers(1, 13),
    sampling=st.sampled_from(["420", "422", "411", "410", "440", "444"]),
    siting=st.sampled_from([(0.0, 0.5), (0.5, 0.5), (0.0, 0.0)]),
    seed=st.integers(0, 99),
)
def test_enlarging_matches_its_slow_twin_and_serves_names_its_reach(width, height, sampling, siting, seed):
    layout, colour = layout_of(f"yuv{sampling}p"), PlateColour(siting=siting)
    rows, columns = layout.plane_shape(1, width=width, height=height)
    chroma = np.random.default_rng(seed).random((rows, columns), np.float32)
    full = enlarge_chroma(chroma, layout, colour, width=width, height=height)
    np.testing.assert_allclose(full, slow_enlarge(chroma, layout, colour, width=width, height=height), atol=1e-5)
    touched = chroma.copy()
    touched[rows // 2, columns // 2] += 1
    moved = enlarge_chroma(touched, layout, colour, width=width, height=height) != full
    reach = np.zeros_like(moved)
    across, down = (1 << shift for shift in layout.chroma_shift)
    for dy in serves(down, siting[1]):
        for dx in serves(across, siting[0]):
            y, x = rows // 2 * down + dy, columns // 2 * across + dx
            if 0 <= y < height and 0 <= x < width:
                reach[y, x] = True
    # Held edges serve a last row or column that lies beyond the last sample, too.
    assert not (moved & ~reach)[: max(height - down, 1), : max(width - across, 1)].any()
    assert (moved | ~reach).all()


@given(matrix=st.sampled_from(MATRICES), pixel_format=st.sampled_from(["yuv444p", "gbrp"]), seed=st.integers(0, 99))
def test_signals_from_rgb_undoes_rgb_from_signals(matrix, pixel_format, seed):
    rgb = np.random.default_rng(seed).random((3, 4, 3), np.float32)
    layout, colour = layout_of(pixel_format), PlateColour(matrix=matrix)
    np.testing.assert_allclose(rgb_from_signals(signals_from_rgb(rgb, layout, colour), layout, colour), rgb, atol=1e-6)


def test_a_gray_plate_takes_luma():
    (luma,) = signals_from_rgb(np.float32([[[1.0, 0.5, 0.25]]]), layout_of("gray"), PlateColour(matrix="gbr"))
    np.testing.assert_allclose(luma, 0.2126 + 0.5 * 0.7152 + 0.25 * 0.0722, atol=1e-6)


def test_alpha_is_full_range_in_limited_plates():
    plate = flat_plate((16, 128, 128, 255), "yuva420p", PlateColour(range="tv"))
    alpha = plate.alpha()
    assert alpha is not None and (alpha == 1.0).all()
    assert flat_plate((16, 128, 128), "yuv420p", PlateColour()).alpha() is None


def test_conversion_to_ten_bits_keeps_every_eight_bit_code():
    random = np.random.default_rng(0)
    layout = layout_of("yuv444p")
    planes = tuple(random.integers(0, 256, (9, 11)).astype(np.uint8) for _ in range(3))
    plate = PlateFrame(number=3, planes=planes, pixel_format=layout.name, colour=PlateColour(range="tv"))
    deep = convert(plate, "yuva444p10le")
    for before, after in zip(planes, deep.planes, strict=False):
        # Super-whites survive: no clipping to the legal range on the way.
        np.testing.assert_array_equal(before.astype(int) * 4, after)
    assert (deep.planes[3] == 1023).all() and deep.number == 3
    assert convert(deep, "yuva444p10le") is deep


def test_conversion_between_models_is_accurate_to_rounding():
    random = np.random.default_rng(0)
    planes = tuple(random.integers(0, 65536, (8, 8)).astype(np.uint16) for _ in range(3))
    plate = PlateFrame(number=0, planes=planes, pixel_format="gbrp16le", colour=PlateColour(matrix="gbr", range="pc"))
    yuv = convert(plate, "yuv444p10le")
    assert (yuv.colour.matrix, yuv.colour.range) == ("smpte170m", "tv")
    assert np.abs(yuv.rgb() - plate.rgb()).max() < 2.5 / 1023
    gray = convert(flat_plate((90, 128, 128), "yuv420p", PlateColour()), "gbrp16le")
    assert all((plane == round((90 - 16) / 219 * 65535)).all() for plane in gray.planes)


def test_full_range_video_becomes_limited_when_converted():
    plate = flat_plate((255, 128, 128), "yuv420p", PlateColour(range="pc", matrix="bt709"))
    assert (convert(plate, "yuv444p10le").planes[0] == 940).all()


@given(seed=st.integers(0, 99))
def test_rounding_to_codes_does_not_move_the_mean(seed):
    signal = np.random.default_rng(seed).random(20_000, np.float32)
    codes = codes_from_signal(signal, layout_of("gbrp"), 0, PlateColour(range="pc"))
    assert abs(codes.mean() - signal.mean() * 255) < 0.01


def test_matrices_that_are_no_weighted_sum_are_refused():
    with pytest.raises(InputError, match="ictcp is not supported"):
        flat_plate((1, 2, 3), "yuv420p", PlateColour(matrix="ictcp")).rgb()


def test_luma_and_chroma_under_the_tag_of_rgb_are_guessed_anew():
    layout = layout_of("yuv420p")
    tags = colour_tags(layout, height=1080, matrix=0, range=0, primaries=1, transfer=2)
    assert tags["matrix"] == ColourTag(name="bt709", origin=Origin.GUESSED)
    assert tags["primaries"].origin is Origin.TAGGED


def test_what_a_user_says_is_written_as_a_tag():
    names = {1: "bt709", 9: "bt2020"}
    assert code_point(names, ColourTag(name="bt2020", origin=Origin.USER)) == 9
    assert code_point(names, ColourTag(name="bt2020", origin=Origin.GUESSED)) == 2
    assert tag_of(names, 9, guess="bt709").origin is Origin.TAGGED


def test_a_plate_cannot_be_changed_by_replacing_nothing():
    plate = flat_plate((90, 128, 128), "yuv420p", PlateColour())
    assert replace(plate, number=4).planes is plate.planes
    assert (plate.width, plate.height) == (7, 5)
