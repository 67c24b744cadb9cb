# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of the panel stands on: settings and data of its own, a desk, the sample on it, small real clips."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

# Before the first import of Qt: tests need no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PyQt6 import sip
from PyQt6.QtCore import QObject, QSettings
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from plugin_client.panel.composing import build_desk
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.working import end_work
from plugin_client.panel.shell.sample import open_sample
from tests.serving import REAL, ServerProcess

if TYPE_CHECKING:
    from plugin_client.panel.shell.window import MainWindow

NOBODY = "127.0.0.1:9"
"""An address where no server answers: a desk that looks there starts none."""


@pytest.fixture(autouse=True)
def panel_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of this test alone."""
    folder = tmp_path / "data"
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(folder))
    monkeypatch.delenv("MASKEDIT_SERVER", raising=False)
    monkeypatch.delenv("MASKEDIT_TOKEN", raising=False)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A real server with the bundled model, which may read what this run of the tests has written."""
    root = tmp_path_factory.getbasetemp()
    roots = ("--media-roots", f'["{root}"]')
    process = ServerProcess(tmp_path_factory.mktemp("data"), roots, command=REAL).start()
    yield process
    process.stop()


@pytest.fixture
def preferences(tmp_path: Path, qapp: QApplication) -> Iterator[Preferences]:
    """Preferences of this test alone, whose server does not exist: set `server` to "" to have one started."""
    made = Preferences(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    made.server = NOBODY
    yield made


@pytest.fixture
def desk(preferences: Preferences) -> Iterator[Desk]:
    """A whole desk of real parts with nothing on it."""
    parent = QObject()
    made = build_desk(preferences, parent=parent)
    yield made
    made.session.close()
    assert end_work(parent, within_ms=20_000), "work in the background does not end"
    sip.delete(parent)


@pytest.fixture
def sample_desk(desk: Desk) -> Desk:
    """The desk with the sample on it: the demo clip, its roto and its keyframe, not saved."""
    open_sample(desk)
    return desk


@pytest.fixture
def small_clip(write_clip: Callable[..., Path]) -> Path:
    """96×64, 12 frames at 24 a second, H.264: a bright square moves 4 px a frame over a gradient; frame n's corner
    block of 16 px has the grey level 16 + 12 n."""
    frames = np.empty((12, 64, 96, 3), np.uint8)
    frames[:] = np.linspace(40, 120, 96).astype(np.uint8)[None, None, :, None]
    for number, frame in enumerate(frames):
        frame[24:48, 4 * number : 4 * number + 24] = (220, 200, 60)
        frame[:16, :16] = 16 + 12 * number
    options = {"crf": "8", "g": "6"}
    return write_clip("small.mp4", frames, codec="libx264", pixel_format="yuv420p", rate=Fraction(24), options=options)


@pytest.fixture
def window(desk: Desk, qtbot: QtBot) -> Iterator[MainWindow]:
    """The whole window over the desk, shown; what it asks is for the test to answer."""
    # Imported here: the tests of a room need not wait for every other one.
    from plugin_client.panel.shell.window import MainWindow

    made = MainWindow(desk)
    made.show()
    yield made
    assert end_work(made, within_ms=20_000), "work in the background does not end"
    sip.delete(made)
