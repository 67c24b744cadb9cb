# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.compositing import composite, patch_frame
from maskedit.errors import ModelError
from maskedit.media import PlateFrame
from maskedit.media.colour import PlateColour, luma_weights
from maskedit.media.pixels import ColourModel, layout_of

FORMATS = [
    *("yuv420p", "yuv422p10le", "yuv444p", "yuva420p", "yuv411p", "yuv410p", "yuv440p"),
    *("gbrp", "gbrap16le", "gbrpf32le", "gray"),
]
SITINGS = [(0.0, 0.5), (0.5, 0.5), (0.0, 0.0)]


def noise_plate(pixel_format: str, *, width: int, height: int, code_range="tv", siting=(0.0, 0.5)) -> PlateFrame:
    random = np.random.default_rng(0)
    layout = layout_of(pixel_format)
    planes = []
    for plane in range(layout.plane_count):
        shape = layout.plane_shape(plane, width=width, height=height)
        if layout.is_float:
            planes.append(random.random(shape, np.float32))
        else:
            planes.append(random.integers(0, 1 << layout.depth, shape).astype(layout.dtype))
    colour = PlateColour(matrix="bt709", range=code_range, siting=siting)
    return PlateFrame(number=5, planes=tuple(planes), pixel_format=pixel_format, colour=colour, pts=90)


def slow_composite(plate: PlateFrame, generated: np.ndarray, x: int, y: int, matte: np.ndarray) -> list[np.ndarray]:
    """One sample at a time in double precision, from the definitions: signal, code, weight, served pixels."""
    layout, colour = plate.layout, plate.colour
    red, blue = luma_weights(colour.matrix)
    depth, step = layout.depth, 2.0 ** (layout.depth - 8)
    full = colour.range == "pc" or layout.model is ColourModel.RGB

    def generated_at(row: int, column: int) -> np.ndarray:
        row = min(max(row - y, 0), generated.shape[0] - 1)
        column = min(max(column - x, 0), generated.shape[1] - 1)
        return np.clip(generated[row, column].astype(np.float64), 0, 1)

    def code(rgb: np.ndarray, plane: int) -> float:
        if layout.is_float:
            return (rgb[1], rgb[2], rgb[0])[plane]
        if layout.model is ColourModel.RGB:
            return (rgb[1], rgb[2], rgb[0])[plane] * (2**depth - 1)
        weights = (0.2126, 0.0722) if layout.model is ColourModel.GRAY else (red, blue)
        luma = weights[0] * rgb[0] + (1 - sum(weights)) * rgb[1] + weights[1] * rgb[2]
        if plane == 0:
            return luma * (2**depth - 1) if full else 16 * step + luma * 219 * step
        difference = (rgb[2] - luma) / (2 - 2 * blue) if plane == 1 else (rgb[0] - luma) / (2 - 2 * red)
        return 2 ** (depth - 1) + difference * (2**depth - 1 if full else 224 * step)

    def low_pass(factor: int, siting: float) -> dict[int, float]:
        centre = siting * (factor - 1)
        cells = {o: min(o + 0.5, centre + factor / 2) - max(o - 0.5, centre - factor / 2) for o in range(-8, 12)}
        return {offset: share / factor for offset, share in cells.items() if share > 0}

    result = [plane.copy() for plane in plate.planes]
    for plane in range(layout.colour_planes):
        across, down = (1 << shift for shift in (layout.chroma_shift if layout.is_chroma(plane) else (0, 0)))
        siting = colour.siting
        centre = siting[0] * (across - 1), siting[1] * (down - 1)
        for row in range(result[plane].shape[0]):
            for column in range(result[plane].shape[1]):
                served = [
                    matte[min(row * down + dy, plate.height - 1), min(column * across + dx, plate.width - 1)]
                    for dy in range(-4, 9)
                    for dx in range(-4, 9)
                    if abs(dy - centre[1]) < down and abs(dx - centre[0]) < across
                    and row * down + dy >= 0 and column * across + dx >= 0
                ]  # fmt: skip
                if min(served) <= 0:
                    continue
                weight = value = 0.0
                for dy, share_down in low_pass(down, siting[1]).items():
                    for dx, share_across in low_pass(across, siting[0]).items():
                        at = (min(max(row * down + dy, 0), plate.height - 1),
                              min(max(column * across + dx, 0), plate.width - 1))  # fmt: skip
                        weight += share_down * share_across * matte[at]
                        value += share_down * share_across * code(generated_at(*at), plane)
                mixed = plate.planes[plane][row, column] * (1 - weight) + weight * value
                result[plane][row, column] = mixed if layout.is_float else np.rint(mixed)
    return result


@given(
    pixel_format=st.sampled_from(FORMATS),
    siting=st.sampled_from(SITINGS),
    code_range=st.sampled_from(["tv", "pc"]),
    size=st.tuples(st.integers(3, 15), st.integers(3, 15)),
    data=st.data(),
)
def test_the_composite_matches_its_slow_twin(pixel_format, siting, code_range, size, data):
    width, height = size
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    matte = np.zeros((height, width), np.float32)
    # Many hard zeros and ones among the soft values, as real mattes have.
    matte[y : y + h, x : x + w] = np.clip(random.uniform(-0.1, 2, (h, w)), 0, 1)
    generated = random.uniform(-0.1, 1.1, (h, w, 3)).astype(np.float32)
    plate = noise_plate(pixel_format, width=width, height=height, code_range=code_range, siting=siting)
    result = composite(plate, generated, x=x, y=y, paste_matte=matte)
    assert (result.number, result.pts, result.pixel_format) == (5, 90, pixel_format)
    for found, expected in zip(result.planes, slow_composite(plate, generated, x, y, matte), strict=True):
        if plate.layout.is_float:
            np.testing.assert_allclose(found, expected, atol=1e-6)
        else:
            # Single and double precision may fall on either side of a half, nowhere else.
            difference = np.abs(found.astype(int) - expected.astype(int))
            assert difference.max() <= 1 and (difference > 0).mean() < 0.05


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("siting", SITINGS)
def test_where_the_matte_is_0_the_decoded_colour_is_untouched_too(pixel_format, siting):
    # Not only the samples: with linear chroma interpolation no outside pixel takes colour from a changed sample.
    plate = noise_plate(pixel_format, width=45, height=37, siting=siting)
    matte = np.zeros((37, 45), np.float32)
    matte[7:30, 9:36] = np.random.default_rng(2).random((23, 27), np.float32)
    matte[0:12, 0:11] = 1
    generated = np.random.default_rng(3).random((37, 45, 3), np.float32)
    result = composite(plate, generated, x=0, y=0, paste_matte=matte)
    np.testing.assert_array_equal(plate.rgb()[matte == 0], result.rgb()[matte == 0])
    assert (plate.rgb()[matte > 0.5] != result.rgb()[matte > 0.5]).mean() > 0.9
    for before, after in zip(plate.planes, result.planes, strict=True):
        assert before.dtype == after.dtype and not np.shares_memory(before, after)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "gbrp"])
def test_a_full_matte_gives_the_generated_picture(pixel_format):
    y, x = np.mgrid[0:24, 0:32].astype(np.float32)
    generated = np.stack([x / 31, y / 23, 0.5 + 0 * x], axis=-1)
    plate = noise_plate(pixel_format, width=32, height=24)
    result = composite(plate, generated, x=0, y=0, paste_matte=np.ones((24, 32), np.float32))
    assert np.abs(result.rgb() - generated)[2:-2, 2:-2].max() < (0.02 if pixel_format == "yuv420p" else 0.008)


def test_half_matte_does_not_move_the_mean():
    plate = noise_plate("gbrp", width=200, height=200)
    generated = np.random.default_rng(4).random((200, 200, 3), np.float32)
    result = composite(plate, generated, x=0, y=0, paste_matte=np.full((200, 200), 0.5, np.float32))
    exact = 0.5 * plate.rgb() + 0.5 * generated
    assert abs(float((result.rgb() - exact).mean())) * 255 < 0.01


@pytest.mark.parametrize(("pixel_format", "step"), [("yuv420p", 1), ("yuv422p10le", 4)])
def test_generated_colours_stay_in_the_legal_range(pixel_format, step):
    layout = layout_of(pixel_format)
    neutral = tuple(np.full(layout.plane_shape(n, width=16, height=16), 128 * step, layout.dtype) for n in range(3))
    plate = PlateFrame(number=0, planes=neutral, pixel_format=pixel_format, colour=PlateColour(range="tv"))
    generated = np.random.default_rng(0).choice([-3.0, 0.0, 1.0, 9.0], (16, 16, 3)).astype(np.float32)
    planes = composite(plate, generated, x=0, y=0, paste_matte=np.ones((16, 16), np.float32)).planes
    assert planes[0].min() == 16 * step and planes[0].max() == 235 * step
    assert min(plane.min() for plane in planes[1:]) >= 16 * step
    assert max(plane.max() for plane in planes[1:]) <= 240 * step


def test_a_patch_is_straight_alpha_and_clear_outside():
    plate = noise_plate("yuv420p", width=21, height=13)
    matte = np.zeros((13, 21), np.float32)
    matte[4:8, 5:12] = 0.5
    matte[5, 6] = 1
    generated = np.full((6, 9, 3), (1.0, 0.5, 0.0), np.float32)
    patch = patch_frame(plate, generated, x=4, y=3, paste_matte=matte)
    assert patch.pixel_format == "gbrap16le" and patch.number == plate.number
    green, blue, red, alpha = patch.planes
    assert (red[matte > 0] == 65535).all() and (green[matte > 0] == 32768).all() and not blue.any()
    assert alpha[5, 6] == 65535 and alpha[4, 5] == 32768
    for plane in patch.planes:
        assert not plane[matte == 0].any()


@pytest.mark.parametrize("paste", [composite, patch_frame])
def test_sizes_that_do_not_fit_and_values_that_are_none_are_refused(paste):
    plate = noise_plate("yuv420p", width=20, height=10)
    matte = np.zeros((10, 20), np.float32)
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match="the paste matte is"):
        paste(plate, picture, x=0, y=0, paste_matte=matte.T)
    with pytest.raises(ValueError, match="leaves the 20x10 plate"):
        paste(plate, picture, x=17, y=0, paste_matte=matte)
    matte[9, 9] = 0.1
    with pytest.raises(ValueError, match="reaches beyond"):
        paste(plate, picture, x=0, y=0, paste_matte=matte)
    picture[1, 1] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        paste(plate, picture, x=0, y=0, paste_matte=np.zeros((10, 20), np.float32))
