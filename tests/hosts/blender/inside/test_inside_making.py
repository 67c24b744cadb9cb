# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips that the other tests measure with say what they claim, to us and to this Blender."""

from __future__ import annotations

from fractions import Fraction

import av
import bpy
import making
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st


@given(number=st.integers(0, 4095), scale=st.integers(1, 3), noise=st.floats(0, 12), seed=st.integers(0, 99))
def test_a_picture_says_its_number_whatever_was_done_to_it(number, scale, noise, seed):
    picture = making.numbered_picture(number).repeat(scale, 0).repeat(scale, 1)
    grainy = picture + np.random.default_rng(seed).normal(0, noise, picture.shape)
    assert making.drawn_number(picture) == number
    assert making.drawn_number(grainy / 255) == number


def test_a_picture_shifted_sideways_says_another_number():
    assert making.drawn_number(np.roll(making.numbered_picture(5), 8, axis=1)) == 10


@pytest.mark.parametrize("rows", [slice(32, None), slice(8, None), slice(0, 8)])
def test_a_picture_without_both_rows_of_bars_says_none(rows):
    with pytest.raises(ValueError):
        making.drawn_number(making.numbered_picture(5)[rows])


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.mp4"])
@pytest.mark.parametrize("rate", [making.NTSC_FILM, Fraction(30000, 1001), Fraction(25)])
def test_a_clip_has_its_numbers_and_its_exact_rate(tmp_path, name, rate):
    clip = making.numbered_clip(tmp_path / name, 5, rate=rate, first=7)
    assert making.numbers_of(clip) == [7, 8, 9, 10, 11]
    assert making.rate_of(clip) == rate or name == "a.mkv"


def test_a_lossless_clip_is_lossless(tmp_path):
    for name in ("a.mov", "a.mkv"):
        (picture,) = making.read_pictures(making.numbered_clip(tmp_path / name, 1, first=9))
        np.testing.assert_array_equal(picture[..., :3], making.numbered_picture(9))


def test_silence_is_as_long_as_the_picture(tmp_path):
    clip = making.numbered_clip(tmp_path / "a.mov", 6, sound=True)
    with av.open(str(clip)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == int(6 / making.NTSC_FILM * 48000)
    assert making.numbers_of(clip) == list(range(6))


@pytest.mark.parametrize(("dtype", "layout"), [(np.uint8, "gray"), (np.uint16, "gray16le")])
def test_gray_pictures_keep_their_depth(tmp_path, dtype, layout):
    ramp = np.linspace(0, np.iinfo(dtype).max, 96 * 64).reshape(64, 96).astype(dtype)
    np.testing.assert_array_equal(making.read_picture(making.write_picture(tmp_path / "a.png", ramp), layout), ramp)


def test_blender_reads_the_numbers_that_were_drawn(tmp_path):
    clip = making.numbered_clip(tmp_path / "a.mov", 6, first=100)
    loaded = bpy.data.movieclips.load(str(clip))
    assert (tuple(loaded.size), loaded.frame_duration) == (making.SIZE, 6)
    (first, *_) = making.numbered_sequence(tmp_path / "pictures", [41, 42])
    image = bpy.data.images.load(str(first))
    pixels = np.array(image.pixels[:]).reshape(64, 96, 4)[::-1]
    assert making.drawn_number(pixels) == 41
