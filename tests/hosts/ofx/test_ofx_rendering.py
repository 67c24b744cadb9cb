# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders, thousands of them, beside the twin in NumPy; and what a render may never touch."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from tests.hosts.ofx.cases import random_plate, random_request, random_source, write_cache
from tests.hosts.ofx.conftest import Started
from tests.hosts.ofx.driving import BAD_FORMAT, DEPTHS, NO_MEMORY, OK, UNTOUCHED, Layout, Request
from tests.hosts.ofx.twin import Plate, expected

pytestmark = pytest.mark.timeout(300)  # the first test builds
CACHES, RENDERS = 20, 55


def whole(plate: Plate, depth: str = "float", seed: int = 0, **words: object) -> Request:
    """All of a source of the plate's size."""
    bounds = (0, 0, plate.width, plate.height)
    source = random_source(np.random.default_rng(seed), (plate.height, plate.width), depth)
    return Request(source, Layout(bounds), bounds, depth=depth, **words)


def assert_like_twin(got: np.ndarray, wanted: np.ndarray, depth: str, is_exact: bool) -> None:
    """Equal to the bit where nothing is resampled; else within rounding: a code, or what a half or float can tell."""
    if is_exact:
        assert np.array_equal(got, wanted)
    elif got.dtype.kind == "u":
        assert np.abs(got.astype(int) - wanted.astype(int)).max() <= (1 if depth == "byte" else 5)
    else:
        tolerance = 6e-5 if depth == "float" else 2e-3
        assert np.allclose(got.astype(np.float64), wanted.astype(np.float64), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("build", ["plain", "addresses"])
def test_random_windows_formats_scales_and_offsets_are_the_twins(start: Started, tmp_path, build: str) -> None:
    rng = np.random.default_rng(20 if build == "plain" else 21)
    exact = 0
    with start(build) as host:
        host.create()
        for number in range(CACHES):
            plate = random_plate(rng, int(rng.integers(1, 40)), int(rng.integers(1, 30)))
            other = random_plate(rng, plate.width, plate.height)
            first = int(rng.integers(-5, 1000))
            offset = int(rng.integers(-30, 1200))
            cache = write_cache(tmp_path / f"{number}.mefc", [plate, other], first_frame=first)
            host.set(take=cache, frameOffset=offset)
            for _ in range(RENDERS):
                mix, matte, slot = (
                    float(rng.choice([1, 1, rng.random()])),
                    bool(rng.random() < 0.15),
                    rng.integers(0, 2),
                )
                request = replace(random_request(rng, plate), time=float(first + slot - offset))
                host.set(mix=mix, showMatte=int(matte))
                result = host.render(request)
                assert (result.status, result.images_out) == (OK, 0)
                wanted, is_exact = expected((plate, other)[slot], request, mix=mix, matte=matte)
                exact += is_exact
                x1, y1, x2, y2 = request.window
                ox, oy = request.output_at.bounds[:2]
                inside = np.s_[y1 - oy : y2 - oy, x1 - ox : x2 - ox]
                assert_like_twin(result.pixels[inside], wanted, request.depth, is_exact)
                rest = result.pixels.view(np.uint8).reshape(*result.pixels.shape[:2], -1).copy()
                rest[inside] = UNTOUCHED
                assert (rest == UNTOUCHED).all() and (result.between == UNTOUCHED).all()
        assert not host.complaints()
    assert exact > CACHES * RENDERS / 5


@pytest.mark.parametrize("build", ["plain", "addresses"])
def test_every_half_value_and_every_code_passes(start: Started, tmp_path, build: str) -> None:
    """All 65536 halves through both ways of converting them, as source and, rounded from floats between, as result."""
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    halves = np.where(np.isnan(halves), np.float16(0), halves).reshape(64, 256, 4)
    samples = np.zeros((64, 256, 4), np.float16)
    samples[..., 3] = 1 / 3
    plate = Plate(256, 64, samples)
    with start(build) as host:
        host.create(take=write_cache(tmp_path / "c.mefc", [plate]))
        for depth in DEPTHS:
            source = halves.astype(np.float32) if depth == "float" else halves
            if DEPTHS[depth][1].kind == "u":
                source = np.arange(65536).reshape(64, 256, 4).astype(DEPTHS[depth][1])
            request = Request(source, Layout((0, 0, 256, 64)), (0, 0, 256, 64), depth=depth)
            wanted, is_exact = expected(plate, request)
            assert is_exact
            assert np.array_equal(host.render(request).pixels, wanted)


def test_what_the_patch_does_not_show_keeps_its_bits(start: Started, tmp_path) -> None:
    """Infinite, negative zero and no number at all stay where alpha is 0, and give way where it is 1."""
    samples = np.zeros((2, 4, 4), np.float16)
    samples[0] = [0.5, 0.25, 0.125, 1]
    samples[1, :, :3] = 7  # a colour without alpha shows nothing
    samples[1, 3, 3] = np.nan
    plate = Plate(4, 2, samples)
    odd = np.array([np.inf, -np.inf, np.nan, -0.0], np.float32)
    with start("addresses") as host:
        host.create(take=write_cache(tmp_path / "c.mefc", [plate]))
        for alpha in ("opaque", "premultiplied", "unpremultiplied"):
            source = np.broadcast_to(odd[:, None], (2, 4, 4)).astype(np.float32)
            source[..., 3] = 1
            got = host.render(Request(source, Layout((0, 0, 4, 2)), (0, 0, 4, 2), alpha=alpha)).pixels
            assert got[0].tobytes() == source[0].tobytes()
            assert np.array_equal(got[1], np.broadcast_to(np.float32([0.5, 0.25, 0.125, 1]), (4, 4)))


def test_no_source_is_transparent_and_another_format_is_refused(start: Started, tmp_path) -> None:
    plate = random_plate(np.random.default_rng(1), 8, 6)
    with start("addresses") as host:
        host.create(take=write_cache(tmp_path / "c.mefc", [plate]))
        nothing = host.render(Request(None, Layout((0, 0, 8, 6)), (0, 0, 8, 6)))
        assert nothing.status == OK and not nothing.pixels.any()
        refused = host.render(whole(plate, components="OfxImageComponentAlpha"))
        assert refused.status == BAD_FORMAT and refused.images_out == 0
        assert (refused.pixels.view(np.uint8) == UNTOUCHED).all()
        beyond = replace(whole(plate), window=(-5, -5, 50, 50))  # more than the image has
        assert np.array_equal(host.render(beyond).pixels, host.render(whole(plate)).pixels)


def test_numbers_that_make_no_picture_leave_the_source(start: Started, tmp_path) -> None:
    plate = Plate(4, 4, np.ones((4, 4, 4), np.float16))
    with start("addresses") as host:
        host.create(take=write_cache(tmp_path / "c.mefc", [plate]))
        for odd in ({"region": (0.0, 0.0, 0.0, 4.0)}, {"scale": (0.0, 1.0)}, {"region": (nan, nan, nan, nan)}):
            request = whole(plate, **odd)
            result = host.render(request)
            assert result.status == OK and result.pixels.tobytes() == request.source.tobytes()
        for odd in (
            {"region": (-inf, -inf, inf, inf)},
            {"region": (-(2.0**31), 0, 2.0**31, 4)},
            {"scale": (1e-9, 1e9)},
        ):
            assert host.render(whole(plate, **odd)).status == OK
        askew = replace(whole(plate), source_at=Layout((0, 0, 4, 4), padding=3))
        assert host.render(askew).status == BAD_FORMAT


def test_the_matte_of_a_frame_without_an_edit_is_black(start: Started, tmp_path) -> None:
    nothing = Plate(4, 4, np.zeros((0, 0, 4), np.float16))
    with start("addresses") as host:
        host.create(take=write_cache(tmp_path / "c.mefc", [nothing]), showMatte=1, mix=0)
        for depth in DEPTHS:
            wanted, _ = expected(nothing, whole(nothing, depth), matte=True)
            assert np.array_equal(host.render(whole(nothing, depth)).pixels, wanted)


def test_an_aborted_render_stops_within_some_rows(start: Started, tmp_path) -> None:
    plate = Plate(4, 100, np.ones((100, 4, 4), np.float16))
    with start("plain") as host:
        host.create(take=write_cache(tmp_path / "c.mefc", [plate]))
        for is_there in (True, False):
            host.set(frameOffset=0 if is_there else 99)
            stopped = host.render(whole(plate, abort_after=2))
            drawn = (stopped.pixels.view(np.uint8) != UNTOUCHED).any(axis=(1, 2))
            assert stopped.status == OK and stopped.images_out == 0
            assert 0 < drawn.sum() < 100 and drawn[: drawn.sum()].all()


def test_no_memory_is_a_status_and_nothing_else(start: Started, tmp_path) -> None:
    """Every allocation of a render fails once; what is held is given back, and the next render is right."""
    plate = random_plate(np.random.default_rng(2), 30, 20)
    cache = write_cache(tmp_path / "c.mefc", [plate])
    request = whole(plate, "byte", scale=(0.5, 0.5))
    with start("plain") as host:
        starved = 0
        for after in range(60):
            host.create(take=cache)  # a new one has the cache to open
            hungry = whole(plate, "byte", scale=(0.5, 0.5), starve_after=after)
            result = host.render(hungry)
            assert result.images_out == 0 and result.status in (OK, NO_MEMORY)
            starved += result.status == NO_MEMORY
            assert host.render(request).status == OK
            host.destroy()
            if result.status == OK:
                break
        assert starved > 5
        assert result.status == OK
