# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents become takes on a real server with the bundled model, through cancels, losses and reopenings."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskedit.mattes.roto import Shape
from maskedit.mattes.roto_keys import Key, Point
from maskedit.media import ClipReader, probe, write_picture
from plugin_client.core.job import JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import Picture
from plugin_client.core.results import delivered
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Choices, Document, KeyframePicture
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.remaking import adapter_of
from plugin_client.panel.running.session import ServerState
from tests.serving import ServerProcess

pytestmark = pytest.mark.timeout(240)
TINY = (("appearance_steps", 1), ("motion_steps", 2), ("render_steps", 1))
WAIT_MS = 100_000


@pytest.fixture
def document(write_clip: Callable[..., Path], tmp_path: Path) -> Document:
    """A square to be painted over on nine frames of noise; the first frame is painted."""
    generator = np.random.default_rng(0)
    frames = np.repeat(generator.integers(40, 200, (1, 64, 64, 3), dtype=np.uint8), 9, axis=0)
    clip, picture = write_clip("plate.mkv", frames), tmp_path / "painted.png"
    write_picture(str(picture), _painted(frames[0]))
    corners = [(16, 16), (48, 16), (48, 48), (16, 48)]
    key = Key(frame=0, points=tuple(Point(co=corner) for corner in corners))
    return Document(
        clip=str(clip),
        shapes=(Shape(name="square", blend="add", keys=(key,)),),
        keyframes=(KeyframePicture(frame=0, path=str(picture)),),
        choices=Choices(preset="draft"),
    )


def _painted(frame: np.ndarray) -> np.ndarray:
    painted = frame.astype(np.float32) / 255
    painted[16:48, 16:48] = (0.8, 0.3, 0.1)
    return painted


@pytest.fixture
def said(desk: Desk) -> list[str]:
    """Everything that the user is told."""
    told: list[str] = []
    desk.notices.said.connect(lambda notice: told.append(notice.text))
    return told


@pytest.fixture
def ready(qtbot, desk: Desk, document: Document, server: ServerProcess, said: list[str]) -> Desk:
    """The document on a desk that is connected to the module's server."""
    desk.preferences.token = server.facts["token"]
    desk.preferences.server = server.facts["address"]
    desk.project.replace(document, probe(document.clip))
    qtbot.waitUntil(lambda: desk.session.connected, timeout=20_000)
    return desk


def tuned(document: Document, **settings: int) -> Document:
    """The document with the model's preset at tiny settings."""
    wanted = dict(TINY) | settings
    return replace(document, choices=Choices(preset="fast", settings=tuple(sorted(wanted.items()))))


def newest(desk: Desk) -> Take:
    return desk.takes.takes[0]


def run(qtbot, desk: Desk, start: Callable[[], None]) -> Take:
    """The new take once it has ended and, where it succeeded, was fetched."""
    before = len(desk.takes.takes)
    start()
    qtbot.waitUntil(lambda: len(desk.takes.takes) > before, timeout=WAIT_MS)
    job_id = newest(desk).job_id

    def settled() -> bool:
        take = desk.takes.get(job_id)
        assert take is not None
        return take.state.is_final and (bool(take.result or take.error) or take.state is not JobState.SUCCEEDED)

    qtbot.waitUntil(settled, timeout=WAIT_MS)
    take = desk.takes.get(job_id)
    assert take is not None
    return take


def test_a_run_becomes_a_take_with_all_its_files(qtbot, ready: Desk, document: Document):
    words: list[str] = []
    ready.runs.changed.connect(lambda: words.append(ready.runs.sending))
    take = run(qtbot, ready, ready.runs.run)
    assert any(words) and ready.runs.sending == ""
    assert (take.state, take.error, take.name) == (JobState.SUCCEEDED, "", "Take 1")
    assert ready.takes.current == take.job_id  # nothing else was looked at
    folder = ready.project.workspace / take.folder
    result = ready.project.path_of(take.result)
    matte = delivered(result, "matte")
    assert result.parent == folder and matte is not None and matte.parent == folder
    assert take.record["format"] == "maskedit-take" and (ready.project.path_of(take.thumbnail)).stat().st_size
    with ClipReader(result) as clip, ClipReader(matte) as mattes:
        assert clip.facts.frame_count == mattes.facts.frame_count == 9
    # The pictures are kept as they were submitted, whatever becomes of the user's file.
    (kept,) = take.document.keyframes
    assert kept.path.startswith("keyframes/kept-") and ready.project.path_of(kept.path).exists()
    assert replace(take.document, keyframes=()) == replace(document, keyframes=())
    assert ready.runs.running == ()


def test_the_same_edit_again_draws_a_seed_unless_it_is_locked(qtbot, ready: Desk):
    first = run(qtbot, ready, ready.runs.run)
    second = run(qtbot, ready, ready.runs.run)
    assert first.seed == 0 != second.seed and second.name == "Take 2"
    choices = replace(ready.project.document.choices, seed_locked=True)
    ready.project.change("Lock seed", replace(ready.project.document, choices=choices))
    assert run(qtbot, ready, ready.runs.run).seed == run(qtbot, ready, ready.runs.run).seed == 0


def test_another_seed_needs_no_tuning(qtbot, ready: Desk, document: Document):
    ready.project.change("Choose preset", tuned(document))
    first = run(qtbot, ready, ready.runs.run)
    assert first.state is JobState.SUCCEEDED, first.error
    course = ready.runs.course(first.job_id)
    assert course is not None and [loss.step for loss in course.losses if loss.stage == "tune_motion"][-1] == 2
    assert {"tune_motion", "tune_appearance"} <= first.record["stage_seconds"].keys()

    again = run(qtbot, ready, lambda: ready.runs.again(first, 7))
    assert (again.state, again.seed) == (JobState.SUCCEEDED, 7), again.error
    assert not {"tune_motion", "tune_appearance"} & again.record["stage_seconds"].keys()
    assert again.document.choices.settings == first.document.choices.settings
    assert adapter_of(again) == adapter_of(first) == first.record["adapter"]["key"]


def test_a_fix_renders_only_what_the_corrected_picture_reaches(qtbot, ready: Desk, tmp_path: Path):
    first = run(qtbot, ready, ready.runs.run)
    corrected = tmp_path / "corrected.png"
    with ClipReader(ready.project.path_of(first.result)) as clip:
        (frame,) = clip.frames(6, 6)
    write_picture(str(corrected), _painted(frame.rgb() * 255))
    fixed = run(qtbot, ready, lambda: ready.runs.fix(first, [Picture(frame=6, path=str(corrected))]))
    assert (fixed.state, fixed.parent) == (JobState.SUCCEEDED, first.job_id), fixed.error
    assert [each.frame for each in fixed.document.keyframes] == [0, 6]
    made = {run["first"]: run["take"] for run in fixed.record["frames"]}
    assert made[0] == first.job_id and "" in made.values()


def test_stop_is_said_at_once_and_what_is_asked_meanwhile_is_answered(qtbot, ready: Desk, document: Document):
    ready.project.change("Choose preset", tuned(document, motion_steps=3000))
    ready.runs.run()
    qtbot.waitUntil(lambda: bool(ready.takes.takes), timeout=WAIT_MS)
    job_id = newest(ready).job_id

    def course():
        return ready.runs.course(job_id)

    qtbot.waitUntil(lambda: course() is not None and len(course().losses) > 2, timeout=WAIT_MS)
    ready.runs.sample_now(job_id)
    qtbot.waitUntil(lambda: bool(course().preview), timeout=WAIT_MS)
    assert course().preview[:3] == b"\xff\xd8\xff" and course().note.startswith("Sample after step")
    ready.runs.save_now(job_id)
    qtbot.waitUntil(lambda: course().note.startswith("Saved the adapter"), timeout=WAIT_MS)
    assert ready.runs.running[0].job_id == job_id
    ready.runs.stop()
    assert newest(ready).state is JobState.CANCELLING
    qtbot.waitUntil(lambda: newest(ready).state is JobState.CANCELLED, timeout=4_000)
    ready.runs.stop()  # there is nothing left to stop
    assert newest(ready).state is JobState.CANCELLED and newest(ready).error == ""


@pytest.fixture
def local(desk: Desk, panel_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """The process id of the server that the panel starts by itself; ended after the test."""
    monkeypatch.setenv("MASKEDIT_MEDIA_ROOTS", json.dumps([str(tmp_path)]))
    desk.preferences.server = ""

    def process_id() -> int:
        return json.loads((panel_data / "server.json").read_text())["pid"]

    yield process_id
    desk.session.close()
    os.kill(process_id(), signal.SIGTERM)


def test_a_killed_server_is_started_again_and_the_job_goes_on(
    qtbot, desk: Desk, document: Document, local: Callable[[], int]
):
    desk.project.replace(tuned(document, motion_steps=12), probe(document.clip))
    qtbot.waitUntil(lambda: desk.session.connected, timeout=20_000)
    states: list[ServerState] = []
    desk.session.changed.connect(lambda: states.append(desk.session.state))
    desk.runs.run()
    qtbot.waitUntil(lambda: bool(desk.takes.takes), timeout=WAIT_MS)
    job_id = newest(desk).job_id
    qtbot.waitUntil(lambda: bool(desk.runs.course(job_id) and desk.runs.course(job_id).losses), timeout=WAIT_MS)
    os.kill(local(), signal.SIGKILL)
    qtbot.waitUntil(lambda: newest(desk).state.is_final, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: bool(newest(desk).result or newest(desk).error), timeout=WAIT_MS)
    assert newest(desk).state is JobState.SUCCEEDED, newest(desk).error
    assert {ServerState.LOST, ServerState.STARTING} & set(states) and states[-1] is ServerState.CONNECTED


def test_a_reopened_project_takes_up_what_was_not_finished(qtbot, ready: Desk):
    take = run(qtbot, ready, ready.runs.run)
    ready.takes.replace([])
    unfinished = replace(take, state=JobState.RUNNING, result="", thumbnail="", record={}, notes="kept")
    lost = replace(unfinished, job_id="0" * 32, name="Take 2")
    ready.takes.replace([unfinished, lost])

    def found(job_id: str) -> Take:
        got = ready.takes.get(job_id)
        assert got is not None
        return got

    qtbot.waitUntil(lambda: bool(found(take.job_id).result) and found(lost.job_id).state.is_final, timeout=WAIT_MS)
    assert found(take.job_id) == replace(take, notes="kept")
    assert found(lost.job_id).state is JobState.FAILED and "Retry" in found(lost.job_id).error
    retried = run(qtbot, ready, lambda: ready.runs.retry(found(lost.job_id)))
    assert (retried.state, retried.name) == (JobState.SUCCEEDED, "Take 3")


def test_what_cannot_be_sent_is_one_sentence_and_no_take(qtbot, ready: Desk, document: Document, said: list[str]):
    gone = replace(document, keyframes=(KeyframePicture(frame=0, path="nowhere.png"),))
    ready.project.change("Remove picture", gone)
    ready.runs.run()
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT_MS)
    assert said == ["The keyframe picture nowhere.png is gone: edit that frame anew, or remove it."]
    outside = replace(document, frames=FrameRange(0, 99))
    ready.project.change("Set out", outside)
    ready.runs.run()
    qtbot.waitUntil(lambda: len(said) == 2, timeout=WAIT_MS)
    assert "--" not in said[1] and said[1].endswith(".")
    assert ready.takes.takes == () and ready.runs.sending == ""


def test_a_take_that_was_deleted_is_gone_here_and_there(qtbot, ready: Desk, server: ServerProcess):
    take = run(qtbot, ready, ready.runs.run)
    folder = ready.project.workspace / take.folder
    ready.runs.delete(take)
    assert ready.takes.takes == () and not folder.exists()
    with server.connect() as connection:
        qtbot.waitUntil(lambda: take.job_id not in {job.job_id for job in Jobs(connection).list()}, timeout=WAIT_MS)


def test_a_take_whose_files_cannot_be_written_says_so_and_can_be_fetched_again(qtbot, ready: Desk, said: list[str]):
    takes = ready.project.workspace / "takes"
    takes.write_text("a file where the folder shall be")
    take = run(qtbot, ready, ready.runs.run)
    assert (take.state, take.result) == (JobState.SUCCEEDED, "")
    assert "cannot be written" in take.error and "Fetch again" in take.error and take.error in said
    takes.unlink()
    ready.runs.fetch_again(take)
    qtbot.waitUntil(lambda: bool(newest(ready).result), timeout=WAIT_MS)
    assert newest(ready).error == ""
