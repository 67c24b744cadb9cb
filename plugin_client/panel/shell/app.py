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

from plugin_client.core.errors import ClientError
from plugin_client.panel.composing import build_desk
from plugin_client.panel.hosting.bringing_back import BringingBack
from plugin_client.panel.hosting.opening import Opening
from plugin_client.panel.hosting.selftesting import run_selftest
from plugin_client.panel.hosting.timeline import EditingHost
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.working import end_work
from plugin_client.panel.shell.defects import Defects
from plugin_client.panel.shell.theme import apply_theme
from plugin_client.panel.shell.window import MainWindow

BAD_INPUT = 2


def run(argv: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit code."""
    options = _parser().parse_args(sys.argv[1:] if argv is None else list(argv))
    if options.resolve == "selftest":
        return run_selftest()
    if not _has_screen():
        print("The panel needs a screen: start it from a desktop session.", file=sys.stderr)
        return BAD_INPUT
    try:
        host = _resolve() if options.resolve else None
    except ClientError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    app, window = build_app(options, host=host)
    window.show()
    code = app.exec()
    window.desk.session.close()
    if window.desk.timeline is not None:
        window.desk.timeline.finish()
    if not (end_work(window) and end_work(app)):
        os._exit(code)  # everything is saved, and nobody waits for what still computes
    return code


def build_app(options: argparse.Namespace, *, host: EditingHost | None = None) -> tuple[QApplication, MainWindow]:
    """The application and its window, which opens what `options` name as soon as it is shown.

    `host`: the editing application that it was opened from.
    """
    QCoreApplication.setOrganizationName("MaskEdit")
    QCoreApplication.setApplicationName("MaskEdit")
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    app.setDesktopFileName("maskedit")
    apply_theme(app)
    preferences = Preferences(parent=app)
    if options.server:
        os.environ["MASKEDIT_SERVER"] = options.server
    window = MainWindow(build_desk(preferences, host=host, parent=app))
    defects = Defects(window)
    defects.found.connect(window.tell_defect)
    app.aboutToQuit.connect(defects.release)
    QTimer.singleShot(0, lambda: begin(window, options.path, options.resolve))
    return app, window


def begin(window: MainWindow, path: str, step: str = "") -> None:
    """Open `path`; without one offer what a crash left, and on the very first start the sample.

    `step`: what the editing application wants of the window instead, "edit" or "bring-back".
    """
    timeline = window.desk.timeline
    if timeline is not None and step == "edit":
        return Opening(timeline, window.desk, window.projects, window).open_selected()
    if timeline is not None and step == "bring-back":
        return BringingBack(timeline, window.desk, window.projects, window).begin()
    if path:
        window.projects.open(Path(path))
        return
    if not window.projects.offer_recovery() and not window.desk.preferences.recent:
        window.projects.open_sample()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="maskedit panel", description="Draw, paint, run and compare in one window.")
    parser.add_argument("path", nargs="?", default="", metavar="PROJECT.maskedit | CLIP", help="what to open")
    # Started by the entries in Resolve's menu, never typed.
    parser.add_argument("--resolve", default="", choices=("edit", "bring-back", "selftest"), help=argparse.SUPPRESS)
    parser.add_argument("--server", default="", metavar="ADDRESS", help="HOST:PORT or unix:PATH of a server elsewhere")
    return parser


def _resolve() -> EditingHost:
    from plugin_client.resolve.host import ResolveHost
    from plugin_client.resolve.remote import resolve_from_environment

    return ResolveHost(resolve_from_environment())


def _has_screen() -> bool:
    """Without one Qt would end the process instead of saying so."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
