# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a real Blender on a real server: begun at once, followed, cancelled, and placed once."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path

import paced
import pytest
from paced import an_order, drain_until, prepares_for, results_on, steps_done

from plugin_client.blender.folders import PREVIEW
from plugin_client.blender.orders_json import order_from_json, order_to_json
from plugin_client.blender.runs import RunState
from plugin_client.blender.takes import marks_of
from plugin_client.core.errors import BadInput
from plugin_client.core.job import Event, JobState
from plugin_client.core.jobs import Jobs


def test_an_order_becomes_a_strip(scene, tmp_path, make_engine):
    engine = make_engine()
    order = an_order(tmp_path, "steps=4 pause=0.05")
    began = time.perf_counter()
    run_id = engine.submit(order, prepares_for(engine, pause=0.05))
    assert time.perf_counter() - began < 0.05
    (run,) = engine.runs
    assert run.state is RunState.PREPARING and not run.is_over
    seen = []
    drain_until(engine, lambda: seen.append((run.state, run.words)) or run.is_over)
    assert (run.state, run.error, run.words) == (RunState.PLACED, "", "Done")
    assert list(dict.fromkeys(state for state, _ in seen))[:3] == [
        RunState.PREPARING, RunState.SENDING, RunState.RUNNING
    ]  # fmt: skip
    assert {"Rendering the matte", "Learning the shot's motion"} <= {words for _, words in seen}
    assert steps_done(run) == [0, 1, 2, 3] and Path(run.media).parent.parent == tmp_path / "results"
    (strip,) = results_on(scene)
    marks = marks_of(strip)
    assert strip.name == run.placed.item and marks.job_id == run.job_id and marks.prompt == order.prompt
    assert order_from_json(dict(marks.settings)) == order
    assert engine.run(run_id) is run and engine.session.is_connected
    assert engine.session.state_words().startswith("Connected to the server on this machine")


def test_orders_survive_json(tmp_path):
    order = an_order(tmp_path, "a fox")
    assert order_from_json(order_to_json(order)) == order
    spoilt = order_to_json(order)
    del spoilt["matte"]
    with pytest.raises(KeyError):
        order_from_json(spoilt)


def makes_way(folder):
    """Make the folder; False while the worker's thread writes a file of that name."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def test_previews_become_pictures_with_names_of_their_own(scene, tmp_path, make_engine):
    engine = make_engine()
    run = engine.run(engine.submit(an_order(tmp_path, "steps=1000 pause=0.05"), prepares_for(engine)))
    drain_until(engine, lambda: run.state is RunState.RUNNING)
    shown = []
    # The bundled workers send none: what a server with a model would.
    for number, start in enumerate((b"\xff\xd8", b"\x89PNG", b"\xff\xd8"), start=900):
        engine._workers[run.run_id]._heard(Event(sequence=number, state=JobState.RUNNING, preview=start + b"..."))
        drain_until(engine, lambda number=number: str(number) in run.preview)
        shown.append(run.preview)
    assert [Path(path).suffix for path in shown] == [".jpg", ".png", ".jpg"] and len(set(shown)) == 3
    assert [Path(path).exists() for path in shown] == [False, True, True]  # the one before may just be read
    # Where neither pictures nor notes can be written any more, the run goes on.
    folder = engine._ledger.folder(run.run_id)
    drain_until(engine, lambda: makes_way(folder / "entry.part"))
    (folder / "preview-000000950.jpg").mkdir()
    for number in (950, 951):
        event = Event(sequence=number, state=JobState.RUNNING, stage="render", preview=b"...")
        engine._workers[run.run_id]._heard(event)
    drain_until(engine, lambda: run.preview.endswith("951.jpg"))
    assert run.state is RunState.RUNNING and not run.error
    (folder / "entry.part").rmdir()
    engine.cancel(run.run_id)


def test_the_last_picture_stays_beside_the_result(scene, tmp_path, make_engine):
    engine = make_engine()
    run = engine.run(engine.submit(an_order(tmp_path, "steps=10 pause=0.05"), prepares_for(engine)))
    drain_until(engine, lambda: run.state is RunState.RUNNING)
    event = Event(sequence=900, state=JobState.RUNNING, preview=b"\xff\xd8 a picture")
    engine._workers[run.run_id]._heard(event)
    drain_until(engine, lambda: run.is_over)
    assert Path(run.media).with_name(PREVIEW).read_bytes() == event.preview


def test_painting_on_after_submitting_changes_nothing(scene, tmp_path, make_engine):
    engine = make_engine()
    order = an_order(tmp_path, "steps=1")
    painted = Path(order.keyframes[0].path)
    before = painted.read_bytes()
    run = engine.run(engine.submit(order, prepares_for(engine, pause=0.05)))
    drain_until(engine, lambda: run.share)  # its matte is being rendered
    painted.write_bytes(b"painted over")
    drain_until(engine, lambda: run.is_over)
    (kept,) = engine._ledger.folder(run.run_id).glob("kept-*")
    assert kept.read_bytes() == before
    with engine.session.connection() as connection:
        (keyframe,) = Jobs(connection).edit_of(run.job_id).keyframes
    assert keyframe.image.display_name == kept.name and keyframe.image.size_bytes == len(before)


def test_a_server_that_is_killed_is_started_again_and_nothing_is_done_twice(scene, tmp_path, make_engine):
    engine = make_engine(command=paced.PACED)
    run = engine.run(engine.submit(an_order(tmp_path, "steps=25 pause=0.05 checkpoint=5"), prepares_for(engine)))
    numbers = []

    def look(step: int) -> bool:
        if run.course.latest is not None and run.course.latest.sequence not in numbers:
            numbers.append(run.course.latest.sequence)
        return run.course.latest is not None and run.course.latest.done >= step

    drain_until(engine, lambda: look(8))
    job_id, first = run.job_id, paced.server_facts()["pid"]
    paced.stop_server(signal.SIGKILL)
    drain_until(engine, lambda: look(25) or run.is_over)
    drain_until(engine, lambda: run.is_over)
    assert paced.server_facts()["pid"] != first
    assert (run.state, run.job_id) == (RunState.PLACED, job_id)
    assert numbers == sorted(set(numbers))
    assert sorted(set(steps_done(run))) == list(range(25)) and len(steps_done(run)) < 35
    assert len(results_on(scene)) == 1
    with engine.session.connection() as connection:
        assert [job.job_id for job in Jobs(connection).list()] == [job_id]


def test_a_cancel_answers_at_once_whatever_the_run_is_doing(scene, tmp_path, make_engine):
    engine = make_engine(command=paced.PACED)
    forever = an_order(tmp_path, "steps=1000 pause=0.05")

    def cancelled_at(run_id: str, reached) -> object:
        run = engine.run(run_id)
        drain_until(engine, lambda: reached(run))
        began = time.perf_counter()
        engine.cancel(run_id)
        assert time.perf_counter() - began < 0.1
        assert run.state in (RunState.CANCELLED, RunState.CANCELLING)
        drain_until(engine, lambda: run.state is RunState.CANCELLED, seconds=3)
        return run

    # Before anything was made of it, and while its matte is rendered.
    cancelled_at(engine.submit(forever, prepares_for(engine, pause=0.2)), lambda run: True)
    cancelled_at(engine.submit(forever, prepares_for(engine, pause=0.2)), lambda run: run.share)
    # While the server is started.
    cancelled_at(engine.submit(forever, prepares_for(engine)), lambda run: run.state is RunState.SENDING)
    # While it runs, and, queued behind a run, while it waits.
    running = engine.submit(forever, prepares_for(engine))
    drain_until(engine, lambda: engine.run(running).course.state is JobState.RUNNING)
    queued = cancelled_at(engine.submit(forever, prepares_for(engine)), lambda run: run.course.state is JobState.QUEUED)
    ended = cancelled_at(running, lambda run: run.course.latest.done > 2)
    drain_until(engine, lambda: not list((engine._ledger.folder(running).parent).glob("*/entry.json")))
    with engine.session.connection() as connection:
        jobs = {job.job_id: job.state for job in Jobs(connection).list()}
    assert set(jobs.values()) == {JobState.CANCELLED} and {queued.job_id, ended.job_id} <= jobs.keys()
    assert results_on(scene) == []
    for run in engine.runs:
        engine.forget(run.run_id)
    assert engine.runs == ()
    with pytest.raises(BadInput, match="no run"):
        engine.run(running)


def test_a_job_that_fails_goes_on_from_its_checkpoint(scene, tmp_path, make_engine):
    engine = make_engine()
    run = engine.run(engine.submit(an_order(tmp_path, "steps=3 end=fail"), prepares_for(engine)))
    drain_until(engine, lambda: run.is_over)
    first = run.job_id
    assert (run.state, run.error) == (RunState.FAILED, "The script says so: write another.") and run.can_retry
    engine.retry(run.run_id)
    assert not run.is_over
    drain_until(engine, lambda: run.is_over)
    assert run.state is RunState.FAILED and run.job_id not in ("", first)


def test_settings_that_nobody_knows_are_refused_before_anything_is_sent(scene, tmp_path, make_engine):
    engine = make_engine(command=paced.PACED)
    order = replace(an_order(tmp_path), settings={"grow_px": 2, "colour_of_the_sky": 3})
    run = engine.run(engine.submit(order, prepares_for(engine)))
    drain_until(engine, lambda: run.is_over)
    assert "colour_of_the_sky" in run.error and not (tmp_path / "data" / "server.json").exists()


def test_a_drain_costs_nothing_when_there_is_nothing_to_do(make_engine):
    engine = make_engine()
    began = time.perf_counter()
    for _ in range(1000):
        engine.drain()
    each = (time.perf_counter() - began) / 1000
    print(f"idle drain: {each * 1e6:.1f} µs")
    assert each < 0.0005
