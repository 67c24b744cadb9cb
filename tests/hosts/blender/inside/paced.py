# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server with scripted workers for the tests inside Blender, run by the project's own Python."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import bpy
import making
import numpy as np

from plugin_client.blender import takes, versions
from plugin_client.blender.conducting import Engine
from plugin_client.blender.marks import write_marks
from plugin_client.blender.orders import MatteChoice, Order, PaintedFrame, Spot, StripShot, spot_at
from plugin_client.blender.orders_json import order_to_json
from plugin_client.blender.runs import Prepares, Run
from plugin_client.blender.session import ServerSettings, Session
from plugin_client.core.datadir import data_dir
from plugin_client.core.host import Marks, PlacedResult, Shot
from plugin_client.core.ledger import Ledger
from plugin_client.core.timeline import FrameRange

TESTS = Path(__file__).parents[3]
PYTHON = os.environ.get("MASKEDIT_TEST_PYTHON") or str(TESTS.parent / ".venv" / "bin" / "python")
PACED = (PYTHON, str(TESTS / "children" / "paced_server.py"))
SCRIPTED = (PYTHON, str(TESTS / "contract" / "client" / "scripted_server.py"))


def server_facts(folder: Path | None = None) -> dict:
    """What the running server says of itself in its data folder, the test's own if none is given."""
    return json.loads(((folder or data_dir()) / "server.json").read_text())


def stop_server(number: signal.Signals = signal.SIGTERM, *, folder: Path | None = None) -> None:
    """End the server, if one runs, and wait until it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        process_id = server_facts(folder)["pid"]
        os.kill(process_id, number)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(process_id, os.WNOHANG)
            os.kill(process_id, 0)
            time.sleep(0.02)
        raise AssertionError("the server does not stop")


class Slate:
    """A timeline whose results are colour strips, so that any file can be one; the rest is as in the add-on."""

    def __init__(self) -> None:
        self.open = True

    def blend(self) -> str:
        return bpy.data.filepath

    def may_place(self) -> bool:
        return self.open

    def is_placed(self, job_id: str) -> bool:
        return takes.is_placed(job_id)

    def put_result(self, media: str, shot: Shot, *, marks: Marks, has_alpha: bool) -> PlacedResult:
        assert Path(media).exists()
        spot = spot_at(shot.place)
        strips = versions.top_strips(bpy.data.scenes[spot.scene])
        end = "length" if bpy.app.version >= (5, 0) else "frame_end"
        strip = strips.new_effect(
            name=marks.name, type="COLOR", channel=spot.channel + 1, frame_start=spot.frame,
            **{end: spot.length if end == "length" else spot.frame + spot.length},
        )  # fmt: skip
        write_marks(strip, marks, source=spot.strip, media="")
        return PlacedResult(item=strip.name, record_frame=spot.frame, frames=spot.length)


def engine_with(timeline: object | None = None, *, command: tuple[str, ...] = PACED, **settings: object) -> Engine:
    """An engine over the test's own ledger; without a `server` it starts `command` in the test's own data folder."""
    ledger = Ledger(data_dir() / "blender" / "runs")
    session = Session(lambda: ServerSettings(**settings), command=lambda preference: command)
    return Engine(timeline or Slate(), session, ledger=ledger)


def an_order(folder: Path, script: str = "", *, name: str = "Take 1", deliver: str = "full") -> Order:
    """An edit of five small frames; `script`: what the worker does."""
    clip, key = folder / "clip.mkv", folder / "key.png"
    if not clip.exists():
        making.numbered_clip(clip, 5, rate=Fraction(25))
        making.write_picture(key, making.numbered_picture(0))
    spot = Spot(scene="Scene", strip="clip", frame=1, length=5, channel=1)
    shot = Shot(media=str(clip), frames=FrameRange(0, 4), rate=making.rate_of(clip), record_frame=1, place=spot.place)
    return Order(
        strip_shot=StripShot(shot=shot, spot=spot),
        matte=MatteChoice(kind="mask", name="Mask"),
        keyframes=(PaintedFrame(frame=0, path=str(key)),),
        folder=str(folder / "results"),
        name=name,
        prompt=script,
        deliver=deliver,
    )


def prepares_for(engine: Engine, *, pause: float = 0.0, steps: int = 4) -> Prepares:
    """A matte of a square that is drawn when it is asked for, which takes `steps` pauses."""
    folder = engine.new_folder()

    def matte(progress: Callable[[int, int], None]):
        from plugin_client.core.requests import MatteFile

        for step in range(steps):
            progress(step, steps)
            time.sleep(pause)
        drawn = np.zeros((64, 96, 3), np.uint8)
        drawn[16:48, 16:48] = 255
        return MatteFile(str(making.write_clip(folder / "matte.mkv", [drawn] * 5, rate=Fraction(25))))

    return Prepares(matte=matte, folder=folder)


def fetched_run(engine: Engine, folder: Path) -> Run:
    """A run of the open file whose result has just been fetched, as the worker leaves it."""
    order, media = an_order(folder), folder / "results" / "result.txt"
    media.parent.mkdir(exist_ok=True)
    media.write_text("0\n")
    run_id = engine.new_folder().name
    engine._ledger.note(run_id, order=order_to_json(order), job_id=run_id, media=str(media))
    assert engine._take_up(run_id)
    engine._landing.belongs(engine.run(run_id))
    return engine.run(run_id)


def drain_until(engine: Engine, condition: Callable[[], object], *, seconds: float = 25) -> None:
    """Do what the timer does until the condition holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, [(run.state, run.line, run.error) for run in engine.runs]
        engine.drain()
        time.sleep(0.01)


def steps_done(run: Run) -> list[int]:
    """The steps that the paced worker wrote into a fetched result, in the order in which it did them."""
    return list(map(int, Path(run.media).read_text().split()))


def results_on(scene) -> list:
    """The strips of the scene that are results."""
    return [strip for strip in versions.all_strips(scene) if takes.marks_of(strip) is not None]
