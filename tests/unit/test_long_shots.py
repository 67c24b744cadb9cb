# SPDX-License-Identifier: GPL-3.0-or-later
"""The long take's drawing, and the figures that are taken of it."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from maskedit.drafting import run_draft
from maskedit.finishing_benchmark.full_size import peak_bytes
from maskedit.finishing_benchmark.long_scene import LongTake
from maskedit.finishing_benchmark.long_shots import errors, per_50_frames
from maskedit.media import ClipReader, probe, read_picture
from maskedit.progress import SilentReporter

TAKE = LongTake(width=96, height=64, frames=5)


def test_the_camera_walks_the_region_grows_and_nothing_else_is_edited() -> None:
    shown = [TAKE.shown(frame) for frame in range(TAKE.frames)]
    for before, after, matte in shown:
        changed = (before != after).any(axis=-1)
        assert changed[matte > 0].mean() > 0.9 and not changed[matte == 0].any()
    sizes = [np.count_nonzero(matte) for _, _, matte in shown]
    assert sizes == sorted(sizes) and sizes[-1] > 2 * sizes[0]
    assert all((a[0][:8] != b[0][:8]).any() for a, b in pairwise(shown))


def test_its_files_hold_what_is_drawn(tmp_path: Path) -> None:
    request = TAKE.request(tmp_path)
    facts = probe(request.target.path)
    assert (facts.frame_count, facts.width, facts.height) == (5, 96, 64)
    with ClipReader(request.target.path) as clip:
        (plate,) = clip.frames(3, 3)
    assert np.array_equal(np.rint(plate.rgb() * 255), TAKE.shown(3)[0])
    assert np.array_equal(np.rint(read_picture(request.keyframes[0].image.path) * 255), TAKE.shown(0)[1])


def test_the_source_is_off_by_its_colours_and_the_truth_by_nothing(tmp_path: Path) -> None:
    request = TAKE.request(tmp_path)
    colours, places = errors(Path(request.target.path), TAKE)
    assert colours.shape == (5, 3) and places.shape == (5, 2)
    # The painting takes blue away.
    assert (colours[:, 2] > 30).all() and np.abs(colours[:, 0]).max() < colours[:, 2].min()


@pytest.mark.parametrize(("slope", "figure"), [(0.0, 0.0), (0.02, 1.0), (-0.1, 5.0)])
def test_drift_is_the_steepest_line_over_fifty_frames(slope: float, figure: float) -> None:
    frames = np.arange(129)
    wobble = np.sin(frames)
    values = np.stack([slope * frames + wobble, wobble], axis=-1)
    assert per_50_frames(values) == pytest.approx(figure, abs=0.05)


def test_the_most_memory_is_that_of_a_process() -> None:
    assert 5e7 < peak_bytes(LongTake(width=96, height=64, frames=2)) < 2e9


def test_a_longer_take_needs_no_more_memory(tmp_path: Path) -> None:
    def held(frames: int) -> int:
        """The most that numpy held at once."""
        folder = tmp_path / str(frames)
        folder.mkdir()
        request = LongTake(width=480, height=270, frames=frames).request(folder)
        tracemalloc.start()
        run_draft(request, output=folder / "out", reporter=SilentReporter())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    short, long, frame = held(8), held(20), 480 * 270 * 3 * 4
    # A guide of each frame is kept, whatever the size of the frames.
    assert long - short < 12 * 2 * 256 * 456 + 2 * frame
    assert long < 40 * frame
