# SPDX-License-Identifier: GPL-3.0-or-later
"""The pane: cards with findings and remedies, advice, takes that are corrected, and the comparison on the canvas."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from maskedit.demo import KEYFRAME
from maskedit.media import read_picture
from plugin_client.core.job import JobState
from plugin_client.core.requests import Picture
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.keyframes.actions import actions_of
from plugin_client.panel.keyframes.fixing import fixing_of
from plugin_client.panel.keyframes.inspecting import looked_at
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.keyframes.pane import KeyframesPane
from plugin_client.panel.mattes.scene import Scene
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import KeyframePicture
from plugin_client.panel.model.notices import Notice
from plugin_client.panel.model.takes import Take
from plugin_client.panel.viewer.canvas import Canvas

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def canvas(qtbot: QtBot, sample_desk: Desk) -> Iterator[Canvas]:
    made = Canvas(sample_desk)
    made.resize(640, 400)
    qtbot.addWidget(made)
    made.show()
    yield made


@pytest.fixture
def pane(qtbot: QtBot, sample_desk: Desk, canvas: Canvas) -> Iterator[KeyframesPane]:
    made = KeyframesPane(sample_desk, canvas)
    made.resize(320, 700)
    qtbot.addWidget(made)
    made.show()
    yield made


@pytest.fixture
def shifted(tmp_path: Path) -> Path:
    """The sample's keyframe, moved by 5 px and with a red disc far outside the matte."""
    picture = cv2.warpAffine(
        cv2.imread(str(KEYFRAME)),
        np.array([[1, 0, 5], [0, 1, 3]], np.float32),
        (640, 360),
        borderMode=cv2.BORDER_REPLICATE,
    )
    cv2.circle(picture, (560, 300), 40, (0, 0, 255), -1)
    path = tmp_path / "shifted.png"
    cv2.imwrite(str(path), picture)
    return path


def set_keyframe(desk: Desk, frame: int, path: Path) -> None:
    document = desk.project.document.with_keyframe(KeyframePicture(frame=frame, path=str(path)))
    desk.project.change("Keyframe", document)


def texts(pane: KeyframesPane) -> str:
    return "\n".join(label.text() for label in pane.findChildren(QLabel) if label.isVisible())


def button(pane: KeyframesPane, text: str) -> QPushButton:
    (found,) = [each for each in pane.findChildren(QPushButton) if each.text() == text]
    return found


def test_a_card_for_each_keyframe_in_their_order(
    qtbot: QtBot, sample_desk: Desk, pane: KeyframesPane, shifted: Path
) -> None:
    first = pane.cards[0]
    set_keyframe(sample_desk, 12, shifted)
    set_keyframe(sample_desk, 6, shifted)
    assert [card.keyframe.frame for card in pane.cards] == [0, 6, 12]
    assert pane.cards[0] is first, "cards that stay are not made anew"
    qtbot.mouseClick(pane.cards[2], LEFT, pos=QPoint(40, 12))
    assert sample_desk.playhead.frame == 12
    pane.cards[2].remove.emit(12)
    assert [card.keyframe.frame for card in pane.cards] == [0, 6]
    sample_desk.project.undo()
    assert [card.keyframe.frame for card in pane.cards] == [0, 6, 12]


def test_findings_and_their_remedies(qtbot: QtBot, sample_desk: Desk, pane: KeyframesPane, shifted: Path) -> None:
    inspection = keyframing_of(sample_desk).inspection
    qtbot.waitUntil(lambda: inspection.on(0) == (), timeout=20_000)
    set_keyframe(sample_desk, 0, shifted)
    qtbot.waitUntil(lambda: bool(inspection.on(0)), timeout=20_000)
    qtbot.waitUntil(lambda: "does not lie on its plate" in texts(pane), timeout=20_000)
    words = texts(pane)
    assert "was changed outside the matte as well" in words
    assert "--" not in words
    qtbot.mouseClick(button(pane, "Take these changes too"), LEFT)
    assert sample_desk.project.document.choices.care.take_changes
    assert sample_desk.project.undo_name == "Take these changes too"
    qtbot.waitUntil(lambda: len(inspection.on(0) or ()) == 1 and "will not show" not in texts(pane), timeout=20_000)
    qtbot.mouseClick(button(pane, "Leave keyframes as given"), LEFT)
    assert not sample_desk.project.document.choices.care.register


def test_what_is_found_is_what_a_run_finds(sample_desk: Desk, shifted: Path) -> None:
    document, facts = sample_desk.project.document, sample_desk.project.facts
    assert facts is not None
    scene = Scene(document, facts, facts, sample_desk.project.workspace)
    assert looked_at(document.keyframes[0], scene) == []
    found = looked_at(KeyframePicture(frame=0, path=str(shifted)), scene)
    assert [finding.flag for finding in found] == ["--keyframes-as-given", "--take-changes"]
    assert "+5.0" in found[0].what or "+4.9" in found[0].what


def test_a_picture_that_needs_scaling_offers_it(
    qtbot: QtBot, sample_desk: Desk, pane: KeyframesPane, tmp_path: Path
) -> None:
    half = tmp_path / "half.png"
    cv2.imwrite(str(half), cv2.resize(cv2.imread(str(KEYFRAME)), (320, 180)))
    set_keyframe(sample_desk, 0, half)
    inspection = keyframing_of(sample_desk).inspection
    qtbot.waitUntil(lambda: bool(inspection.on(0)), timeout=20_000)
    assert [observed.severity for observed in inspection.on(0) or ()] == ["error"]
    qtbot.mouseClick(button(pane, "Scale keyframes to the clip"), LEFT)
    assert sample_desk.project.document.choices.care.fit
    qtbot.waitUntil(lambda: "is scaled to 640x360" in texts(pane), timeout=20_000)


def test_the_advice_is_shown_and_painted(qtbot: QtBot, sample_desk: Desk, pane: KeyframesPane, tmp_path: Path) -> None:
    opened = tmp_path / "opened.txt"
    program = tmp_path / "note.py"
    program.write_text(f"import sys, pathlib; pathlib.Path({str(opened)!r}).write_text(sys.argv[-1])")
    sample_desk.preferences.image_editor = shlex.join([sys.executable, str(program)])
    sample_desk.project.change("In and out", replace(sample_desk.project.document, frames=FrameRange(0, 11)))
    qtbot.waitUntil(lambda: sample_desk.draft.state == "ready", timeout=28_000)
    assert sample_desk.draft.doubts is not None
    best = sample_desk.draft.doubts.next_keyframe
    assert f"Painting frame {best} would help most" in texts(pane)
    assert "ready, press play" in texts(pane)
    qtbot.mouseClick(button(pane, f"Paint Frame {best}"), LEFT)
    assert sample_desk.playhead.frame == best
    qtbot.waitUntil(lambda: opened.exists() and opened.read_text().endswith(f"frame-{best:04d}.png"), timeout=20_000)


def test_the_draft_says_why_it_waits(qtbot: QtBot, sample_desk: Desk, pane: KeyframesPane) -> None:
    sample_desk.project.change("None", replace(sample_desk.project.document, keyframes=()))
    qtbot.waitUntil(lambda: "Live draft: paint a keyframe." in texts(pane), timeout=20_000)
    assert "A keyframe shows what the region shall look like" in texts(pane)


def test_actions_go_from_keyframe_to_keyframe(sample_desk: Desk, pane: KeyframesPane, shifted: Path) -> None:
    actions = actions_of(sample_desk)
    for frame in (8, 20):
        set_keyframe(sample_desk, frame, shifted)
    places = []
    while actions.next.isEnabled():
        actions.next.trigger()
        places.append(sample_desk.playhead.frame)
    while actions.previous.isEnabled():
        actions.previous.trigger()
        places.append(sample_desk.playhead.frame)
    assert places == [8, 20, 8, 0]
    assert actions.remove.isEnabled()
    sample_desk.playhead.seek(1)
    assert not actions.remove.isEnabled()


def test_every_action_has_words_and_no_two_a_shortcut(pane: KeyframesPane) -> None:
    named = [action for action in pane.actions() if action.text()]
    assert len(named) == len(pane.actions())
    keys = [action.shortcut().toString() for action in named if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys)) >= 10


def test_wiping_and_holding_on_the_canvas(
    qtbot: QtBot, sample_desk: Desk, canvas: Canvas, pane: KeyframesPane, tmp_path: Path
) -> None:
    red = tmp_path / "red.png"
    cv2.imwrite(str(red), np.full((360, 640, 3), (0, 0, 255), np.uint8))
    set_keyframe(sample_desk, 0, red)
    pane.compare.setChecked(True)
    view = canvas.view

    def shown(share: float) -> bool:
        """Whether that place of the picture is the painted red."""
        at = view.rect.topLeft() + QPointF(view.rect.width() * share, view.rect.height() / 2)
        colour = canvas.grab().toImage().pixelColor(at.toPoint())
        return colour.red() > 240 and colour.green() < 15

    qtbot.mouseMove(canvas, (view.rect.topLeft() + QPointF(view.rect.width() / 2, 50)).toPoint())
    qtbot.waitUntil(lambda: shown(0.75), timeout=20_000)
    assert not shown(0.25)
    middle = view.rect.center().toPoint()
    qtbot.mousePress(canvas, LEFT, pos=middle)
    assert not shown(0.75)
    qtbot.mouseRelease(canvas, LEFT, pos=middle)
    assert shown(0.75)
    sample_desk.playhead.seek(4)
    assert not shown(0.75)
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.tool is None
    assert not pane.compare.isChecked()


# A take's frame in the image editor, and back.


@pytest.fixture
def take(sample_desk: Desk) -> Take:
    """A finished take of frames 2 to 24, whose result is the clip itself."""
    document = sample_desk.project.document
    result = "takes/a1/result.mp4"
    place = sample_desk.project.path_of(result)
    place.parent.mkdir(parents=True)
    place.write_bytes(Path(document.clip).read_bytes())
    made = Take(
        job_id="a1", name="Take 1", created="2025-01-01T00:00:00+00:00", document=document,
        state=JobState.SUCCEEDED, result=result,
    )  # fmt: skip
    sample_desk.takes.add(made)
    sample_desk.takes.choose("a1")
    return made


def test_a_bad_frame_is_painted_and_rendered_in_two_clicks(
    qtbot: QtBot, sample_desk: Desk, pane: KeyframesPane, take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "paint.py"
    program.write_text(
        "import sys, cv2\npath = sys.argv[-1]\npicture = cv2.imread(path, -1)\npicture[:9, :9] = 0\n"
        "cv2.imwrite(path, picture)\n"
    )
    sample_desk.preferences.image_editor = shlex.join([sys.executable, str(program)])
    said: list[Notice] = []
    sample_desk.notices.said.connect(said.append)
    sample_desk.playhead.seek(5)
    fix = actions_of(sample_desk).fix
    assert fix.isEnabled()
    qtbot.mouseClick(button(pane, "Fix in Python"), LEFT)
    qtbot.waitUntil(lambda: len(said) == 2, timeout=20_000)
    told = said[1]
    assert told.action == "Render the fix"
    assert "Corrected and not rendered yet: 5" in texts(pane)
    sent: list[tuple[Take, list[Picture]]] = []
    monkeypatch.setattr(sample_desk.runs, "fix", lambda take, pictures: sent.append((take, pictures)))
    assert told.do is not None
    told.do()
    ((sent_take, (picture,)),) = sent
    assert (sent_take.job_id, picture.frame) == ("a1", 5)
    painted = read_picture(sample_desk.project.path_of(picture.path))
    assert (painted[:9, :9] == 0).all()
    assert painted.shape == (360, 640, 3)
    assert fixing_of(sample_desk).corrected(take) == ()
    assert sample_desk.project.document.keyframe_at(5) is None, "the project's own keyframes are as before"


def test_a_takes_frame_as_a_keyframe(qtbot: QtBot, sample_desk: Desk, pane: KeyframesPane, take: Take) -> None:
    sample_desk.playhead.seek(9)
    with qtbot.waitSignal(keyframing_of(sample_desk).picked_up, timeout=20_000):
        qtbot.mouseClick(button(pane, "Use as Keyframe"), LEFT)
    assert sample_desk.project.undo_name == "Keyframe 9 from Take 1"
    keyframe = sample_desk.project.document.keyframe_at(9)
    assert keyframe is not None
    shown = sample_desk.footage.open(sample_desk.project.document.clip).exact(9)
    assert np.abs(read_picture(sample_desk.project.path_of(keyframe.path)) * 255 - shown).max() < 2.5


def test_frames_that_a_take_does_not_cover_cannot_be_fixed(sample_desk: Desk, pane: KeyframesPane, take: Take) -> None:
    sample_desk.takes.update("a1", document=replace(take.document, frames=FrameRange(3, 8)))
    actions = actions_of(sample_desk)
    enabled = []
    for frame in (2, 3, 8, 9):
        sample_desk.playhead.seek(frame)
        enabled.append(actions.fix.isEnabled())
    assert enabled == [False, True, True, False]
    sample_desk.takes.choose("")
    assert not actions.fix.isEnabled()
