# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that wait: shown in the queue's order, moved and prioritised by the operators, on a real server."""

from __future__ import annotations

import dataclasses
import re

import bpy
import pytest
from paced import an_order, drain_until, prepares_for

from plugin_client.blender import addon, watching
from plugin_client.blender import engine as engines
from plugin_client.blender.orders_json import order_from_json, order_to_json
from plugin_client.core.jobs import Jobs


@pytest.fixture
def engine(make_engine, monkeypatch):
    """The add-on's own, on the shared server."""
    made = make_engine()
    addon.register("maskedit")
    monkeypatch.setattr(engines, "_engine", made)
    yield made
    monkeypatch.setattr(engines, "_engine", None)  # it is stopped by who made it
    addon.unregister()


def wait(engine, condition):
    def holds():
        engine.session.keep_alive()  # as drawing the sidebar does
        watching.background.drain()
        return condition()

    drain_until(engine, holds)


def names(engine):
    """The waiting jobs' runs, in the order in which they are shown."""
    by_job = {run.job_id: run.order.name for run in engine.runs}
    return [by_job[job.job_id] for job in engine.session.line.waiting if job.job_id in by_job]


def refusal(call, **arguments):
    with pytest.raises(RuntimeError) as caught:
        call(**arguments)
    return re.sub(r"\s+", " ", str(caught.value))


def test_an_order_keeps_its_priority(tmp_path):
    order = dataclasses.replace(an_order(tmp_path), priority="high")
    assert order_from_json(order_to_json(order)) == order
    earlier = order_to_json(order)
    del earlier["priority"]
    assert order_from_json(earlier).priority == "normal"


def test_what_waits_is_moved_until_the_server_has_begun(scene, engine, tmp_path):
    bpy.ops.maskedit.pause_queue()
    wait(engine, lambda: engine.session.is_paused)
    runs = []
    for name in ("Take 1", "Take 2"):
        order = dataclasses.replace(an_order(tmp_path, "steps=60 pause=0.05", name=name), priority="low")
        runs.append(engine.run(engine.submit(order, prepares_for(engine))))
        wait(engine, lambda: runs[-1].is_queued)
    first, second = runs
    engine.session.look_again()
    wait(engine, lambda: names(engine) == ["Take 1", "Take 2"])
    assert [engine.session.waiting(run.job_id).priority for run in runs] == ["low", "low"]

    for to, order in (("EARLIER", [second, first]), ("LAST", [first, second]), ("FIRST", [second, first])):
        assert bpy.ops.maskedit.move(run=second.run_id, to=to) == {"FINISHED"}
        assert names(engine) == [run.order.name for run in order]  # at once
        wait(engine, lambda: not watching.background.is_busy)
        with engine.session.connection() as connection:
            line = Jobs(connection).line()
        assert [job.job_id for job in line.waiting] == [run.job_id for run in order]
    assert bpy.ops.maskedit.prioritise(run=first.run_id, priority="normal") == {"FINISHED"}
    assert names(engine) == ["Take 1", "Take 2"] and engine.session.waiting(first.job_id).priority == "normal"
    wait(engine, lambda: not watching.background.is_busy)
    with engine.session.connection() as connection:
        assert Jobs(connection).get(first.job_id).priority == "normal"
    for ask in (bpy.ops.maskedit.sample_now, bpy.ops.maskedit.save_now):
        assert "learns nothing now" in refusal(ask, run=first.run_id)

    bpy.ops.maskedit.cancel(run=second.run_id)
    wait(engine, lambda: second.is_over and names(engine) == ["Take 1"])
    assert "does not wait in the queue" in refusal(bpy.ops.maskedit.move, run=second.run_id, to="FIRST")
    assert engine.session.waiting(second.job_id) is None and not second.is_queued

    line = engine.session.line
    bpy.ops.maskedit.pause_queue(paused=False)
    wait(engine, lambda: first.course.is_tuning)
    assert first.answer == "" and bpy.ops.maskedit.sample_now(run=first.run_id) == {"FINISHED"}
    assert first.answer == "Asked: it answers after its next step" or "asked to" in first.answer
    seen = set()
    wait(engine, lambda: seen.add(first.answer) or first.is_over)
    assert "asked to sample" in seen and first.answer == ""
    engine.session.line = line  # as it was known a moment ago
    bpy.ops.maskedit.move(run=first.run_id, to="LAST")
    wait(engine, watching.notice)
    assert "only one that waits in the queue can be moved" in watching.notice()
    watching.tell("")
