# SPDX-License-Identifier: GPL-3.0-or-later
"""The right frame under every number, whatever the container does with time; hostile files end in a sentence."""

from __future__ import annotations

import resource
import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from maskedit.errors import InputError
from maskedit.media import ClipReader, probe
from maskedit.request import FieldOrder

B_FRAMES = {"bf": "3", "g": "10", "qp": "0"}


def numbers_of(path: str, first: int, last: int) -> list[int]:
    """Which frames the reader gives, by the luma that `numbered` clips carry, checked against their own numbers."""
    seen = []
    with ClipReader(path) as reader:
        for plate in reader.frames(first, last):
            number = round((float(plate.planes[0].mean()) - 20) / 5)
            assert plate.number == number
            seen.append(number)
    return seen


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("long-gop.mp4", "libx264", B_FRAMES),
        ("long-gop.mkv", "libx264", B_FRAMES),
        ("open-gop.mp4", "libx264", {**B_FRAMES, "x264-params": "open-gop=1"}),
        ("starts-late.ts", "libx264", B_FRAMES),
        ("no-times.avi", "libx264", {"bf": "2", "g": "5", "qp": "0"}),
        ("decode-order.avi", "mpeg4", {"bf": "2", "g": "5", "qmax": "2"}),
        ("programme.mpg", "mpeg2video", {"bf": "2", "g": "5", "qmax": "2"}),
        ("intra.mov", "prores_ks", {}),
        ("vp9.webm", "libvpx-vp9", {"lossless": "1", "g": "8", "auto-alt-ref": "1", "lag-in-frames": "12"}),
    ],
)
def test_every_range_gives_its_own_frames(make_clip, decode_planes, name, codec, options):
    pixel_format = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    clip = make_clip(name, pixel_format, codec=codec, options=options, frames=33, numbered=True)
    facts = probe(clip.path)
    assert (facts.frame_count, facts.rate, facts.variable_rate) == (33, Fraction(25), False)
    # The whole file decoded in one go, as a player does, says what each frame is.
    played = [planes[0] for planes in decode_planes(clip.path, pixel_format)]
    assert all(earlier.mean() < later.mean() for earlier, later in pairwise(played))
    for first, last in ((0, 32), (0, 0), (7, 19), (13, 13), (21, 22), (32, 32)):
        with ClipReader(clip.path) as reader:
            plates = list(reader.frames(first, last))
        assert [plate.number for plate in plates] == list(range(first, last + 1))
        for plate in plates:
            np.testing.assert_array_equal(plate.planes[0], played[plate.number])


def test_variable_rates_keep_every_frames_own_time(make_clip):
    times = [0, 40, 50, 160, 170, 300, 310, 320, 500]
    clip = make_clip(
        "vfr.mkv", codec="libx264", options=B_FRAMES, frames=9, numbered=True, time_base=Fraction(1, 1000), pts=times
    )
    facts = probe(clip.path)
    assert facts.variable_rate and facts.frame_count == 9
    with ClipReader(clip.path) as reader:
        assert [plate.pts * plate.time_base * 1000 for plate in reader.frames(2, 7)] == times[2:8]
    assert numbers_of(clip.path, 2, 7) == list(range(2, 8))


@pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "60000/1001", "24", "60", "50/3"])
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_rates_are_exact_even_where_times_are_rounded_to_milliseconds(make_clip, rate, name):
    facts = probe(make_clip(name, codec="libx264", rate=Fraction(rate), frames=40).path)
    assert (facts.rate, facts.variable_rate) == (Fraction(rate), False)


def test_frames_that_an_edit_list_hides_do_not_count(make_clip):
    # A movie whose first frames lie before time 0: players, and so editors, never show them.
    clip = make_clip("cut.mp4", codec="libx264", options={"bf": "0", "g": "1", "qp": "0"}, frames=12, numbered=True)
    data = Path(clip.path).read_bytes()
    with av.open(clip.path) as container:
        ticks = container.streams.video[0].time_base.denominator // 25
    where = data.index(b"elst") + 4
    _, count, duration, start = struct.unpack(">IIIi", data[where : where + 16])
    assert (count, start) == (1, 0)
    patched = struct.pack(">IIIi", 0, 1, duration * 9 // 12, 3 * ticks)
    Path(clip.path).write_bytes(data[:where] + patched + data[where + 16 :])
    assert probe(clip.path).frame_count == 9
    with ClipReader(clip.path) as reader:
        lumas = [round((float(plate.planes[0].mean()) - 20) / 5) for plate in reader.frames(0, 8)]
    assert lumas == list(range(3, 12))


def test_a_file_that_was_cut_short_counts_what_is_left(make_clip):
    clip = make_clip("a.ts", codec="libx264", options=B_FRAMES, frames=33, numbered=True)
    data = Path(clip.path).read_bytes()
    Path(clip.path).write_bytes(data[: len(data) * 2 // 3])
    count = probe(clip.path).frame_count
    assert 5 < count < 33
    assert numbers_of(clip.path, count - 3, count - 1) == [count - 3, count - 2, count - 1]


def test_several_iterators_run_side_by_side_and_end_with_the_reader(make_clip):
    clip = make_clip("a.mp4", codec="libx264", options=B_FRAMES, frames=20, numbered=True)
    with ClipReader(clip.path) as reader:
        early, late = reader.frames(2, 9), reader.frames(12, 19)
        assert [(next(early).number, next(late).number) for _ in range(3)] == [(2, 12), (3, 13), (4, 14)]
    assert list(early) == []


def test_planes_are_read_only(make_clip):
    with ClipReader(make_clip("a.mkv").path) as reader:
        plate = next(iter(reader.frames(0, 0)))
    with pytest.raises(ValueError, match="read-only"):
        plate.planes[0][0, 0] = 1


def test_ranges_outside_the_clip_are_refused(make_clip):
    with ClipReader(make_clip("a.mkv", frames=4).path) as reader:
        for first, last in ((0, 4), (-1, 2), (3, 1)):
            with pytest.raises(InputError, match="has frames 0-3"):
                reader.frames(first, last)


def test_one_frame_is_a_clip(make_clip):
    clip = make_clip("one.mkv", frames=1, numbered=True)
    assert probe(clip.path).frame_count == 1
    assert numbers_of(clip.path, 0, 0) == [0]


def test_facts_name_shape_and_bookkeeping(make_clip):
    clip = make_clip(
        "a.mov",
        "yuv422p10le",
        codec="prores_ks",
        rotation=90,
        sound="pcm_s16le",
        metadata={"timecode": "01:00:00:00", "reel_name": "A001"},
        context={"sample_aspect_ratio": Fraction(16, 15)},
    )
    facts = probe(clip.path)
    assert (facts.rotation, facts.pixel_aspect, facts.has_audio) == (270, Fraction(16, 15), True)
    assert (facts.start_timecode, facts.reel) == ("01:00:00:00", "A001")
    assert (facts.bit_depth, facts.pixel_format, facts.field_order) == (10, "yuv422p10le", FieldOrder.PROGRESSIVE)


def test_interlaced_clips_are_refused(make_clip):
    clip = make_clip(
        "i.mov", codec="mpeg2video", options={"flags": "+ildct+ilme", "top": "1"}, context={"field_order": 2}
    )
    with pytest.raises(InputError, match="interlaced: deinterlace it first"):
        probe(clip.path)


def refused(path: Path, *, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        probe(path)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_what_is_no_clip_is_refused_in_a_sentence(tmp_path, make_clip):
    refused(tmp_path / "missing.mov", match=r"There is no file missing\.mov")
    refused(tmp_path, match="There is no file")
    (tmp_path / "notes.mov").write_text("not a film at all\n" * 100)
    refused(tmp_path / "notes.mov", match="cannot be read as video")
    (tmp_path / "empty.mp4").touch()
    refused(tmp_path / "empty.mp4", match="cannot be read as video")
    with av.open(str(tmp_path / "sound.mov"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 200), np.int16), format="s16", layout="stereo")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
    refused(tmp_path / "sound.mov", match="holds no video")


def test_playlists_cannot_reach_other_files(tmp_path, make_clip):
    clip = make_clip("secret.ts", codec="mpeg2video")
    lists = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{clip.path}\n#EXT-X-ENDLIST\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile '{clip.path}'\n",
        "disguised.mp4": f"ffconcat version 1.0\nfile '{clip.path}'\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        refused(tmp_path / name, match="cannot be read as video")
    # The same list is one that libavformat itself would follow.
    with av.open(str(tmp_path / "list.ffconcat"), options={"safe": "0"}) as container:
        assert container.streams.video


@pytest.mark.parametrize("told", [15000, 48], ids=["header-says-so", "header-lies"])
def test_a_bomb_in_a_movie_is_refused_before_it_is_decoded(make_clip, huge_png, told):
    clip = make_clip("bomb.mov", "gray", codec="png", frames=1)
    data = bytearray(Path(clip.path).read_bytes())
    at = data.index(b"\x89PNG")
    png = huge_png(15000)
    data[at : at + len(png)] = png
    entry = data.index(b"png ", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = struct.pack(">HH", told, told)
    Path(clip.path).write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        probe(clip.path)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 100  # decoded, its 225 million pixels would take as many megabytes


def test_damaged_files_end_in_frames_or_in_a_sentence(tmp_path, make_clip):
    # Bytes flipped all over: whatever the demuxer and decoder make of it, only InputError comes out.
    random = np.random.default_rng(11)
    outcomes = set()
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "ffv1"), ("a.mov", "mjpeg")):
        clip = make_clip(name, "yuvj420p" if codec == "mjpeg" else "yuv420p", codec=codec, frames=6)
        whole = np.frombuffer(Path(clip.path).read_bytes(), np.uint8)
        for attempt in range(40):
            broken = whole.copy()
            where = random.integers(0, len(broken), random.integers(1, 30))
            broken[where] = random.integers(0, 256, len(where))
            path = tmp_path / f"broken{attempt}-{name}"
            path.write_bytes(broken.tobytes())
            try:
                with ClipReader(path) as reader:
                    plates = list(reader.frames(0, reader.facts.frame_count - 1))
                assert len(plates) == reader.facts.frame_count
                outcomes.add("frames")
            except InputError as error:
                assert "\n" not in str(error)
                outcomes.add("sentence")
    assert outcomes == {"frames", "sentence"}
