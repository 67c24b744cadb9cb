# SPDX-License-Identifier: GPL-3.0-or-later
"""Image strips as numbered files, without Blender."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.blender.sequences import file_showing, shown_part
from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import FrameRange


def _touch(folder: Path, names: list[str]) -> list[str]:
    for name in names:
        (folder / name).touch()
    return names


@given(
    first=st.integers(0, 1100),
    count=st.integers(2, 15),
    width=st.integers(1, 6),
    around=st.sampled_from([("shot.", ".png"), ("sc02_v3_", "_left2.exr"), ("", ".jpg"), ("50% done ", ".png")]),
    data=st.data(),
)
def test_frames_count_from_the_first_file_on_disk(first, count, width, around, data):
    before, after = around
    with TemporaryDirectory() as folder:
        names = [f"{before}{number:0{width}d}{after}" for number in range(first, first + count)]
        _touch(Path(folder), names)
        start = data.draw(st.integers(0, count - 2))
        end = data.draw(st.integers(start + 2, count))
        media, frames = shown_part(folder, names[start:end])
        assert frames == FrameRange(start, end - 1)
        assert [file_showing(media, frame).name for frame in range(count)] == names


def test_one_picture_of_a_sequence_is_known_by_its_last_number(tmp_path):
    names = _touch(tmp_path, [f"sc02.{number:04d}.png" for number in range(7, 10)])
    assert shown_part(str(tmp_path), names[1:2]) == (str(tmp_path / "sc02.%04d.png"), FrameRange(1, 1))


def test_other_files_in_the_folder_do_not_count(tmp_path):
    names = _touch(tmp_path, ["a.0003.png", "a.0004.png"])
    _touch(tmp_path, ["a.0001.jpg", "b.0001.png", "a.1.png", "a.png"])
    assert shown_part(str(tmp_path), names) == (str(tmp_path / "a.%04d.png"), FrameRange(0, 1))


@pytest.mark.parametrize(
    ("on_disk", "shown", "sentence"),
    [
        (["a.1.png", "a.2.png", "a.4.png"], ["a.1.png", "a.2.png", "a.4.png"], "goes from picture 2 to 4"),
        (["a.1.png", "a.2.png"], ["a.2.png", "a.1.png"], "goes from picture 2 to 1"),
        (["a.1.png", "a.2.png", "a.4.png"], ["a.1.png", "a.2.png"], "lacks number 3"),
        (["a.1.png"], ["a.1.png", "a.2.png"], r"no file .*a\.2\.png"),
        ([], ["a.1.png", "a.2.png"], "No file fits"),
        (["a.png", "b.png"], ["a.png", "b.png"], "not one numbered sequence"),
        (["a.png"], ["a.png"], "not one numbered sequence"),
        (["a1.1.png", "a2.2.png"], ["a1.1.png", "a2.2.png"], "not one numbered sequence"),
        (["a.1.png", "b.2.png"], ["a.1.png", "b.2.png"], "not one numbered sequence"),
        (["a.01.png", "a.2.png"], ["a.01.png", "a.2.png"], "numbered in two ways"),
        (["%d.1.png", "%d.2.png"], ["%d.1.png", "%d.2.png"], "numbered in two ways"),
    ],
)
def test_what_is_no_sequence_says_what_to_do(tmp_path, on_disk, shown, sentence):
    _touch(tmp_path, on_disk)
    with pytest.raises(BadInput, match=sentence):
        shown_part(str(tmp_path), shown)


def test_a_frame_outside_the_sequence_has_no_file(tmp_path):
    _touch(tmp_path, ["a.1.png", "a.2.png"])
    for frame in (-1, 2):
        with pytest.raises(BadInput, match="choose a frame from 0 to 1"):
            file_showing(str(tmp_path / "a.%d.png"), frame)
    assert file_showing(str(tmp_path / "movie.mov"), 7) == tmp_path / "movie.mov"
