# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing for another size of the clip covers the same part of the picture."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.mattes.rasterise import rasterise
from maskedit.mattes.rescaling import at_size
from maskedit.mattes.roto import RotoFile, dump_roto, parse_roto

ROTO = {
    "format": "maskedit-roto",
    "version": 1,
    "size": [64, 48],
    "first_number": 1001,
    "shapes": [
        {
            "name": "body",
            "feather": 2,
            "visible": [[1001, 1008]],
            "colour": "#ff0000",
            "transform": {"keys": [{"frame": 1001, "rotate": 20, "anchor": [30, 20], "translate": [2, 1]}]},
            "keys": [
                {
                    "frame": frame,
                    "points": [
                        {"co": [10 + moved, 10], "out": [8, -4], "feather": 3},
                        {"co": [40 + moved, 12]},
                        {"co": [30 + moved, 36], "in": [5, 5]},
                    ],
                }
                for frame, moved in ((1001, 0), (1005, 8))
            ],
        }
    ],
    "strokes": [{"width": 6, "blend": "subtract", "keys": [{"frame": 1002, "points": [[5, 5, 0.5], [50, 40, 1]]}]}],
}


def roto() -> RotoFile:
    return parse_roto(json.dumps(ROTO))


@given(factor=st.sampled_from([0.5, 1, 2, 3]), frame=st.integers(0, 7))
def test_it_covers_the_same_part_of_the_picture(factor: float, frame: int) -> None:
    size = (round(64 * factor), round(48 * factor))
    moved = at_size(roto(), size)
    assert moved.size == size
    same = rasterise(roto(), frame, width=128, height=96)
    # A feather begins where the matte passes one half: on a tie, rounding decides.
    assert np.mean(np.abs(rasterise(moved, frame, width=128, height=96) - same) > 1e-5) < 0.002


def test_frames_count_from_zero() -> None:
    moved = at_size(roto(), (64, 48))
    (shape,), (stroke,) = moved.shapes, moved.strokes
    assert moved.first_number == 0
    assert [key.frame for key in shape.keys] == [0, 4]
    assert shape.visible == ((0, 7),)
    assert shape.transform is not None
    assert shape.transform.keys[0].frame == 0
    assert stroke.keys[0].frame == 1


def test_what_is_not_understood_is_kept() -> None:
    moved = at_size(roto(), (128, 96))
    assert parse_roto(dump_roto(moved)).shapes[0].model_extra == {"colour": "#ff0000"}


def test_lengths_grow_with_the_picture() -> None:
    moved = at_size(roto(), (128, 96))
    assert moved.shapes[0].feather == pytest.approx(4)
    assert moved.shapes[0].keys[0].points[0].feather == pytest.approx(6)
    assert moved.strokes[0].width == pytest.approx(12)
