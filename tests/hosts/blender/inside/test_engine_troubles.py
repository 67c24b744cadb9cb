# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong around a run in Blender is one sentence, and what can go on afterwards does."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import bpy
import paced
import pytest
from paced import an_order, drain_until, prepares_for, steps_done

from plugin_client.blender.conducting import Engine
from plugin_client.blender.runs import RunState
from plugin_client.blender.session import ServerSettings, Session
from plugin_client.core import connection as connecting
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput
from plugin_client.core.ledger import Ledger

NOBODY = "127.0.0.1:9"


def failed(engine, tmp_path, **changes):
    """The run of an order, once it has failed; nothing is left on the timeline."""
    order = replace(an_order(tmp_path, "steps=2"), **changes)
    run = engine.run(engine.submit(order, prepares_for(engine)))
    drain_until(engine, lambda: run.is_over)
    assert run.state is RunState.FAILED and run.error.endswith(".") and "\n" not in run.error
    return run


def test_no_server_at_the_address(scene, tmp_path, make_engine):
    run = failed(make_engine(server=NOBODY), tmp_path)
    assert run.error == "The server does not answer: what was asked for is not done, try again when it is back."


@pytest.mark.parametrize("blender", ["the same", "the next"])
def test_a_server_that_is_there_again_gets_what_it_missed(scene, tmp_path, make_engine, paced_server, blender):
    if blender == "the next":
        engine = make_engine(server=NOBODY)
        failed(engine, tmp_path)
        engine.stop()
        engine = make_engine()
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
        engine.resume()
        (run,) = engine.runs
    else:
        address = [NOBODY]
        settings = ServerSettings(token=paced_server.token)
        session = Session(lambda: replace(settings, server=address[0]))
        engine = Engine(paced.Slate(), session, ledger=Ledger(data_dir() / "blender" / "runs"))
        run = failed(engine, tmp_path)
        address[0] = paced_server.address
        engine.retry(run.run_id)
    drain_until(engine, lambda: run.media)
    assert (run.error, steps_done(run)) == ("", [0, 1])
    engine.stop()


def test_the_wrong_token(scene, tmp_path, make_engine):
    run = failed(make_engine(token="0" * 64), tmp_path)
    assert run.error == "The server refused the access token: enter the server's own in the add-on's preferences."


def test_a_server_that_is_too_old(scene, tmp_path, make_engine, monkeypatch):
    engine = make_engine()
    monkeypatch.setattr(connecting, "API_MINOR", 999)
    assert "is older than this client: update the server." in failed(engine, tmp_path).error


def test_another_machine_while_blender_may_not_go_online(scene, tmp_path, make_engine):
    engine = make_engine(server="render.example.org:50051", online=False)
    began = time.monotonic()
    assert "may not go online" in failed(engine, tmp_path).error
    assert time.monotonic() - began < 5


def test_a_server_that_does_not_start_is_quoted(scene, tmp_path, make_engine):
    dies = (paced.PYTHON, "-c", "raise SystemExit('The disk is on fire.')")
    assert "The disk is on fire" in failed(make_engine(command=dies), tmp_path).error


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full disk to lend")
def test_a_full_disk_at_the_fetch_costs_nothing_but_room(scene, tmp_path, make_engine):
    engine = make_engine()
    run = engine.run(engine.submit(an_order(tmp_path, "steps=3 pause=0.2"), prepares_for(engine)))
    drain_until(engine, lambda: run.job_id)
    # Where the result would arrive, the disk is full.
    content = b"0\n1\n2\n"
    target = tmp_path / "results" / "Take 1" / "Take 1.txt"
    full = target.with_name(f".{target.name}.{hashlib.sha256(content).hexdigest()[:12]}.part")
    target.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")
    engine._ledger.note(run.run_id, out=str(target))
    drain_until(engine, lambda: run.is_over)
    assert run.error == (
        "The result cannot be written (No space left on device): make room on the disk, then choose Try Again."
    )
    full.unlink()
    engine.retry(run.run_id)
    drain_until(engine, lambda: run.is_over)
    assert run.state is RunState.PLACED and Path(run.media).read_bytes() == content


def test_a_matte_that_cannot_be_made_is_said_in_its_own_words(scene, tmp_path, make_engine):
    engine = make_engine()

    def no_matte(progress):
        raise BadInput("The mask Mask has no layers: draw one.")

    run = engine.run(engine.submit(an_order(tmp_path), replace(prepares_for(engine), matte=no_matte)))
    drain_until(engine, lambda: run.is_over)
    assert run.error == "The mask Mask has no layers: draw one." and not run.can_retry
    with pytest.raises(BadInput, match="run it again from its strip"):
        engine.retry(run.run_id)
    engine.forget(run.run_id)


def test_a_defect_is_no_riddle_and_stops_nothing_else(scene, tmp_path, make_engine, caplog):
    engine = make_engine()

    def broken(progress):
        raise KeyError("frames")

    run = engine.run(engine.submit(an_order(tmp_path), replace(prepares_for(engine), matte=broken)))
    drain_until(engine, lambda: run.is_over)
    assert "Something went wrong inside the add-on" in run.error and "KeyError" in caplog.text
    other = engine.run(engine.submit(an_order(tmp_path, "steps=1"), prepares_for(engine)))
    drain_until(engine, lambda: other.is_over)
    assert other.state is RunState.PLACED


def test_a_check_says_what_would_spoil_it_and_how_long_it_takes(scene, tmp_path, make_engine):
    engine = make_engine()
    said = []
    order = an_order(tmp_path)
    engine.check(order, prepares_for(engine, pause=1), lambda *answer: said.append("the first one"))
    engine.check(order, prepares_for(engine), lambda *answer: said.append(answer))
    drain_until(engine, lambda: said)
    ((looked, problem),) = said
    assert problem == "" and set(looked.times) == {"draft", "fast", "standard", "best"}
    assert all(severity in ("error", "warning", "note") and "--" not in words for severity, words in looked.findings)
    said.clear()
    engine.check(replace(order, keyframes=()), prepares_for(engine), lambda *answer: said.append(answer))
    drain_until(engine, lambda: said)
    assert said[0][0] is None and said[0][1].startswith("There is no painted frame yet")
    drain_until(engine, lambda: not list((data_dir() / "blender" / "runs").iterdir()))


def test_stopping_is_prompt_whatever_goes_on(scene, tmp_path, make_engine):
    engine = make_engine()
    states = []
    for wanted in (RunState.PREPARING, RunState.RUNNING):
        pause = 0.05 if wanted is RunState.PREPARING else 0
        run = engine.run(
            engine.submit(an_order(tmp_path, "steps=1000 pause=0.05"), prepares_for(engine, pause=pause, steps=100))
        )
        if wanted is RunState.RUNNING:
            engine.cancel(engine.runs[1].run_id)  # it renders first, one at a time
        drain_until(engine, lambda run=run, wanted=wanted: run.state is wanted)
        states.append(run.state)
    began = time.perf_counter()
    engine.stop()
    assert time.perf_counter() - began < 1.0
    assert not [worker for worker in engine._workers.values() if worker._thread.is_alive()]
