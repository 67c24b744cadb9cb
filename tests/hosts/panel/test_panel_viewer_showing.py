# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for the screen are what `View.shown` gives, to within two codes of eight bits."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from maskedit.colour import view_of
from maskedit.errors import InputError
from maskedit.media import PlateFrame
from maskedit.media.colour import PlateColour
from maskedit.media.pixels import layout_of
from maskedit.request import ColourTag, MediaFacts, Origin, WorkingColour
from plugin_client.panel.viewer.showing import Showing

WIDTH, HEIGHT = 53, 38
LEFT, CENTRE, TOP_LEFT = (0.0, 0.5), (0.5, 0.5), (0.0, 0.0)


def plate_of(pixel_format: str, *, matrix: str = "bt709", span: str = "tv", siting=LEFT, size=(WIDTH, HEIGHT)):
    """Every code that the format holds, at random, in blocks, ramps and single pixels."""
    layout = layout_of(pixel_format)
    rng = np.random.default_rng(11)
    planes = []
    for plane in range(layout.plane_count):
        shape = layout.plane_shape(plane, width=size[0], height=size[1])
        if layout.is_float:
            planes.append(rng.gamma(0.6, 0.5, shape).astype(np.float32))
            continue
        codes = rng.integers(0, 1 << layout.depth, shape)
        codes[: shape[0] // 2] = np.linspace(0, (1 << layout.depth) - 1, shape[1]).astype(int)
        planes.append(codes.astype(layout.dtype))
    colour = PlateColour(matrix=matrix, range=span, siting=siting)
    return PlateFrame(number=0, planes=tuple(planes), pixel_format=pixel_format, colour=colour)


def facts_of(plate: PlateFrame, *, transfer: str = "bt709", primaries: str = "bt709") -> MediaFacts:
    return MediaFacts(
        frame_count=1,
        width=plate.width,
        height=plate.height,
        rate=Fraction(24),
        pixel_format=plate.pixel_format,
        bit_depth=plate.layout.depth,
        transfer=ColourTag(name=transfer, origin=Origin.TAGGED),
        primaries=ColourTag(name=primaries, origin=Origin.TAGGED),
    )


def worst(plate: PlateFrame, facts: MediaFacts, *, colour: str = "") -> int:
    """The largest difference, in codes of eight bits."""
    exact = view_of(facts, WorkingColour(name=colour)).shown(plate) * 255
    shown = Showing(facts, colour=colour).picture(plate)
    assert shown.dtype == np.uint8
    assert shown.shape == exact.shape
    return int(np.ceil(np.abs(shown - exact).max() - 0.501))


@pytest.mark.parametrize(
    ("pixel_format", "matrix", "span", "siting"),
    [
        ("yuv420p", "bt709", "tv", LEFT),
        ("yuv420p", "smpte170m", "tv", CENTRE),
        ("yuv420p", "bt709", "pc", LEFT),
        ("yuv422p", "bt709", "tv", LEFT),
        ("yuv444p", "bt470bg", "tv", LEFT),
        ("yuv411p", "smpte170m", "tv", LEFT),
        ("yuv420p10le", "bt2020nc", "tv", TOP_LEFT),
        ("yuv422p10le", "bt709", "tv", LEFT),
        ("yuva444p12le", "bt709", "tv", LEFT),
        ("gbrp", "gbr", "pc", LEFT),
        ("gbrap16le", "gbr", "pc", LEFT),
        ("gray", "bt709", "tv", LEFT),
        ("gray16le", "bt709", "pc", LEFT),
    ],
)
def test_a_plate_for_a_screen_is_shown_as_its_view_shows_it(pixel_format: str, matrix: str, span: str, siting) -> None:
    plate = plate_of(pixel_format, matrix=matrix, span=span, siting=siting)
    assert worst(plate, facts_of(plate)) <= 2


@pytest.mark.parametrize(
    ("pixel_format", "transfer", "colour"),
    [
        ("yuv420p10le", "smpte2084", ""),
        ("yuv420p10le", "arib-std-b67", ""),
        ("gbrpf32le", "linear", ""),
        ("yuv422p10le", "bt709", "logc3"),
        ("yuv420p", "bt709", "rec709:full"),
    ],
)
def test_other_encodings_and_what_the_user_says_of_them_are_respected(
    pixel_format: str, transfer: str, colour: str
) -> None:
    plate = plate_of(pixel_format, matrix="gbr" if pixel_format.startswith("gbr") else "bt709")
    assert worst(plate, facts_of(plate, transfer=transfer), colour=colour) <= 2
    if colour:
        plain = Showing(facts_of(plate, transfer=transfer)).picture(plate)
        assert np.abs(plain.astype(int) - Showing(facts_of(plate), colour=colour).picture(plate)).max() > 8


@pytest.mark.parametrize("divisor", [2, 4])
def test_a_proxy_is_the_picture_made_smaller(divisor: int) -> None:
    plate = plate_of("yuv420p", size=(161, 98))
    smooth = PlateFrame(
        number=0,
        planes=tuple(cv2.GaussianBlur(plane, (0, 0), 6) for plane in plate.planes),
        pixel_format="yuv420p",
    )
    small = Showing(facts_of(smooth)).picture(smooth, divisor=divisor)
    assert small.shape == (-(-98 // divisor), -(-161 // divisor), 3)
    expected = cv2.resize(Showing(facts_of(smooth)).picture(smooth), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 1.5


@pytest.mark.parametrize(("width", "divisor"), [(640, 1), (1920, 1), (1998, 2), (3840, 2), (4096, 4), (7680, 4)])
def test_wide_sources_are_shown_reduced_and_costly_ones_sooner(width: int, divisor: int) -> None:
    facts = facts_of(plate_of("gray", size=(width, 1)))
    assert Showing(facts).divisor == divisor
    assert Showing(facts, colour="logc3").divisor == min(4, divisor * (2 if width > 960 else 1))


def test_an_unknown_colour_is_refused_in_a_sentence() -> None:
    plate = plate_of("yuv420p")
    with pytest.raises(InputError, match="not known"):
        Showing(facts_of(plate), colour="sepia")
