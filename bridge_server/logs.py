# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's log: on stderr, lines of JSON unless a person watches, and bounded where it is a file of ours.

Whatever is bound with structlog's context variables, a job's id above all, is on every line that follows in the same
task and in the threads that it calls.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import structlog

MOST_BYTES = 10_000_000
GENERATIONS = 3


def configure(log: Path, *, stream: TextIO = sys.stderr, most_bytes: int = MOST_BYTES) -> None:
    """Write to `stream`. `log`: where clients that start the server let its stderr go; no longer than `most_bytes`."""
    bounded = BoundedStream(stream, log, most_bytes=most_bytes)
    as_text = [structlog.dev.ConsoleRenderer()]
    as_json = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        # One line each, whatever a file name in it holds.
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(as_text if stream.isatty() else as_json),
        ],
        logger_factory=structlog.WriteLoggerFactory(bounded),  # pyright: ignore[reportArgumentType]
    )


class BoundedStream:
    """A text stream. If it leads to the file `log`, that is emptied whenever it exceeds `most_bytes`.

    What it held goes to LOG.1, that to LOG.2, up to GENERATIONS. Emptied and not renamed: the file stays open in this
    process and its libraries, which append to it.
    """

    def __init__(self, stream: TextIO, log: Path, *, most_bytes: int) -> None:
        self._stream = stream
        self._log = log
        self._most_bytes = most_bytes

    def write(self, text: str) -> None:
        with suppress(OSError):  # a log that cannot be written or kept short is no reason to stop
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
            self._shorten()

    def _shorten(self) -> None:
        facts = os.fstat(self._stream.fileno())
        if facts.st_size <= self._most_bytes or not os.path.samestat(facts, self._log.stat()):
            return
        for older in range(GENERATIONS - 1, 0, -1):
            with suppress(FileNotFoundError):
                _numbered(self._log, older).replace(_numbered(self._log, older + 1))
        shutil.copyfile(self._log, _numbered(self._log, 1))
        os.ftruncate(self._stream.fileno(), 0)


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
