# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations with Resolve, written down call by call and played back where there is no Resolve.

A recording is a text file of JSON lines: `{"on", "call", "with", "value"}` in the words of the agent's protocol, in the
order in which they were said. Whoever owns Resolve can send one in, and tests answer from it.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.remote import Remote


class Recorder:
    """Writes each call and its answer to `path`; give `note` to a `Wire` as its `on_call`. A context manager."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{path} cannot be written ({error.strerror}): choose another place.") from error

    def note(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Write one call down; it is on the disk when this returns, should Resolve take everything with it."""
        said = {name: request[name] for name in ("on", "call", "with")}
        heard = {name: answer[name] for name in ("value", "missing", "error") if name in answer}
        self._file.write(json.dumps(said | heard) + "\n")
        self._file.flush()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


class Replay:
    """A wire that answers from a recording. What is asked has to be what was asked then, in the same order."""

    def __init__(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            self._said = [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            raise BadInput(f"{path} is no recording of a conversation with Resolve: {error}.") from error
        self._next = 0

    @property
    def is_over(self) -> bool:
        """True once everything that was recorded has been asked."""
        return self._next == len(self._said)

    def call(self, on: int, name: str, values: list[Any]) -> dict[str, Any]:
        """The recorded answer. Raises BadInput where the conversation takes another course."""
        asked = {"on": on, "call": name, "with": values}
        if self.is_over:
            raise BadInput(f"The recording is over, and {name} is asked for: record it anew.")
        said = self._said[self._next]
        then = {key: said.get(key) for key in asked}
        if json.loads(json.dumps(asked)) != then:
            raise BadInput(
                f"Line {self._next + 1} of the recording is {then['call']}{then['with']} of object {then['on']}, "
                f"and {name}{values} of object {on} is asked for: record it anew."
            )
        self._next += 1
        return said

    def drop(self, number: int) -> None:
        """Nothing was kept."""

    def close(self) -> None:
        """Nobody to hang up on."""


def replayed(path: Path) -> Remote:
    """Resolve as it answered in the recording at `path`. Raises BadInput if that is none."""
    return Remote(Replay(path), 0)
