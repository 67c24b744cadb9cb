# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of an edit as a timeline is to hold it: as it will be, and as it has become."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plugin_client.cli.destination import SEQUENCES
from plugin_client.cli.facts import clip_facts
from plugin_client.cli.timeline_shot import TimelineShot
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks
from plugin_client.core.job import Job
from plugin_client.core.media import is_sequence, sequence_files, without_number
from plugin_client.core.requests import EditOptions
from plugin_client.core.results import delivered_at
from plugin_client.core.timeline import frame_at_timecode
from plugin_client.timelines.timeline import Take


def expected_take(edit: EditOptions, shot: TimelineShot, *, out: Path) -> Take:
    """The take before it is rendered to `out`; its size, which decides nothing about its place, is not known yet."""
    frames, wanted = edit.frames or shot.frames, edit.deliverables[0]
    is_folder = wanted.format in SEQUENCES and not is_sequence(str(out))
    media = out.absolute() / f"%04d.{wanted.format}" if is_folder else out.absolute()
    return Take(
        media=str(media),
        first=frames.first,
        frames=len(frames),
        rate=shot.rate,
        width=1,
        height=1,
        has_alpha=wanted.kind == "patch",
        name=without_number(out.name),
        marks=_marks(edit, shot, job_id="", delivered=()),
    )


def finished_take(job: Job, result: Path, edit: EditOptions, shot: TimelineShot) -> Take:
    """The finished job's first deliverable, which lies at `result`. Raises BadInput where there is none."""
    if job.result is None:
        raise BadInput(f"The job {job.job_id} left no result: there is nothing to place.")
    media = _media_of(result)
    facts = clip_facts(media)
    start = 0
    if facts is not None and facts.start_timecode:
        start = frame_at_timecode(facts.start_timecode, facts.rate)
    delivered = [f"{each['kind']} {each['path']}" for each in delivered_at(result)]
    return replace(
        expected_take(replace(edit, frames=job.result.frames), shot, out=result),
        media=media,
        width=job.result.width,
        height=job.result.height,
        marks=_marks(edit, shot, job_id=job.job_id, delivered=delivered),
        start_frame=start,
        first_number=min(sequence_files(media)) if is_sequence(media) else 0,
    )


def _marks(edit: EditOptions, shot: TimelineShot, *, job_id: str, delivered: Sequence[str]) -> Marks:
    frames = edit.frames or shot.frames
    settings = {
        "preset": edit.preset,
        "model": edit.model,
        "mattes": [os.path.abspath(matte.path) for matte in edit.mattes],
        "keyframes": {str(picture.frame): os.path.abspath(picture.path) for picture in edit.keyframes},
        "frames": [frames.first, frames.last],
        "overridden": dict(edit.settings),
        "delivered": list(delivered),
    }
    return Marks(job_id=job_id, name=f"{shot.clip.name} edited", prompt=edit.prompt, seed=edit.seed, settings=settings)


def _media_of(result: Path) -> str:
    """The result as a timeline names it: the file, or the pattern of the pictures in the folder."""
    if not result.is_dir():
        return str(result)
    for file in sorted(result.iterdir()):
        number = re.fullmatch(r"(.*?)(\d+)(\.\w+)", file.name)
        if number is not None:
            return str(result / f"{number[1]}%0{len(number[2])}d{number[3]}")
    raise BadInput(f"{result} holds no pictures: there is nothing to place.")
