# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves, primaries and shaper by themselves, and against OpenColorIO's own."""

from __future__ import annotations

import numpy as np
import PyOpenColorIO as ocio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.colour import curves
from maskedit.colour.gamuts import GAMUTS, matrix_between
from maskedit.colour.shaper import TOP, display_from_linear, linear_from_display
from maskedit.colour.spaces import SCENES
from maskedit.media.colour import primaries_named

CURVES = {name: value for name, value in vars(curves).items() if isinstance(value, curves.Curve)}
LOGS = sorted(set(CURVES) - {"LINEAR"})
# OpenColorIO's curve for ours, and its value at our white.
OCIO_CURVES = {
    "CANON_LOG_2": ("CURVE - CANON_CLOG2_to_LINEAR", 1.0),
    "CANON_LOG_3": ("CURVE - CANON_CLOG3_to_LINEAR", 1.0),
    "PQ": ("CURVE - ST-2084_to_LINEAR", 2.03),
    "HLG": ("CURVE - HLG-OETF-INVERSE", 0.0),
}
# Whole encodings of OpenColorIO, to ACES2065-1.
OCIO_SPACES = {
    "logc3": "ARRI_ALEXA-LOGC-EI800-AWG_to_ACES2065-1",
    "logc4": "ARRI_LOGC4_to_ACES2065-1",
    "slog3": "SONY_SLOG3-SGAMUT3.CINE_to_ACES2065-1",
    "slog3-sgamut3": "SONY_SLOG3-SGAMUT3_to_ACES2065-1",
    "vlog": "PANASONIC_VLOG-VGAMUT_to_ACES2065-1",
    "clog2": "CANON_CLOG2-CGAMUT_to_ACES2065-1",
    "clog3": "CANON_CLOG3-CGAMUT_to_ACES2065-1",
    "acescg": "ACEScg_to_ACES2065-1",
}
signals = st.floats(-0.15, 1.09, allow_subnormal=False)


def applied(transform: str, values: np.ndarray) -> np.ndarray:
    """(…, 3) values through one of OpenColorIO's built-in transforms, without its fast approximations."""
    processor = ocio.Config.CreateRaw().getProcessor(ocio.BuiltinTransform(transform))
    out = np.ascontiguousarray(values, np.float32).copy()
    processor.getOptimizedCPUProcessor(ocio.OptimizationFlags.OPTIMIZATION_LOSSLESS).applyRGB(out)
    return out


@pytest.mark.parametrize("name", LOGS)
@given(signal=signals)
def test_decoding_and_encoding_are_inverse(name: str, signal: float) -> None:
    curve = CURVES[name]
    assert curve.encode(curve.decode(np.array(signal))) == pytest.approx(signal, abs=1e-9)


@pytest.mark.parametrize("name", LOGS)
@given(pair=st.tuples(signals, signals).map(sorted).filter(lambda pair: pair[1] - pair[0] > 1e-6))
def test_more_signal_is_more_light(name: str, pair: list[float]) -> None:
    low, high = CURVES[name].decode(np.array(pair))
    assert low < high


@pytest.mark.parametrize("name", LOGS)
def test_curves_have_no_jump(name: str) -> None:
    # Twice as fine a ramp has steps of half the height, everywhere, or there is a gap at a joint.
    ramp = np.linspace(-0.1, 1.05, 20001)
    light = CURVES[name].decode(ramp)
    steps, rough = np.diff(light), np.abs(light).max()
    neighbours = np.maximum(steps[:-2], steps[2:])
    assert (steps[1:-1] <= 3 * neighbours + 1e-6 * rough).all()


@pytest.mark.parametrize(
    ("name", "grey", "white"),
    [
        # The makers' own 10-bit codes for 18 % and 90 %, in full-range codes.
        ("LOG_C3", 400, 572), ("S_LOG3", 420, 598), ("V_LOG", 433, 602), ("LOG_C4", 285, 428),
        ("CANON_LOG", 351, 614), ("CANON_LOG_2", 407, 575), ("CANON_LOG_3", 351, 577),
    ],
)  # fmt: skip
def test_the_grey_card_has_the_code_that_its_maker_names(name: str, grey: int, white: int) -> None:
    codes = CURVES[name].encode(np.array([0.18, 0.9])) * 1023
    np.testing.assert_allclose(codes, [grey, white], atol=0.6)


def test_diffuse_white_is_where_broadcasters_put_it() -> None:
    # ITU-R BT.2408: 58 % of PQ's signal (203 cd/m²), 75 % of HLG's.
    assert curves.PQ.encode(np.array(1.0)) == pytest.approx(0.5807, abs=1e-4)
    assert curves.HLG.encode(np.array(1.0)) == pytest.approx(0.75, abs=1e-9)


@pytest.mark.parametrize("name", sorted(OCIO_CURVES))
def test_curves_are_opencolorios(name: str) -> None:
    transform, white = OCIO_CURVES[name]
    # OpenColorIO holds its own within 0 to 1.
    ramp = np.linspace(0.0, 1.0, 1024).repeat(3).reshape(-1, 3)
    theirs, ours = applied(transform, ramp), CURVES[name].decode(ramp)
    # HLG: BT.2100 leaves the scale open, OpenColorIO takes another.
    ours = ours * (white or theirs[-1, 0] / ours[-1, 0])
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", sorted(OCIO_SPACES))
def test_cameras_greys_are_opencolorios(name: str) -> None:
    # Greys stay greys whatever the chromatic adaptation: what is compared is the curve, to the last digit of float32.
    ramp = np.linspace(0.02, 0.98, 1024).repeat(3).reshape(-1, 3)
    np.testing.assert_allclose(SCENES[name].to_linear(ramp), applied(OCIO_SPACES[name], ramp), rtol=3e-4, atol=3e-5)


@pytest.mark.parametrize("name", sorted(OCIO_SPACES))
def test_cameras_colours_are_opencolorios(name: str) -> None:
    # OpenColorIO adapts cameras' white by CAT02, we by Bradford or, from D65 to D65, not at all: nearly the same.
    colours = np.random.default_rng(0).uniform(0.3, 0.6, (400, 3))
    ours = SCENES[name].to_linear(colours) @ matrix_between("bt709", "ap0").T
    theirs = applied(OCIO_SPACES[name], colours)
    assert (np.abs(ours - theirs) <= 0.03 * np.abs(theirs).max(axis=-1, keepdims=True)).all()


def test_the_matrix_of_acescg_is_opencolorios() -> None:
    colours = np.random.default_rng(0).uniform(-1, 4, (100, 3))
    theirs = applied("UTILITY - ACES-AP1_to_LINEAR-REC709_BFD", colours)
    np.testing.assert_allclose(colours @ matrix_between("ap1", "bt709").T, theirs, atol=2e-5)


@pytest.mark.parametrize("name", sorted(set(GAMUTS) - {"smpte428"}))
def test_matrices_keep_white_and_have_inverses(name: str) -> None:
    there, back = matrix_between("bt709", name), matrix_between(name, "bt709")
    np.testing.assert_allclose(there @ np.ones(3), np.ones(3), atol=1e-12)
    np.testing.assert_allclose(back @ there, np.eye(3), atol=1e-12)


def test_primaries_are_known_by_their_corners() -> None:
    assert primaries_named(tuple(np.float32(GAMUTS["ap1"]))) == "ap1"
    assert primaries_named((0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.33, 0.33)) is None


@given(st.floats(-65504, 65504, allow_subnormal=False))
def test_the_shaper_has_an_exact_inverse(light: float) -> None:
    shown = display_from_linear(np.array(light))
    assert linear_from_display(shown) == pytest.approx(light, rel=1e-9, abs=1e-12)


@given(st.integers(0, 0x7BFF), st.booleans())
def test_every_half_float_survives_a_picture_in_single_precision(bits: int, negative: bool) -> None:
    half = np.array(bits | negative << 15, np.uint16).view(np.float16)
    shown = display_from_linear(half.astype(np.float64)).astype(np.float32)
    assert linear_from_display(shown.astype(np.float64)).astype(np.float16) == half


def test_the_shaper_shows_grey_as_a_screen_does_and_all_of_a_camera() -> None:
    shown = display_from_linear(np.array([0.0, 0.18, 1.0, TOP]))
    np.testing.assert_allclose(shown, [0.0, 0.4614, 0.7416, 1.0], atol=1e-4)
    for name in set(SCENES) & set(OCIO_SPACES) - {"acescg"}:
        assert SCENES[name].to_linear(np.ones(3)).max() < TOP
    light = np.geomspace(1e-6, 65504, 5000)
    slopes = np.diff(display_from_linear(light)) / np.diff(np.log2(light))
    assert (slopes > 0).all() and slopes[light[1:] < TOP].max() < 0.13
    # One curve without a kink: neighbouring slopes differ by little, at its top too.
    assert np.abs(np.diff(slopes)).max() < 1e-3
    # A stop anywhere below the top is a hundred codes of 16 bits at least.
    assert slopes[(light[1:] > 0.001) & (light[1:] < TOP)].min() * 65535 > 100
