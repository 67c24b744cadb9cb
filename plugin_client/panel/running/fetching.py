# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished job leaves in the project: its files, its record, and a picture to know it by (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskedit.colour import view_of
from maskedit.errors import MaskEditError
from maskedit.media import ClipReader
from maskedit.media.sequences import sequence_in
from maskedit.request import WorkingColour
from plugin_client.core.connection import Connection
from plugin_client.core.download import fetch_result
from plugin_client.core.job import Job
from plugin_client.core.results import record_beside

RESULT = "result"
THUMBNAIL = "thumbnail.jpg"
_THUMBNAIL_PX = 256


@dataclass(frozen=True)
class Fetched:
    """`result` and `thumbnail` relative to the take's folder, the latter "" where no picture could be made."""

    result: str
    thumbnail: str
    record: Mapping[str, Any]


def fetch(connection: Connection, job: Job, folder: Path, *, shown: int | None = None) -> Fetched:
    """Bring the job's files into `folder`. `shown`: the clip's frame to make the thumbnail of.

    Raises TransferError where they cannot be written, ServerUnreachable where the server stays away.
    """
    assert job.result is not None, "only a finished job is fetched"
    first = next((file.name for file in job.result.files), "")
    out = folder / (RESULT if "/" in first else first)
    fetch_result(connection, job, out)
    record = record_beside(out)
    place = 0 if shown is None else min(max(0, shown - job.result.frames.first), len(job.result.frames) - 1)
    made = make_thumbnail(out, place, folder / THUMBNAIL)
    return Fetched(out.name, THUMBNAIL if made else "", record)


def readable(result: Path) -> Path:
    """What a clip reader takes for `result`: the pattern of its pictures where it is a folder."""
    return Path(sequence_in(result)) if result.is_dir() else result


def make_thumbnail(result: Path, place: int, target: Path) -> bool:
    """A small picture of the result's frame `place`; False where it cannot be made."""
    try:
        with ClipReader(readable(result)) as clip:
            (plate,) = clip.frames(place, place)
            rgb = np.clip(view_of(clip.facts, WorkingColour()).shown(plate), 0, 1)
    except MaskEditError:
        return False
    scale = _THUMBNAIL_PX / max(rgb.shape[:2])
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    small = cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA)
    return bool(cv2.imwrite(str(target), cv2.cvtColor(np.rint(small * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)))
