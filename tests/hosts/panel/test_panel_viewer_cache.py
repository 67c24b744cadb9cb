# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache holds what was looked at last and never more than it may; what is prefetched comes in the right order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plugin_client.panel.viewer.decoding import wanted_next
from plugin_client.panel.viewer.picture_cache import PictureCache, PictureKey


def picture(size: int) -> np.ndarray:
    return np.zeros((1, size, 1), np.uint8)


@given(
    limit=st.integers(1, 200),
    steps=st.lists(st.tuples(st.sampled_from("pgd"), st.integers(0, 6), st.integers(1, 90)), max_size=60),
)
def test_it_holds_the_last_ones_that_fit(limit: int, steps: list[tuple[str, int, int]]) -> None:
    cache, twin = PictureCache(limit), list[tuple[int, int]]()
    for what, frame, size in steps:
        key = PictureKey(0, frame)
        held = next((entry for entry in twin if entry[0] == frame), None)
        if what == "g":
            assert (cache.get(key) is not None) == (held is not None)
            if held:
                twin.remove(held)
                twin.append(held)
        elif what == "p":
            cache.put(key, picture(size))
            if held:
                twin.remove(held)
            twin.append((frame, size))
            while sum(entry[1] for entry in twin) > limit:
                twin.pop(0)
        else:
            cache.limit = limit = size
            while sum(entry[1] for entry in twin) > limit:
                twin.pop(0)
        assert cache.frames(0) == {entry[0] for entry in twin}
        assert cache.used == sum(entry[1] for entry in twin) <= limit


def test_clips_are_kept_apart_and_full_sizes_beside_proxies() -> None:
    cache = PictureCache(1000)
    small, large, other = picture(1), picture(2), picture(3)
    cache.put(PictureKey(1, 5), small)
    cache.put(PictureKey(1, 5, full=True), large)
    cache.put(PictureKey(2, 5), other)
    assert cache.get(PictureKey(1, 5)) is small
    assert cache.get(PictureKey(1, 5, full=True)) is large
    cache.drop(1)
    assert (cache.frames(1), cache.frames(2), cache.used) == (frozenset(), {5}, 3)


def test_clips_that_look_ahead_share_the_room() -> None:
    cache = PictureCache(1000)
    assert cache.share(10) == 90
    cache.claim(1)
    cache.claim(2)
    cache.claim(2)
    assert cache.share(10) == 45
    cache.release(1)
    assert cache.share(10) == 90
    cache.drop(2)
    assert cache.share(10) == 90


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int, int]:
    count = draw(st.integers(1, 80))
    return count, draw(st.integers(0, count - 1)), draw(st.integers(1, 100))


@given(places(), st.sampled_from([-1, 0, 1]))
def test_what_comes_next_is_asked_for_first(place: tuple[int, int, int], direction: int) -> None:
    count, frame, room = place
    order = list(wanted_next(frame, direction, count=count, room=room))
    assert order[0] == frame
    assert len(order) == len(set(order)) == min(room, count)
    assert set(order) == set(range(min(order), max(order) + 1)) <= set(range(count))
    # Each side of the playhead goes outwards, so that nothing nearer is left for later.
    for side in ([each for each in order if each > frame], [each for each in order if each < frame]):
        assert [abs(each - frame) for each in side] == sorted(abs(each - frame) for each in side)
    if direction and room >= 4 and 0 < frame < count - 1:
        assert (order[1] - frame) * direction > 0
