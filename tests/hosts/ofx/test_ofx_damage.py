# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are no whole cache: the source stays untouched, and nothing is read that is not there."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskedit.errors import InputError
from maskedit.media.frame_cache import ENTRY_BYTES, HEADER_BYTES
from maskedit.media.frame_cache_reader import FrameCache
from tests.hosts.ofx.cases import random_plate, random_source, write_cache
from tests.hosts.ofx.conftest import Started
from tests.hosts.ofx.driving import OK, Host, Layout, Request

pytestmark = pytest.mark.timeout(300)  # the first test builds
WIDTH, HEIGHT, SLOTS = 7, 5, 3
BOUNDS = (0, 0, WIDTH, HEIGHT)


def a_cache(path: Path) -> bytes:
    rng = np.random.default_rng(5)
    plates = [random_plate(rng, WIDTH, HEIGHT) for _ in range(SLOTS)]
    for plate in plates:
        plate.samples[0, 0] = 1  # something shows
    return write_cache(path, plates).read_bytes()


def sealed(content: bytes) -> bytes:
    """The same with the header's checksum put right."""
    head = content[: HEADER_BYTES - 4]
    return head + struct.pack("<I", zlib.crc32(head)) + content[HEADER_BYTES:]


def sealed_entry(content: bytes, slot: int) -> bytes:
    """The same with the checksum of a slot's entry put right."""
    at = HEADER_BYTES + slot * ENTRY_BYTES
    return content[: at + 44] + struct.pack("<I", zlib.crc32(content[at : at + 40])) + content[at + 48 :]


def put(at: int, kind: str, *values: int) -> Callable[[bytes], bytes]:
    """An edit: these numbers at that place."""
    packed = struct.pack(f"<{kind}", *values)
    return lambda content: content[:at] + packed + content[at + len(packed) :]


HEADERS = {
    "foreign": put(0, "8s", b"MASKEDFX"),
    "another version": put(8, "I", 2),
    "a longer header": put(12, "I", 8192),
    "no width": put(16, "I", 0),
    "too wide": put(16, "I", 1 << 16),
    "another kind of pixels": put(24, "I", 2),
    "no slots": put(28, "I", 0),
    "more slots than there are": put(28, "I", 1 << 20),
    "too many slots": put(28, "I", 0xFFFFFFFF),
    "a frame number out of range": put(32, "q", -(1 << 62)),
    "no rate": put(44, "I", 0),
    "no aspect": put(52, "I", 0),
    "the index elsewhere": put(64, "Q", 1 << 40),
    "data in the index": put(72, "Q", HEADER_BYTES),
    "a file that is not all there": put(80, "Q", 1 << 40),
    "a file that ends before its data": put(80, "Q", 100),
}
ENTRY = HEADER_BYTES + ENTRY_BYTES
ENTRIES = {
    "outside the file": put(ENTRY, "Q", 1 << 62),
    "a sum beyond all numbers": put(ENTRY, "2Q", (1 << 64) - 4096, 1 << 63),
    "in the header": put(ENTRY, "Q", 0),
    "between the places": put(ENTRY, "Q", 8200),
    "too few bytes": put(ENTRY + 8, "Q", 8),
    "left of the plate": put(ENTRY + 16, "i", -1),
    "below the plate": put(ENTRY + 20, "i", 1 << 30),
    "a rectangle beyond all numbers": put(ENTRY + 24, "2i", 0x7FFFFFFF, 0x7FFFFFFF),
    "a negative rectangle": put(ENTRY + 24, "2i", -2, -2),
    "half a rectangle": put(ENTRY + 24, "2i", 0, 3),
    "another slot's": put(ENTRY + 36, "I", 2),
    "published otherwise": put(ENTRY + 40, "I", 2),
}


def assert_untouched(host: Host, time: float) -> None:
    source = random_source(np.random.default_rng(9), (HEIGHT, WIDTH), "float")
    assert host.is_identity(time)
    result = host.render(Request(source, Layout(BOUNDS), BOUNDS, time=time))
    assert (result.status, result.images_out) == (OK, 0)
    assert result.pixels.tobytes() == source.tobytes()


def test_a_damaged_header_refuses_all_and_a_damaged_entry_its_frame(start: Started, tmp_path) -> None:
    path = tmp_path / "c.mefc"
    good = a_cache(path)
    with start("addresses") as host:
        host.create(take=path)
        assert not any(host.is_identity(time) for time in range(SLOTS))
        for number, edit in enumerate(HEADERS.values()):
            bad = tmp_path / f"header{number}.mefc"
            bad.write_bytes(sealed(edit(good)))
            host.set(take=bad)
            assert_untouched(host, 1)
        for number, edit in enumerate(ENTRIES.values()):
            bad = tmp_path / f"entry{number}.mefc"
            bad.write_bytes(sealed_entry(edit(good), 1))
            host.set(take=bad)
            assert_untouched(host, 1)
            assert not host.is_identity(0) and not host.is_identity(2)


def test_without_the_right_checksum_nothing_shows(start: Started, tmp_path) -> None:
    path = tmp_path / "c.mefc"
    good = a_cache(path)
    data = int.from_bytes(good[ENTRY : ENTRY + 8], "little")
    places = {"header": 100, "entry": ENTRY + 8, "entry's checksum": ENTRY + 44, "data": data + 3}
    with start("addresses") as host:
        host.create()
        for name, at in places.items():
            bad = tmp_path / f"{name}.mefc"
            bad.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
            host.set(take=bad)
            assert_untouched(host, 1)
            assert host.is_identity(0) == (name == "header")


def test_a_file_cut_anywhere_is_refused_and_a_longer_one_is_not(start: Started, tmp_path) -> None:
    good = a_cache(tmp_path / "c.mefc")
    with start("addresses") as host:
        host.create()
        for size in (0, 1, 7, 4095, 4096, 4096 + 64, len(good) // 2, len(good) - 1):
            short = tmp_path / f"{size}.mefc"
            short.write_bytes(good[:size])
            host.set(take=short)
            assert_untouched(host, 1)
        (tmp_path / "long.mefc").write_bytes(good + b"more")
        host.set(take=tmp_path / "long.mefc")
        assert not host.is_identity(1)


def test_what_is_no_file_neither_shows_nor_waits(start: Started, tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.mefc")
    (tmp_path / "loop.mefc").symlink_to("loop.mefc")
    with start("addresses") as host:
        host.create()
        for path in (tmp_path / "pipe.mefc", tmp_path / "loop.mefc", "/dev/zero", "/proc/self/mem", "relative.mefc"):
            host.set(take=path)
            assert_untouched(host, 1)


def test_thousands_of_mutations_are_judged_as_our_own_reader_judges_them(start: Started, tmp_path) -> None:
    """Bytes changed at random, half of them with the checksums put right: no crash, and both readers agree."""
    rng = np.random.default_rng(7)
    path = tmp_path / "c.mefc"
    good = a_cache(path)
    shown = refused = 0
    with start("addresses") as host:
        host.create(take=path)
        for number in range(1500):
            content = bytearray(good)
            # Numbers of the header, or of the entries, or anything but the header.
            ranges = ((8, 88), (HEADER_BYTES, HEADER_BYTES + SLOTS * ENTRY_BYTES), (HEADER_BYTES, len(good)))
            low, high = ranges[number % 3]
            for at in rng.integers(low, high, int(rng.integers(1, 3))):
                content[at] = rng.choice([content[at] ^ (1 << rng.integers(0, 8)), 0, 1, 0x7F, 0x80, 0xFF])
            changed = bytes(content)
            if rng.random() < 0.7:
                changed = sealed(changed)
                for slot in range(SLOTS):
                    changed = sealed_entry(changed, slot)
            part = tmp_path / "part"
            part.write_bytes(changed[: rng.integers(0, len(good)) if rng.random() < 0.05 else len(good)])
            part.replace(path)
            for slot in range(SLOTS):
                is_shown = _shows(path, slot)
                assert host.is_identity(_first_frame(path) + slot) != is_shown, (number, slot)
                shown, refused = shown + is_shown, refused + (not is_shown)
    assert min(shown, refused) > 500


def _first_frame(path: Path) -> int:
    content = path.read_bytes()
    number = int.from_bytes(content[32:40], "little", signed=True)
    return number if abs(number) < 1 << 53 else 0  # refused


def _shows(path: Path, slot: int) -> bool:
    try:
        with FrameCache(path) as cache:
            entry = cache.entry(slot) if slot < cache.header.slot_count else None
            return entry is not None and cache.samples(entry).size > 0
    except InputError:
        return False
