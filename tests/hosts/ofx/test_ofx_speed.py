# SPDX-License-Identifier: GPL-3.0-or-later
"""A 1080p float render beside memcpy of the same bytes, in one run. `pytest -s` shows the figures."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from maskedit.media.frame_cache import CacheHeader
from maskedit.media.frame_cache_writer import PackedCache, Region
from tests.hosts.ofx.conftest import Started

pytestmark = pytest.mark.timeout(300)  # the first test builds
WIDTH, HEIGHT = 1920, 1080
COPIES = {"the whole plate": 3.0, "a quarter of it": 2.0, "no frame": 1.5}
"""How many copies' time a render should take at most, on a quiet machine: docs/openfx.md has what was measured."""
LOOSER = 5


def test_a_render_costs_little_more_than_a_copy(start: Started, tmp_path) -> None:
    rng = np.random.default_rng(0)
    whole = rng.random((HEIGHT, WIDTH, 4), np.float32).astype(np.float16)
    quarter = np.ascontiguousarray(whole[: HEIGHT // 2, : WIDTH // 2])
    cache = PackedCache(
        tmp_path / "c.mefc", header=CacheHeader(width=WIDTH, height=HEIGHT, slot_count=2, rate=Fraction(25))
    )
    cache.add(Region(whole))
    cache.add(Region(quarter, WIDTH // 4, HEIGHT // 4))
    cache.finish()
    cache.publish()
    with start("plain") as host:
        host.create(take=tmp_path / "c.mefc")
        for frame, (what, wanted) in enumerate(COPIES.items()):
            times = host.ask("bench", instance="one", time=frame, rounds=11, width=WIDTH, height=HEIGHT)
            # The thread's own clock: on a busy machine the wall's tells of others.
            copies = times["render"]["thread_ms"] / times["copy"]["thread_ms"]
            print(f"\n{what}: {copies:.1f} copies' time, {times}")
            assert copies <= LOOSER * wanted
