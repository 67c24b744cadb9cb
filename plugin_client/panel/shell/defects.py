# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel did not expect: written to its log for those who mend it, one sentence for the user."""

from __future__ import annotations

import logging
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QObject, QtMsgType, pyqtSignal, qInstallMessageHandler

from plugin_client.core.datadir import data_dir

_LOG_BYTES = 1 << 20
_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_log = logging.getLogger("maskedit.panel")


def log_file() -> Path:
    """Where the panel writes its log."""
    return data_dir() / "logs" / "panel.log"


class Defects(QObject):
    """Takes every exception that nobody caught, of any thread; `found` tells the window, on its own thread.

    Holds the process's hooks from its making until `release`.
    """

    found = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._handler = _handler()
        root = logging.getLogger()
        root.addHandler(self._handler)
        root.setLevel(logging.INFO)
        self._hooks = sys.excepthook, threading.excepthook
        sys.excepthook = self._caught
        threading.excepthook = self._caught_in_thread
        self._qt_handler = qInstallMessageHandler(_from_qt)

    def release(self) -> None:
        """Give the hooks back and close the log."""
        sys.excepthook, threading.excepthook = self._hooks
        qInstallMessageHandler(self._qt_handler)
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()

    def _caught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return self._hooks[0](kind, error, trace)
        _log.error("nobody expected this", exc_info=(kind, error, trace))
        self.found.emit()

    def _caught_in_thread(self, caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None:
            self._caught(caught.exc_type, caught.exc_value, caught.exc_traceback)


def _handler() -> logging.Handler:
    path = log_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8")
    except OSError:  # the panel works without a log, and says elsewhere that the data folder cannot be written to
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler


def _from_qt(kind: QtMsgType, context: object, message: str | None) -> None:
    logging.getLogger("qt").log(_QT_LEVELS.get(kind, logging.INFO), message or "")
