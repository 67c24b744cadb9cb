# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft on motions that are known by construction."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from maskedit.draft import Draft, draft

SIZE = 96
INNER = (slice(28, 68), slice(28, 68))


def texture(seed: int, *, coarseness: float = 3) -> np.ndarray:
    """Smooth colour noise (SIZE * 2 a side), in [0, 1]: flow finds its way on it."""
    noise = np.random.default_rng(seed).random((SIZE * 2, SIZE * 2, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), coarseness)
    return (blurred - blurred.min()) / (blurred.max() - blurred.min())


def panned(picture: np.ndarray, frames: int, *, step: int) -> list[np.ndarray]:
    """A window that moves `step` pixels a frame over the picture."""
    return [np.ascontiguousarray(picture[40 : 40 + SIZE, 20 + step * n : 20 + step * n + SIZE]) for n in range(frames)]


def recoloured(picture: np.ndarray) -> np.ndarray:
    return picture[..., ::-1] * np.float32(0.7)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) + 1e-12))


def middle() -> np.ndarray:
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[24:72, 24:72] = 1
    return matte


def everywhere() -> np.ndarray:
    return np.ones((SIZE, SIZE), np.float32)


def passing(frames: int) -> tuple[list[np.ndarray], list[slice]]:
    """A square of another texture that crosses a texture at rest from left to right, and its columns."""
    back, block = texture(5)[:SIZE, :SIZE], texture(6)[:24, :24]
    columns = [slice(20 + 5 * number, 44 + 5 * number) for number in range(frames)]
    plates = [back.copy() for _ in columns]
    for plate, across in zip(plates, columns, strict=True):
        plate[36:60, across] = block
    return plates, columns


def pictures(drafts: Sequence[Draft]) -> list[np.ndarray]:
    return [each.picture for each in drafts]


def test_without_motion_every_frame_is_the_keyframe() -> None:
    plates = [texture(1)[:SIZE, :SIZE]] * 4
    truth = recoloured(plates[0])
    for each in draft(plates, [middle()] * 4, edited={1: truth}):
        np.testing.assert_allclose(each.picture[INNER], truth[INNER], atol=1e-5)
        np.testing.assert_allclose(each.confidence[INNER], 1, atol=1e-5)


@pytest.mark.parametrize("keyframe", [0, 3, 6])
def test_an_edit_follows_a_pan(keyframe: int) -> None:
    plates = panned(texture(2), 7, step=3)
    truth = [recoloured(plate) for plate in plates]
    drafts = draft(plates, [everywhere()] * 7, edited={keyframe: truth[keyframe]})
    inside = middle() > 0
    for index in range(7):
        least = 100 if index == keyframe else 32
        assert psnr(drafts[index].picture[inside], truth[index][inside]) > least, index
    assert psnr(truth[keyframe][inside], truth[(keyframe + 4) % 7][inside]) < 20


def test_what_has_nothing_to_do_with_the_plate_keeps_its_own_texture() -> None:
    pattern = texture(7, coarseness=1.5)
    plates, truth = panned(texture(2), 5, step=2), panned(pattern, 5, step=2)
    drafts = draft(plates, [everywhere()] * 5, edited={0: truth[0]})
    for index in range(1, 5):
        assert psnr(drafts[index].picture[INNER], truth[index][INNER]) > 30
        # As crisp as it was painted: no frame is blurred by more than the one resampling.
        assert np.std(cv2.Laplacian(drafts[index].picture[INNER], cv2.CV_32F)) > 0.9 * np.std(
            cv2.Laplacian(truth[index][INNER], cv2.CV_32F)
        )


def test_outside_the_region_the_plate_is_left_alone() -> None:
    plates = panned(texture(3), 4, step=2)
    drafts = draft(plates, [middle()] * 4, edited={0: recoloured(plates[0])})
    outside = middle() == 0
    for each, plate in zip(drafts, plates, strict=True):
        assert np.array_equal(each.picture[outside], plate[outside])
        assert (each.confidence[outside] == 1).all()


def test_where_the_region_is_empty_the_plate_passes_through() -> None:
    plates = panned(texture(3), 3, step=2)
    drafts = draft(plates, [middle(), 0 * middle(), middle()], edited={0: recoloured(plates[0])})
    assert np.array_equal(drafts[1].picture, plates[1])
    assert not np.array_equal(drafts[2].picture, plates[2])


def test_what_was_changed_outside_the_keyframes_region_is_never_fetched() -> None:
    plates = panned(texture(3), 3, step=4)
    spoilt = np.where(middle()[..., None] > 0, recoloured(plates[0]), np.float32(1))
    clean = np.where(middle()[..., None] > 0, recoloured(plates[0]), plates[0])
    for a, b in zip(*(draft(plates, [middle()] * 3, edited={0: edited}) for edited in (spoilt, clean)), strict=True):
        assert np.array_equal(a.picture, b.picture)


def test_each_frame_takes_more_of_the_nearer_keyframe() -> None:
    plates = [texture(4)[:SIZE, :SIZE]] * 6
    levels = {1: 0.2, 4: 0.8}
    edited = {n: np.full((SIZE, SIZE, 3), level, np.float32) for n, level in levels.items()}
    drafts = draft(plates, [middle()] * 6, edited=edited)
    assert [round(float(each.picture[48, 48, 0]), 2) for each in drafts] == [0.2, 0.2, 0.4, 0.6, 0.8, 0.8]


def test_a_soft_matte_mixes() -> None:
    plates = [np.zeros((SIZE, SIZE, 3), np.float32)] * 2
    half = np.full((SIZE, SIZE), 0.5, np.float32)
    drafts = draft(plates, [half] * 2, edited={0: np.ones((SIZE, SIZE, 3), np.float32)})
    np.testing.assert_allclose(drafts[0].picture, 0.5, atol=1e-5)
    np.testing.assert_allclose(drafts[1].picture, 0.5, atol=1e-2)


def test_confidence_is_full_on_keyframes_and_a_share_elsewhere() -> None:
    plates, _ = passing(5)
    drafts = draft(plates, [middle()] * 5, edited={0: recoloured(plates[0]), 4: recoloured(plates[4])})
    for index, each in enumerate(drafts):
        assert each.confidence.shape == (SIZE, SIZE)
        assert each.confidence.min() >= 0 and each.confidence.max() <= 1
        assert (each.confidence.min() == 1) == (index in (0, 4))


def test_two_keyframes_are_alike_in_both_directions_of_time() -> None:
    plates, _ = passing(5)
    edited = {0: recoloured(plates[0]), 4: np.sqrt(plates[4])}
    forwards = draft(plates, [middle()] * 5, edited=edited)
    backwards = draft(plates[::-1], [middle()] * 5, edited={4 - index: picture for index, picture in edited.items()})
    for a, b in zip(forwards, backwards[::-1], strict=True):
        np.testing.assert_allclose(a.picture, b.picture, atol=1e-5)
        np.testing.assert_allclose(a.confidence, b.confidence, atol=1e-5)


def test_what_one_keyframe_could_not_see_comes_from_the_one_that_did() -> None:
    plates, columns = passing(7)
    truth = [recoloured(plate) for plate in plates]
    mattes = [everywhere()] * 7
    # An edit of which nothing can be guessed from the plate.
    paint = texture(9, coarseness=2)[:SIZE, :SIZE]
    for picture, across in zip(truth, columns, strict=True):
        picture[..., :] = paint
        picture[36:60, across] = 0.5
    # In the last frames but one, the place where the square stood in the first one lies open.
    opened = (slice(40, 56), slice(24, 40))
    one = draft(plates, mattes, edited={0: truth[0]})[5]
    two = draft(plates, mattes, edited={0: truth[0], 6: truth[6]})[5]
    elsewhere = (slice(4, 30), slice(4, 90))
    assert one.confidence[opened].mean() < 0.3 < 0.9 < one.confidence[elsewhere].mean()
    assert two.confidence[opened].mean() > 0.9
    assert psnr(two.picture[opened], truth[5][opened]) > psnr(one.picture[opened], truth[5][opened]) + 10


def test_what_no_keyframe_saw_gets_the_edits_look_and_not_the_plates_own() -> None:
    plates, _ = passing(6)
    recolour = np.array([0.9, 0.4, 0.1], np.float32)
    truth = [plate.mean(axis=-1, keepdims=True) * recolour for plate in plates]
    mattes = [everywhere()] * 6
    last = draft(plates, mattes, edited={0: truth[0]})[5]
    opened = (slice(40, 56), slice(24, 40))
    assert 0.3 < last.confidence[opened].mean() <= 0.9  # a recolouring may be believed, but not quite
    assert psnr(last.picture[opened], truth[5][opened]) > 20 > 14 > psnr(plates[5][opened], truth[5][opened])


def test_a_keyframe_that_saw_nothing_leaves_no_black() -> None:
    # Nothing of the last frame is in the first: both are one colour each, far apart.
    plates = [np.full((SIZE, SIZE, 3), level, np.float32) for level in (0.0, 1.0)]
    matte = middle()
    painted = np.full((SIZE, SIZE, 3), 0.6, np.float32)
    last = draft(plates, [matte] * 2, edited={0: painted})[1]
    assert last.confidence[INNER].max() < 0.02
    np.testing.assert_allclose(last.picture[INNER], 0.6, atol=0.1)


@pytest.mark.parametrize("shape", [(16, 16), (9, 61), (300, 40)])
def test_pictures_of_any_size_are_drafted(shape: tuple[int, int]) -> None:
    plate = cv2.resize(texture(8), shape[::-1], interpolation=cv2.INTER_AREA)
    drafts = draft([plate] * 2, [np.ones(shape, np.float32)] * 2, edited={0: recoloured(plate)})
    np.testing.assert_allclose(drafts[1].picture, recoloured(plate), atol=1e-4)


def test_at_full_size_motion_is_finer_than_the_guides_show() -> None:
    # 800 pixels a side: the guides are less than a third of that.
    wide = cv2.GaussianBlur(np.random.default_rng(3).random((900, 900, 3)).astype(np.float32), (0, 0), 1.5)
    wide = (wide - wide.min()) / (wide.max() - wide.min())
    plates = [np.ascontiguousarray(wide[40:840, 40 + 5 * n : 840 + 5 * n]) for n in range(2)]
    matte = np.zeros((800, 800), np.float32)
    matte[300:420, 300:420] = 1
    truth = [1 - plate for plate in plates]
    drafts = draft(plates, [matte] * 2, edited={0: truth[0]})
    inside = (slice(310, 410), slice(310, 410))
    assert psnr(drafts[1].picture[inside], truth[1][inside]) > 35
    assert pictures(drafts)[1].shape == (800, 800, 3)


def test_a_region_of_one_pixel_in_the_corner_of_a_large_frame_is_drafted() -> None:
    plate = cv2.resize(texture(8), (300, 280))
    matte = np.zeros((280, 300), np.float32)
    matte[0, 0] = 1
    drafts = draft([plate] * 2, [matte] * 2, edited={0: recoloured(plate)})
    np.testing.assert_allclose(drafts[1].picture[0, 0], recoloured(plate)[0, 0], atol=0.1)
    assert np.array_equal(drafts[1].picture[1:], plate[1:])
