# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m plugin_client.panel.viewer CLIP`: measures scrubbing in the real viewer, without a screen."""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QObject, QSettings
from PyQt6.QtWidgets import QApplication

from maskedit.media import probe
from plugin_client.panel.composing import build_desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.viewer.measuring import heartbeat, rest, seek_times
from plugin_client.panel.viewer.pane import ViewerPane

_SEEKS = 60
_NOBODY = "127.0.0.1:9"


def main(clip: str) -> None:
    """Print the figures: cold seeks, seeks once the cache is warm, playing, the longest hold-up of the UI thread."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        preferences = Preferences(QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat))
        preferences.server = _NOBODY
        root = QObject()
        desk = build_desk(preferences, parent=root)
        pane = ViewerPane(desk)
        pane.resize(1280, 720)
        pane.show()
        desk.project.replace(Document(clip=clip), probe(clip))
        count = desk.playhead.last + 1
        order = random.Random(1).choices(range(count), k=_SEEKS)
        with heartbeat() as heart:
            cold = [seek_times(desk, pane.canvas, [frame])[0] for frame in order]
            held = -1
            while held < (held := len(pane.canvas.shown.plate.held_frames())):  # pyright: ignore
                rest(3000)
            warm = seek_times(desk, pane.canvas, order[::-1])
            rates: list[float] = []
            pane.player.shown_rate_changed.connect(rates.append)
            desk.playhead.play(1)
            rest(4000)
            desk.playhead.stop()
        print(f"{count} frames, {held} of them in a cache of {desk.footage.cache.limit >> 20} MiB once it is warm")
        for name, times in (("first looks", cold), ("warm", warm)):
            middle, high = np.percentile(times, [50, 95])
            print(f"seek to painted, {name}: median {middle:.1f} ms, p95 {high:.1f} ms, longest {max(times):.1f} ms")
        shown = [rate for rate in rates if rate]
        print(f"played: {np.median(shown):.2f} of {float(pane.player.rate):.2f} frames a second shown")
        late, computed = max(heart.late_ms), max(heart.computed_ms)
        print(f"UI thread: late by at most {late:.1f} ms, at most {computed:.1f} ms of work at a time")
        pane.close()
        app.processEvents()


if __name__ == "__main__":
    main(sys.argv[1])
