# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of any length and size, regions of any size on any way: the result is the source's, changed in the region."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from maskedit.catalogue import Catalogue
from maskedit.edit import run_edit
from maskedit.media import ClipReader, write_picture
from maskedit.progress import SilentReporter
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Region, Settings

QUICK = Settings(motion_steps=1, appearance_steps=1, render_steps=1, rank=2, guidance=1.0)


def reference(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),))


def boxes(frames: int, width: int, height: int, *, at: tuple[int, int, int, int], step: int = 0) -> np.ndarray:
    """A white box (x, y, width, height) on black, `step` pixels further right on every frame."""
    x, y, box_width, box_height = at
    mattes = np.zeros((frames, height, width, 3), np.uint8)
    for number in range(frames):
        mattes[number, y : y + box_height, x + number * step : x + number * step + box_width] = 255
    return mattes


@pytest.fixture
def edited(tmp_path: Path, write_clip, plain_wan_folder: Path):  # type: ignore[no-untyped-def]
    """edited(mattes, keyframe=): runs the whole recipe on a clip of noise; (source, result, record), codes and JSON."""

    def run(mattes: np.ndarray, *, keyframe: int = 0) -> tuple[np.ndarray, np.ndarray, dict]:
        noise = np.random.default_rng(0).integers(60, 200, mattes.shape, np.uint8)
        picture = tmp_path / "edited.png"
        write_picture(picture, np.full(mattes.shape[1:], 0.9, np.float32))
        request = EditRequest(
            target=reference(write_clip("clip.mkv", noise)),
            regions=(
                Region(mattes=(Matte(media=reference(write_clip("matte.mkv", mattes))),), grow_px=0, feather_px=0),
            ),
            keyframes=(Keyframe(frame=keyframe, image=reference(picture)),),
            model=str(plain_wan_folder),
            settings=QUICK,
        )
        done = run_edit(
            request,
            output=tmp_path / "out",
            cache=tmp_path / "cache",
            reporter=SilentReporter(),
            models=Catalogue(tmp_path / "data"),
        )
        with ClipReader(str(done.result)) as clip:
            result = np.stack([frame.rgb() for frame in clip.frames(0, clip.facts.frame_count - 1)])
        return noise, np.rint(result * 255).astype(np.uint8), json.loads(done.record.read_text())

    return run


def assert_changed_just_inside(source: np.ndarray, result: np.ndarray, mattes: np.ndarray) -> None:
    assert result.shape == source.shape
    inside = mattes[..., 0] > 0
    # Steadied over time, the paste reaches as far as the mattes of the frames beside.
    near = inside.copy()
    near[1:] |= inside[:-1]
    near[:-1] |= inside[1:]
    assert np.array_equal(result[~near], source[~near])
    assert (result[inside] != source[inside]).mean() > 0.5


@pytest.mark.parametrize("frames", [2, 3, 5, 9, 26, 27])
def test_any_number_of_frames(edited, frames: int) -> None:
    mattes = boxes(frames, 48, 40, at=(8, 8, 16, 12), step=frames < 20)
    source, result, _ = edited(mattes)
    assert_changed_just_inside(source, result, mattes)


@pytest.mark.parametrize("keyframe", [3, 12, 26])
def test_windows_run_backwards_from_a_later_keyframe(edited, keyframe: int) -> None:
    mattes = boxes(27, 40, 32, at=(8, 8, 16, 12))
    source, result, _ = edited(mattes, keyframe=keyframe)
    assert_changed_just_inside(source, result, mattes)
    painted = result[keyframe][8:20, 8:24]
    assert np.abs(painted.astype(int) - 230).max() <= 1


@pytest.mark.parametrize(
    ("width", "height", "region"),
    [
        pytest.param(333, 187, (101, 55, 90, 71), id="odd-frame"),
        pytest.param(333, 187, (330, 184, 3, 3), id="three-pixels-in-the-corner"),
        pytest.param(333, 187, (0, 0, 333, 187), id="whole-odd-frame"),
        pytest.param(64, 48, (0, 20, 64, 3), id="border-to-border"),
        pytest.param(9, 7, (2, 1, 4, 4), id="smaller-than-two-cells"),
        pytest.param(5, 3, (1, 1, 2, 1), id="smaller-than-the-grid"),
        pytest.param(3, 200, (0, 90, 3, 3), id="narrow-strip"),
    ],
)
def test_any_size_of_frame_and_region(edited, width: int, height: int, region: tuple[int, int, int, int]) -> None:
    mattes = boxes(3, width, height, at=region)
    source, result, _ = edited(mattes)
    assert_changed_just_inside(source, result, mattes)


def test_a_region_that_crosses_the_frame_is_followed(edited) -> None:
    mattes = boxes(12, 301, 75, at=(40, 20, 21, 17), step=15)
    source, result, record = edited(mattes)
    assert_changed_just_inside(source, result, mattes)
    crop = record["crop"]
    lefts = [x for x, _ in crop["places"]]
    assert len(crop["places"]) == 12
    assert crop["first"] == 0
    assert crop["width"] < 100
    assert lefts == sorted(lefts) and lefts[-1] - lefts[0] > 60


def test_a_region_at_rest_is_recorded_with_one_place(edited) -> None:
    _, _, record = edited(boxes(3, 64, 48, at=(20, 20, 9, 9)))
    assert len(record["crop"]["places"]) == 1
