# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame cache: what is written is what is read, at the documented bytes; whatever is damaged is refused."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskedit.errors import InputError, OutputError
from maskedit.faults import planned
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.frame_cache import CacheHeader
from maskedit.media.frame_cache_reader import FrameCache
from maskedit.media.frame_cache_writer import LiveCache, PackedCache, Region
from maskedit.media.writer import check_deliverable
from maskedit.request import (
    AlphaMode,
    ColourTag,
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    FrameRange,
    MediaFacts,
    Origin,
)

FEW = settings(max_examples=25, deadline=None)
WIDTH, HEIGHT, SLOTS = 9, 7, 3
HEADER = CacheHeader(width=WIDTH, height=HEIGHT, slot_count=SLOTS, rate=Fraction(24000, 1001), first_frame=100)


def plate(planes: np.ndarray) -> PlateFrame:
    """(4, h, w): G, B, R, A."""
    return PlateFrame(number=0, planes=tuple(planes), pixel_format="gbrapf32le")


def region(slot: int) -> Region:
    """4x3 pixels at (slot, 2) that no other slot has; the last one shows nothing."""
    if slot == SLOTS - 1:
        return Region(np.zeros((0, 0, 4), np.float16))
    samples = np.random.default_rng(slot).random((3, 4, 4)).astype(np.float16)
    return Region(samples, slot, 2)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "take.mefc"
    write(path)
    return path


def write(path: Path, header: CacheHeader = HEADER) -> None:
    cache = PackedCache(path, header=header)
    for slot in range(header.slot_count):
        cache.add(region(slot))
    cache.finish()
    cache.publish()


def seen(path: Path) -> list[tuple[int, int, bytes] | None]:
    """Where each slot's rectangle lies and what it holds, None for one that is not there. Raises InputError."""
    with FrameCache(path) as cache:
        entries = [cache.entry(slot) for slot in range(cache.header.slot_count)]
        return [each and (each.x, each.y, cache.samples(each).tobytes()) for each in entries]


EXPECTED = [(each.x, each.y, each.data) for each in map(region, range(SLOTS))]


@FEW
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.just(4), st.integers(1, 8), st.integers(1, 8)),
        elements=st.one_of(st.just(0.0), st.floats(width=32)),
    )
)
def test_a_patch_reads_back_to_a_halfs_precision_and_nothing_where_it_is_not_seen(planes: np.ndarray):
    count, _, height, width = planes.shape
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.mefc"
        cache = PackedCache(path, header=replace(HEADER, width=width, height=height, slot_count=count))
        for each in planes:
            cache.write(plate(each))
        cache.finish()
        cache.publish()
        with ClipReader(path) as clip:
            assert clip.facts.alpha_mode is AlphaMode.STRAIGHT
            shown = np.stack([frame.planes for frame in clip.frames(0, count - 1)])
    for expected, got in zip(planes, shown, strict=True):
        for y, x in np.ndindex(height, width):
            np.testing.assert_array_equal(got[:, y, x], _as_halves(expected[:, y, x]))


def _as_halves(pixel: np.ndarray) -> np.ndarray:
    """The slow twin, pixel by pixel."""
    values = [0.0 if np.isnan(value) else min(max(float(value), -65504.0), 65504.0) for value in pixel]
    values[3] = min(values[3], 1.0)
    halves = np.array(values).astype(np.float16).astype(np.float32)
    return halves if halves[3] > 0 else np.zeros(4, np.float32)


def test_the_bytes_lie_where_the_document_says(whole: Path):
    data = whole.read_bytes()
    fields = struct.unpack_from("<8sIIIIIIqIIIIIIQQQ", data)
    assert fields == (
        *(b"MASKEDFC", 1, 4096, WIDTH, HEIGHT, 1, SLOTS, 100, 24000, 1001, 1, 1, 2, 2),
        *(4096, 8192, len(data)),
    )
    assert struct.unpack_from("<I", data, 4092)[0] == zlib.crc32(data[:4092])
    samples = region(1).data
    entry = struct.unpack_from("<QQiiiiIIII", data, 4096 + 64)
    assert entry == (
        *(12288, len(samples), 1, 2, 4, 3, zlib.crc32(samples), 1, 1),
        zlib.crc32(data[4160 : 4160 + 40]),
    )
    assert data[12288 : 12288 + len(samples)] == samples
    assert len(data) == 16384  # the third slot shows nothing and takes no room
    assert struct.unpack_from("<QQiiiiIII", data, 4096 + 128) == (0, 0, 0, 0, 0, 0, 0, 2, 1)
    assert data[88:120].decode() != "0" * 32


def test_two_renders_have_other_names_and_the_same_frames_the_same(tmp_path: Path, whole: Path):
    again = tmp_path / "again.mefc"
    write(again)
    assert again.read_bytes() == whole.read_bytes()
    write(again, replace(HEADER, slot_count=2))
    with FrameCache(again) as other, FrameCache(whole) as one:
        assert other.header.take != one.header.take


def test_a_header_tells_of_its_clip(tmp_path: Path):
    facts = MediaFacts(
        frame_count=50,
        width=WIDTH,
        height=HEIGHT,
        rate=Fraction(25),
        pixel_format="yuv422p10le",
        pixel_aspect=Fraction(64, 45),
        primaries=ColourTag(name="bt2020", origin=Origin.TAGGED),
        transfer=ColourTag(name="smpte2084", origin=Origin.GUESSED),
        start_timecode="01:00:00:00",
        reel="ä" * 20,
    )
    path = tmp_path / "take.mefc"
    write(path, CacheHeader.of(facts, FrameRange(first=30, last=32)))
    with FrameCache(path) as cache:
        header = cache.header
    assert (header.slot_count, header.first_frame, header.timecode) == (3, 30, "01:00:01:05")
    assert CacheHeader.of(facts, FrameRange(first=30, last=32), first_number=1001).first_frame == 1031
    assert (header.primaries, header.transfer, header.reel) == (9, 2, "ä" * 16)
    with ClipReader(path) as clip:
        assert (clip.facts.rate, clip.facts.pixel_aspect, clip.facts.frame_count) == (25, Fraction(64, 45), 3)
        assert clip.facts.primaries.name == "bt2020"


@FEW
@given(st.integers(0, 16383))
def test_a_file_cut_short_anywhere_is_refused(length: int):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cut.mefc"
        write(path)
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(InputError, match=r"cut short|no frame cache"):
            FrameCache(path)


@FEW
@given(
    st.one_of(
        st.integers(0, 16383),
        st.integers(0, 167),
        st.integers(4096, 4096 + 64 * SLOTS - 1),
        st.integers(8192, 8192 + 95),
    ),
    st.integers(0, 7),
)
def test_a_flipped_bit_shows_nothing_wrong(at: int, bit: int):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "flipped.mefc"
        write(path)
        data = bytearray(path.read_bytes())
        data[at] ^= 1 << bit
        path.write_bytes(data)
        try:
            found = seen(path)
        except InputError as error:
            assert str(error).endswith(".") and "flipped.mefc" in str(error)
        else:
            assert all(got in (expected, None) for got, expected in zip(found, EXPECTED, strict=True))


@pytest.mark.parametrize(
    ("offset", "layout", "value", "words"),
    [
        (8, "I", 2, "version 2, not 1"),
        (12, "I", 8192, "not known here"),
        (16, "I", 0, "pictures of 0x7"),
        (20, "I", 1 << 20, "pictures of 9x1048576"),
        (24, "I", 2, "not known here"),
        (28, "I", 0, "0 frames"),
        (28, "I", 100, "outside the file"),
        (32, "q", -(1 << 60), "frame -"),
        (44, "I", 0, "not known here"),
        (48, "I", 1 << 31, "out of range|aspect"),
        (64, "Q", 0, "not known here"),
        (72, "Q", 4096, "outside the file"),
        (80, "Q", 1 << 50, "cut short"),
        (80, "Q", 0, "outside the file"),
        (88, "4s", b"UGLY", "proper name"),
    ],
)
def test_a_header_that_lies_is_refused_though_its_sum_is_right(whole: Path, offset, layout, value, words):
    data = bytearray(whole.read_bytes())
    struct.pack_into(f"<{layout}", data, offset, value)
    struct.pack_into("<I", data, 4092, zlib.crc32(data[:4092]))
    whole.write_bytes(data)
    with pytest.raises(InputError, match=words):
        FrameCache(whole)


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [(0, "Q", 8193), (0, "Q", 4096), (0, "Q", 1 << 40), (8, "Q", 8), (16, "i", -1), (16, "i", 6), (20, "i", 5),
     (24, "i", -4), (28, "i", 0), (36, "I", 1)],
)  # fmt: skip
def test_an_entry_that_lies_is_refused_though_its_sum_is_right(whole: Path, offset, layout, value):
    data = bytearray(whole.read_bytes())
    struct.pack_into(f"<{layout}", data, 4096 + offset, value)
    struct.pack_into("<I", data, 4096 + 44, zlib.crc32(data[4096 : 4096 + 40]))
    whole.write_bytes(data)
    with FrameCache(whole) as cache:
        with pytest.raises(InputError, match=r"Frame 100 of take\.mefc is damaged in the index"):
            cache.entry(0)
        assert cache.entry(1) is not None


@pytest.mark.parametrize(
    "content", [b"", b"MASKEDFC", b"\x89PNG\r\n\x1a\n" + bytes(5000), bytes(9000), b"\x1aE\xdf\xa3" * 2000]
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "foreign.mefc"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"foreign\.mefc is (no frame cache|cut short)"):
        ClipReader(path)
    with pytest.raises(InputError, match="cannot be read"):
        FrameCache(tmp_path / "none.mefc")


@pytest.mark.parametrize("wrong", [{"width": 40_000}, {"slot_count": 0}, {"rate": Fraction(1, 1 << 40)}])
def test_what_the_format_cannot_hold_is_refused_before_it_is_rendered(tmp_path: Path, wrong: dict):
    with pytest.raises(OutputError, match="cannot hold"):
        PackedCache(tmp_path / "take.mefc", header=replace(HEADER, **wrong))
    assert not list(tmp_path.iterdir())


@FEW
@given(st.permutations(range(SLOTS)))
def test_frames_of_a_live_cache_appear_one_by_one_in_what_is_mapped_already(order: list[int]):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "live.mefc"
        with LiveCache(path, header=HEADER) as live, path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            shown: list[int] = []
            for slot in order:
                assert [number for number, each in enumerate(seen(path)) if each] == sorted(shown)
                live.publish(slot, region(slot))
                shown.append(slot)
                offset, size = struct.unpack_from("<QQ", mapped, 4096 + 64 * slot)
                assert struct.unpack_from("<I", mapped, 4096 + 64 * slot + 40) == (1,)
                assert mapped[offset : offset + size] == region(slot).data
            with pytest.raises(ValueError, match="is published"):
                live.publish(0, region(1))
            mapped.close()
        assert seen(path) == EXPECTED


def test_a_live_cache_takes_what_is_written_of_its_length(tmp_path: Path):
    path = tmp_path / "live.mefc"
    with LiveCache(path, header=replace(HEADER, width=4096, height=2160, slot_count=100)) as live:
        live.publish(50, region(0))
    assert path.stat().st_size > 6 << 30
    assert path.stat().st_blocks * 512 < 1 << 20
    with ClipReader(path) as clip, pytest.raises(InputError, match=r"Frame 0 of live\.mefc is not rendered yet"):
        next(clip.frames(0, 0))


@pytest.mark.parametrize(
    "make", [write, lambda path: LiveCache(path, header=HEADER).__exit__()], ids=["packed", "live"]
)
def test_a_mapped_file_keeps_its_pages_when_another_takes_its_name(whole: Path, make: Callable[[Path], None]):
    before = whole.read_bytes()
    with whole.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        make(whole)
        assert mapped[:] == before
    assert [path.name for path in whole.parent.iterdir()] == ["take.mefc"]


@pytest.mark.parametrize("point", ["result.sync", "result.rename"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(whole: Path, point: str):
    before = whole.read_bytes()
    cache = PackedCache(whole, header=replace(HEADER, slot_count=1))
    cache.add(region(0))
    with planned(f"{point}=ENOSPC"), pytest.raises(OSError):
        cache.finish()
        cache.publish()
    cache.clean_up()
    assert whole.read_bytes() == before
    assert [path.name for path in whole.parent.iterdir()] == ["take.mefc"]


@pytest.mark.parametrize("kind", [DeliverableKind.FULL, DeliverableKind.FILL, DeliverableKind.MATTE])
def test_whatever_is_no_patch_is_refused_in_a_sentence(kind: DeliverableKind):
    facts = MediaFacts(frame_count=1, width=8, height=8, rate=Fraction(25), pixel_format="yuv420p")
    with pytest.raises(OutputError, match=r"holds the region with alpha alone: ask for a patch, or another format\.$"):
        check_deliverable(facts, Deliverable(kind=kind, format=DeliverableFormat.CACHE))


def test_a_clip_that_the_format_cannot_hold_is_refused_before_anything_is_rendered():
    facts = MediaFacts(frame_count=1 << 21, width=8, height=8, rate=Fraction(25), pixel_format="yuv420p")
    with pytest.raises(OutputError, match=r"cannot hold 2097152 frames: ask for exr\.$"):
        check_deliverable(facts, Deliverable(kind=DeliverableKind.PATCH, format=DeliverableFormat.CACHE))


def test_a_cache_that_lacks_frames_does_not_get_its_name(tmp_path: Path):
    cache = PackedCache(tmp_path / "take.mefc", header=HEADER)
    cache.add(region(0))
    with pytest.raises(OutputError, match="got 1 of its frames"):
        cache.finish()
    cache.clean_up()
    assert not list(tmp_path.iterdir())
