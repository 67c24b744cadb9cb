# SPDX-License-Identifier: GPL-3.0-or-later
"""What a result's strip says of itself, as plain custom properties: these survive saving, splitting and Blender 5."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import bpy

from plugin_client.core.host import Marks

JOB_KEY = "maskedit_job"
_REST_KEY = "maskedit"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a result was made from. `source`: the strip, `media`: the file that it showed, "" if it shows none.

    `placed_at`: seconds since 1970, by which takes are ordered.
    """

    source: str = ""
    media: str = ""
    placed_at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Marked:
    """All that a result's strip says."""

    marks: Marks
    origin: Origin = field(default_factory=Origin)


def write_marks(strip: Any, marks: Marks, *, source: str, media: str) -> None:
    """Have `strip` say what it is; `source` and `media` as in `Origin`."""
    strip[JOB_KEY] = marks.job_id
    strip[_REST_KEY] = json.dumps(
        {
            "name": marks.name,
            "prompt": marks.prompt,
            "seed": marks.seed,
            "settings": dict(marks.settings),
            "source": source,
            "media": media,
            "placed_at": time.time(),
        },
        ensure_ascii=False,
    )


def read_marks(strip: Any) -> Marked | None:
    """What `strip` says; None if it is no result. What a user or another version has spoilt is left out."""
    job_id = strip.get(JOB_KEY)
    if not isinstance(job_id, str) or not job_id:
        return None
    try:
        rest = json.loads(strip.get(_REST_KEY, "{}"))
    except (TypeError, ValueError):
        rest = {}
    said = partial(_said, rest if isinstance(rest, dict) else {})
    marks = Marks(
        job_id=job_id,
        name=said("name", ""),
        prompt=said("prompt", ""),
        seed=said("seed", 0),
        settings=said("settings", {}),
    )
    origin = Origin(source=said("source", ""), media=said("media", ""), placed_at=said("placed_at", 0.0))
    return Marked(marks=marks, origin=origin)


def file_of(strip: Any) -> str:
    """The file that a strip shows, absolute, the first of its pictures; "" for strips without one."""
    elements = getattr(strip, "elements", None)
    if getattr(strip, "directory", "") and elements:
        return os.path.normpath(bpy.path.abspath(os.path.join(strip.directory, elements[0].filename)))
    path = getattr(strip, "filepath", "")
    return os.path.normpath(bpy.path.abspath(path)) if path else ""


def _said(rest: dict[str, Any], key: str, default: Any) -> Any:
    value = rest.get(key, default)
    return value if isinstance(value, type(default)) else default
