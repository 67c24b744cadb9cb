# SPDX-License-Identifier: GPL-3.0-or-later
"""From a finished take and a corrected frame to the edit that renders only what the correction reaches."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.core.fixing import fixed_edit, format_names, ranges_around
from plugin_client.core.requests import EditOptions, MatteFile, Picture, build_edit
from plugin_client.core.timeline import FrameRange

TAKE = FrameRange(0, 40)


def reached(*corrected: int, keyframes: tuple[int, ...] = (0,), **continuity: float) -> list[tuple[int, int]]:
    """`continuity`: f17=0.2 says that frame 16 showed a fifth of frame 17's region."""
    record = {"continuity": {name[1:]: share for name, share in continuity.items()}}
    found = ranges_around(corrected, frames=TAKE, keyframes=keyframes, record=record)
    return [(each.first, each.last) for each in found]


def test_a_correction_reaches_to_the_keyframes_beside_it() -> None:
    assert reached(17, keyframes=(0, 30)) == [(1, 29)]
    assert reached(17, keyframes=(0, 17)) == [(1, 40)], "a keyframe that is corrected is none to stop at"
    assert ranges_around([3], frames=TAKE, keyframes=[0], record={}) == [FrameRange(1, 40)]


def test_it_ends_where_what_it_shows_is_lost() -> None:
    assert reached(17, f12=0.3, f25=0.4) == [(12, 24)]
    # Little by little comes to the same: 0.8 to the fourth is less than a half.
    assert reached(17, **{f"f{number}": 0.8 for number in range(41)}) == [(14, 20)]


def test_ranges_that_meet_become_one() -> None:
    assert reached(10, 14, 30, f8=0.1, f18=0.1, f29=0.1, f33=0.1) == [(8, 17), (29, 32)]


@given(
    st.sets(st.integers(0, 40), min_size=1, max_size=3),
    st.sets(st.integers(0, 40), max_size=4),
    st.lists(st.floats(0, 1), min_size=41, max_size=41),
)
def test_what_is_reached_holds_the_corrections_and_no_other_keyframe(
    corrected: set[int], keyframes: set[int], shares: list[float]
) -> None:
    record = {"continuity": {str(number): share for number, share in enumerate(shares)}}
    runs = ranges_around(corrected, frames=TAKE, keyframes=keyframes, record=record)
    frames = [number for run in runs for number in range(run.first, run.last + 1)]
    assert frames == sorted(set(frames)) and set(frames) <= set(range(41))
    assert corrected <= set(frames) and not (keyframes - corrected) & set(frames)
    assert all(before.last + 1 < after.first for before, after in pairwise(runs))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    paths = {name: tmp_path / f"{name}.bin" for name in ("clip", "matte", "first", "second", "corrected")}
    for name, path in paths.items():
        path.write_text(name)
    return paths


@pytest.fixture
def take(files: dict[str, Path]):  # type: ignore[no-untyped-def]
    options = EditOptions(
        clip=str(files["clip"]),
        mattes=(MatteFile(path=str(files["matte"])),),
        keyframes=tuple(Picture(frame=frame, path=str(files[name])) for frame, name in ((0, "first"), (9, "second"))),
        prompt="a red coat",
        seed=7,
    )
    return build_edit(options)


def fixed(take, files: dict[str, Path], frame: int):  # type: ignore[no-untyped-def]
    picture = Picture(frame=frame, path=str(files["corrected"]))
    return fixed_edit(take, "abc", pictures=[picture], frames=[FrameRange(3, 8)])


def test_everything_else_is_the_takes_own(take, files) -> None:
    edit = fixed(take, files, 5)
    assert [keyframe.frame for keyframe in edit.keyframes] == [0, 9, 5]
    assert edit.rerender.parent_take == "abc"
    assert [(each.first, each.last) for each in edit.rerender.frames] == [(3, 8)]
    edit.ClearField("rerender")
    del edit.keyframes[-1]
    assert edit == take and format_names(edit) == ["mkv"]


def test_a_correction_of_a_keyframe_takes_its_place(take, files) -> None:
    files["second"].unlink()
    edit = fixed(take, files, 9)
    assert [(keyframe.frame, keyframe.image.display_name) for keyframe in edit.keyframes] == [
        (0, "first.bin"),
        (9, "corrected.bin"),
    ]


@pytest.mark.parametrize("name", ["clip", "matte", "second"])
def test_files_that_are_not_what_the_take_has_seen_are_refused(take, files, name: str) -> None:
    files[name].write_text("something else")
    with pytest.raises(BadInput, match="has changed since") as raised:
        fixed(take, files, 5)
    assert str(files[name]) in str(raised.value)
