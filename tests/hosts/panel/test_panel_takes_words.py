# SPDX-License-Identifier: GPL-3.0-or-later
"""A scorecard in an editor's words: every figure is said, amber only where there is a reason to look."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.finish_marks import FINISH_MARKS
from maskedit.scoring import MEANS, SQUARES
from plugin_client.panel.takes.words import headline, next_keyframe, number, verdicts

GOOD: dict[str, Any] = {
    "samples_changed_outside": 0,
    "seam_ring_error": 1.2,
    "keyframe_psnr": "inf",
    "added_warp_error": 0.1,
    "source_warp_error": 3.0,
    "sharpness_ratio": 1.0,
    "grain_ratio": 0.95,
    "halo_ring": 0.5,
    "result_flicker": 0.4,
    "source_flicker": 0.4,
    "drift": 2.0,
}
EQUAL = {"frame_count": True, "size": True, "rate": True, "audio": True}


def record(equal: dict[str, bool] = EQUAL, **scores: Any) -> dict[str, Any]:
    return {"scorecard": {"scores": {**GOOD, **scores}, "equal": equal, "frames": []}}


def test_a_good_take_is_green_throughout_and_says_so_in_one_line():
    said = verdicts(record())
    assert said and all(verdict.good and verdict.says.endswith(".") for verdict in said)
    line = headline(record())
    assert line is not None and line.good


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("samples_changed_outside", 1234, "1,234 samples"),
        ("seam_ring_error", 12.0, "12.0 codes"),
        ("keyframe_psnr", 25.0, "25 dB"),
        ("added_warp_error", 4.0, "4.0 codes"),
        ("sharpness_ratio", 0.6, "40% softer"),
        ("sharpness_ratio", 1.5, "50% sharper"),
        ("grain_ratio", 0.3, "Less grain"),
        ("grain_ratio", 2.0, "More grain"),
        ("halo_ring", 8.0, "halo"),
        ("result_flicker", 6.0, "flickers"),
        ("drift", 30.0, "drifts"),
    ],
)
def test_each_figure_has_its_own_amber_with_what_it_means_first_in_the_list(name: str, value: float, word: str):
    first, *others = verdicts(record(**{name: value}))
    assert not first.good and word in first.says and first.means.endswith(".")
    assert all(verdict.good for verdict in others)
    line = headline(record(**{name: value}))
    assert line is not None and (line.good, line.says) == (False, "1 thing to look at.")


def test_what_must_not_differ_is_named():
    (wrong, *_) = verdicts(record(equal=EQUAL | {"audio": False, "rate": False}))
    assert wrong.says == "Not as in the clip: frame rate, sound."


def test_a_take_without_a_scorecard_claims_nothing():
    for unscored in ({}, {"scorecard": None}):
        assert verdicts(unscored) == () and headline(unscored) is None
    assert verdicts({"scorecard": {"scores": {}, "equal": {}}}) == ()


def test_what_is_judged_is_what_the_method_measures():
    measured = {*FINISH_MARKS, *MEANS, "samples_changed_outside", "added_warp_error"}
    measured |= {f"{name}_psnr" for name in SQUARES}
    assert GOOD.keys() <= measured


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.one_of(st.none(), st.just("inf"), st.floats(0, 1e6))))
def test_any_card_can_be_said(scores: dict[str, Any]):
    for verdict in verdicts({"scorecard": {"scores": scores, "equal": {}}}):
        assert verdict.says and "None" not in verdict.says


def test_numbers_and_hints():
    assert number("inf") == float("inf") and number(None) is None and number("nan?") is None
    hint = {"next_keyframe": {"frame": 12, "gain": 0.2}, "uncertainty": {"12": 0.4}}
    assert next_keyframe(hint) == (
        "Frame 12 would help most, no keyframe shows 40 % of its region: edit it as a further keyframe."
    )
    assert next_keyframe({"next_keyframe": None}) == "" == next_keyframe({})
