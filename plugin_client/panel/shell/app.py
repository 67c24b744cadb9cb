# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel from its command line to its end: the composition root."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import QCoreApplication, QTimer
from PyQt6.QtWidgets import QApplication

from plugin_client.panel.composing import build_desk
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.working import end_work
from plugin_client.panel.shell.defects import Defects
from plugin_client.panel.shell.theme import apply_theme
from plugin_client.panel.shell.window import MainWindow

BAD_INPUT = 2


def run(argv: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit code."""
    options = _parser().parse_args(sys.argv[1:] if argv is None else list(argv))
    if not _has_screen():
        print("The panel needs a screen: start it from a desktop session.", file=sys.stderr)
        return BAD_INPUT
    app, window = build_app(options)
    window.show()
    code = app.exec()
    window.desk.session.close()
    if not (end_work(window) and end_work(app)):
        os._exit(code)  # everything is saved, and nobody waits for what still computes
    return code


def build_app(options: argparse.Namespace) -> tuple[QApplication, MainWindow]:
    """The application and its window, which opens what `options` name as soon as it is shown."""
    QCoreApplication.setOrganizationName("MaskEdit")
    QCoreApplication.setApplicationName("MaskEdit")
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    app.setDesktopFileName("maskedit")
    apply_theme(app)
    preferences = Preferences(parent=app)
    if options.server:
        os.environ["MASKEDIT_SERVER"] = options.server
    window = MainWindow(build_desk(preferences, parent=app))
    defects = Defects(window)
    defects.found.connect(window.tell_defect)
    app.aboutToQuit.connect(defects.release)
    QTimer.singleShot(0, lambda: begin(window, options.path))
    return app, window


def begin(window: MainWindow, path: str) -> None:
    """Open `path`; without one offer what a crash left, and on the very first start the sample."""
    if path:
        window.projects.open(Path(path))
        return
    if not window.projects.offer_recovery() and not window.desk.preferences.recent:
        window.projects.open_sample()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="maskedit panel", description="Draw, paint, run and compare in one window.")
    parser.add_argument("path", nargs="?", default="", metavar="PROJECT.maskedit | CLIP", help="what to open")
    parser.add_argument("--server", default="", metavar="ADDRESS", help="HOST:PORT or unix:PATH of a server elsewhere")
    return parser


def _has_screen() -> bool:
    """Without one Qt would end the process instead of saying so."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
