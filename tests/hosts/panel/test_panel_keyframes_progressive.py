# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames drafted one by one are the frames that a draft of the whole clip makes, the nearest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.draft import Guide, draft, guide
from maskedit.media import ClipReader, probe
from maskedit.presets import Edges
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.keyframes.progressive import progressive
from plugin_client.panel.keyframes.proxies import Proxies, Source, proxy_size, reduced

WIDTH, HEIGHT = 96, 64
SIDE = 64


@dataclass
class Scene:
    """A textured disc that drifts over a texture; what is asked for is noted."""

    count: int
    asked: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def plate(self, index: int) -> np.ndarray:
        rng = np.random.default_rng(1)
        ground, disc = (cv2.GaussianBlur(rng.random((HEIGHT, WIDTH, 3), np.float32), (0, 0), 2) for _ in range(2))
        moved = np.roll(disc, 2 * index, axis=1)
        return np.where(self.edit_matte(index)[..., None] > 0, np.clip(moved * 1.4, 0, 1), ground).astype(np.float32)

    def edit_matte(self, index: int) -> np.ndarray:
        matte = np.zeros((HEIGHT, WIDTH), np.float32)
        cv2.circle(matte, (28 + 2 * index, 32), 16, 1.0, -1)
        return matte

    def guide(self, index: int) -> Guide:
        self.asked.append(index)
        return guide(self.plate(index), self.edit_matte(index), side=SIDE)

    def edited(self, index: int) -> np.ndarray:
        return np.clip(self.plate(index) * np.float32([1.2, 0.6, 0.3]), 0, 1)


@given(
    count=st.integers(2, 9),
    data=st.data(),
)
@settings(max_examples=12, deadline=None)
def test_as_the_draft_of_the_whole(count: int, data: st.DataObject) -> None:
    keyframes = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
    focus = data.draw(st.integers(0, count - 1))
    scene = Scene(count)
    edited = {index: scene.edited(index) for index in keyframes}
    whole = draft(
        [scene.plate(index) for index in range(count)],
        [scene.edit_matte(index) for index in range(count)],
        edited=edited,
        guide_side=SIDE,
    )
    found = dict(progressive(scene, keyframes, edited=scene.edited, focus=focus))
    assert sorted(found) == list(range(count))
    for index, one in found.items():
        assert np.array_equal(one.picture, whole[index].picture)
        assert np.array_equal(one.confidence, whole[index].confidence)


@pytest.mark.parametrize(
    ("keyframes", "focus", "order"),
    [
        ({0}, 0, [0, 1, 2, 3, 4, 5, 6]),
        ({6}, 0, [6, 5, 4, 3, 2, 1, 0]),
        ({3}, 3, [3, 4, 5, 6, 2, 1, 0]),
        ({1, 4}, 4, [4, 5, 6, 1, 2, 3, 0]),
        ({1, 4}, 1, [1, 0, 2, 3, 4, 5, 6]),
    ],
)
def test_the_nearest_come_first(keyframes: set[int], focus: int, order: list[int]) -> None:
    scene = Scene(7)
    found = [index for index, _ in progressive(scene, keyframes, edited=scene.edited, focus=focus)]
    assert found == order


def test_frames_are_asked_for_when_their_turn_comes() -> None:
    scene = Scene(50)
    steps = progressive(scene, {0, 40}, edited=scene.edited, focus=41)
    for _ in range(3):
        next(steps)
    assert set(scene.asked) <= set(range(40, 44)), "the other keyframe's turn has not come"


@given(width=st.integers(16, 8192), height=st.integers(16, 4320), frames=st.integers(1, 20_000))
def test_proxies_keep_the_shape_and_the_budget(width: int, height: int, frames: int) -> None:
    across, down = proxy_size(width, height, frames=frames)
    assert across <= min(width, 640)
    assert abs(down - height * across / width) <= 0.5 or down == 1
    assert across in (width, 160) or 6 * across * down * frames <= (512 << 20) + 6 * across * frames


def drifting(count: int, width: int, height: int) -> np.ndarray:
    ground = cv2.GaussianBlur(np.random.default_rng(2).random((height, width, 3)), (0, 0), 6)
    ground = (ground - ground.min()) / (ground.max() - ground.min())
    return np.stack([np.rint(np.roll(ground, 4 * index, axis=1) * 255).astype(np.uint8) for index in range(count)])


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p", "gbrp16le", "gray"])
def test_reduced_plates_look_like_the_plate(write_clip: Callable[..., Path], pixel_format: str) -> None:
    path = write_clip("wide.mkv", drifting(2, 480, 270), codec="ffv1", pixel_format=pixel_format, rate=Fraction(25))
    with ClipReader(path) as clip:
        (plate,) = clip.frames(1, 1)
    small = reduced(plate, 161, 91)
    expected = cv2.resize(plate.rgb(), (161, 91), interpolation=cv2.INTER_AREA)
    assert small.rgb().shape == (91, 161, 3)
    # A hard edge of colour is off by a part of a pixel.
    assert np.median(np.abs(small.rgb() - expected)) < 1 / 255
    assert np.abs(small.rgb() - expected).mean() < 2 / 255
    assert reduced(plate, 480, 270) is plate


def test_proxies_are_the_frames_of_the_range(write_clip: Callable[..., Path]) -> None:
    path = write_clip("long.mkv", drifting(40, 64, 48), codec="ffv1", pixel_format="yuv444p", rate=Fraction(25))
    matte = np.zeros((48, 64), np.float32)
    matte[20:30, 20:40] = 1
    drawn: list[tuple[int, int]] = []

    def mattes(first: int, last: int):
        drawn.append((first, last))
        return ((number, matte) for number in range(first, last + 1))

    proxies = Proxies(Source(str(path), "", FrameRange(3, 38), (64, 48)), mattes, Edges(grow_px=2, feather_px=3))
    assert len(proxies) == 36
    with ClipReader(path) as clip:
        for index in (35, 0, 17):
            (plate,) = clip.frames(3 + index, 3 + index)
            assert np.abs(proxies.plate(index) - plate.rgb()).max() <= 0.5 / 255 + 1e-6
    paste = proxies.paste(35)
    assert drawn == [(38, 38)]
    assert paste[25, 30] == 1
    assert 0 < paste[17, 30] < 1
    assert paste[14, 30] == 0
    assert set(np.unique(proxies.edit_matte(35))) == {0, 1}
    assert (proxies.edit_matte(35) > 0).sum() == (paste > 0).sum()
    assert proxies.guide(35).edit_matte.any()

    other = proxies.with_mattes(
        lambda first, last: ((number, 0 * matte) for number in range(first, last + 1)), Edges(grow_px=2, feather_px=3)
    )
    assert not other.paste(35).any()
    # Back in time a block is drawn at once, and forwards one after the other.
    for index in (34, 33, 4, 5, 6):
        assert proxies.paste(index).any()
    assert drawn == [(38, 38), (35, 38), (3, 38)]
    path.unlink()  # what was read of the clip is kept
    assert np.array_equal(other.plate(35), proxies.plate(35))


def test_the_facts_are_the_clips(write_clip: Callable[..., Path]) -> None:
    path = write_clip("short.mkv", drifting(3, 64, 48), codec="ffv1", pixel_format="yuv444p", rate=Fraction(25))
    proxies = Proxies(
        Source(str(path), "", FrameRange(0, 2), (64, 48)), lambda first, last: iter(()), Edges(grow_px=0, feather_px=0)
    )
    assert proxies.facts == probe(path)
