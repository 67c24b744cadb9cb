# SPDX-License-Identifier: GPL-3.0-or-later
"""Saves of an image editor, made as such programs make them, are told once each and only when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from plugin_client.panel.keyframes.pictures import Work
from plugin_client.panel.keyframes.watching import SaveWatcher

SIZE = (96, 64)
Told = list[tuple[str, tuple[int, int]]]


def encoded(seed: int, suffix: str = ".png", size: tuple[int, int] = SIZE) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    done, data = cv2.imencode(suffix, picture)
    assert done
    return data.tobytes()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    made = Work(3, tmp_path / "frame-0003.png", tmp_path / "frame-0003.plate.png")
    for file in (made.picture, made.plate):
        file.write_bytes(encoded(0))
    return made


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def watcher(qtbot: QtBot, work: Work, told: Told) -> Iterator[SaveWatcher]:
    made = SaveWatcher()
    made.watch(work, lambda file, size: told.append((file.name, size)))
    yield made
    made.clear()


def settles(qtbot: QtBot, told: Told, count: int) -> None:
    """`count` saves are told, and no more of them after a while."""
    qtbot.waitUntil(lambda: len(told) >= count, timeout=20_000)
    qtbot.wait(700)
    assert len(told) == count


def test_what_lies_there_already_is_not_told(qtbot: QtBot, watcher: SaveWatcher, told: Told) -> None:
    settles(qtbot, told, 0)


def test_each_overwriting_save_is_told_once(qtbot: QtBot, watcher: SaveWatcher, work: Work, told: Told) -> None:
    for count in (1, 2):
        work.picture.write_bytes(encoded(count))
        settles(qtbot, told, count)
    assert told == [("frame-0003.png", SIZE)] * 2


def test_saves_that_replace_the_file_are_told_again_and_again(
    qtbot: QtBot, watcher: SaveWatcher, work: Work, told: Told
) -> None:
    for count in (1, 2, 3):
        # The file that was watched is gone after each of them.
        fresh = work.picture.with_name("frame-0003.png~tmp")
        fresh.write_bytes(encoded(count))
        os.replace(fresh, work.picture)
        settles(qtbot, told, count)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp"])
def test_an_export_of_another_kind_counts_as_well(
    qtbot: QtBot, watcher: SaveWatcher, work: Work, told: Told, suffix: str
) -> None:
    work.picture.with_suffix(".xcf").write_bytes(b"gimp xcf v011")
    work.picture.with_suffix(suffix).write_bytes(encoded(1, suffix, (48, 32)))
    settles(qtbot, told, 1)
    assert told == [(f"frame-0003{suffix}", (48, 32))]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_half_written_files_wait_until_they_are_whole(
    qtbot: QtBot, watcher: SaveWatcher, work: Work, told: Told, suffix: str
) -> None:
    data = encoded(5, suffix)
    with work.picture.with_suffix(suffix).open("wb") as file:
        for part in (data[: len(data) // 3], data[len(data) // 3 : -20]):
            file.write(part)
            file.flush()
            # Longer than any file needs to settle: only the decoder can tell.
            qtbot.wait(600)
            assert told == []
        file.write(data[-20:])
    settles(qtbot, told, 1)


def test_a_save_that_never_becomes_a_picture_is_said(
    qtbot: QtBot, watcher: SaveWatcher, work: Work, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin_client.panel.keyframes.watching._MOST_TRIES", 2)
    with qtbot.waitSignal(watcher.given_up, timeout=20_000) as said:
        work.picture.write_bytes(encoded(1)[:900])
    assert said.args == ["frame-0003.png cannot be read as it was saved: save it again as PNG, TIFF or JPEG."]
    work.picture.write_bytes(encoded(2))
    settles(qtbot, told, 1)


def test_other_files_in_the_folder_and_forgotten_works_are_not_told(
    qtbot: QtBot, watcher: SaveWatcher, work: Work, told: Told
) -> None:
    work.plate.write_bytes(encoded(1))
    work.picture.with_name("frame-0004.png").write_bytes(encoded(2))
    watcher.forget(work)
    work.picture.write_bytes(encoded(3))
    settles(qtbot, told, 0)
    assert watcher.works == []
