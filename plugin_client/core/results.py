# SPDX-License-Identifier: GPL-3.0-or-later
"""A fetched result on this machine: where its files lie, and what the take's record beside it says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from plugin_client.core.errors import TransferError
from plugin_client.core.media import is_sequence, numbered, without_number

RECORD_SUFFIX = ".maskedit.json"
_RESULT = "result"
_OTHERS = f"{_RESULT}-"


def record_path(out: Path) -> Path:
    """Where the take's record lies for a result at `out`: `NAME.maskedit.json` beside it."""
    return beside(out, RECORD_SUFFIX)


def beside(out: Path, ending: str) -> Path:
    """What lies beside a result at `out` under its name with another `ending`: `shot.mkv`, "-fill.mov"."""
    return out.with_name((Path(without_number(out.name)).stem or _RESULT) + ending)


def destination_of(name: str, out: Path) -> Path:
    """Where the result file `name` ("result.mkv", "result.maskedit.json", "result/shot.1001.exr") goes for `out`.

    The first deliverable goes to `out`, every other ("result-fill.mov", "result-fill/result-fill.1001.exr") beside it.

    Raises TransferError for a name that would leave `out`'s folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\\" in name:
        raise TransferError(f"The server names a result file {name!r}, which is unsafe: it was not fetched.")
    if len(parts) == 1:
        if name.endswith(RECORD_SUFFIX):
            return record_path(out)
        if name.startswith(_OTHERS):
            return beside(out, name.removeprefix(_RESULT))
        return out if PurePosixPath(name).stem == _RESULT else out.with_name(name)
    if parts[0].startswith(_OTHERS):
        return beside(out, parts[0].removeprefix(_RESULT)).joinpath(*parts[1:])
    if not is_sequence(out.name):
        return out.joinpath(*parts[1:])
    number = re.search(r"(\d+)\D*$", parts[-1])
    if number is None:
        raise TransferError(f"The server names a sequence file {name!r} without a number: it was not fetched.")
    return numbered(out, int(number[1]))


def record_beside(out: Path) -> dict[str, Any]:
    """The take's record beside a result at `out`, empty where it is missing or is none."""
    try:
        record = json.loads(record_path(out).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def delivered_at(out: Path) -> list[dict[str, Any]]:
    """What a take whose result is at `out` delivered, in order: `path`, `kind`, `format`, `pixel_format`, and
    `codec_error` (10-bit codes) where the codec is not exact. Empty if there is no record beside it."""
    return [
        {"path": str(destination_of(each["name"], out))} | {key: each[key] for key in each if key != "name"}
        for each in record_beside(out).get("deliverables", [])
    ]


def delivered(out: Path, kind: str) -> Path | None:
    """The file, or the folder of a sequence, of that kind beside a result at `out`; None if none is there."""
    path = next((Path(each["path"]) for each in delivered_at(out) if each["kind"] == kind), None)
    return path if path is not None and path.exists() else None
