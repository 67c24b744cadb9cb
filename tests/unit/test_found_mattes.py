# SPDX-License-Identifier: GPL-3.0-or-later
"""What the paste shows: against slow twins, in a scene whose edit is known, and what it promises whatever comes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskedit.finishing_benchmark import mattes as benchmark
from maskedit.finishing_benchmark._mane import mane, redrawn
from maskedit.mattes import composite_matte, edited, painted, paste_matte, steadied
from maskedit.mattes.found import difference, hanging_together

FLAGS = arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 6)))
SMALL = arrays.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8)))
RADII = st.integers(0, 3)


@given(FLAGS, RADII)
def test_steadying_is_a_closing_over_the_whole_clip(found: np.ndarray, radius: int) -> None:
    frames = len(found)

    def near(clip: np.ndarray, number: int) -> np.ndarray:
        return clip[max(0, number - radius) : number + radius + 1]

    grown = np.stack([near(found, number).any(axis=0) for number in range(frames)])
    closed = np.stack([near(grown, number).all(axis=0) for number in range(frames)])
    np.testing.assert_array_equal(np.stack(list(steadied(iter(found), radius=radius))), closed)
    assert (closed >= found).all()


def test_steadying_reads_only_as_far_ahead_as_it_has_to() -> None:
    read = []

    def frames():
        for number in range(20):
            read.append(number)
            yield np.zeros((2, 2), bool)

    steady = steadied(frames(), radius=1)
    next(steady)
    assert read == [0, 1, 2]


@given(SMALL, st.data())
def test_parts_hang_together_as_a_flood_says(weak: np.ndarray, data) -> None:
    strong = weak & data.draw(arrays.arrays(bool, weak.shape))
    flood = strong.copy()
    while True:
        padded = np.pad(flood, 1)
        height, width = weak.shape
        wider = weak & np.any([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0)
        if (wider == flood).all():
            break
        flood = wider
    np.testing.assert_array_equal(hanging_together(weak, strong), flood)


PICTURES = arrays.arrays(np.float32, (12, 14, 3), elements=st.floats(0, 1, width=32))
MATTES = arrays.arrays(np.float32, (12, 14), elements=st.sampled_from([0.0, 0.0, 0.3, 0.6, 1.0]))


@settings(max_examples=40)
@given(PICTURES, PICTURES, MATTES, MATTES, st.sampled_from([edited, painted]))
def test_whatever_comes_the_paste_stays_within_its_bounds(plate, result, drawn, allowed, look) -> None:
    """Nothing beyond what is allowed, never less than what was drawn of that, all of what was noticed."""
    noticed = look(plate, result, drawn=drawn, paste=allowed)
    matte = composite_matte(noticed, drawn=drawn, paste=allowed)
    assert matte.dtype == np.float32 and not noticed[allowed == 0].any()
    assert (matte <= allowed).all()
    assert (matte >= np.minimum(drawn, allowed)).all()
    np.testing.assert_array_equal(matte[noticed], allowed[noticed])
    assert noticed[(drawn >= 0.5) & (allowed > 0)].all()


@given(PICTURES)
def test_a_picture_differs_from_itself_nowhere(picture) -> None:
    assert not difference(picture, picture).any()
    ones, none = np.ones(picture.shape[:2], np.float32), np.zeros(picture.shape[:2], np.float32)
    assert not edited(picture, picture, drawn=none, paste=ones).any()
    assert not painted(picture, picture, drawn=none, paste=ones).any()


def test_what_the_user_painted_shows_down_to_a_code_and_a_half() -> None:
    plate = np.full((10, 10, 3), 0.5, np.float32)
    picture = plate.copy()
    picture[4, 5] += 2 / 255
    ones, none = np.ones((10, 10), np.float32), np.zeros((10, 10), np.float32)
    assert np.argwhere(painted(plate, picture, drawn=none, paste=ones)).tolist() == [[4, 5]]
    assert not edited(plate, picture, drawn=none, paste=ones).any()


@pytest.mark.parametrize("much", [1.0, 2.0])
def test_a_new_silhouette_is_never_cut_into(much: float) -> None:
    scene = mane(5, frames=8)
    made = redrawn(scene.truths, seed=5, much=much)
    loose = benchmark.loosened(scene.drawn)
    found = benchmark.found_mattes(scene.plates, made, scene.drawn)
    assert (found <= loose).all() and (found >= scene.drawn).all()
    apart = np.abs(scene.truths - scene.plates).max(axis=-1)
    new = apart * ((apart > 8 / 255) & (loose == 1) & (scene.drawn == 0))
    assert (found * new).sum() / new.sum() >= 0.99
    # And what is left out of the paste is the better for it.
    ring = (loose > 0) & (scene.drawn == 0)
    errors = [np.abs(benchmark.laid(scene.plates, made, each) - scene.truths)[ring].mean() for each in (found, loose)]
    assert errors[0] < errors[1]


def test_a_loose_ring_of_real_ground_is_the_plates() -> None:
    """The ball is repainted and does not grow: all round it the paste gives the ground back."""
    scene = mane(6, frames=6)
    repainted = np.where(scene.drawn[..., None] > 0, 1 - scene.plates, scene.plates)
    made = redrawn(repainted, seed=6)
    found, loose = benchmark.found_mattes(scene.plates, made, scene.drawn), benchmark.loosened(scene.drawn)
    ring = (loose > 0) & (scene.drawn == 0)
    assert (found[ring] == 0).mean() > 0.7
    beyond = np.stack([paste_matte(inner, feather_px=9) == 0 for inner in scene.drawn]) & (loose > 0)
    assert (found[beyond] == 0).mean() > 0.99


def test_a_result_that_is_off_all_over_is_pasted_as_drawn() -> None:
    """What was redrawn badly cannot be told from what was meant, so nothing of it is cut away."""
    scene = mane(7, frames=1)
    made = np.clip(scene.truths + 0.1, 0, 1).astype(np.float32)
    loose = benchmark.loosened(scene.drawn)
    found = benchmark.found_mattes(scene.plates, made, scene.drawn)
    assert (found[loose == 1] == 1).mean() > 0.99


def test_every_figure_of_the_benchmark_reaches_its_goal() -> None:
    assert [row.name for row in benchmark.measure(seeds=(1,)) if not row.met] == []


def test_the_benchmarks_pictures_are_pictures() -> None:
    for name, picture in benchmark.pictures().items():
        assert picture.ndim == 3 and picture.shape[-1] == 3, name
        assert picture.min() >= 0 and picture.max() <= 1, name
