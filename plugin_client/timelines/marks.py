# SPDX-License-Identifier: GPL-3.0-or-later
"""What a placed take says of itself in the file, by which a later run and people know it again."""

from __future__ import annotations

import json
from typing import Any

from plugin_client.timelines.timeline import Take

KEY = "maskedit"
"""Under which OpenTimelineIO metadata hold it; the first word of a note in the formats that have only text."""


def marks_as_json(take: Take, *, over: str, version: int) -> dict[str, Any]:
    """The marks in plain JSON values. `over`: the name of the clip below."""
    marks = take.marks
    return {
        "job_id": marks.job_id,
        "name": marks.name,
        "prompt": marks.prompt,
        "seed": marks.seed,
        "settings": dict(marks.settings),
        "first_frame": take.first,
        "over": over,
        "version": version,
    }


def marks_as_note(take: Take, *, over: str, version: int) -> str:
    """The same in one line of text."""
    return f"{KEY} {json.dumps(marks_as_json(take, over=over, version=version), sort_keys=True)}"


def is_note(text: str | None) -> bool:
    """True for what `marks_as_note` wrote."""
    return text is not None and text.startswith(f"{KEY} {{")


def track_name(version: int) -> str:
    """What the track of a take is called: `MaskEdit`, `MaskEdit 2` …"""
    return "MaskEdit" if version == 1 else f"MaskEdit {version}"


def above_earlier(count: int) -> tuple[str, ...]:
    """A note where earlier takes stay below the new one."""
    if not count:
        return ()
    those = "an earlier result" if count == 1 else f"{count} earlier results"
    return (f"It lies above {those} of this clip; --replace takes out what lies exactly there.",)
