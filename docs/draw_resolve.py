# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/images/resolve-panel.png, the panel opened from a timeline: `./run exec python docs/draw_resolve.py`.

The real window with a real server of its own and the bundled model; Resolve is the one that the tests play.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path

from draw_panel import FOLDER, SIZE, Scenes, home
from PyQt6.QtCore import QSettings

sys.path.insert(0, str(Path(__file__).parents[1]))

from maskedit.demo import SOURCE
from maskedit.media import probe
from plugin_client.core.datadir import data_dir
from plugin_client.panel.keyframes.keyframing import keyframing_of
from plugin_client.panel.model.working import end_work
from plugin_client.panel.shell import app as panel
from plugin_client.panel.shell.sample import read_sample
from plugin_client.panel.viewer.look import Compare
from plugin_client.resolve.agent import Lending
from plugin_client.resolve.host import ResolveHost
from plugin_client.resolve.remote import Remote, Wire
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.stage import Stage

LAST = 19


def lend() -> ResolveHost:
    """A cut of the example's clip, lent by the agent as from Resolve's menu."""
    facts = probe(SOURCE)
    stage = Stage(FakeResolve(version="20.3", edition="free"), rate=str(facts.rate), size=(facts.width, facts.height))
    clip_file = home / "A010_C014.mp4"
    shutil.copyfile(SOURCE, clip_file)
    clip = stage.clip(clip_file)
    item = by_hand.place(stage.timeline, clip, track=1, start=stage.start + 48, source=(0, LAST + 1))
    by_hand.select(stage.timeline, item)
    lending = Lending(stage.resolve)
    threading.Thread(target=lending.serve, args=(lambda: True,), daemon=True).start()
    return ResolveHost(Remote(Wire(lending.address, lending.token), 0))


def draw(scenes: Scenes) -> None:
    """Edit the clip as the example is, run it, put it on the timeline."""
    desk = scenes.desk
    assert desk.timeline is not None
    desk.timeline.failed.connect(print)
    scenes.until(lambda: desk.project.folder is not None and desk.session.connected, seconds=120)
    sample = read_sample()
    assert sample.scratch is not None
    desk.project.change("Draw", replace(desk.project.document, shapes=sample.document.shapes))
    for keyframe in sample.document.keyframes:
        keyframing_of(desk).take_file(keyframe.frame, Path(sample.scratch.name) / keyframe.path)
    scenes.until(lambda: bool(desk.project.document.keyframes))
    scenes.choose(preset="draft")
    desk.runs.run()
    scenes.until(lambda: any(take.result for take in desk.takes.takes), seconds=240)
    desk.takes.choose(desk.takes.takes[0].job_id)
    scenes.window.rooms.viewer.canvas.looks.change(compare=Compare.WIPE, wipe=0.36, overlay_on=False)
    desk.playhead.seek(6)
    scenes.window.rooms.takes.verbs["timeline"].trigger()
    scenes.until(lambda: bool(desk.timeline and desk.timeline.chosen and desk.timeline.chosen.placed), seconds=60)
    scenes.shoot("resolve", settle_ms=2500)
    (FOLDER / "panel-resolve.png").replace(FOLDER / "resolve-panel.png")


def main() -> None:
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(home / "settings"))
    _, window = panel.build_app(argparse.Namespace(path="", server="", resolve="edit"), host=lend())
    sys.excepthook = lambda *caught: traceback.print_exception(*caught)
    window.resize(*SIZE)
    window.show()
    try:
        draw(Scenes(window))
    finally:
        window.desk.session.close()
        if window.desk.timeline is not None:
            window.desk.timeline.finish()
        end_work(window)
        for runtime in data_dir().glob("server.json"):
            os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(home, ignore_errors=True)
