# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a project folder as plain values: documents and takes to JSON and, as far as they go, back.

    NAME.maskedit/
        document.json    {"format": "maskedit-project", "version": 1, "document": …, "clip": …, "view": …}
        document.previous.json    the same, one save earlier
        keyframes/       edited pictures
        takes.json       {"format": "maskedit-takes", "version": 1, "takes": [job, …]}, oldest first
        takes/JOB/       a take's files, and take.json: the take itself

Reading mends: whatever is damaged is left out on its own and named in a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from plugin_client.core.requests import COMPOSITES, LOOSENINGS, PRESETS
from plugin_client.panel.model.document import Choices, Document
from plugin_client.panel.model.takes import Take

DOCUMENT = "document.json"
PREVIOUS = "document.previous.json"
DAMAGED = "document.damaged.json"
TAKES = "takes.json"
TAKE = "take.json"
KEYFRAMES = "keyframes"
TAKES_FOLDER = "takes"
PROJECT_FORMAT = "maskedit-project"
TAKES_FORMAT = "maskedit-takes"
VERSION = 1

_ITEMS = {"shapes": "shape", "strokes": "stroke", "mattes": "matte", "keyframes": "keyframe"}
_FIELDS = {"clip": "path of the clip", "frames": "range of in and out"}
_ALLOWED = {"preset": PRESETS, "loosening": LOOSENINGS, "composite": COMPOSITES}


def plain_document(document: Document, *, workspace: Path) -> dict[str, Any]:
    """`document` as JSON values; paths into `workspace` become relative to it."""
    plain = _adapter(Document).dump_python(document, mode="json", by_alias=True, exclude_unset=True)
    for kept in (*plain["mattes"], *plain["keyframes"]):
        kept["path"] = _inside(kept["path"], workspace)
    return plain


def read_document(plain: Any) -> tuple[Document, list[str]]:
    """The inverse of `plain_document`, as far as it goes, and a sentence for each part that had to be left out."""
    if not isinstance(plain, Mapping):
        return Document(), ["The document is not readable."]
    values, losses = {}, []
    for name, kind in _hints(Document).items():
        if name not in plain:
            continue
        if name == "choices":
            values[name], lost = _read_choices(plain[name])
            losses += lost
        elif name in _ITEMS:
            values[name], lost = _read_items(plain[name], kind, _ITEMS[name])
            losses += lost
        else:
            try:
                values[name] = _adapter(kind).validate_python(plain[name])
            except ValidationError:
                losses.append(f"The {_FIELDS[name]} is damaged and was left out.")
    document = Document(**values)
    at = {keyframe.frame: keyframe for keyframe in document.keyframes}
    return replace(document, keyframes=tuple(sorted(at.values()))), losses


def plain_take(take: Take, *, workspace: Path) -> dict[str, Any]:
    """`take` as JSON values."""
    plain = _adapter(Take).dump_python(take, mode="json", exclude={"document"})
    return {**plain, "document": plain_document(take.document, workspace=workspace)}


def read_take(plain: Any) -> Take:
    """The inverse of `plain_take`. Raises ValueError if it is not whole; its document may be in parts."""
    if not isinstance(plain, Mapping):
        raise ValueError("a take is an object")
    document, _ = read_document(plain.get("document"))
    values = {
        name: _adapter(kind).validate_python(plain[name])
        for name, kind in _hints(Take).items()
        if name != "document" and name in plain
    }
    try:
        return Take(document=document, **values)
    except TypeError as error:
        raise ValueError("a field that every take has is missing") from error


def _read_choices(plain: Any) -> tuple[Choices, list[str]]:
    if not isinstance(plain, Mapping):
        return Choices(), ["The settings of the run are damaged: check them before the next run."]
    values = {}
    damaged = []
    for name, kind in _hints(Choices).items():
        if name not in plain:
            continue
        try:
            value = _adapter(kind).validate_python(plain[name])
        except ValidationError:
            damaged.append(name)
            continue
        if name in _ALLOWED and value not in _ALLOWED[name]:
            damaged.append(name)
        else:
            values[name] = value
    return Choices(**values), [f"The setting “{name}” is damaged and stands as it was at first." for name in damaged]


def _read_items(plain: Any, kind: Any, word: str) -> tuple[tuple[Any, ...], list[str]]:
    if not isinstance(plain, list):
        return (), [f"The list of {word}s is damaged and was left out."]
    assert get_origin(kind) is tuple
    adapter = _adapter(get_args(kind)[0])
    items, losses = [], []
    for number, value in enumerate(plain, start=1):
        try:
            items.append(adapter.validate_python(value))
        except ValidationError:
            given = value.get("name") if isinstance(value, Mapping) else ""
            called = f"“{given}”" if given else str(number)
            losses.append(f"The {word} {called} is damaged and was left out.")
    return tuple(items), losses


def _inside(path: str, workspace: Path) -> str:
    """`path` relative to `workspace` if it lies in there."""
    if os.path.isabs(path) and Path(path).is_relative_to(workspace):
        return Path(path).relative_to(workspace).as_posix()
    return path


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields, in their order."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
