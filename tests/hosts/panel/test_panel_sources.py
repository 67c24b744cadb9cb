# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dropped or chosen path stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskedit.errors import InputError
from plugin_client.core.media import sequence_files
from plugin_client.panel.storing.sources import Kind, Source, open_source, pattern_of, source_of


def touched(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return [folder / name for name in names]


def test_one_picture_of_a_sequence_stands_for_all_of_it(tmp_path: Path) -> None:
    first, *_ = touched(tmp_path / "exr", "shot_v2.1001.exr", "shot_v2.1002.exr", "notes.txt")
    assert source_of(first) == Source(Kind.CLIP, tmp_path / "exr/shot_v2.%04d.exr")
    assert source_of(tmp_path / "exr") == source_of(first)


def test_a_lone_picture_is_no_clip(tmp_path: Path) -> None:
    (lone,) = touched(tmp_path, "frame 12.png")
    assert source_of(lone) == Source(Kind.PICTURE, lone)
    with pytest.raises(InputError, match="neither a clip nor a project"):
        open_source(lone)


def test_numbers_of_different_length_count_without_padding(tmp_path: Path) -> None:
    nine, ten = touched(tmp_path, "f9.png", "f10.png")
    assert sequence_files(str(pattern_of(nine))) == sequence_files(str(pattern_of(ten))) == {9: nine, 10: ten}


def test_projects_are_known_by_their_name_or_their_document(tmp_path: Path) -> None:
    (tmp_path / "a.maskedit").mkdir()
    (document,) = touched(tmp_path / "renamed", "document.json")
    assert source_of(tmp_path / "a.maskedit") == Source(Kind.PROJECT, tmp_path / "a.maskedit")
    assert source_of(document) == source_of(tmp_path / "renamed") == Source(Kind.PROJECT, tmp_path / "renamed")


@pytest.mark.parametrize("name", ["notes.txt", "roto.json", "song.wav"])
def test_other_files_are_not_opened(tmp_path: Path, name: str) -> None:
    (path,) = touched(tmp_path, name)
    assert source_of(path) is None
    with pytest.raises(InputError, match=name):
        open_source(path)


def test_a_file_that_is_gone_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.mov"):
        open_source(tmp_path / "gone.mov")


def test_a_clip_becomes_a_new_project(small_clip: Path, panel_data: Path) -> None:
    opened = open_source(small_clip)
    assert opened.document.clip == str(small_clip)
    assert opened.facts is not None and opened.facts.frame_count == 12
    assert opened.folder is None and opened.scratch is not None
    assert Path(opened.scratch.name).is_relative_to(panel_data)
