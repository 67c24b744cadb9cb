# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the open clip as the timecode that it carries, and what a user types as a place in it (no Qt)."""

from __future__ import annotations

from maskedit.request import MediaFacts
from plugin_client.core.errors import BadInput
from plugin_client.core.timeline import frame_at_timecode, supports_drop_frame, timecode_at


def timecode_of(frame: int, facts: MediaFacts) -> str:
    """The label of `frame`, counted from the clip's start timecode, from 0 where it has none."""
    return timecode_at(_start(facts) + frame, facts.rate, drop_frame=_drops(facts))


def place_of(text: str, facts: MediaFacts) -> int:
    """The frame that `text` means: its number as it stands on the ruler, or its timecode.

    Raises BadInput, one sentence, for what is neither or lies outside the clip.
    """
    text = text.strip()
    frame = int(text) if text.isdecimal() else frame_at_timecode(text, facts.rate) - _start(facts)
    if not 0 <= frame < facts.frame_count:
        first, last = timecode_of(0, facts), timecode_of(facts.frame_count - 1, facts)
        raise BadInput(f"{text} lies outside the clip: give a frame 0-{facts.frame_count - 1}, or {first} to {last}.")
    return frame


def _start(facts: MediaFacts) -> int:
    try:
        return frame_at_timecode(facts.start_timecode, facts.rate)
    except BadInput:
        return 0


def _drops(facts: MediaFacts) -> bool:
    return any(mark in facts.start_timecode for mark in ";.") and supports_drop_frame(facts.rate)
