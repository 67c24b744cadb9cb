# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenTimelineIO's float times as exact seconds, and back: at the rate that the file itself writes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from plugin_client.timelines.timeline import Span
from plugin_client.timelines.times import exact_rate, seconds_of


def exact_time(time: Any) -> Fraction:
    """A RationalTime in seconds."""
    return seconds_of(time.value, time.rate)


def exact_span(time_range: Any) -> Span:
    """A TimeRange in seconds."""
    return Span(exact_time(time_range.start_time), exact_time(time_range.duration))


def rational_time(otio: Any, seconds: Fraction, rate: float) -> Any:
    """`seconds` as a RationalTime at `rate`, a float as the file has it: 23.976 and 23.976023976 stay as they are."""
    return otio.opentime.RationalTime(float(seconds * exact_rate(rate)), rate)
