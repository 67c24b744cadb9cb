# SPDX-License-Identifier: GPL-3.0-or-later
"""Results find the file that they belong to: through other files, crashes and restarts, and once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import bpy
import paced
import pytest
from paced import an_order, drain_until, fetched_run, prepares_for, results_on, steps_done

from plugin_client.blender import ticking
from plugin_client.blender.engine import engine as the_engine
from plugin_client.blender.engine import is_made
from plugin_client.blender.open_file import OpenFile
from plugin_client.blender.runs import RunState
from plugin_client.blender.takes import marks_of
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput
from plugin_client.core.job import JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.ledger import Ledger


def save(path: Path) -> Path:
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def entries() -> list[Path]:
    return list((data_dir() / "blender" / "runs").glob("*/entry.json"))


def open_file(engine, path: Path):
    """Open the file as the handlers tell it; its scene."""
    bpy.ops.wm.open_mainfile(filepath=str(path))
    engine.loaded()
    return bpy.context.scene


def begin(engine, tmp_path, script: str = "steps=3"):
    return engine.run(engine.submit(an_order(tmp_path, script), prepares_for(engine)))


def test_a_result_waits_until_its_file_is_open_again(scene, tmp_path, make_engine):
    blend, other = save(tmp_path / "cut.blend"), tmp_path / "other.blend"
    shutil.copyfile(blend, other)
    engine = make_engine()
    run = begin(engine, tmp_path)
    elsewhere = open_file(engine, other)
    drain_until(engine, lambda: run.state is RunState.WAITING and run.doing)
    assert run.words == "Waiting for cut.blend" and results_on(elsewhere) == [] and not run.is_over
    again = open_file(engine, blend)
    drain_until(engine, lambda: run.is_over)
    assert [marks_of(strip).job_id for strip in results_on(again)] == [run.job_id]


def test_it_waits_while_blender_renders_or_saves(scene, tmp_path, make_engine):
    slate = paced.Slate()
    slate.open = False
    engine = make_engine(slate)
    run = fetched_run(engine, tmp_path)
    engine.drain()
    assert "rendered or saved" in run.words and results_on(scene) == []
    slate.open = True
    engine.drain()
    assert run.state is RunState.PLACED and len(results_on(scene)) == 1


def test_a_result_is_safe_only_when_its_file_is_saved(scene, tmp_path, make_engine):
    blend = save(tmp_path / "cut.blend")
    engine = make_engine()
    run = fetched_run(engine, tmp_path)
    engine.drain()
    assert run.state is RunState.PLACED
    # Opened as it was: the result has gone with what was not saved, and is placed again.
    again = open_file(engine, blend)
    assert results_on(again) == []
    engine.drain()
    assert run.state is RunState.PLACED and len(results_on(again)) == 1
    # Saved, but a handler did not come to say so: it lies there already.
    bpy.ops.wm.save_mainfile()
    again = open_file(engine, blend)
    engine.drain()
    assert run.state is RunState.PLACED and len(results_on(again)) == 1 and entries()
    bpy.ops.wm.save_mainfile()
    engine.saved()
    assert entries() == []
    # What the user has thrown away since stays away.
    for strip in results_on(again):
        paced.versions.top_strips(again).remove(strip)
    bpy.ops.wm.save_mainfile()
    again = open_file(engine, blend)
    engine.drain()
    assert results_on(again) == []


def test_a_run_follows_its_file_to_a_new_name(scene, tmp_path, make_engine):
    save(tmp_path / "v1.blend")
    slate = paced.Slate()
    slate.open = False
    engine = make_engine(slate)
    run = fetched_run(engine, tmp_path)
    second = save(tmp_path / "v2.blend")
    engine.saved()
    slate.open = True
    first = open_file(engine, tmp_path / "v1.blend")
    engine.drain()
    assert run.words == "Waiting for v2.blend" and results_on(first) == []
    assert results_on(open_file(engine, second)) == []
    engine.drain()
    assert run.state is RunState.PLACED and len(results_on(bpy.context.scene)) == 1


def test_a_file_that_was_never_saved_can_only_be_left(scene, tmp_path, make_engine):
    engine = make_engine()
    run = fetched_run(engine, tmp_path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    engine.loaded()
    engine.drain()
    assert run.media in run.words and Path(run.media).exists()
    bpy.context.scene.sequence_editor_create()
    engine.retry(run.run_id)  # into the file that is open now
    engine.drain()
    assert run.state is RunState.PLACED and len(results_on(bpy.context.scene)) == 1


@pytest.mark.parametrize("moment", ["running", "fetched"])
def test_the_next_blender_goes_on_and_places_once(scene, tmp_path, make_engine, moment):
    blend = save(tmp_path / "cut.blend")
    slate = paced.Slate()
    slate.open = False
    first = make_engine(slate)
    if moment == "running":
        run = begin(first, tmp_path, "steps=20 pause=0.03")
        drain_until(first, lambda: run.course.latest is not None and run.course.latest.done > 5)
    else:
        run = fetched_run(first, tmp_path)
    # While the first Blender has the run, no other one takes it.
    second = make_engine()
    second.resume()
    assert second.runs == ()
    first.stop()
    open_file(second, blend)
    (taken,) = second.runs
    assert (taken.job_id, taken.order) == (run.job_id, run.order)
    drain_until(second, lambda: taken.is_over)
    assert steps_done(taken) == list(range(20 if moment == "running" else 1))
    third = make_engine()
    third.resume()
    third.drain()
    assert [marks_of(strip).job_id for strip in results_on(bpy.context.scene)] == [run.job_id]
    assert len([path for path in (tmp_path / "results").rglob("*") if path.is_file()]) == 1


def test_of_two_blenders_the_one_with_the_file_places(scene, tmp_path, make_engine):
    blend = save(tmp_path / "cut.blend")
    first, second = make_engine(), make_engine()
    run = fetched_run(first, tmp_path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    first.loaded()
    second.resume()
    assert second.runs == ()  # the first one still has it in hand
    first.drain()
    assert run.words == "Waiting for cut.blend"
    again = open_file(second, blend)
    second.drain()
    assert second.runs[0].state is RunState.PLACED and len(results_on(again)) == 1
    first.drain()
    assert run.state is RunState.WAITING  # held by the other one
    bpy.ops.wm.save_mainfile()
    second.saved()
    again = open_file(first, blend)
    first.drain()
    assert run.state is RunState.PLACED and len(results_on(again)) == 1


def test_a_run_that_is_taken_off_the_list_is_gone(scene, tmp_path, make_engine):
    slate = paced.Slate()
    slate.open = False
    engine = make_engine(slate)
    waits, is_left = fetched_run(engine, tmp_path), fetched_run(engine, tmp_path)
    engine.cancel(waits.run_id)
    engine.forget(is_left.run_id)
    assert waits.state is RunState.CANCELLED and entries() == [] and Path(waits.media).exists()
    assert engine.runs == (waits,)
    slate.open = True
    engine.drain()
    engine.loaded()
    assert results_on(scene) == [] and engine.runs == (waits,)
    with pytest.raises(BadInput, match="no run"):
        engine.run(is_left.run_id)


def test_a_cancel_that_the_server_could_not_hear_is_told_by_the_next_blender(scene, tmp_path, make_engine):
    first = make_engine(command=paced.PACED)
    run = begin(first, tmp_path, "steps=1000 pause=0.05")
    drain_until(first, lambda: run.course.latest is not None and run.course.latest.done > 2)
    paced.stop_server(signal.SIGKILL)
    first.cancel(run.run_id)
    assert run.state is RunState.CANCELLING
    drain_until(first, lambda: '"cancelled": true' in entries()[0].read_text())
    first.stop()
    second = make_engine(command=paced.PACED)
    second.resume()
    assert second.runs == ()
    drain_until(second, lambda: not entries())
    with second.session.connection() as connection:
        (job,) = Jobs(connection).list()
    assert (job.job_id, job.state) == (run.job_id, JobState.CANCELLED)


KILLED = """
import os, sys
import bpy, paced
from pathlib import Path
moment, folder = sys.argv[1], Path(sys.argv[2])

class Fatal(paced.Slate):
    def put_result(self, media, shot, *, marks, has_alpha):
        if moment == "before placing":
            os.kill(os.getpid(), 9)
        placed = super().put_result(media, shot, marks=marks, has_alpha=has_alpha)
        bpy.ops.wm.save_mainfile()
        os.kill(os.getpid(), 9)

bpy.ops.wm.open_mainfile(filepath=str(folder / "cut.blend"))
engine = paced.engine_with(Fatal())
paced.fetched_run(engine, folder)
engine.drain()
"""


@pytest.mark.parametrize("moment", ["before placing", "after placing and saving"])
def test_a_blender_that_is_killed_around_the_placing_leaves_one_result(
    scene, tmp_path, paced_server, make_engine, moment
):
    blend = save(tmp_path / "cut.blend")
    arguments = [moment, str(tmp_path), paced_server.address, paced_server.token]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], timeout=50, capture_output=True)
    assert killed.returncode == -9, killed.stderr[-2000:]
    assert len(entries()) == 1
    engine = make_engine()
    again = open_file(engine, blend)
    assert len(results_on(again)) == (moment != "before placing")
    (run,) = engine.runs
    drain_until(engine, lambda: run.is_over)
    assert (run.state, run.error) == (RunState.PLACED, "") and len(results_on(again)) == 1
    bpy.ops.wm.save_mainfile()
    engine.saved()
    assert entries() == []


def test_what_blender_was_closed_over_while_preparing_says_so(scene, tmp_path, make_engine):
    first = make_engine()
    first.submit(an_order(tmp_path), prepares_for(first, pause=0.05, steps=1000))
    first.stop()
    second = make_engine()
    second.resume()
    (run,) = second.runs
    drain_until(second, lambda: run.is_over)
    assert run.error == "Blender was closed before this edit was ready to be sent: run it again."
    second.forget(run.run_id)
    assert entries() == [] and not list((data_dir() / "blender" / "runs").iterdir())


def test_damaged_entries_are_left_alone(make_engine):
    ledger = Ledger(data_dir() / "blender" / "runs")
    run_id = ledger.new_run()
    ledger.note(run_id, order={"of": "another version"})
    ledger.close()
    engine = make_engine()
    engine.resume()
    assert engine.runs == () and ledger.hold(run_id)
    ledger.close()


def test_a_result_that_finds_no_room_says_so_and_can_be_tried_again(scene, tmp_path, make_engine):
    class Full(paced.Slate):
        is_full = True

        def put_result(self, *given, **how):
            if self.is_full:
                raise BadInput("No channel is free: make room.")
            return super().put_result(*given, **how)

    slate = Full()
    engine = make_engine(slate)
    run = fetched_run(engine, tmp_path)
    engine.drain()
    assert run.error == "No channel is free: make room." and run.can_retry
    slate.is_full = False
    engine.drain()
    assert results_on(scene) == []
    engine.retry(run.run_id)
    engine.drain()
    assert run.state is RunState.PLACED and len(results_on(scene)) == 1


def test_the_real_timeline_takes_a_movie(scene, tmp_path, make_engine):
    engine = make_engine(OpenFile(), command=paced.SCRIPTED)
    run = engine.run(engine.submit(an_order(tmp_path, "steps=2"), prepares_for(engine)))
    assert engine.wait(run.run_id, 30) is run
    assert (run.state, run.error) == (RunState.PLACED, "")
    (strip,) = results_on(scene)
    assert paced.versions.kind_of(strip) == "movie" and paced.versions.timing_of(strip).length == 5
    assert OpenFile().is_placed(run.job_id)


def test_the_timer_and_the_handlers_come_and_go(tmp_path):
    before = [len(bpy.app.handlers.load_post), len(bpy.app.handlers.save_post)]
    ticking.begin()
    try:
        # In the background Blender's timers rest: this is what they would do.
        while not is_made():
            assert ticking._tick() == ticking.TICK_SECONDS
        first = the_engine()
        run = fetched_run(first, tmp_path)
        blend = save(tmp_path / "a.blend")
        assert run.blend == str(blend)
        bpy.ops.wm.open_mainfile(filepath=str(blend))
        assert bpy.app.timers.is_registered(ticking._tick) and the_engine() is first
        assert run.document is None
    finally:
        ticking.end()
    assert not bpy.app.timers.is_registered(ticking._tick) and not is_made()
    assert [len(bpy.app.handlers.load_post), len(bpy.app.handlers.save_post)] == before
