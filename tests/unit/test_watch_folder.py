# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch folder on the disk: whole files only, one watcher each, and every request ends somewhere exactly once."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plugin_client.cli import watch_folder
from plugin_client.cli.watch_folder import Claim, WatchFolder
from plugin_client.core.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "edits"
    folder.mkdir()
    return folder


def opened(folder: Path, watcher: str = "one") -> WatchFolder:
    return WatchFolder(folder, watcher=watcher, notes=folder.parent / "notes" / watcher)


def drop(folder: Path, name: str, text: str = "{}") -> Path:
    (folder / name).write_text(text)
    return folder / name


def take(watched: WatchFolder) -> Claim:
    """The first request that is ready, claimed."""
    watched.arrived()
    claim = watched.claim(watched.arrived()[0])
    assert claim is not None
    return claim


def test_a_request_is_taken_when_it_has_stopped_growing(folder: Path):
    watched = opened(folder)
    file = drop(folder, "shot.edit.json", "{")
    assert watched.arrived() == []
    file.write_text("{}")
    assert watched.arrived() == []
    assert watched.arrived() == [file]
    os.utime(file, ns=(1, 1))
    assert watched.arrived() == []
    assert watched.arrived() == [file]


def test_only_requests_are_taken_the_oldest_first(folder: Path):
    watched = opened(folder)
    for name in (".a.edit.json", "~a.edit.json", "a.edit.json.part", "a.txt", "a.maskedit.json", "empty.edit.json"):
        drop(folder, name, "" if name.startswith("empty") else "{}")
    (folder / "folder.edit.json").mkdir()
    new, old = drop(folder, "b.edit.yml"), drop(folder, "c.edit.json")
    os.utime(old, (1, 1))
    watched.arrived()
    assert watched.arrived() == [old, new]


def test_of_two_watchers_one_gets_it(folder: Path):
    watchers = [opened(folder, f"watcher-{number}") for number in range(4)]
    names = [drop(folder, f"{number}.edit.json") for number in range(20)]
    got: list[str] = []

    def claim_all(watched: WatchFolder) -> None:
        got.extend(claim.name for path in names if (claim := watched.claim(path)) is not None)

    threads = [threading.Thread(target=claim_all, args=(watched,)) for watched in watchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(str(number) for number in range(20))
    assert sum(len(watched.left()) for watched in watchers) == 20


def test_a_name_that_is_worked_on_waits_for_its_turn(folder: Path):
    watched = opened(folder)
    claim = take_dropped(watched, "shot.edit.json")
    again = drop(folder, "shot.edit.yaml")
    assert watched.claim(again) is None and again.exists()
    claim.end({})
    assert watched.claim(again) is not None


def take_dropped(watched: WatchFolder, name: str, text: str = "{}") -> Claim:
    drop(watched.folder, name, text)
    return take(watched)


def test_an_end_leaves_the_request_a_report_and_the_sentence_of_a_failure(folder: Path):
    watched = opened(folder)
    report = take_dropped(watched, "shot.edit.json").end({"result": "x.mkv"})
    assert report == {"result": "x.mkv"} == json.loads((folder / "done" / "shot.report.json").read_text())
    for number in ("", "-2", "-3"):
        take_dropped(watched, "shot.edit.yaml").end({"result": None}, sentence="No: drop another.")
        assert json.loads((folder / "failed" / f"shot{number}.report.json").read_text()) == {"result": None}
        assert (folder / "failed" / f"shot{number}.error.txt").read_text() == "No: drop another.\n"
        assert (folder / "failed" / f"shot{number}.edit.yaml").exists()
    assert watched.left() == [] and not list((folder.parent / "notes" / "one").iterdir())
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["shot.edit.json", "shot.report.json"]


def test_what_was_begun_is_known_after_a_restart_and_a_new_drop_is_a_new_order(folder: Path):
    claim = take_dropped(opened(folder), "shot.edit.json")
    claim.note(job_id="j1")
    (left,) = opened(folder).left()
    assert (left.key, left.job_id) == (claim.key, "j1")
    assert opened(folder, "other").left() == []
    left.end({})
    assert take_dropped(opened(folder), "shot.edit.json").key != claim.key


def test_an_end_that_was_begun_is_said_as_it_was_first(folder: Path, monkeypatch):
    claim = take_dropped(opened(folder), "shot.edit.json")
    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(os, "rename", lambda *_: (_ for _ in ()).throw(OSError("the share is away")))
        claim.end({"result": "x.mkv"})
    (left,) = opened(folder).left()
    assert left.has_ended and left.end({"result": None}, sentence="No.") == {"result": "x.mkv"}
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["shot.edit.json", "shot.report.json"]
    assert not list((folder / "failed").iterdir())


def test_nothing_is_written_through_a_link_laid_in_its_way(folder: Path, tmp_path: Path):
    claim = take_dropped(opened(folder), "shot.edit.json")
    (tmp_path / "mine").write_text("mine")
    (folder / "done" / ".shot.report.json.part").symlink_to(tmp_path / "mine")
    claim.end({})
    assert (tmp_path / "mine").read_text() == "mine"


def test_damaged_notes_are_as_none(folder: Path):
    take_dropped(opened(folder), "shot.edit.json")
    (folder.parent / "notes" / "one" / "shot.json").write_text("{")
    (left,) = opened(folder).left()
    assert left.key and left.job_id == ""


@pytest.mark.parametrize("name", ["running", "running/one", "done", "failed"])
def test_a_link_in_place_of_its_folders_is_refused(folder: Path, tmp_path: Path, name: str):
    (tmp_path / "elsewhere").mkdir()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=r"is a link, and may lead anywhere"):
        opened(folder)


class _Killed(BaseException):
    """Stands for the end of the process between two steps on the disk."""


class Crashes(RuleBasedStateMachine):
    """Watchers that die at any step: every drop ends once, and is ordered under one key."""

    def __init__(self) -> None:
        super().__init__()
        from tempfile import TemporaryDirectory

        self.home = TemporaryDirectory()
        self.folder = Path(self.home.name) / "edits"
        self.folder.mkdir()
        self.watched = opened(self.folder)
        self.dropped = 0
        self.ordered: dict[str, set[str]] = {}

    def teardown(self) -> None:
        self.home.cleanup()

    @rule(name=st.sampled_from("ab"))
    def drop(self, name: str) -> None:
        path = self.folder / f"{name}.edit.json"
        if not path.exists():
            self.dropped += 1
            path.write_text(str(self.dropped))

    @rule(survives=st.integers(0, 6))
    def work(self, survives: int) -> None:
        """One look, whose process lives for so many steps on the disk."""
        steps = iter(range(survives))
        before = {name: getattr(os, name) for name in ("rename", "replace", "unlink")}

        def mortal(name: str):
            def act(*paths: object, **how: object) -> None:
                if next(steps, None) is None:
                    raise _Killed
                before[name](*paths, **how)

            return act

        with pytest.MonkeyPatch.context() as patch, suppress(_Killed):
            for name in before:
                patch.setattr(watch_folder.os, name, mortal(name))
            self.look()

    def look(self) -> None:
        for claim in self.watched.left():
            self.carry_out(claim)
        self.watched.arrived()
        for path in self.watched.arrived():
            if (claim := self.watched.claim(path)) is not None:
                self.carry_out(claim)

    def carry_out(self, claim: Claim) -> None:
        content = claim.request.read_text()
        if not claim.job_id:
            self.ordered.setdefault(content, set()).add(claim.key)
            claim.note(job_id=claim.key)
        claim.end({"content": content, "key": claim.key})

    @rule()
    def restart(self) -> None:
        self.watched = opened(self.folder)

    @precondition(lambda self: self.dropped)
    @rule()
    def settle(self) -> None:
        self.restart()
        self.look()
        self.look()
        ended = [json.loads(path.read_text() or "{}") for path in (self.folder / "done").glob("*.report.json")]
        told = [each["content"] for each in ended if each]
        assert sorted(told) == sorted(str(number + 1) for number in range(self.dropped))
        assert len(list((self.folder / "done").glob("*.edit.json"))) == self.dropped
        assert not list((self.folder / "running" / "one").iterdir())

    @invariant()
    def every_drop_has_one_order(self) -> None:
        assert all(len(keys) == 1 for keys in self.ordered.values())


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)
