# SPDX-License-Identifier: GPL-3.0-or-later
"""Image sequences and media references, against the rule in media.proto spelled out anew."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin_client.core.errors import BadInput
from plugin_client.core.media import files_of, full_hash, is_sequence, reference, sequence_files


def quick_by_the_book(path: Path) -> bytes:
    """The slow twin of the fingerprint: the whole file in memory, slices by the words of media.proto."""
    content, facts = path.read_bytes(), path.stat()
    size = len(content)
    parts = [
        b"maskedit-quick-1",
        size.to_bytes(8, "little"),
        facts.st_mtime_ns.to_bytes(8, "little", signed=True),
        content[:65536],
        content[size // 2 : size // 2 + 65536],
        content[max(0, size - 65536) :],
    ]
    return hashlib.sha256(b"".join(parts)).digest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(size=st.one_of(st.integers(0, 200), st.integers(60_000, 140_000)), seed=st.integers(0, 255))
def test_one_file_is_described_as_the_protocol_says(tmp_path, size, seed):
    path = tmp_path / "clip.mov"
    path.write_bytes(bytes((seed + i * 31) % 251 for i in range(size)))
    described = reference(str(path))
    assert described.quick_fingerprint == quick_by_the_book(path).hex()
    assert described.size_bytes == size
    assert list(described.locations) == [str(path)]
    assert described.display_name == "clip.mov"


def test_content_and_time_both_change_the_fingerprint(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 10)
    os.utime(path, ns=(1, 1))
    before = reference(str(path)).quick_fingerprint
    os.utime(path, ns=(2, 2))
    touched = reference(str(path)).quick_fingerprint
    path.write_bytes(b"y" * 10)
    os.utime(path, ns=(1, 1))
    assert len({before, touched, reference(str(path)).quick_fingerprint}) == 3


def sequence(folder: Path, numbers, pattern="shot.%04d.png") -> str:
    for number in numbers:
        (folder / (pattern % number)).write_bytes(b"frame %d" % number)
    return str(folder / pattern)


def test_a_sequence_is_its_files_in_the_order_of_their_numbers(tmp_path):
    pattern = sequence(tmp_path, [1003, 1001, 1002])
    (tmp_path / "shot.1001.png.bak").write_bytes(b"")
    (tmp_path / "other.1000.png").write_bytes(b"")
    files = sequence_files(pattern)
    assert list(files) == [1001, 1002, 1003]
    described = reference(pattern)
    digests = b"".join(quick_by_the_book(path) for path in files.values())
    assert described.quick_fingerprint == hashlib.sha256(digests).hexdigest()
    assert described.first_number == 1001
    assert described.size_bytes == sum(path.stat().st_size for path in files.values())


def test_a_sequence_of_one_frame_is_still_a_sequence(tmp_path):
    pattern = sequence(tmp_path, [7])
    (path,) = files_of(pattern)
    assert reference(pattern).quick_fingerprint == hashlib.sha256(quick_by_the_book(path)).hexdigest()


def test_numbers_may_outgrow_their_field(tmp_path):
    pattern = sequence(tmp_path, range(98, 102), pattern="f%02d.exr")
    assert list(sequence_files(pattern)) == [98, 99, 100, 101]


def test_characters_that_mean_something_to_patterns_are_plain_in_names(tmp_path):
    pattern = sequence(tmp_path, [1, 2], pattern="a+b (1).%03d.png")
    (tmp_path / "aab (1).001.png").write_bytes(b"")
    assert len(sequence_files(pattern)) == 2


def test_gaps_and_absence_are_named(tmp_path):
    pattern = sequence(tmp_path, [1, 2, 4])
    with pytest.raises(BadInput, match="lacks number 3"):
        files_of(pattern)
    with pytest.raises(BadInput, match="No file fits"):
        files_of(str(tmp_path / "none.%04d.png"))
    with pytest.raises(BadInput, match="folder of"):
        files_of(str(tmp_path / "nowhere" / "none.%04d.png"))


def test_missing_files_and_folders_are_sentences(tmp_path):
    with pytest.raises(BadInput, match="There is no file"):
        reference(str(tmp_path / "gone.mov"))
    with pytest.raises(BadInput, match="is not a file"):
        reference(str(tmp_path))


@pytest.mark.parametrize(
    ("path", "answer"),
    [("a.%04d.png", True), ("a%d.png", True), ("a.png", False), ("a%d.%d.png", False), ("%s", False)],
)
def test_what_counts_as_a_sequence(path, answer):
    assert is_sequence(path) is answer


def test_the_full_hash_is_sha256(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert full_hash(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
