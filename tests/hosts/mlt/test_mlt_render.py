# SPDX-License-Identifier: GPL-3.0-or-later
"""A written project, rendered by melt: the source outside the clip and outside the matte, the result inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks
from plugin_client.timelines.finding import find_clip
from plugin_client.timelines.mlt import open_mlt
from plugin_client.timelines.timeline import Take
from tests.hosts.mlt.conftest import Melt
from tests.hosts.mlt.mlt_projects import (
    HEIGHT,
    WIDTH,
    Cut,
    alpha,
    kdenlive,
    picture,
    plain,
    shotcut,
    write_clip,
    write_patch,
    write_pictures,
)

Shape = Callable[[list[Cut], Fraction], str]
RESULT, OTHER = 90, 40
FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)
# A blank, the clip trimmed at both ends, then another; on the track above something that has to stay on top.
CUTS = [
    Cut(media="my clips/shot one.mkv", first=7, length=10, start=4),
    Cut(media="my clips/other.mkv", first=0, length=6, start=14),
    Cut(media="my clips/other.mkv", first=3, length=4, start=8, track=2),
]
LENGTH = 20


def sequences(cuts: list[Cut], rate: Fraction) -> str:
    return kdenlive(cuts, rate, sequences=True)


def set_up(folder: Path, shape: Shape, cuts: list[Cut], rate: Fraction) -> Path:
    """The project and its media, relative to it."""
    (folder / "my clips").mkdir(parents=True)
    write_clip(folder / "my clips/shot one.mkv", rate)
    write_clip(folder / "my clips/other.mkv", rate, hue=OTHER)
    project = folder / "cut.mlt"
    project.write_text(shape(cuts, rate))
    return project


def take_of(path: Path, rate: Fraction, *, first: int, frames: int, has_alpha: bool = True) -> Take:
    return Take(
        media=str(path),
        first=first,
        frames=frames,
        rate=rate,
        width=WIDTH,
        height=HEIGHT,
        has_alpha=has_alpha,
        name="shot one, edited",
        marks=Marks(job_id="0123", prompt='a <red> car & "more"'),
    )


@pytest.mark.parametrize(
    ("shape", "rate", "track"),
    [
        (plain, Fraction(25), 1),
        (plain, FILM, 2),
        (shotcut, NTSC, 1),
        (shotcut, Fraction(25), 2),
        (kdenlive, Fraction(60000, 1001), 1),
        (sequences, FILM, 1),
    ],
)
def test_the_written_project_shows_the_result_there_and_the_source_elsewhere(
    shape: Shape, rate: Fraction, track: int, tmp_path: Path, melt: Melt
):
    # Where the clip lies on track 2, nothing lies above it.
    cuts = [replace(CUTS[0], track=track), *(CUTS[1:] if track == 1 else CUTS[1:2])]
    project = set_up(tmp_path, shape, cuts, rate)
    before = melt(project, LENGTH)
    patch = tmp_path / "my clips/shot one patch.mkv"
    write_patch(patch, rate, first=7, frames=10, hue=RESULT)

    timeline = open_mlt(project)
    placed = timeline.place(take_of(patch, rate, first=7, frames=10), find_clip(timeline.clips(), "shot one.mkv"))
    written = tmp_path / "edited.mlt"
    timeline.save(written)
    after = melt(written, LENGTH)

    assert placed.track == track + 1
    assert (placed.record.start * rate, placed.record.duration * rate) == (4, 10)
    assert len(before) == len(after) == LENGTH
    covered = alpha()[..., None]
    for frame in range(LENGTH):
        shown = 4 <= frame < 14 and not (track == 1 and 8 <= frame < 12)
        if not shown:
            assert np.array_equal(after[frame], before[frame]), frame
            continue
        assert np.array_equal(before[frame], picture(frame - 4 + 7))
        expected = before[frame] * (1 - covered) + picture(frame - 4 + 7, hue=RESULT) * covered
        error = np.abs(after[frame] - expected)
        assert not error[covered[..., 0] == 0].any()
        assert error[covered[..., 0] == 1].max() <= 1
        assert error.max() <= 2


def test_a_full_frame_from_another_folder_shows_to_the_bit(tmp_path: Path, melt: Melt):
    rate = Fraction(25)
    project = set_up(tmp_path / "project", sequences, CUTS, rate)
    before = melt(project, LENGTH)
    result = tmp_path / "results/full.mkv"
    result.parent.mkdir()
    write_clip(result, rate, hue=RESULT)

    timeline = open_mlt(project)
    clip = find_clip(timeline.clips(), "shot one.mkv")
    # It has handles of 7 and 23 frames, which stay hidden.
    timeline.place(take_of(result, rate, first=0, frames=40, has_alpha=False), clip)
    written = tmp_path / "results/edited.kdenlive"
    timeline.save(written)
    after = melt(written, LENGTH)

    for frame in range(LENGTH):
        shown = 4 <= frame < 14 and not 8 <= frame < 12
        expected = picture(frame - 4 + 7, hue=RESULT) if shown else before[frame]
        assert np.array_equal(after[frame], expected), frame


def test_pictures_of_a_part_of_the_clip_under_its_filters(tmp_path: Path, melt: Melt):
    rate = NTSC
    negative = '    <filter id="filter0"><property name="mlt_service">invert</property></filter>\n'
    project = set_up(tmp_path, shotcut, [replace(CUTS[0], filters=negative)], rate)
    before = melt(project, LENGTH)
    pictures = tmp_path / "take/patch.%04d.png"
    write_pictures(pictures, first=10, frames=4, number=1001, hue=RESULT)

    timeline = open_mlt(project)
    clip = find_clip(timeline.clips(), "shot one.mkv")
    take = replace(take_of(pictures, rate, first=10, frames=4), first_number=1001)
    assert timeline.place(take, clip).notes == ()
    timeline.save(project)
    after = melt(project, LENGTH)

    inside = alpha() == 1
    for frame in range(LENGTH):
        if not 7 <= frame < 11:
            assert np.array_equal(after[frame], before[frame])
            continue
        expected = np.where(inside[..., None], 255 - picture(frame + 3, hue=RESULT), before[frame])
        solid = inside | (alpha() == 0)
        # MLT's invert works on luma and chroma of half the width.
        assert np.abs(after[frame].astype(int) - expected)[solid].mean() < 8


def test_where_the_rates_differ_each_frame_meets_its_own(tmp_path: Path, melt: Melt):
    clip_rate, rate = Fraction(25), NTSC
    write_clip(tmp_path / "shot.mkv", clip_rate)
    cut = Cut(media="shot.mkv", first=9, length=20, start=2, media_length=47)
    project = tmp_path / "cut.mlt"
    project.write_text(plain([cut], rate))
    before = melt(project, 24)

    timeline = open_mlt(project)
    [clip] = timeline.clips()
    # At 25 over 30000/1001 frames a second, a result that begins with frame 1 would be rounded otherwise than the clip.
    assert placed_from(project, tmp_path, clip_rate, first=1) is None
    for first in (0, 5):
        written = placed_from(project, tmp_path, clip_rate, first=first)
        assert written is not None
        after = melt(written, 24)
        numbers = [number_of(each, 0) for each in before[2:22]]
        assert [number_of(each, RESULT) for each in after[2:22]] == numbers
        assert numbers == sorted(numbers)
        assert len(set(numbers)) < len(numbers)
    assert clip.media_rate is None


def placed_from(project: Path, folder: Path, rate: Fraction, *, first: int) -> Path | None:
    """The project with a full-frame result that begins with the clip's frame `first`; None if that is refused."""
    result, written = folder / f"result{first}.mkv", folder / f"written{first}.mlt"
    write_clip(result, rate, frames=40 - first, hue=RESULT, first=first)
    timeline = open_mlt(project)
    take = take_of(result, rate, first=first, frames=40 - first, has_alpha=False)
    try:
        timeline.place(take, timeline.clips()[0])
    except BadInput as error:
        assert "frames per second" in str(error)
        return None
    timeline.save(written)
    return written


def number_of(rendered: np.ndarray, hue: int) -> int:
    """Which frame of a clip a rendered picture is."""
    return next(frame for frame in range(40) if np.array_equal(rendered, picture(frame, hue=hue)))
