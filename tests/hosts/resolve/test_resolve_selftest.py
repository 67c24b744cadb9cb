# SPDX-License-Identifier: GPL-3.0-or-later
"""The self-test, as whoever owns Resolve would run it: it says what is well, finds what is not, and leaves nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from plugin_client.core.errors import BadInput
from plugin_client.panel.hosting.selftesting import REPORT, WIRE, grey_of, run_selftest
from plugin_client.resolve import agent, installing
from plugin_client.resolve.agent import Lending
from plugin_client.resolve.recording import replayed
from plugin_client.resolve.rendering import Patience
from plugin_client.resolve.selftest import FRAMES, selftest, write_greys
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.snapshot import snapshot

QUICK = Patience(poll_s=0.01, stall_s=5, stop_s=1)


@pytest.fixture(params=[("18.5", "free"), ("20.3", "free"), ("21.0.4", "studio")])
def fake(request) -> FakeResolve:
    """A Resolve with a project of the user's open."""
    version, edition = request.param
    made = FakeResolve(version=version, edition=edition)
    made.scriptapp("Resolve").GetProjectManager().CreateProject("Night shoot")
    return made


def run(fake: FakeResolve, folder: Path) -> tuple[bool, list[str]]:
    said: list[str] = []
    good = selftest(fake.scriptapp("Resolve"), folder, say=said.append, grey=grey_of, patience=QUICK)
    return good, said


def test_all_is_well_and_everything_is_as_it_was(fake, tmp_path):
    before = snapshot(fake)
    good, said = run(fake, tmp_path / "media")
    assert good, said
    assert "All went as it should." in said and sum(line.startswith("good ") for line in said) >= 14
    assert snapshot(fake) == before and [file.name for file in fake.projects] == ["Untitled Project", "Night shoot"]
    assert not (tmp_path / "media").exists() and fake.misuses == [] and fake.modal == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("MediaPool.ImportMedia", "does not import a sequence"),
        ("Timeline.GetCurrentVideoItem", "No video clip is selected"),
        ("Project.AddRenderJob", "adds nothing to its render queue"),
        ("Timeline.AddTrack", "adds no video track"),
    ],
)
def test_a_step_that_fails_is_said_and_the_project_is_gone_all_the_same(fake, tmp_path, call, words):
    if call == "Timeline.GetCurrentVideoItem" and fake.version == "21.0.4":
        fake.fail("Timeline.GetSelectedClips")
    before = snapshot(fake)
    fake.fail(call)
    good, said = run(fake, tmp_path / "media")
    assert not good and any(line.startswith("FAILED") and words in line for line in said), said
    assert snapshot(fake) == before and len(fake.projects) == 2


def test_a_picture_of_another_frame_is_found(fake, tmp_path):
    said: list[str] = []
    one_late = {"say": said.append, "grey": lambda media, frame: grey_of(media, frame) + 4, "patience": QUICK}
    assert not selftest(fake.scriptapp("Resolve"), tmp_path / "media", **one_late)
    assert any("its first frame shows frame 11.0 of the clip, and not 10" in line for line in said), said


def test_a_project_without_a_name_is_not_closed(tmp_path):
    fake = FakeResolve()
    project = fake.scriptapp("Resolve").GetProjectManager().GetCurrentProject()
    project.GetMediaPool().CreateEmptyTimeline("Mine")
    with pytest.raises(BadInput, match="has no name yet: save it"):
        run(fake, tmp_path / "media")
    assert fake.project.name == "Untitled Project" and len(fake.projects) == 1


def test_its_clip_is_numbered(tmp_path):
    pattern = write_greys(tmp_path)
    assert [round(grey_of(pattern, frame)) for frame in (0, 1, FRAMES - 1)] == [20, 24, 20 + 4 * (FRAMES - 1)]


def test_report_and_recording_lie_in_the_data_folder_and_the_recording_can_be_played(fake, tmp_path, monkeypatch):
    lending = Lending(fake.scriptapp("Resolve"))
    serving = threading.Thread(target=lending.serve, args=(lambda: True,), daemon=True)
    serving.start()
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(agent.ADDRESS, lending.address)
    monkeypatch.setenv(agent.TOKEN, lending.token)
    shown: list[str] = []
    assert run_selftest(show=shown.append) == 0
    serving.join(10)
    (folder,) = (tmp_path / "resolve").iterdir()
    assert "All went as it should." in (folder / REPORT).read_text() and shown == [(folder / REPORT).as_uri()]
    assert replayed(folder / WIRE).GetProductName() == fake.scriptapp("Resolve").GetProductName()


def test_its_menu_entry_comes_on_request_and_goes_with_the_others(tmp_path):
    names = {path.stem for path in installing.install(tmp_path, command=["maskedit"])}
    assert "MaskEdit - Self-test" not in names
    names = {path.stem for path in installing.install(tmp_path, command=["maskedit"], with_selftest=True)}
    assert "MaskEdit - Self-test" in names
    assert len(installing.status(tmp_path, command=["maskedit"])) == 3
    assert len(installing.uninstall(tmp_path)) == 3 and not list(tmp_path.iterdir())
