# SPDX-License-Identifier: GPL-3.0-or-later
"""Where words go: stdout for people, or stderr when stdout belongs to one line of JSON."""

from __future__ import annotations

import json
import select
import sys
from typing import Any

from rich.console import Console

_LOG_WIDTH = 400
"""Columns where there is no terminal: nothing is cut short."""


def console_for(*, as_json: bool) -> Console:
    """The console for words and progress. Marks and colours only where it is a terminal."""
    stream = sys.stderr if as_json else sys.stdout
    width = None if stream.isatty() else _LOG_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """`value` as the last line of stdout."""
    print(json.dumps(value), flush=True)


def is_interactive() -> bool:
    """True if a person can be asked a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """A person's answer, "" at the end of input. Raises KeyboardInterrupt on Ctrl-C, whenever it comes."""
    if sys.platform == "win32":
        return input(question)
    print(question, end="", file=sys.stderr, flush=True)
    # A Ctrl-C just before a blocking read is noticed only after it: hence short waits.
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
    return sys.stdin.readline()
