# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo and redo as a list of documents: each is whole and none is ever changed (no Qt)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from plugin_client.panel.model.document import Document

_MOST_STEPS = 1000


@dataclass(frozen=True)
class _Step:
    name: str
    document: Document
    merge: str = ""


class History:
    """The documents up to now, and those that were undone.

    Neighbouring documents share all that they do not differ in, so that a thousand steps cost little.
    """

    def __init__(self, document: Document) -> None:
        self._steps = [_Step("", document)]
        self._at = 0
        self._open = False

    @property
    def current(self) -> Document:
        """The document that counts."""
        return self._steps[self._at].document

    def change(self, name: str, document: Document, *, merge: str = "") -> bool:
        """Go on from the current document to another; what was undone is lost. False if it is the same."""
        if document == self.current:
            return False
        del self._steps[self._at + 1 :]
        if merge and self._open and self._steps[-1].merge == merge:
            self._steps[-1] = _Step(name, document, merge)
        else:
            self._steps.append(_Step(name, document, merge))
            # The oldest step goes; what it led to stays as the beginning.
            del self._steps[: max(0, len(self._steps) - _MOST_STEPS - 1)]
        self._at = len(self._steps) - 1
        self._open = bool(merge)
        return True

    def rewrite(self, change: Callable[[Document], Document]) -> None:
        """Apply what is no step of the user's to every document: nothing undoes it."""
        self._steps = [replace(step, document=change(step.document)) for step in self._steps]

    def settle(self) -> None:
        """End a run of merged changes."""
        self._open = False

    def undo(self) -> bool:
        """False if there is nothing to undo."""
        return self._go(self._at - 1)

    def redo(self) -> bool:
        """False if nothing was undone."""
        return self._go(self._at + 1)

    @property
    def undo_name(self) -> str:
        """The name of the step that `undo` takes back."""
        return self._steps[self._at].name if self._at else ""

    @property
    def redo_name(self) -> str:
        """The name of the step that `redo` brings back."""
        return self._steps[self._at + 1].name if self._at + 1 < len(self._steps) else ""

    def _go(self, to: int) -> bool:
        if not 0 <= to < len(self._steps):
            return False
        self._at, self._open = to, False
        return True
