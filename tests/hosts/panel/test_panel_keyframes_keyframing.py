# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes on a real desk: to a real program and back, from files and the clipboard, moved, removed, undone."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QUrl
from PyQt6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from maskedit.demo import KEYFRAME, SOURCE
from maskedit.media import ClipReader, read_picture
from plugin_client.panel.keyframes.dropping import paste, take_dropped
from plugin_client.panel.keyframes.editors import editor_name, found_editors, titled
from plugin_client.panel.keyframes.keyframing import Keyframing, keyframing_of
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.notices import Notice

EDITOR = """
import sys, pathlib, cv2
path = pathlib.Path(sys.argv[-1])
picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
picture[40:60, 40:60] = 0
fresh = path.with_name("~" + path.name)
cv2.imwrite(str(fresh), picture)
fresh.replace(path)
"""


@pytest.fixture
def said(sample_desk: Desk) -> list[Notice]:
    heard: list[Notice] = []
    sample_desk.notices.said.connect(heard.append)
    return heard


@pytest.fixture
def keyframing(sample_desk: Desk) -> Keyframing:
    return keyframing_of(sample_desk)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """The sample's keyframe at another size, written as another kind of file."""

    def make(name: str, size: tuple[int, int] = (640, 360)) -> Path:
        path = tmp_path / name
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(KEYFRAME)), size))
        return path

    return make


def frames_of(desk: Desk) -> list[int]:
    return [each.frame for each in desk.project.document.keyframes]


def picture_of(desk: Desk, frame: int) -> np.ndarray:
    keyframe = desk.project.document.keyframe_at(frame)
    assert keyframe is not None
    return read_picture(desk.project.path_of(keyframe.path))


def plate(frame: int) -> np.ndarray:
    with ClipReader(SOURCE) as clip:
        return next(clip.frames(frame, frame)).rgb()


def test_one_for_a_desk(sample_desk: Desk, keyframing: Keyframing) -> None:
    assert keyframing_of(sample_desk) is keyframing


def test_a_program_paints_the_plate_and_each_save_is_one_step(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, tmp_path: Path, said: list[Notice]
) -> None:
    program = tmp_path / "paint.py"
    program.write_text(EDITOR)
    sample_desk.preferences.image_editor = shlex.join([sys.executable, str(program)])
    with qtbot.waitSignal(keyframing.picked_up, timeout=20_000) as got:
        keyframing.edit(7)
    assert got.args == [7]
    assert frames_of(sample_desk) == [0, 7]
    painted, expected = picture_of(sample_desk, 7), plate(7)
    assert (painted[40:60, 40:60] == 0).all()
    expected[40:60, 40:60] = 0
    # The plate went out as 16 bits and nothing else has changed.
    assert np.abs(painted - expected).max() <= 0.5 / 65535 + 1e-6
    assert sample_desk.project.undo_name.startswith("Keyframe 7 from ")
    assert keyframing.painting == {7}
    untouched = next((sample_desk.project.workspace / "keyframes").rglob("frame-0007.plate.png"))
    assert np.abs(read_picture(untouched) - plate(7)).max() <= 0.5 / 65535 + 1e-6

    # Saved again by hand, twice: steps of their own, and undo brings every version back.
    work = untouched.with_name("frame-0007.png")
    versions = []
    for value in (20, 200):
        with qtbot.waitSignal(keyframing.picked_up, timeout=20_000):
            cv2.imwrite(str(work), np.full((360, 640, 3), value, np.uint8))
        versions.append(picture_of(sample_desk, 7))
    assert [round(float(each.mean() * 255)) for each in versions] == [20, 200]
    sample_desk.project.undo()
    assert np.array_equal(picture_of(sample_desk, 7), versions[0])
    sample_desk.project.undo()
    assert np.array_equal(picture_of(sample_desk, 7), painted)
    sample_desk.project.undo()
    assert frames_of(sample_desk) == [0]
    assert [(notice.severity, notice.text) for notice in said] == [
        (
            "note",
            "Frame 7 opens in python: save over frame-0007.png or export to it, and what you painted comes back here.",
        )
    ]


def test_a_keyframe_that_is_there_is_painted_on(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, tmp_path: Path
) -> None:
    program = tmp_path / "paint.py"
    program.write_text(EDITOR)
    sample_desk.preferences.image_editor = shlex.join([sys.executable, str(program)])
    with qtbot.waitSignal(keyframing.picked_up, timeout=20_000):
        keyframing.edit(0)
    expected = read_picture(KEYFRAME)
    expected[40:60, 40:60] = 0
    assert np.array_equal(picture_of(sample_desk, 0), expected)
    sample_desk.project.undo()
    assert np.array_equal(picture_of(sample_desk, 0), read_picture(KEYFRAME))


def test_layers_saved_beside_the_picture_are_opened_next_time(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, tmp_path: Path
) -> None:
    opened = tmp_path / "opened.txt"
    program = tmp_path / "note.py"
    program.write_text(f"import sys, pathlib; pathlib.Path({str(opened)!r}).write_text(sys.argv[-1])")
    sample_desk.preferences.image_editor = shlex.join([sys.executable, str(program)])
    keyframing.edit(3)
    qtbot.waitUntil(opened.exists, timeout=20_000)
    qtbot.waitUntil(lambda: opened.read_text().endswith("frame-0003.png"))
    layered = Path(opened.read_text()).with_suffix(".xcf")
    layered.write_bytes(b"gimp xcf v011")
    keyframing.stop_painting(3)
    keyframing.edit(3)
    qtbot.waitUntil(lambda: opened.read_text() == str(layered), timeout=20_000)


def test_a_program_that_is_not_there_is_said(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, said: list[Notice]
) -> None:
    sample_desk.preferences.image_editor = "/nowhere/gimp"
    keyframing.edit(2)
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert said[0].severity == "error"
    assert said[0].text == "GIMP cannot be started (No such file or directory): choose another image editor."


@pytest.mark.parametrize("name", ["painted.png", "painted.jpg", "painted.tif"])
def test_a_file_becomes_the_keyframe_of_its_frame(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, picture: Callable[..., Path], name: str
) -> None:
    path = picture(name)
    with qtbot.waitSignal(keyframing.picked_up, timeout=20_000):
        keyframing.take_file(9, path)
    assert frames_of(sample_desk) == [0, 9]
    assert np.array_equal(picture_of(sample_desk, 9), read_picture(path))
    assert sample_desk.project.undo_name == f"Keyframe 9 from {name}"
    # The project's own copy: the file may go.
    path.unlink()
    assert picture_of(sample_desk, 9).shape == (360, 640, 3)


def test_the_same_shape_is_scaled_only_when_that_is_wanted(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, picture: Callable[..., Path], said: list[Notice]
) -> None:
    keyframing.take_file(9, picture("half.png", (320, 180)))
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert said[0].text == (
        "The picture is 320x180 but the clip is 640x360, of the same shape: "
        "it can be scaled, which costs some sharpness."
    )
    assert said[0].action == "Scale to fit"
    assert frames_of(sample_desk) == [0]
    assert said[0].do is not None
    with qtbot.waitSignal(keyframing.picked_up, timeout=20_000):
        said[0].do()
    assert frames_of(sample_desk) == [0, 9]
    assert sample_desk.project.document.choices.care.fit
    # One step, the keyframe and the leave to scale it.
    sample_desk.project.undo()
    assert frames_of(sample_desk) == [0]
    assert not sample_desk.project.document.choices.care.fit


def test_another_shape_is_refused_with_the_reason(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, picture: Callable[..., Path], said: list[Notice]
) -> None:
    keyframing.take_file(9, picture("square.png", (360, 360)))
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert said[0].text == (
        "The picture of keyframe 9 is 360x360 but the clip is 640x360, which is another shape: "
        "export it in that size, uncropped."
    )
    assert (said[0].severity, frames_of(sample_desk)) == ("error", [0])


def test_what_is_no_picture_is_said(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, tmp_path: Path, said: list[Notice]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(KEYFRAME.read_bytes()[:5000])
    keyframing.take_file(4, broken)
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert said[0].severity == "error"
    assert "broken.png" in said[0].text
    assert frames_of(sample_desk) == [0]


def test_the_clipboard_and_drops(
    qtbot: QtBot, sample_desk: Desk, keyframing: Keyframing, picture: Callable[..., Path], said: list[Notice]
) -> None:
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    clipboard.setText("no picture")
    paste(sample_desk, 5)
    assert said[0].text == "The clipboard holds no picture: copy one in your image editor first."
    clipboard.setImage(QImage(str(KEYFRAME)))
    with qtbot.waitSignal(keyframing.picked_up, timeout=20_000):
        paste(sample_desk, 5)
    assert np.array_equal(picture_of(sample_desk, 5), read_picture(KEYFRAME))
    assert sample_desk.project.undo_name == "Keyframe 5 from the clipboard"

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(picture("dropped.png")))])
    with qtbot.waitSignal(keyframing.picked_up, timeout=20_000):
        assert take_dropped(sample_desk, data, 6)
    assert frames_of(sample_desk) == [0, 5, 6]
    data.setUrls([QUrl.fromLocalFile("/shots/clip.mov")])
    assert not take_dropped(sample_desk, data, 7)


def test_moving_warns_and_can_be_taken_back(sample_desk: Desk, keyframing: Keyframing, said: list[Notice]) -> None:
    keyframing.move(0, 8)
    assert frames_of(sample_desk) == [8]
    assert said[0].severity == "warning"
    assert said[0].text.startswith("The picture painted on frame 0 now stands for frame 8")
    assert said[0].do is not None
    said[0].do()
    assert frames_of(sample_desk) == [0]
    keyframing.move(0, 0)
    keyframing.move(3, 4)
    assert len(said) == 1


def test_removing_is_one_step(sample_desk: Desk, keyframing: Keyframing) -> None:
    keyframing.remove(0)
    assert frames_of(sample_desk) == []
    assert sample_desk.project.undo_name == "Remove keyframe 0"
    sample_desk.project.undo()
    assert frames_of(sample_desk) == [0]


def test_a_frame_can_be_exported_anywhere(
    qtbot: QtBot, keyframing: Keyframing, tmp_path: Path, said: list[Notice]
) -> None:
    keyframing.export(11, tmp_path / "eleven.tif")
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert np.abs(read_picture(tmp_path / "eleven.tif") - plate(11)).max() <= 0.5 / 65535 + 1e-6


def test_editors_are_found_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("krita", "gimp-2.10", "vlc"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    apart = tmp_path / "Programs of mine" / "Affinity Photo 2.exe"
    apart.parent.mkdir()
    apart.touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = {editor.name: editor.command for editor in found_editors([f"{tmp_path}/Programs*/*.exe"])}
    assert set(found) == {"GIMP", "Krita", "Affinity"}
    assert shlex.split(found["Affinity"]) == [str(apart)]
    assert [editor_name(command) for command in found.values()] == list(found)
    assert editor_name(os.fspath(apart)) == "Affinity"
    assert [titled(editor_name(command)) for command in ("", "/usr/bin/gimp", "krita", "paint")] == [
        "Image Editor", "GIMP", "Krita", "Paint",
    ]  # fmt: skip
    assert editor_name("/opt/other/paint --new") == "paint"
