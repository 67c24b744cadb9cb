# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft's detail is added where draft and model agree, and its picture where it is trusted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.detail import with_draft
from maskedit.geometry import CropPlan, Rect, resized

PLAN = CropPlan(Rect(8, 4, 64, 48), 16, 12)
AT = Rect(8, 4, 64, 48)
SURE = np.ones((48, 64), np.float32)


def textured(seed: int, *, amplitude: float = 0.2) -> np.ndarray:
    noise = np.random.default_rng(seed).random((48, 64, 3), dtype=np.float32)
    return (0.5 + amplitude * (noise - 0.5)).astype(np.float32)


def coarse_of(picture: np.ndarray) -> np.ndarray:
    return resized(resized(picture, 16, 12), 64, 48)


def joined(coarse: np.ndarray, draft: np.ndarray, *, sure: np.ndarray = SURE, **how: float) -> np.ndarray:
    how = {"trust": 0.0, "detail": 1.0} | how
    return with_draft(coarse, PLAN, draft=draft, confidence=sure, at=AT, **how)


def test_a_model_that_agrees_gets_all_of_the_detail_back() -> None:
    draft = textured(0)
    np.testing.assert_allclose(joined(coarse_of(draft), draft), draft, atol=1e-6)


def test_where_the_model_knew_better_its_picture_stays_unless_the_draft_is_trusted() -> None:
    draft = textured(1)
    coarse = coarse_of(draft) * 0.2
    np.testing.assert_array_equal(joined(coarse, draft), coarse)
    np.testing.assert_allclose(joined(coarse, draft, trust=1.0), draft, atol=1e-6)


@pytest.mark.parametrize("how", [{"trust": 1.0}, {"trust": 0.0}])
def test_a_draft_that_is_not_sure_adds_nothing(how: dict) -> None:
    draft = textured(2)
    coarse = coarse_of(draft)
    np.testing.assert_array_equal(joined(coarse, draft, sure=0 * SURE, **how), coarse)
    np.testing.assert_array_equal(joined(coarse, draft, trust=0.0, detail=0.0), coarse)


def test_a_slight_shift_of_colour_keeps_the_detail_and_the_models_colour() -> None:
    draft = textured(3)
    coarse = coarse_of(draft) + np.float32(0.04)
    np.testing.assert_allclose(joined(coarse, draft), draft + 0.04, atol=1e-5)


def test_no_detail_is_there_to_add_when_the_model_is_as_fine_as_the_plate() -> None:
    plan = CropPlan(AT, 64, 48)
    coarse = textured(5)
    how = {"confidence": SURE, "at": AT, "trust": 0.0, "detail": 1.0}
    np.testing.assert_allclose(with_draft(coarse, plan, draft=textured(4), **how), coarse, atol=1e-6)


@given(x=st.integers(0, 90), y=st.integers(0, 70), width=st.integers(1, 60), height=st.integers(1, 60))
def test_beyond_the_drafts_own_rectangle_nothing_changes(x: int, y: int, width: int, height: int) -> None:
    at = Rect(x, y, width, height)
    coarse, draft = 0 * textured(6), np.ones((height, width, 3), np.float32)
    sure = np.ones((height, width), np.float32)
    result = with_draft(coarse, PLAN, draft=draft, confidence=sure, at=at, trust=1.0, detail=1.0)
    frame = np.zeros((200, 200), bool)
    frame[at.slices] = True
    inside = frame[PLAN.rect.slices]
    assert (result[inside] == 1).all() and (result[~inside] == 0).all()


@given(seed=st.integers(0, 1000), shift=st.floats(-0.5, 0.5), sure=st.floats(0, 1), detail=st.floats(0, 1))
def test_never_more_than_the_drafts_own_detail_is_added(seed: int, shift: float, sure: float, detail: float) -> None:
    draft = textured(seed, amplitude=1.0)
    coarse = np.clip(coarse_of(draft) + np.float32(shift), 0, 1)
    result = joined(coarse, draft, sure=np.float32(sure) * SURE, detail=detail)
    finer, added = draft - coarse_of(draft), result - coarse
    assert result.dtype == np.float32 and result.min() >= 0 and result.max() <= 1
    assert (np.abs(added) <= np.abs(finer) + 1e-5).all()
    assert (added * finer >= -1e-6).all()
