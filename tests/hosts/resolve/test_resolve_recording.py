# SPDX-License-Identifier: GPL-3.0-or-later
"""What Resolve said once is said again, call for call, and another course is noticed."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from plugin_client.core.errors import BadInput
from plugin_client.resolve.agent import Lending
from plugin_client.resolve.recording import Recorder, Replay, replayed
from plugin_client.resolve.remote import Remote, Wire


class Timeline:
    def GetName(self) -> str:
        return "Cut 3"

    def GetItems(self) -> None:
        return None


class Resolve:
    def __init__(self) -> None:
        self.timeline = Timeline()

    def GetCurrentTimeline(self) -> Timeline:
        return self.timeline

    def GetMarkers(self) -> dict:
        return {96.0: {"color": "Blue"}}

    def Rename(self, timeline: Timeline, name: str) -> bool:
        return timeline is self.timeline and bool(name)


def conversation(resolve: Remote) -> list[object]:
    """What a script would ask, and what it hears."""
    timeline = resolve.GetCurrentTimeline()
    return [
        timeline.GetName(),
        timeline.GetItems(),
        resolve.GetMarkers(),
        resolve.Rename(timeline, "é"),
        "GetItems" in dir(timeline),
        "GetSelectedClips" in dir(timeline),
        resolve.NotThere(),
    ]


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, list[object]]:
    """A conversation as it was held, and what was heard."""
    lending = Lending(Resolve())
    serving = threading.Thread(target=lending.serve, args=(lambda: True,), daemon=True)
    serving.start()
    path = tmp_path / "said.jsonl"
    with Recorder(path) as recorder:
        wire = Wire(lending.address, lending.token, on_call=recorder.note)
        heard = conversation(Remote(wire, 0))
        wire.close()
    serving.join(10)
    return path, heard


def test_the_same_conversation_hears_the_same(recording):
    path, heard = recording
    assert heard == ["Cut 3", None, {96.0: {"color": "Blue"}}, True, True, False, None]
    replay = Replay(path)
    assert conversation(Remote(replay, 0)) == heard
    assert replay.is_over


def test_another_course_is_noticed_with_its_line(recording):
    path, _ = recording
    resolve = replayed(path)
    resolve.GetCurrentTimeline()
    with pytest.raises(BadInput, match=r"Line 2 of the recording is GetName.*GetMarkers"):
        resolve.GetMarkers()


def test_the_end_is_noticed(recording):
    path, _ = recording
    resolve = replayed(path)
    conversation(resolve)
    with pytest.raises(BadInput, match="over"):
        resolve.GetMarkers()


def test_a_recording_holds_no_token_and_no_counting(recording):
    path, _ = recording
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {key for line in lines for key in line} == {"on", "call", "with", "value", "missing"}
    assert "token" not in path.read_text()


def test_what_is_no_recording_is_refused(tmp_path):
    (tmp_path / "x").write_text("no json")
    with pytest.raises(BadInput, match="no recording"):
        replayed(tmp_path / "x")
    with pytest.raises(BadInput, match="cannot be written"):
        Recorder(tmp_path / "not" / "there")
