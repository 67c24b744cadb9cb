# SPDX-License-Identifier: GPL-3.0-or-later
"""Media references of OpenTimelineIO: which file, from when, at which rate; and one for a take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from plugin_client.core.media import is_sequence
from plugin_client.timelines.otio_times import rational_time
from plugin_client.timelines.refusals import without_file
from plugin_client.timelines.timeline import Take
from plugin_client.timelines.times import exact_rate, seconds_of
from plugin_client.timelines.urls import media_path, media_url, pattern_parts


@dataclass(frozen=True, kw_only=True)
class ReferenceFacts:
    """As the fields of `TimelineClip` of the same meaning."""

    media: str = ""
    rate: Fraction | None = None
    start: Fraction | None = None
    first_number: int | None = None
    refusal: str = ""


def available_range(clip: Any) -> Any:
    """What there is of the clip's media, None where the file does not say."""
    return None if clip.media_reference is None else clip.media_reference.available_range


def reference_facts(otio: Any, clip: Any, folder: Path) -> ReferenceFacts:
    """What the clip's active reference says. `folder`: the timeline's, from which relative paths count."""
    reference = clip.media_reference
    available = available_range(clip)
    start = None if available is None else seconds_of(available.start_time.value, available.start_time.rate)
    rate = None if available is None else exact_rate(available.start_time.rate)
    if isinstance(reference, otio.schema.ImageSequenceReference):
        if reference.frame_step != 1:
            refusal = f"The sequence of {clip.name!r} shows every {reference.frame_step}th picture: renumber it first."
            return ReferenceFacts(rate=rate, start=start, refusal=refusal)
        field = f"%0{reference.frame_zero_padding}d" if reference.frame_zero_padding > 1 else "%d"
        name = f"{reference.name_prefix}{field}{reference.name_suffix}"
        base = reference.target_url_base
        return ReferenceFacts(
            media=media_path(f"{base.removesuffix('/')}/{name}" if base else name, folder),
            rate=exact_rate(reference.rate),
            start=start,
            first_number=reference.start_frame,
        )
    if isinstance(reference, otio.schema.ExternalReference):
        media = media_path(reference.target_url, folder)
        return ReferenceFacts(media=media, rate=rate, start=start, refusal="" if media else without_file(clip.name))
    return ReferenceFacts(rate=rate, start=start, refusal=without_file(clip.name))


def take_reference(otio: Any, take: Take, *, rate: float) -> Any:
    """A reference to the take, whose times are written at `rate`."""
    available = otio.opentime.TimeRange(
        rational_time(otio, take.start_frame / take.rate, rate), rational_time(otio, take.frames / take.rate, rate)
    )
    if not is_sequence(take.media):
        return otio.schema.ExternalReference(target_url=media_url(take.media), available_range=available)
    folder, name = os.path.split(take.media)
    prefix, padding, suffix = pattern_parts(name)
    return otio.schema.ImageSequenceReference(
        target_url_base=media_url(folder) + "/",
        name_prefix=prefix,
        name_suffix=suffix,
        start_frame=take.first_number,
        frame_step=1,
        rate=rate,
        frame_zero_padding=padding,
        available_range=available,
    )
