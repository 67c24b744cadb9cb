# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills on their way to the result: which frames get what, in which order, with how many read ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskedit.colour import View, view_of
from maskedit.geometry import Rect
from maskedit.integrating import grain_of, integrated, rounding_of
from maskedit.matching.grain import Grain
from maskedit.matching.steadying import LOOK_AHEAD
from maskedit.media import ClipReader
from maskedit.pasting import Fill
from maskedit.request import Finish, FrameRange, WorkingColour

SIDE, FRAMES, RECT = 96, 9, Rect(16, 8, 64, 72)
OFF = Finish(grain=0, sharpness=0, rim_colour=0, shutter=0, steady=0)


@pytest.fixture
def grainy(tmp_path: Path, write_clip) -> ClipReader:  # type: ignore[no-untyped-def]
    """A grey clip with grain of 6 codes, in RGB."""
    noise = np.random.default_rng(0).normal(128, 6, (FRAMES, SIDE, SIDE, 3))
    with ClipReader(str(write_clip("clip.mkv", np.rint(noise).astype(np.uint8)))) as clip:
        yield clip


def seen(clip: ClipReader) -> View:
    return view_of(clip.facts, WorkingColour())


def grain_in(clip: ClipReader) -> Grain | None:
    return grain_of(clip, FrameRange(first=0, last=FRAMES - 1), around=RECT, view=seen(clip))


def fills(clip: ClipReader, *, shake: float = 0.0, asked: list[int] | None = None) -> Iterator[Fill]:
    """Clean grey fills, every other one a little lighter; `asked` notes which were made."""
    whole = np.zeros((SIDE, SIDE), np.float32)
    whole[16:72, 24:72] = 1
    matte = whole[RECT.slices]
    for plate in clip.frames(0, FRAMES - 1):
        if asked is not None:
            asked.append(plate.number)
        picture = np.full((RECT.height, RECT.width, 3), 0.5 + shake * (plate.number % 2), np.float32)
        yield Fill(plate, picture, RECT, matte)


def finished(clip: ClipReader, finish: Finish, *, keyframes=(), locked=(), shake: float = 0.0) -> list[Fill]:  # type: ignore[no-untyped-def]
    how = {"grain": grain_in(clip), "seed": 3, "keyframes": keyframes, "locked": locked, "view": seen(clip)}
    return list(integrated(fills(clip, shake=shake), finish=finish, **how))


def test_the_clips_own_grain_is_found(grainy: ClipReader) -> None:
    grain = grain_in(grainy)
    assert grain is not None
    np.testing.assert_allclose(grain.strength_at(np.full((1, 1), 0.5, np.float32))[0, 0] * 255, 6, rtol=0.1)


def test_everything_off_leaves_every_fill_as_it_was(grainy: ClipReader) -> None:
    for before, after in zip(fills(grainy, shake=0.05), finished(grainy, OFF, shake=0.05), strict=True):
        assert after.plate.number == before.plate.number and after.rect == before.rect
        np.testing.assert_array_equal(after.picture, before.picture)
        np.testing.assert_array_equal(after.matte, before.matte)


def test_each_frame_gets_the_plates_grain_under_the_matte_alone(grainy: ClipReader) -> None:
    frames = finished(grainy, replace(OFF, grain=1.0))
    for before, after in zip(fills(grainy), frames, strict=True):
        matte = after.matte
        added = (after.picture - before.picture) * 255
        assert not added[matte == 0].any()
        assert added[matte == 1].std() == pytest.approx(6, rel=0.15)
    assert not np.array_equal(frames[0].picture, frames[1].picture)


def test_locked_frames_pass_and_keyframes_get_grain_alone(grainy: ClipReader) -> None:
    """Of frames that flicker, those painted keep their colour, those locked keep everything."""
    locked, keyframes = {0, 5}, {2}
    before = list(fills(grainy, shake=0.05))
    steady = finished(grainy, replace(OFF, steady=1.0), keyframes=keyframes, locked=locked, shake=0.05)
    grained = finished(grainy, replace(OFF, grain=1.0), keyframes=keyframes, locked=locked, shake=0.05)
    for number in range(FRAMES):
        touched = not np.array_equal(steady[number].picture, before[number].picture)
        # Between its ends, which say where it goes, each run of frames is steadied.
        assert not touched or number not in locked | keyframes
        assert touched or number not in (3, 7)
        assert np.array_equal(grained[number].picture, before[number].picture) == (number in locked)


def test_flicker_goes_and_the_mean_stays(grainy: ClipReader) -> None:
    steady = finished(grainy, replace(OFF, steady=1.0), shake=0.05)
    colours = np.array([fill.picture.mean() for fill in steady])
    before = np.array([fill.picture.mean() for fill in fills(grainy, shake=0.05)])
    assert np.abs(np.diff(colours)).mean() < 0.3 * np.abs(np.diff(before)).mean()
    assert colours.mean() == pytest.approx(before.mean(), abs=0.01)


def test_few_frames_are_read_ahead(grainy: ClipReader) -> None:
    asked: list[int] = []
    how = {"grain": None, "seed": 0, "keyframes": (), "locked": (), "view": seen(grainy)}
    for fill in integrated(fills(grainy, asked=asked), finish=Finish(), **how):
        assert asked[-1] <= fill.plate.number + LOOK_AHEAD


@pytest.mark.parametrize(("pixel_format", "depth"), [("bgr0", 8), ("yuv444p", 8), ("yuv422p10le", 10)])
def test_rounding_is_a_twelfth_of_a_squared_code(write_clip, pixel_format: str, depth: int) -> None:  # type: ignore[no-untyped-def]
    grey = np.full((2, 16, 16, 3), 128, np.uint8)
    with ClipReader(str(write_clip("grey.mkv", grey, pixel_format=pixel_format))) as clip:
        (plate,) = clip.frames(0, 0)
    spread = rounding_of(plate)
    code = 1 / (2**depth - 1)
    if pixel_format == "bgr0":
        np.testing.assert_allclose(spread, np.eye(3) * code**2 / 12, rtol=1e-5)
    # Luma and chroma together: more than one code's worth in each channel, less than ten.
    assert (np.diag(spread) >= code**2 / 12 * 0.999).all() and (np.diag(spread) < 10 * code**2 / 12).all()
    np.testing.assert_allclose(spread, spread.T)
