# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft's parts: flow and its chains, the shares of several keyframes, an edit's look and how it spreads."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskedit.draft import Guide, Track, guide, tracks
from maskedit.draft.carrying import blend_shares
from maskedit.draft.flow import followed, mended, search, warp
from maskedit.draft.looks import Look, learn_look, mixed, spread
from maskedit.geometry import Rect

SIZE = 64


def texture(seed: int, *, side: int = SIZE) -> np.ndarray:
    noise = np.random.default_rng(seed).random((side, side, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 2)
    return (blurred - blurred.min()) / (blurred.max() - blurred.min())


def codes(seed: int, *, side: int = 128) -> np.ndarray:
    return (texture(seed, side=side)[..., 0] * 255).astype(np.uint8)


def flow_of(dx: float, dy: float, *, side: int = SIZE) -> np.ndarray:
    return np.broadcast_to(np.array([dx, dy], np.float32), (side, side, 2)).copy()


# Flow


@given(dx=st.integers(-3, 3), dy=st.integers(-3, 3))
def test_warping_fetches_from_where_the_flow_points(dx: int, dy: int) -> None:
    picture = texture(1)
    inner = slice(4, 60)
    expected = picture[4 + dy : 60 + dy, 4 + dx : 60 + dx]
    np.testing.assert_allclose(warp(picture, flow_of(dx, dy))[inner, inner], expected, atol=1e-5)


@given(left=st.integers(0, 20), top=st.integers(0, 20), dx=st.floats(-4, 4), dy=st.floats(-4, 4))
def test_a_part_of_a_picture_is_warped_as_the_whole_is(left: int, top: int, dx: float, dy: float) -> None:
    picture, flow = texture(2), flow_of(dx, dy)
    part = np.ascontiguousarray(flow[top : top + 30, left : left + 40])
    whole = warp(picture, flow)[top : top + 30, left : left + 40]
    np.testing.assert_allclose(warp(picture, part, left=left, top=top), whole, atol=1e-6)


@given(
    first=st.tuples(st.integers(-3, 3), st.integers(-3, 3)), second=st.tuples(st.integers(-3, 3), st.integers(-3, 3))
)
def test_one_flow_after_the_other_leads_where_both_lead(first: tuple[int, int], second: tuple[int, int]) -> None:
    picture = texture(3)
    once = warp(picture, followed(flow_of(*first), flow_of(*second)))
    twice = warp(warp(picture, flow_of(*second)), flow_of(*first))
    inner = slice(8, 56)
    np.testing.assert_allclose(once[inner, inner], twice[inner, inner], atol=1e-5)


@pytest.mark.parametrize(("dx", "dy"), [(2, 0), (-3, 1), (0, 4)])
def test_a_search_finds_a_shift(dx: int, dy: int) -> None:
    there = codes(4)
    here = np.roll(there, (-dy, -dx), axis=(0, 1))
    found = search(here, there)[16:-16, 16:-16]
    np.testing.assert_allclose(np.median(found, axis=(0, 1)), [dx, dy], atol=0.1)


def test_a_flow_that_fits_is_kept_and_one_that_does_not_is_mended() -> None:
    there = codes(5)
    here = np.roll(there, -2, axis=1)
    right = flow_of(2, 0, side=128)
    assert np.array_equal(mended(right, here, there)[8:-8, 8:-8], right[8:-8, 8:-8])
    wrong = right.copy()
    wrong[40:80, 40:80] = 9
    assert np.abs(mended(wrong, here, there) - right)[16:-16, 16:-16].mean() < np.abs(wrong - right).mean() / 10


# Chains


def guides_of(count: int, *, step: int = 2) -> list[Guide]:
    picture = texture(6, side=200)
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[8:56, 8:56] = 1
    return [guide(picture[40 : 40 + SIZE, 20 + step * n : 20 + step * n + SIZE], matte) for n in range(count)]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((64, 64), (256, 256)), ((100, 300), (300, 900)), ((720, 1280), (256, 455)), ((256, 300), (256, 300))],
)
def test_guides_are_small_whatever_the_frame(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    made = guide(np.zeros((*shape, 3), np.float32), np.ones(shape, np.float32))
    assert made.search.shape == made.edit_matte.shape == expected
    assert made.edit_matte.dtype == made.search.dtype == np.uint8 and (made.edit_matte == 255).all()


@given(keyframes=st.sets(st.integers(0, 8), min_size=1, max_size=4))
def test_each_frame_has_tracks_to_its_neighbouring_keyframes(keyframes: set[int]) -> None:
    flat = Guide(np.full((32, 32), 9, np.uint8), np.full((32, 32), 255, np.uint8))
    found = list(tracks([flat] * 9, keyframes))
    assert len(found) == 9
    for frame, each in enumerate(found):
        before, after = [k for k in keyframes if k <= frame], [k for k in keyframes if k >= frame]
        expected = {*([max(before)] if before else []), *([min(after)] if after else [])}
        assert {track.keyframe for track in each} == expected and len(each) == len(expected)
        assert {track.frame for track in each} == {frame}


def test_a_chain_walked_in_parts_is_the_same_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    guides = guides_of(6)
    whole = list(tracks(guides, [5]))
    monkeypatch.setattr("maskedit.draft.tracking._BLOCK", 2)
    for (a,), (b,) in zip(whole, tracks(guides, [5]), strict=True):
        assert (a.frame, a.keyframe) == (b.frame, b.keyframe)
        assert all(map(np.array_equal, (a.flow, a.back, a.confidence), (b.flow, b.back, b.confidence)))


def test_a_track_through_time_backwards_is_the_track_of_the_clip_backwards() -> None:
    guides = guides_of(4)
    there = [track.flow for (track,) in tracks(guides, [3])]
    mirrored = [track.flow for (track,) in tracks(guides[::-1], [0])]
    assert all(map(np.array_equal, there, mirrored[::-1]))


def test_a_pan_is_tracked_both_ways_and_believed_where_it_stays_in_the_region() -> None:
    (track,) = list(tracks(guides_of(5), [0]))[4]
    inner = (slice(100, 150), slice(60, 150))  # guides are four times as large
    np.testing.assert_allclose(track.flow[inner].mean(axis=(0, 1)), [32, 0], atol=1)
    np.testing.assert_allclose(track.back[inner].mean(axis=(0, 1)), [-32, 0], atol=1)
    assert track.confidence[inner].mean() > 0.9
    # Its right part was outside the region on the keyframe, where nobody painted.
    assert track.confidence[100:150, 196:216].mean() < 0.2


# Several keyframes


def track_of(confidence: np.ndarray, *, frame: int, keyframe: int) -> Track:
    still = np.zeros((*confidence.shape, 2), np.float32)
    return Track(frame, keyframe, still, still, confidence)


confidences = arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32))


def slow_shares(tracks_: list[Track]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel by pixel: each keyframe counts its confidence over its distance in frames."""
    shares = np.zeros((len(tracks_), 3, 4))
    sure = np.zeros((3, 4))
    for row in range(3):
        for column in range(4):
            weights = []
            for track in tracks_:
                distance = abs(track.keyframe - track.frame)
                weights.append((float(track.confidence[row, column]) + 1e-6) / (distance or 1))
                sure[row, column] = max(sure[row, column], track.confidence[row, column])
            shares[:, row, column] = [weight / sum(weights) for weight in weights]
    return shares, sure


@given(first=confidences, second=confidences, before=st.integers(1, 30), after=st.integers(1, 30))
def test_shares_are_those_of_the_slow_twin(first: np.ndarray, second: np.ndarray, before: int, after: int) -> None:
    given_tracks = [
        track_of(first, frame=before, keyframe=0),
        track_of(second, frame=before, keyframe=before + after),
    ]
    shares, sure = blend_shares(given_tracks)
    slow, slow_sure = slow_shares(given_tracks)
    np.testing.assert_allclose(shares, slow, atol=1e-4)
    np.testing.assert_array_equal(sure, slow_sure.astype(np.float32))
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-5)


def test_the_one_that_saw_a_pixel_gives_it_however_far_it_is() -> None:
    blind, seeing = np.zeros((3, 4), np.float32), np.ones((3, 4), np.float32)
    shares, _ = blend_shares([track_of(blind, frame=1, keyframe=0), track_of(seeing, frame=1, keyframe=40)])
    assert shares[1].min() > 0.999


# Looks


def look_of(plate: np.ndarray, painted: np.ndarray) -> Look:
    return learn_look(plate, painted, edit_matte=np.ones((SIZE, SIZE), np.float32), width=SIZE, height=SIZE)


def test_the_look_of_an_unchanged_picture_is_the_plate() -> None:
    look = look_of(texture(7), texture(7))
    assert np.abs(look.gain * texture(7) + look.offset - texture(7)).mean() < 0.01


def test_a_recolouring_is_learnt_as_gain_and_offset_of_each_channel() -> None:
    gain, offset = np.array([0.3, 0.8, 1.2], np.float32), np.array([0.5, 0.1, -0.1], np.float32)
    look = look_of(texture(8), texture(8) * gain + offset)
    # Faint contrast is taken for noise, so the gain stays a little below.
    np.testing.assert_allclose(look.gain.mean(axis=(0, 1)), gain, rtol=0.25)
    other = texture(9)
    assert np.abs(look.gain * other + look.offset - (other * gain + offset)).mean() < 0.03


def test_at_the_edge_of_the_matte_the_look_is_the_paintings() -> None:
    plate, matte = texture(14), np.zeros((SIZE, SIZE), np.float32)
    matte[16:48, 16:48] = 1
    painted = np.where(matte[..., None] > 0, np.float32([0.2, 0.5, 0.7]), plate)
    everywhere = np.ones_like(matte)
    edge = np.s_[16:18, 20:44]

    def missed(counted: np.ndarray) -> float:
        look = learn_look(plate, painted, edit_matte=counted, width=SIZE, height=SIZE)
        return float(np.abs(look.gain * plate + look.offset - painted)[edge].mean())

    assert missed(matte) < 0.75 * missed(everywhere)


def test_a_painting_that_ignores_the_plate_gives_its_own_mean_colour() -> None:
    flat = np.full((SIZE, SIZE, 3), [0.2, 0.5, 0.7], np.float32)
    look = look_of(texture(10), flat)
    np.testing.assert_allclose(look.gain, 0, atol=1e-3)
    np.testing.assert_allclose(look.offset, flat, atol=1e-3)


def test_a_look_never_makes_colours_out_of_contrast_alone() -> None:
    plate = texture(11)
    look = look_of(plate, 1 - plate)
    assert look.gain.min() >= 0
    assert look_of(plate * 0.1, plate).gain.max() <= 2


def test_looks_are_mixed_by_their_shares() -> None:
    nothing, missed = np.zeros((3, 4, 3), np.float32), np.full((3, 4, 1), 0.01, np.float32)
    one, two = (Look(np.full((3, 4, 3), level, np.float32), nothing, missed) for level in (1, 3))
    shares = np.stack([np.full((3, 4), 0.25, np.float32), np.full((3, 4), 0.75, np.float32)])
    np.testing.assert_allclose(mixed([one, two], shares).gain, 2.5)
    # Mid grey becomes 0.5 or 1.5: a variance of 0.1875 on top of what each of them misses.
    np.testing.assert_allclose(mixed([one, two], shares).left_over, 0.1975, rtol=1e-4)
    np.testing.assert_allclose(mixed([one, one], shares).left_over, 0.01, rtol=1e-3)


def test_a_recolouring_and_flat_paint_are_believed_and_another_texture_is_not() -> None:
    plate = texture(12)
    rect = Rect(0, 0, SIZE, SIZE)
    inner = slice(8, 56)

    def belief(painted: np.ndarray) -> float:
        return float(look_of(plate, painted).belief(rect, width=SIZE, height=SIZE)[inner, inner].mean())

    assert belief(plate * [0.9, 0.4, 0.2]) > 0.85
    assert belief(np.full_like(plate, 0.3)) > 0.85
    assert belief(plate) > 0.85
    assert belief(texture(13)) < 0.5
    assert look_of(plate, texture(13)).belief(rect, width=SIZE, height=SIZE).max() <= 0.9


def test_a_look_is_not_believed_half_way_between_two_others() -> None:
    """Left half painted red, right half as it was; the strip between was never seen."""
    gain, offset = np.ones((32, 32, 3), np.float32), np.zeros((32, 32, 3), np.float32)
    gain[:, :16], offset[:, :16] = 0, (0.9, 0.1, 0.1)
    seen = np.ones((32, 32), np.float32)
    seen[:, 10:22] = 0
    spread_out = Look(gain, offset, np.zeros((32, 32, 1), np.float32)).spread(seen)
    belief = spread_out.belief(Rect(0, 0, 32, 32), width=32, height=32)
    assert belief[:, :8].min() > 0.85
    assert belief[:, 24:].min() > 0.85
    assert belief[8:24, 15:17].max() < 0.2


@given(
    weight=arrays(np.float32, (7, 10), elements=st.floats(0, 1, width=32)),
    levels=st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3),
)
def test_one_colour_spreads_as_itself(weight: np.ndarray, levels: list[float]) -> None:
    weight[3, 4] = 1
    values = np.broadcast_to(np.array(levels, np.float32), (7, 10, 3)).copy()
    np.testing.assert_allclose(spread(values, weight), values, atol=1e-3)


@given(seed=st.integers(0, 99))
def test_what_spreads_is_kept_where_it_is_sure_and_stays_between_what_is_sure(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.random((33, 20, 3), np.float32)
    sure = random.random((33, 20)) < 0.1
    sure[0, 0] = True
    spread_out = spread(np.where(sure[..., None], values, np.float32(50)), sure.astype(np.float32))
    np.testing.assert_allclose(spread_out[sure], values[sure], atol=1e-6)
    assert spread_out.min() >= values[sure].min() - 0.05
    assert spread_out.max() <= values[sure].max() + 0.05


def test_the_nearer_colour_spreads_further_than_the_far_one() -> None:
    values = np.zeros((40, 40, 3), np.float32)
    values[:, 30:] = 1
    weight = np.zeros((40, 40), np.float32)
    weight[:, :5] = weight[:, 35:] = 1
    row = spread(values, weight)[20, :, 0]
    assert row[10] < 0.4 < 0.6 < row[30]
    assert all(b >= a - 0.05 for a, b in pairwise(row))
