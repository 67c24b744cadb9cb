# SPDX-License-Identifier: GPL-3.0-or-later
"""The document and its history: any sequence of changes, undone and redone, against a plain list."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plugin_client.panel.model.document import Choices, Document, KeyframePicture
from plugin_client.panel.model.history import History


def called(prompt: str) -> Document:
    return Document(choices=Choices(prompt=prompt))


@given(st.lists(st.sampled_from(["change", "undo", "redo"]), max_size=40))
def test_undo_and_redo_walk_through_what_was_current(actions: list[str]) -> None:
    history, twin, at = History(called("0")), [called("0")], 0
    for number, action in enumerate(actions, start=1):
        if action == "change":
            twin = [*twin[: at + 1], called(str(number))]
            at = len(twin) - 1
            assert history.change("Type", called(str(number)))
        elif action == "undo":
            assert history.undo() == (at > 0)
            at = max(0, at - 1)
        else:
            assert history.redo() == (at + 1 < len(twin))
            at = min(len(twin) - 1, at + 1)
        assert history.current == twin[at]
        assert bool(history.undo_name) == (at > 0)
        assert bool(history.redo_name) == (at + 1 < len(twin))


def test_a_drag_is_one_step() -> None:
    history = History(called(""))
    history.change("Set prompt", called("before"))
    for text in ("a", "ab", "abc"):
        history.change("Move point", called(text), merge="drag 1")
    history.settle()
    history.change("Move point", called("next"), merge="drag 1")
    assert history.undo_name == "Move point"
    history.undo()
    assert history.current == called("abc")
    history.undo()
    assert history.current == called("before")


def test_a_merge_does_not_swallow_the_step_that_was_gone_back_to() -> None:
    history = History(called(""))
    history.change("Move", called("a"), merge="drag")
    history.change("Name", called("b"))
    history.undo()
    history.change("Move", called("c"), merge="drag")
    history.undo()
    assert history.current == called("a")


def test_what_changes_nothing_is_no_step() -> None:
    history = History(called(""))
    assert not history.change("Set prompt", called(""))
    assert not history.undo_name


def test_history_is_bounded_and_keeps_the_newest() -> None:
    history = History(called("start"))
    for number in range(1200):
        history.change("Type", called(str(number)))
    undone = 0
    while history.undo():
        undone += 1
    assert undone == 1000
    assert history.current == called("199")


@given(st.lists(st.integers(0, 9), max_size=12))
def test_there_is_one_keyframe_a_frame_in_their_order(frames: list[int]) -> None:
    document = Document()
    for number, frame in enumerate(frames):
        document = document.with_keyframe(KeyframePicture(frame=frame, path=f"{number}.png"))
    assert [each.frame for each in document.keyframes] == sorted(set(frames))
    for frame in set(frames):
        last = len(frames) - 1 - frames[::-1].index(frame)
        found = document.keyframe_at(frame)
        assert found is not None
        assert found.path == f"{last}.png"
        assert document.without_keyframe(frame).keyframe_at(frame) is None


def test_settings_are_kept_until_left_to_the_preset() -> None:
    choices = Choices().with_setting("rank", 32).with_setting("alpha", 4.0).with_finish("grain", 0.0)
    assert choices.settings == (("alpha", 4.0), ("rank", 32))
    assert choices.with_setting("rank", None) == replace(choices, settings=(("alpha", 4.0),))
    assert choices.with_finish("grain", None).finish == ()
