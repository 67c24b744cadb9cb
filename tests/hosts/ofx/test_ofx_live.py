# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that appear while a host has the cache mapped, caches that are replaced, and many threads at once."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.media.frame_cache import CacheHeader
from maskedit.media.frame_cache_writer import LiveCache, Region
from tests.hosts.ofx.cases import random_plate, random_source, write_cache
from tests.hosts.ofx.conftest import ROOT, Started
from tests.hosts.ofx.driving import Host, Layout, Request
from tests.hosts.ofx.twin import Plate, expected

pytestmark = pytest.mark.timeout(300)  # the first test builds
WIDTH, HEIGHT, FRAMES = 24, 16, 12
BOUNDS = (0, 0, WIDTH, HEIGHT)


def header() -> CacheHeader:
    return CacheHeader(width=WIDTH, height=HEIGHT, slot_count=FRAMES, rate=Fraction(24))


def plates(seed: int) -> list[Plate]:
    """Patches with something in them."""
    rng = np.random.default_rng(seed)
    made = [random_plate(rng, WIDTH, HEIGHT) for _ in range(FRAMES)]
    for plate in made:
        plate.samples[0, 0] = 1
    return made


def request(frame: int = 0) -> Request:
    source = random_source(np.random.default_rng(0), (HEIGHT, WIDTH), "float")
    return Request(source, Layout(BOUNDS), BOUNDS, time=frame)


def assert_shows(host: Host, frame: int, plate: Plate, name: str = "one") -> None:
    assert not host.is_identity(frame, name)
    wanted, _ = expected(plate, request())
    assert np.array_equal(host.render(request(frame), name).pixels, wanted)


def test_a_frame_that_is_published_while_mapped_appears(start: Started, tmp_path) -> None:
    path = tmp_path / "live.mefc"
    wanted = plates(1)
    with start("addresses") as host, LiveCache(path, header=header()) as cache:
        host.create("one", take=path)
        host.create("two", take=path)
        for frame, plate in enumerate(wanted):
            assert host.is_identity(frame)
            assert host.render(request(frame)).pixels.tobytes() == request().source.tobytes()
            cache.publish(frame, Region(plate.samples, plate.x, plate.y))
            assert_shows(host, frame, plate)
            assert_shows(host, frame, plate, "two")


def test_the_file_that_is_at_the_path_now_shows(start: Started, tmp_path) -> None:
    """Replaced by renaming, written over in place, cut short in place, and gone."""
    path = tmp_path / "c.mefc"
    first, second, third = plates(2)[:2], plates(3)[:3], plates(4)[:4]
    with start("addresses") as host:
        host.create(take=write_cache(path, first))
        assert_shows(host, 1, first[1])
        write_cache(path, second)
        assert_shows(host, 1, second[1])
        path.write_bytes(write_cache(tmp_path / "other.mefc", third).read_bytes())
        assert_shows(host, 1, third[1])
        os.truncate(path, 5000)
        assert host.is_identity(1)
        path.unlink()
        assert host.is_identity(1)


def test_a_cache_is_mapped_once_and_closed_with_its_last_instance(start: Started, tmp_path) -> None:
    path, other = (write_cache(tmp_path / name, plates(5)) for name in ("a.mefc", "b.mefc"))
    with start("addresses") as host:
        for name in ("one", "two", "three"):
            host.create(name, take=path)
            assert not host.is_identity(0, name)
        maps = Path(f"/proc/{host.pid}/maps")
        assert maps.read_text().count("a.mefc") == 1
        host.destroy("one")
        host.set("two", take=other)
        assert not host.is_identity(0, "two")
        assert (maps.read_text().count("a.mefc"), maps.read_text().count("b.mefc")) == (1, 1)
        host.destroy("two")
        host.set("three", take="")
        assert host.is_identity(0, "three")
        assert ".mefc" not in maps.read_text()


PUBLISH = """
import sys, time
from tests.hosts.ofx.test_ofx_live import FRAMES, LiveCache, Path, Region, header, plates
with LiveCache(Path(sys.argv[1]), header=header()) as cache:
    print("there", flush=True)
    sys.stdin.readline()
    for frame, plate in enumerate(plates(6)[:-1]):
        cache.publish(frame, Region(plate.samples, plate.x, plate.y))
        time.sleep(0.02)
"""


def test_threads_render_while_another_process_publishes(start: Started, tmp_path) -> None:
    """Each frame is the source or the published one, whole, and never the source again; no thread races another."""
    path = tmp_path / "storm.mefc"
    wanted = plates(6)
    writer = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdin and writer.stdout and writer.stdout.readline() == "there\n"
    with start("threads") as host:
        host.create(take=path)
        writer.stdin.write("go\n")
        writer.stdin.flush()
        answer = host.ask("storm", instance="one", threads=8, rounds=400, frames=FRAMES, width=WIDTH, height=HEIGHT)
        assert writer.wait(60) == 0
        assert (answer["failures"], answer["steps_back"], answer["renders"]) == (0, 0, 8 * 400)
        samples = (np.arange(WIDTH * HEIGHT * 4) % 251).astype(np.float32) / np.float32(250)
        source = samples.reshape(HEIGHT, WIDTH, 4)
        untouched = zlib.crc32(source.tobytes())
        assert answer["untouched"] == untouched
        changed = 0
        for frame, plate in enumerate(wanted):
            shown, is_exact = expected(plate, Request(source, Layout(BOUNDS), BOUNDS))
            allowed = {untouched} | ({zlib.crc32(shown.tobytes())} if frame < FRAMES - 1 else set())
            seen = set(answer["sums"][str(frame)])
            assert is_exact and seen <= allowed
            changed += len(seen) == 2
        assert changed > 0  # some were asked for both before and after
        assert not host.complaints()
