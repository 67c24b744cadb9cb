# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame, rational and timecode maths against slow, obvious twins and known SMPTE values."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.core import timeline
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.timeline import FrameRange

NTSC = Fraction(30000, 1001)
RATES = [Fraction(24), Fraction(25), Fraction(24000, 1001), NTSC, Fraction(50), Fraction(60000, 1001), Fraction(120)]
DROP_RATES = [NTSC, Fraction(60000, 1001), Fraction(120000, 1001)]
rates = st.sampled_from(RATES)
ranges = st.tuples(st.integers(0, 5000), st.integers(0, 500)).map(lambda p: FrameRange(p[0], p[0] + p[1]))


def drop_frame_labels(rate: Fraction, minutes: int):
    """The slow twin: walk through every label and leave out what SMPTE ST 12-1 leaves out."""
    nominal = timeline.nominal_rate(rate)
    for minute in range(minutes):
        for second in range(60):
            for frame in range(nominal):
                if minute % 10 and second == 0 and frame < nominal // 15:
                    continue
                yield f"{minute // 60:02}:{minute % 60:02}:{second:02};{frame:0{max(2, len(str(nominal - 1)))}}"


@pytest.mark.parametrize("rate", DROP_RATES)
def test_drop_frame_equals_walking_through_the_labels(rate):
    for frame, label in enumerate(drop_frame_labels(rate, 23)):
        assert timeline.timecode_at(frame, rate, drop_frame=True) == label


@pytest.mark.parametrize(
    ("frame", "label"),
    [(1799, "00:00:59;29"), (1800, "00:01:00;02"), (17982, "00:10:00;00"), (107892, "01:00:00;00")],
)
def test_known_drop_frame_labels(frame, label):
    assert timeline.timecode_at(frame, NTSC, drop_frame=True) == label
    assert timeline.frame_at_timecode(label, NTSC) == frame


def test_drop_frame_stays_within_two_frames_of_the_clock_over_a_day():
    for hour in range(24):
        frame = timeline.frame_at_timecode(f"{hour:02}:59:59;00", NTSC)
        clock = Fraction(hour * 3600 + 59 * 60 + 59)
        assert abs(timeline.seconds_at(frame, NTSC) - clock) < Fraction(1, 10)


@given(st.integers(0, 10**7), rates, st.booleans())
def test_timecode_round_trip_within_a_day(frame, rate, drop):
    drop = drop and timeline.supports_drop_frame(rate)
    nominal = timeline.nominal_rate(rate)
    day = 144 * (nominal * 600 - nominal // 15 * 9) if drop else nominal * 86400
    label = timeline.timecode_at(frame, rate, drop_frame=drop)
    assert timeline.frame_at_timecode(label, rate) == frame % day
    assert (";" in label) is drop


@given(st.integers(0, 10**7), rates)
def test_frame_seconds_round_trip_is_exact(frame, rate):
    start = timeline.seconds_at(frame, rate)
    assert timeline.frame_at(start, rate) == frame
    assert timeline.frame_at(start + 1 / rate - Fraction(1, 10**9), rate) == frame


@pytest.mark.parametrize(
    "label", ["", "1:2:3", "00:00:00", "00:61:00:00", "00:00:60:00", "24:00:00:00", "00:00:00:24", "ab:cd:ef:gh"]
)
def test_bad_timecode_is_one_sentence(label):
    with pytest.raises(BadInput, match="timecode"):
        timeline.frame_at_timecode(label, Fraction(24))


@pytest.mark.parametrize("label", ["00:01:00;00", "00:59:00;01"])
def test_dropped_labels_are_refused(label):
    with pytest.raises(BadInput, match="leaves out"):
        timeline.frame_at_timecode(label, NTSC)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30), Fraction(24000, 1001)])
def test_drop_frame_is_refused_where_it_does_not_exist(rate):
    with pytest.raises(BadInput, match="Drop-frame"):
        timeline.timecode_at(5000, rate, drop_frame=True)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("24", Fraction(24)),
        ("24.0", Fraction(24)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", NTSC),
        ("59.94", Fraction(60000, 1001)),
        ("30000/1001", NTSC),
        ("12.5", Fraction(25, 2)),
        ("30/1", Fraction(30)),
    ],
)
def test_rates_as_files_and_hosts_write_them(text, rate):
    assert timeline.parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-25", "25/0", "nan", "inf"])
def test_bad_rate_is_one_sentence(text):
    with pytest.raises(BadInput, match="frame rate"):
        timeline.parse_rate(text)


@given(ranges, ranges)
def test_intersection_holds_exactly_the_shared_frames(one, other):
    shared = {*range(one.first, one.last + 1)} & {*range(other.first, other.last + 1)}
    both = one.intersection(other)
    assert shared == (set(range(both.first, both.last + 1)) if both else set())


@given(ranges, st.integers(0, 1000))
def test_shifting_keeps_the_length_and_moves_membership(frames, by):
    moved = frames.shifted(by)
    assert len(moved) == len(frames)
    assert frames.first + by in moved and frames.last + by in moved and moved.last + 1 not in moved


@given(ranges)
def test_ranges_are_read_back_as_written(frames):
    assert timeline.parse_range(f" {frames.first} - {frames.last} ") == frames


@pytest.mark.parametrize("text", ["", "5", "5-", "-5", "9-3", "a-b", "1-2-3", "1.5-2"])
def test_bad_ranges_are_input_errors(text):
    with pytest.raises(BadInput) as caught:
        timeline.parse_range(text)
    assert isinstance(caught.value, ClientError) and caught.value.exit_code == 2
