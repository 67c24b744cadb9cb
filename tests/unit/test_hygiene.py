# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as image editors return them, against the motion, tint and changes that were put into them."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from maskedit.geometry import Rect
from maskedit.hygiene import changed_outside, colour_drift, inspect, laid_back, recoloured, register
from maskedit.request import KeyframeCare

HEIGHT, WIDTH = 144, 208
REGION = np.s_[50:100, 70:130]
CARE = KeyframeCare()


@cache
def plate() -> np.ndarray:
    """Blobs and stripes of several sizes, in colours that vary."""
    generator = np.random.default_rng(3)
    layers = [
        cv2.GaussianBlur(generator.random((HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), sigma)
        for sigma in (1.5, 5, 16)
    ]
    mixed = sum((layer - layer.mean()) / layer.std() for layer in layers)
    return np.clip(0.45 + 0.11 * mixed, 0.03, 0.97, dtype=np.float32)


@cache
def outside() -> np.ndarray:
    kept = np.ones((HEIGHT, WIDTH), bool)
    kept[REGION] = False
    return kept


def edited() -> np.ndarray:
    """The plate with another picture inside the region."""
    picture = plate().copy()
    picture[REGION] = picture[REGION][::-1, :, ::-1] * np.float32([1.0, 0.6, 0.3])
    return picture


def motion(*, across: float, down: float, scale: float = 1.0, degrees: float = 0.0) -> np.ndarray:
    """(2, 3): where the plate's pixels go, turned and scaled about the middle."""
    turn = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), -degrees, scale)
    return turn + np.array([[0, 0, across], [0, 0, down]])


def moved(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """`picture` with its pixels moved by `matrix`, by quintic splines: as exact as sampling allows."""
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[[1, 0]][:, [1, 0, 2]]
    channels = [affine_transform(picture[..., n], back[:, :2], back[:, 2], order=5, mode="mirror") for n in range(3)]
    return np.clip(np.stack(channels, axis=-1), 0, 1, dtype=np.float32)


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    codes = np.rint(picture * 255).astype(np.uint8)
    _, file = cv2.imencode(".jpg", codes, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(file, cv2.IMREAD_COLOR).astype(np.float32) / np.float32(255)


def worn(picture: np.ndarray, *, tint: float, noise: float, quality: int) -> np.ndarray:
    """What a way through an image editor does besides moving it."""
    tinted = picture * np.float32([1 + tint, 1 - tint / 2, 1 - tint]) + np.float32(tint / 4)
    noisy = tinted + np.random.default_rng(7).normal(0, noise, picture.shape)
    return compressed(np.clip(noisy, 0, 1, dtype=np.float32), quality)


def off_by(matrix: np.ndarray, truth: np.ndarray) -> float:
    """The most that any pixel of the region lands beside its place, in pixels."""
    rows, columns = np.mgrid[REGION]
    places = np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    return float(np.hypot(*((matrix - truth) @ places)).max())


@settings(max_examples=12, deadline=None)
@given(
    across=st.floats(-6, 6),
    down=st.floats(-6, 6),
    scale=st.floats(0.985, 1.015),
    degrees=st.floats(-0.7, 0.7),
    tint=st.floats(0, 0.05),
    noise=st.floats(0, 0.01),
    quality=st.integers(75, 98),
)
def test_a_moved_tinted_noisy_lossy_picture_is_found_to_a_tenth_of_a_pixel(
    across, down, scale, degrees, tint, noise, quality
):
    truth = motion(across=across, down=down, scale=scale, degrees=degrees)
    found = register(worn(moved(edited(), truth), tint=tint, noise=noise, quality=quality), plate(), outside=outside())
    assert found is not None
    assert off_by(found.matrix, truth) <= 0.1


@settings(max_examples=8, deadline=None)
@given(across=st.floats(-16, 16), down=st.floats(-16, 16))
def test_a_far_shift_is_found_as_well(across, down):
    truth = motion(across=across, down=down)
    found = register(moved(edited(), truth), plate(), outside=outside())
    assert found is not None
    assert off_by(found.matrix, truth) <= 0.05


def test_a_shift_beyond_any_slip_is_not_undone():
    assert register(moved(edited(), motion(across=25, down=0)), plate(), outside=outside()) is None


def test_a_pure_shift_is_told_as_one():
    found = register(moved(edited(), motion(across=1.37, down=-0.6)), plate(), outside=outside())
    assert found is not None
    assert np.array_equal(found.matrix[:, :2], np.eye(2))
    assert found.words == "moved by +1.37, -0.60 px"


def test_the_edit_itself_and_what_else_was_changed_do_not_pull():
    truth = motion(across=0.8, down=1.1)
    picture = edited()
    picture[:30, :90] = picture[5:35, 4:94]  # a part that moved by itself
    picture[110:, 150:] = 0.9
    found = register(moved(picture, truth), plate(), outside=outside())
    assert found is not None
    assert off_by(found.matrix, truth) <= 0.05


def test_laying_back_restores_the_picture():
    truth = motion(across=2.3, down=-1.6, scale=1.008, degrees=0.3)
    picture = moved(edited(), truth)
    found = register(picture, plate(), outside=outside())
    assert found is not None
    inner = np.s_[16:-16, 16:-16]
    before, after = (np.abs(each - edited())[inner].mean() for each in (picture, laid_back(picture, found)))
    assert after < 0.1 * before


@pytest.mark.parametrize(
    ("picture", "kept"),
    [
        (np.full((HEIGHT, WIDTH, 3), 0.5, np.float32), None),
        (np.random.default_rng(0).random((HEIGHT, WIDTH, 3)).astype(np.float32), None),
        (plate(), np.zeros((HEIGHT, WIDTH), bool)),
        (plate(), np.arange(WIDTH)[None] + np.zeros((HEIGHT, 1)) < 4),
    ],
    ids=["flat", "another", "nothing outside", "hardly anything outside"],
)
def test_what_cannot_be_told_is_not_claimed(picture, kept):
    assert register(picture, plate(), outside=outside() if kept is None else kept) is None


@settings(max_examples=25, deadline=None)
@given(
    gains=st.tuples(*[st.floats(0.92, 1.08)] * 3),
    offsets=st.tuples(*[st.floats(-0.02, 0.02)] * 3),
    mix=st.floats(-0.03, 0.03),
)
def test_a_drift_of_colours_is_undone_inside_the_region_as_well(gains, offsets, mix):
    matrix = np.diag(gains) + mix * (np.ones((3, 3)) - np.eye(3))
    drifted = (edited() @ matrix.T + np.array(offsets)).astype(np.float32)
    unclipped = ((drifted > 0) & (drifted < 1)).all(axis=-1)
    drift = colour_drift(np.clip(drifted, 0, 1), plate(), outside=outside())
    assert drift is not None
    left = np.abs(recoloured(np.clip(drifted, 0, 1), drift) - edited())
    assert left[REGION][unclipped[REGION]].max() < 2.5 / 255
    assert np.median(left[outside()]) < 0.5 / 255


def test_colours_that_do_not_vary_outside_leave_the_edits_alone():
    """On a grey plate nothing is known of what happened to red: its noise must not take the edit's colour away."""
    generator = np.random.default_rng(5)
    grey = np.repeat(plate().mean(axis=-1, keepdims=True), 3, axis=-1)
    picture = grey + generator.normal(0, 0.01, grey.shape).astype(np.float32) + np.float32(0.01)
    picture[REGION] = [0.8, 0.2, 0.1]
    drift = colour_drift(picture, grey, outside=outside())
    assert drift is not None
    assert np.abs(recoloured(picture, drift)[REGION] - np.float32([0.79, 0.19, 0.09])).max() < 0.02


def test_what_was_painted_outside_is_found_and_covered():
    picture = worn(edited(), tint=0.0, noise=0.003, quality=92)
    picture[20:40, 10:40] += 0.2
    change = changed_outside(picture, plate(), outside=outside())
    assert change is not None
    assert change.matte[20:40, 10:40].min() == 1
    assert change.bounds.covers(Rect(10, 20, 30, 20)) and Rect(0, 8, 55, 44).covers(change.bounds)
    assert change.matte[REGION].max() == 0
    assert change.share == pytest.approx(change.matte.mean())


def test_noise_compression_and_the_region_are_no_change():
    assert changed_outside(worn(edited(), tint=0.0, noise=0.01, quality=75), plate(), outside=outside()) is None
    assert changed_outside(edited(), plate(), outside=np.zeros_like(outside())) is None


@pytest.mark.parametrize("rounded", [False, True])
def test_a_picture_that_is_its_plate_outside_passes_through_bit_for_bit(rounded):
    picture = np.rint(edited() * 255).astype(np.float32) / np.float32(255) if rounded else edited()
    found = inspect(picture, plate(), outside=outside(), care=CARE)
    assert found.picture is picture
    assert not found.mended and found.record() == {}


@settings(max_examples=10, deadline=None)
@given(noise=st.floats(0, 0.02), quality=st.integers(60, 98))
def test_noise_and_compression_alone_move_and_recolour_nothing(noise, quality):
    picture = worn(edited(), tint=0.0, noise=noise, quality=quality)
    found = inspect(picture, plate(), outside=outside(), care=CARE)
    assert found.picture is picture and found.change is None and not found.another


def test_a_shifted_and_tinted_picture_comes_back_as_it_was_painted():
    truth = motion(across=1.4, down=-0.7)
    picture = worn(moved(edited(), truth), tint=0.03, noise=0.004, quality=92)
    found = inspect(picture, plate(), outside=outside(), care=CARE)
    assert found.registration is not None and off_by(found.registration.matrix, truth) <= 0.05
    assert found.drift is not None and found.change is None
    inner = np.s_[54:96, 74:126]
    unmoved = worn(edited(), tint=0, noise=0.004, quality=92)
    before, after, loss = (np.abs(each - edited())[inner].mean() for each in (picture, found.picture, unmoved))
    assert after < 0.4 * before
    assert after < 1.25 * loss  # what compression took is not to be had back
    assert set(found.record()) == {"registered", "colour_matched"}


def test_what_is_not_wanted_is_not_done():
    picture = worn(moved(edited(), motion(across=1.4, down=-0.7)), tint=0.03, noise=0, quality=95)
    moved_only = inspect(picture, plate(), outside=outside(), care=KeyframeCare(match_colour=False))
    assert moved_only.registration is not None and moved_only.drift is None
    left = inspect(picture, plate(), outside=outside(), care=KeyframeCare(register=False, match_colour=False))
    assert left.picture is picture


def test_a_look_that_was_meant_is_not_taken_back():
    picture = edited() * np.float32([1.0, 0.5, 0.2])
    found = inspect(picture, plate(), outside=outside(), care=CARE)
    assert found.picture is picture and found.refused_drift is not None


def test_another_frame_is_called_that():
    picture = plate()[::-1, ::-1].copy()
    found = inspect(picture, plate(), outside=outside(), care=CARE)
    assert found.another and found.registration is None
