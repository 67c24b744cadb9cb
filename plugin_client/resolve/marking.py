# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker on each result: its job, its settings and its source, by which results are known again."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from plugin_client.core.host import Marks
from plugin_client.resolve.api import ask, insist

COLOR = "Fuchsia"
"""Of the marker on each result."""


def put_mark(item: Any, marks: Marks, source: str, undo: ExitStack) -> None:
    """Mark a result's first frame, in place of the marker of an earlier result; `source`: the edited item's id.

    `undo` learns how to put the earlier one back. Raises BadInput if Resolve does not take the marker.
    """
    earlier = _mark_on(item)
    if earlier is not None:
        undo.callback(_put_back, item, earlier)
        ask(item, "DeleteMarkerAtFrame", 0)
    words = json.dumps(asdict(marks) | {"source": source}, ensure_ascii=False, default=str)
    ask(item, "AddMarker", 0, COLOR, f"MaskEdit {marks.name}".strip(), marks.prompt, 1, words)


def source_of(item: Any) -> str:
    """The id of the item that a result was made from; "" for what is no result."""
    mark = _mark_on(item)
    return "" if mark is None else json.loads(mark["customData"])["source"]


def _mark_on(item: Any) -> dict[str, Any] | None:
    """Our marker on the item's first frame."""
    marks = item.GetMarkers() or item.GetMarkers() or {}
    for frame, mark in marks.items():
        try:
            words = json.loads(mark.get("customData") or "")
        except ValueError:
            continue
        # Over the wire, frames are text.
        if isinstance(words, dict) and {"job_id", "source"} <= words.keys() and float(frame) == 0:
            return mark
    return None


def _put_back(item: Any, mark: dict[str, Any]) -> None:
    item.DeleteMarkerAtFrame(0)
    values = (mark[name] for name in ("color", "name", "note", "duration", "customData"))
    insist(item, "AddMarker", 0, *values)
