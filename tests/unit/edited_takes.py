# SPDX-License-Identifier: GPL-3.0-or-later
"""The take that an edit of a clip on a timeline gives back, for the tests of every kind of timeline."""

from __future__ import annotations

from fractions import Fraction

from plugin_client.core.host import Marks
from plugin_client.timelines.placement import shown_frames
from plugin_client.timelines.timeline import Take, TimelineClip

MARKS = Marks(job_id="job-1", prompt="a hat", seed=2**40, settings={"preset": "fast", "frames": [1, 2]})


def edited_take(clip: TimelineClip, *, rate: Fraction, length: int, timecode: int, handles: int = 0) -> Take:
    """All that the clip shows of its media, which has `length` frames and starts at frame `timecode` of the day."""
    frames = shown_frames(clip, rate, length=length, handles=handles)
    return Take(
        media="/takes/A003 edited.mov",
        first=frames.first,
        frames=len(frames),
        rate=rate,
        width=1920,
        height=1080,
        has_alpha=True,
        name="A003 edited",
        marks=MARKS,
        start_frame=timecode + frames.first,
    )
