# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a result go where: never past the source, and no frame less than Resolve's rounding takes."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, Shot
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.orders import Order, order_of
from plugin_client.resolve.spots import Spot
from tests.hosts.resolve.fake.timecode import RATES

RATE = st.sampled_from(sorted(set(RATES.values())))
NAMES = dict.fromkeys(("project", "project_name", "timeline", "timeline_name", "item", "item_name"), "a")


def ordered(spot: Spot, rate: Fraction, first: int, last: int) -> Order:
    shot = Shot(media="a.mov", frames=FrameRange(first, last), rate=rate, record_frame=0, place=spot.as_text())
    return order_of("r.mov", shot, marks=Marks(job_id="j"), has_alpha=False)


@given(rate=RATE, media=RATE, length=st.integers(1, 200), first=st.integers(0, 99), data=st.data())
def test_a_part_of_a_clip_lies_within_it_where_its_first_frame_shows(rate, media, length, first, data):
    spot = Spot(**NAMES, track=1, frame=86400, length=length, rate=rate, first=first)
    shown = math.ceil(length * media / rate)
    start = data.draw(st.integers(0, shown - 1))
    count = data.draw(st.integers(1, shown - start))
    try:
        order = ordered(spot, media, first + start, first + start + count - 1)
    except BadInput:
        assert math.ceil(start * rate / media) >= length, "it begins after the last frame of the timeline"
        return
    room = order.room
    assert spot.frame <= room.frame and room.end <= spot.end and room.length >= 1
    at = (room.frame - spot.frame) * media / rate
    assert start <= at < start + max(1, media / rate), "its first frame shows there, and not before"
    assert order.used <= count and (order.length <= room.length or order.used == 1)
    if order.used < count:
        assert (order.used + 1) * rate // media > room.length, "one more would reach past the source"
    if rate == media:
        assert (room.frame, room.length, order.used) == (spot.frame + start, count, count)


@given(rate=RATE, media=RATE, first=st.integers(12, 99), retimed=st.integers(1, 90), data=st.data())
def test_of_a_retimed_clip_that_is_used_which_it_shows(rate, media, first, retimed, data):
    spot = Spot(**NAMES, track=1, frame=86400, length=50, rate=rate, first=first, retimed=retimed)
    start, end = data.draw(st.integers(0, first + retimed + 12)), data.draw(st.integers(0, first + retimed + 12))
    start, end = min(start, end), max(start, end)
    shown = set(range(start, end + 1)) & set(range(first, first + retimed))
    if not shown:
        with pytest.raises(BadInput, match="other frames than a shows"):
            ordered(spot, media, start, end)
        return
    order = ordered(spot, media, start, end)
    assert set(range(start + order.skip, start + order.skip + order.used)) == shown
    assert order.is_part is (len(shown) < retimed)
    assert order.room.frame == spot.frame and order.room.length == max(1, math.floor(len(shown) * rate / media))
