# SPDX-License-Identifier: GPL-3.0-or-later
"""The first channel that has room for a result, and none that has not."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin_client.blender import versions
from plugin_client.blender.channels import free_channel
from plugin_client.core.errors import BadInput


def colour(strips, channel, start, length, name="colour"):
    """A strip without a file."""
    end = {"length": length} if "length" in parameters(strips) else {"frame_end": start + length}
    return strips.new_effect(name=name, type="COLOR", channel=channel, frame_start=start, **end)


def parameters(strips):
    return strips.bl_rna.functions["new_effect"].parameters.keys()


def test_the_channel_above_where_nothing_is(scene):
    assert free_channel(scene, above=1, start=10, length=5) == 2


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(10, 5, 3), (14, 1, 3), (15, 5, 2), (5, 6, 3), (5, 5, 2), (12, 1, 3), (1, 30, 3)],
)
def test_one_frame_in_common_is_one_too_many(scene, start, length, expected):
    colour(versions.top_strips(scene), 2, 10, 5)
    assert free_channel(scene, above=1, start=start, length=length) == expected


def test_a_gap_below_other_strips_is_found(scene):
    strips = versions.top_strips(scene)
    for channel in (2, 3, 5):
        colour(strips, channel, 1, 20)
    assert free_channel(scene, above=1, start=1, length=20) == 4


@pytest.mark.parametrize("closing", ["mute", "lock"])
def test_closed_channels_are_passed_over(scene, closing):
    setattr(scene.sequence_editor.channels[2], closing, True)
    assert free_channel(scene, above=1, start=1, length=5) == 3


def test_above_the_highest_channel_there_is_none(scene):
    top = versions.max_channel()
    assert free_channel(scene, above=top - 1, start=1, length=5) == top
    colour(versions.top_strips(scene), top, 4, 1)
    with pytest.raises(BadInput, match=f"No channel above {top - 1} is free from frame 1 to 5"):
        free_channel(scene, above=top - 1, start=1, length=5)
    with pytest.raises(BadInput):
        free_channel(scene, above=top, start=100, length=5)


def test_a_meta_strip_has_channels_of_its_own(scene):
    strips = versions.top_strips(scene)
    colour(strips, 2, 1, 20, "outside")
    meta = strips.new_meta(name="meta", channel=1, frame_start=1)
    inner = versions.top_strips(meta)
    colour(inner, 1, 1, 20, "inside")
    assert free_channel(meta, above=1, start=1, length=20) == 2
    assert free_channel(scene, above=1, start=1, length=20) == 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    placed=st.lists(st.tuples(st.integers(2, 4), st.integers(1, 20), st.integers(1, 8)), max_size=6),
    start=st.integers(1, 20),
    length=st.integers(1, 8),
)
def test_it_is_the_lowest_without_a_frame_in_common(scene, placed, start, length):
    strips = versions.top_strips(scene)
    for strip in list(strips):
        strips.remove(strip)
    for channel, first, frames in placed:
        if versions.is_free(strips, channel, start=first, length=frames):
            colour(strips, channel, first, frames)
    taken = {
        each.channel
        for each in strips
        for timing in (versions.timing_of(each),)
        if set(range(timing.start, timing.start + timing.length)) & set(range(start, start + length))
    }
    assert free_channel(scene, above=1, start=start, length=length) == min(set(range(2, 6)) - taken)
