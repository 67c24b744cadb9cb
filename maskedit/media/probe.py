# SPDX-License-Identifier: GPL-3.0-or-later
"""probe: what a clip is, before anything is done with it."""

from __future__ import annotations

from pathlib import Path

from maskedit.media.reader import ClipReader
from maskedit.request import MediaFacts


def probe(path: str | Path, *, first_number: int | None = None) -> MediaFacts:
    """The facts of a video file or image sequence (`shot.%04d.exr`, frame 0 = `first_number` or its lowest).

    `frame_count` is the number of frames that can be decoded. Tags that the file lacks are guessed and say so by their
    origin. Raises InputError: missing, no video, interlaced, an absurd size, an unknown pixel format.
    """
    return ClipReader(path, first_number=first_number).facts
