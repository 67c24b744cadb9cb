# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/images/panel-*.png, the panel in each of its states: `./run exec python docs/draw_panel.py [STATE …]`.

Drives the real window with a real server of its own, and the bundled model; takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

FOLDER = Path(__file__).parent / "images"
SIZE, SMALL = (1600, 960), (1280, 720)
WIDTH = 1280
LONG = "A010_C014_0923Q7_graded_v012_approved_by_the_director_for_the_festival_cut_FINAL_really_final"

home = Path(tempfile.mkdtemp(prefix="maskedit-panel-"))
# Pictures show no one's folders: this run has a home of its own.
os.environ["HOME"] = str(home)
for name in ("MASKEDIT_DATA_DIR", "XDG_DATA_HOME"):
    os.environ.pop(name, None)
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image  # noqa: E402
from PyQt6.QtCore import QSettings  # noqa: E402
from PyQt6.QtTest import QTest  # noqa: E402
from PyQt6.QtWidgets import QWidget  # noqa: E402

from maskedit.demo import SOURCE  # noqa: E402
from plugin_client.core.datadir import data_dir  # noqa: E402
from plugin_client.panel.model.document import Document  # noqa: E402
from plugin_client.panel.model.working import end_work  # noqa: E402
from plugin_client.panel.roto.layers import refs_of  # noqa: E402
from plugin_client.panel.running.session import ServerState  # noqa: E402
from plugin_client.panel.shell import app as panel  # noqa: E402
from plugin_client.panel.shell.window import MainWindow  # noqa: E402
from plugin_client.panel.viewer.look import Compare  # noqa: E402


class Scenes:
    """One window, led from state to state; each scene leaves it as the next expects it."""

    def __init__(self, window: MainWindow) -> None:
        self.window, self.desk = window, window.desk

    def welcome(self) -> None:
        self.until(lambda: bool(self.desk.project.document.clip))
        self.shoot("welcome", settle_ms=150)

    def sample(self) -> None:
        self.until(lambda: self.desk.session.connected)
        self.until(lambda: self.window.card.make.isEnabled())
        self.shoot("sample", settle_ms=8000)

    def roto(self) -> None:
        self.window.card._close()
        self.tab("Roto")
        self.action("Edit points")
        self.window.rooms.roto.drawing.selection.choose([refs_of(self.desk.project.document)[2]])
        self.desk.playhead.seek(8)
        self.shoot("roto")

    def mattes(self) -> None:
        self.tab("Mattes")
        self.shoot("mattes")

    def keyframe(self) -> None:
        self.desk.playhead.seek(0)
        self.tab("Keyframes")
        self.shoot("keyframe")

    def run(self) -> None:
        self.tab("Run")
        self.shoot("run", settle_ms=4000)

    def running(self) -> None:
        self.choose(preset="fast")
        self.desk.runs.run()
        self.until(lambda: bool(self.desk.runs.running))
        job = self.desk.runs.running[0].job_id

        def has_losses() -> bool:
            course = self.desk.runs.course(job)
            return course is not None and len(course.losses) > 8

        self.until(has_losses, seconds=240)
        self.shoot("running", settle_ms=300)
        self.stop_all()

    def takes(self) -> None:
        self.choose(preset="draft")
        self.desk.runs.run()
        self.until(lambda: any(take.result for take in self.desk.takes.takes), seconds=120)
        done = self.desk.takes.takes[0].job_id
        self.desk.takes.update(done, star=True, notes="The ears hold; check frame 18.")
        self.desk.takes.choose(done)
        looks = self.window.rooms.viewer.canvas.looks
        looks.change(compare=Compare.WIPE, wipe=0.36, overlay_on=False)
        self.desk.playhead.seek(6)
        self.shoot("takes", settle_ms=3000)
        looks.change(compare=Compare.OFF, overlay_on=True)

    def queue(self) -> None:
        for seed, priority in ((11, "normal"), (12, "low"), (13, "normal"), (14, "high")):
            self.choose(preset="fast", seed=seed)
            before = len(self.desk.takes.takes)
            self.desk.runs.run(priority=priority)
            self.until(lambda count=before: len(self.desk.takes.takes) > count)
        self.shoot("queue", settle_ms=4000)
        self.stop_all()

    def settings(self) -> None:
        dialog = self.window.show_settings()
        self.shoot("settings", dialog)
        dialog.close()

    def models(self) -> None:
        """A folder that was added once and has lost its weights since."""
        broken = home / "Wan2.2-TI2V-5B"
        broken.mkdir()
        (broken / "model_index.json").write_text('{"_class_name": "WanImageToVideoPipeline"}')
        listing = {"version": 1, "models": {broken.name: str(broken)}}
        (data_dir() / "models.json").write_text(json.dumps(listing))
        page = self.window.show_models()
        page.check.click()
        self.until(lambda: page.installed.topLevelItemCount() > 1)
        self.shoot("models", page)
        page.close()

    def shortcuts(self) -> None:
        page = self.window.show_shortcuts()
        self.shoot("shortcuts", page)
        page.close()

    def small(self) -> None:
        self.window.resize(*SMALL)
        self.tab("Run")
        self.shoot("1280x720")
        self.window.resize(*SIZE)

    def lost(self) -> None:
        """The server dies while the window is open."""
        pid = json.loads((data_dir() / "server.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: self.desk.session.state is not ServerState.CONNECTED)
        self.shoot("lost", settle_ms=50)
        self.until(lambda: self.desk.session.connected, seconds=60)

    def damaged(self) -> None:
        """A project whose folder has lost a part."""
        folder = home / "Fox at the creek.maskedit"
        self.window.projects.save_to(folder)
        self.until(lambda: self.desk.project.folder == folder)
        shutil.rmtree(folder / "keyframes")
        self.window.projects.open(folder)
        self.until(lambda: self.window.notices.shown is not None)
        self.shoot("damaged", settle_ms=2000)
        self.window.notices.dismiss()

    def long_names(self) -> None:
        clip = home / f"{LONG}.mp4"
        shutil.copyfile(SOURCE, clip)
        document = self.desk.project.document
        named = tuple(shape.model_copy(update={"name": f"{shape.name} {LONG}"}) for shape in document.shapes)
        changed = replace(document, clip=str(clip), shapes=named)
        takes = tuple(reversed(self.desk.takes.takes))
        facts, scratch = self.desk.project.facts, None
        self.desk.project.replace(changed, facts, scratch=scratch)
        self.desk.takes.replace([replace(take, name=f"{take.name} {LONG}", notes=LONG) for take in takes])
        self.tab("Roto")
        self.shoot("long-names", settle_ms=3000)

    def start(self) -> None:
        self.desk.takes.replace(())
        self.desk.project.replace(Document(), None)
        self.shoot("start")

    # How a scene is led.

    def choose(self, **choices: object) -> None:
        document = self.desk.project.document
        self.desk.project.change("Choose", replace(document, choices=replace(document.choices, **choices)))

    def stop_all(self) -> None:
        for take in self.desk.runs.running:
            self.desk.runs.stop(take.job_id)
        self.until(lambda: not self.desk.runs.running, seconds=120)

    def until(self, condition: Callable[[], bool], *, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("what the picture shall show does not happen")
            QTest.qWait(20)

    def tab(self, name: str) -> None:
        tabs = self.window.tabs
        tabs.setCurrentIndex(next(index for index in range(tabs.count()) if tabs.tabText(index) == name))

    def action(self, text: str) -> None:
        actions = self.window.rooms.roto.actions()
        next(action for action in actions if action.text() == text).trigger()

    def shoot(self, name: str, widget: QWidget | None = None, *, settle_ms: int = 800) -> None:
        QTest.qWait(settle_ms)
        path = home / "picture.png"
        (widget or self.window).grab().save(str(path))
        FOLDER.mkdir(exist_ok=True)
        with Image.open(path) as picture:
            small = picture.convert("RGB")
            if small.width > WIDTH and "scale" not in name:
                height = round(small.height * WIDTH / small.width)
                small = small.resize((WIDTH, height), Image.Resampling.LANCZOS)
            # A palette is enough for a page and a third of the size.
            palette = small.quantize(256)
            drawn = small.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            drawn.save(FOLDER / f"panel-{name}.png", optimize=True)
        print(f"panel-{name}.png")


_TOOLS = ("choose", "stop_all", "until", "tab", "action", "shoot")
SCENES = tuple(name for name in vars(Scenes) if name not in _TOOLS and name[0] != "_")


@contextmanager
def opened() -> Iterator[MainWindow]:
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(home / "settings"))
    _, window = panel.build_app(argparse.Namespace(path="", server="", resolve=""))
    # What fails in a slot is for the terminal here, not for the panel's log.
    sys.excepthook = lambda *caught: traceback.print_exception(*caught)
    window.resize(*SIZE)
    window.show()
    try:
        yield window
    finally:
        window.desk.session.close()
        end_work(window)
        for runtime in data_dir().glob("server.json"):
            os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


def main() -> None:
    wanted = sys.argv[1:] or SCENES
    if wanted == ["scaled"]:  # its scale is set before Qt begins
        with opened() as window:
            scenes = Scenes(window)
            window.resize(*SMALL)
            scenes.until(lambda: window.card.make.isEnabled())
            scenes.shoot("scale-2", settle_ms=6000)
        return
    with opened() as window:
        scenes = Scenes(window)
        for name in wanted:
            getattr(scenes, name)()
    if not sys.argv[1:]:
        subprocess.run([sys.executable, __file__, "scaled"], env=os.environ | {"QT_SCALE_FACTOR": "2"}, check=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(home, ignore_errors=True)
