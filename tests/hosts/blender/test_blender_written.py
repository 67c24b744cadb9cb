# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes, painted frames and settings as the operators' arguments write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.blender.orders import MatteChoice, PaintedFrame
from plugin_client.blender.written import (
    MATTE_KINDS,
    keyframes_text,
    matte_text,
    parse_keyframes,
    parse_matte,
    parse_settings,
)
from plugin_client.core.errors import BadInput

# What a path may hold but the marks between pictures, and no blanks at its ends.
PATHS = st.text(st.characters(blacklist_characters=";", blacklist_categories=("Cs", "Cc")), min_size=1).filter(
    lambda text: text == text.strip() != ""
)


@given(st.builds(MatteChoice, kind=st.sampled_from(MATTE_KINDS), name=PATHS, invert=st.booleans()))
def test_a_matte_is_read_as_it_was_written(choice):
    assert parse_matte(matte_text(choice)) == choice


@given(st.dictionaries(st.integers(0, 10**6), PATHS, max_size=4))
def test_painted_frames_are_read_as_they_were_written(paths):
    keyframes = tuple(PaintedFrame(frame=frame, path=paths[frame]) for frame in sorted(paths))
    assert parse_keyframes(keyframes_text(keyframes)) == keyframes


def test_painted_frames_come_in_the_order_of_time():
    assert [each.frame for each in parse_keyframes("12=/b.png; 0=/a=1.png ;")] == [0, 12]
    assert parse_keyframes("0=/a=1.png")[0].path == "/a=1.png"


@pytest.mark.parametrize("text", ["Mask", "mask:", "paint:Mask", ":Mask", "", "!"])
def test_a_matte_that_cannot_be_read_names_the_kinds(text):
    with pytest.raises(BadInput, match="mask_strip:NAME"):
        parse_matte(text)


@pytest.mark.parametrize("text", ["0", "=/a.png", "0=", "-1=/a.png", "x=/a.png"])
def test_a_painted_frame_that_cannot_be_read(text):
    with pytest.raises(BadInput, match="FRAME=PICTURE"):
        parse_keyframes(text)


def test_two_pictures_of_one_frame():
    with pytest.raises(BadInput, match="Frame 3 has two pictures"):
        parse_keyframes("3=/a.png;3=/b.png")


def test_settings_are_numbers_where_they_look_like_one():
    said = parse_settings("motion_steps=2; learning_rate=1e-4;colour=bt709;")
    assert said == {"motion_steps": 2, "learning_rate": 1e-4, "colour": "bt709"}
    assert type(said["motion_steps"]) is int
    with pytest.raises(BadInput, match="NAME=VALUE"):
        parse_settings("motion_steps")
