# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliverables beside the exact one, the bookkeeping they carry, and what happens when a disk says no."""

from __future__ import annotations

import resource
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskedit.compositing import patch_frame
from maskedit.errors import InputError, OutputError
from maskedit.media import ClipReader, ClipWriter, convert, probe, read_picture
from maskedit.request import AlphaMode, Deliverable, DeliverableFormat, DeliverableKind, FieldOrder, FrameRange, Origin

PATCH = DeliverableKind.PATCH


def copy(source: str, result: Path, first: int, last: int, *, kind=DeliverableKind.FULL, patch_of=None) -> None:
    """Frames `first` to `last` of `source` written unchanged (or as the patches that `patch_of` makes of them)."""
    form = DeliverableFormat(result.suffix[1:] if result.suffix else "png")
    with (
        ClipReader(source) as reader,
        ClipWriter(
            result,
            facts=reader.facts,
            deliverable=Deliverable(kind=kind, format=form),
            source=source,
            frames=FrameRange(first=first, last=last),
        ) as writer,
    ):
        for plate in reader.frames(first, last):
            writer.write(patch_of(plate) if patch_of else plate)


def rgb_of(path: str | Path) -> list[np.ndarray]:
    with ClipReader(path) as reader:
        return [plate.rgb() for plate in reader.frames(0, reader.facts.frame_count - 1)]


def smooth_clip(make_clip, name="a.mkv", **how) -> str:
    return make_clip(name, numbered=True, frames=12, rate=Fraction(24000, 1001), **how).path


@pytest.mark.parametrize(
    ("name", "pixel_format", "worst"),
    [("r.mov", "yuv444p12le", 0.01), ("r.mp4", "yuv420p", 0.02), ("r.mkv", "yuv420p", 0.0)],
)
def test_each_file_format_holds_the_picture_at_the_exact_rate(make_clip, tmp_path, name, pixel_format, worst):
    source = smooth_clip(make_clip)
    copy(source, tmp_path / name, 2, 9)
    facts = probe(tmp_path / name)
    assert (facts.frame_count, facts.rate, facts.variable_rate) == (8, Fraction(24000, 1001), False)
    assert facts.pixel_format == pixel_format
    for before, after in zip(rgb_of(source)[2:10], rgb_of(tmp_path / name), strict=True):
        assert np.abs(before - after).max() <= worst


def test_odd_sizes_fit_into_mp4_too(make_clip, tmp_path):
    copy(smooth_clip(make_clip, size=(33, 17)), tmp_path / "r.mp4", 0, 3)
    facts = probe(tmp_path / "r.mp4")
    assert (facts.width, facts.height, facts.pixel_format) == (33, 17, "yuv444p")


def test_rgb_made_into_prores_says_which_matrix_it_took(make_clip, tmp_path):
    source = make_clip("a.mkv", "gbrp", packed="bgr0").path
    copy(source, tmp_path / "r.mov", 0, 3)
    facts = probe(tmp_path / "r.mov")
    assert (facts.matrix.name, facts.matrix.origin) == ("smpte170m", Origin.TAGGED)


def test_alpha_goes_through_prores(make_clip, tmp_path):
    source = make_clip("a.mkv", "yuva444p10le", frames=2)
    copy(source.path, tmp_path / "r.mov", 0, 1)
    assert probe(tmp_path / "r.mov").alpha_mode is AlphaMode.STRAIGHT
    with ClipReader(tmp_path / "r.mov") as reader:
        alpha = next(iter(reader.frames(0, 0))).alpha()
    np.testing.assert_allclose(alpha, source.planes[0][3] / 1023, atol=1 / 1023)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "gbrp", "yuv422p10le"])
def test_png_sequences_are_the_rgb_decode_to_the_last_bit(make_clip, tmp_path, pixel_format):
    source = make_clip("a.mkv", pixel_format, packed="bgr0" if pixel_format == "gbrp" else None).path
    copy(source, tmp_path / "result", 1, 3)
    assert sorted(path.name for path in tmp_path.glob("result/*")) == [f"result.{n:04d}.png" for n in (1, 2, 3)]
    with ClipReader(source) as reader, ClipReader(tmp_path / "result" / "result.%04d.png") as pictures:
        assert pictures.facts.bit_depth == 16
        for plate, picture in zip(reader.frames(1, 3), pictures.frames(0, 2), strict=True):
            for before, after in zip(convert(plate, "gbrp16le").planes, picture.planes, strict=True):
                np.testing.assert_array_equal(before, after)


def test_exr_sequences_hold_halves_of_the_rgb_decode(make_clip, tmp_path):
    source = make_clip("a.mkv", "yuv422p10le", frames=2).path
    copy(source, tmp_path / "shot.%04d.exr", 0, 1)
    for number, expected in enumerate(rgb_of(source)):
        written = read_picture(tmp_path / f"shot.{number:04d}.exr")
        np.testing.assert_array_equal(written, np.clip(expected.astype(np.float16), 0, 1).astype(np.float32))
    assert probe(tmp_path / "shot.%04d.exr").rate == Fraction(25)


@pytest.mark.parametrize("name", ["r.mkv", "r.mov", "result", "r.%04d.exr"])
def test_patches_carry_straight_alpha_and_no_sound(make_clip, tmp_path, name):
    source = make_clip("a.mov", "yuv422p10le", codec="prores_ks", sound="pcm_s16le").path
    matte = np.zeros((32, 48), np.float32)
    matte[8:20, 8:32] = 1
    matte[8, 8:32] = 0.5
    generated = np.full((32, 48, 3), (0.8, 0.4, 0.2), np.float32)
    copy(source, tmp_path / name, 0, 3, kind=PATCH,
         patch_of=lambda plate: patch_frame(plate, generated, x=0, y=0, paste_matte=matte))  # fmt: skip
    path = tmp_path / "result" / "result.%04d.png" if name == "result" else tmp_path / name
    facts = probe(path)
    assert facts.alpha_mode is not AlphaMode.NONE and not facts.has_audio
    with ClipReader(path) as reader:
        plate = next(iter(reader.frames(0, 0)))
    alpha = plate.alpha()
    assert alpha is not None
    np.testing.assert_allclose(alpha, matte, atol=2 / 1023)
    assert not alpha[matte == 0].any()
    np.testing.assert_allclose(plate.rgb()[12:16, 14:26], np.broadcast_to((0.8, 0.4, 0.2), (4, 12, 3)), atol=0.02)
    if name.endswith("exr"):
        assert facts.alpha_mode is AlphaMode.PREMULTIPLIED
        np.testing.assert_allclose(plate.rgb()[8, 9:31], np.broadcast_to((0.4, 0.2, 0.1), (22, 3)), atol=0.001)


def test_mp4_cannot_hold_a_patch(make_clip, tmp_path):
    with pytest.raises(OutputError, match="no alpha for a patch"):
        copy(smooth_clip(make_clip), tmp_path / "r.mp4", 0, 1, kind=PATCH)


@pytest.mark.parametrize("name", ["r.mov", "r.mkv"])
def test_bookkeeping_is_carried(make_clip, tmp_path, name):
    source = make_clip(
        "a.mov",
        "yuv422p10le",
        codec="prores_ks",
        frames=12,
        rate=Fraction(30000, 1001),
        rotation=90,
        metadata={"timecode": "00:00:59;28", "reel_name": "A001"},
        context={"sample_aspect_ratio": Fraction(16, 15)},
    ).path
    copy(source, tmp_path / name, 4, 9)
    before, after = probe(source), probe(tmp_path / name)
    assert (after.rotation, after.reel) == (before.rotation, "A001") == (270, "A001")
    # Frame 4 of 59;28 lies two real frames into the next minute, whose first two numbers are dropped.
    assert after.start_timecode == "00:01:00;04"
    assert (after.width, after.height) == (before.width, before.height)
    assert after.pixel_aspect == Fraction(16, 15)


@given(
    aspect=st.fractions(min_value=Fraction(1, 4), max_value=4, max_denominator=64).filter(lambda aspect: aspect != 1),
    sound=st.booleans(),
    rotation=st.sampled_from([0, 90]),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_pixel_aspect_fits_into_mkv_and_nothing_else_moves(make_clip, tmp_path, aspect, sound, rotation):
    source = make_clip("a.mov", codec="mpeg4", rotation=rotation, sound="aac" if sound else None).path
    square = probe(source)
    results = []
    for facts in (square, replace(square, pixel_aspect=aspect)):
        with (
            ClipReader(source) as reader,
            ClipWriter(
                tmp_path / "r.mkv",
                facts=facts,
                deliverable=Deliverable(),
                source=source,
                frames=FrameRange(first=0, last=3),
            ) as writer,
        ):
            for plate in reader.frames(0, 3):
                writer.write(plate)
        results.append((tmp_path / "r.mkv").read_bytes())
        assert probe(tmp_path / "r.mkv") == replace(facts, field_order=FieldOrder.UNKNOWN)
    clusters = [data[data.index(b"\x1f\x43\xb6\x75") :] for data in results]
    assert len(results[0]) == len(results[1]) and clusters[0] == clusters[1]


@pytest.mark.parametrize(("name", "codec"), [("r.mkv", "pcm_s16le"), ("r.mov", "pcm_s16le"), ("r.mp4", "aac")])
def test_sound_is_copied_and_stays_in_step(make_clip, tmp_path, name, codec):
    source = smooth_clip(make_clip, "a.mov", codec="mpeg4", sound=codec)
    start, end = 3 * Fraction(1001, 24000), 9 * Fraction(1001, 24000)
    with av.open(source) as container:
        packets = [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(audio=0) if packet.size]
    kept = {data: time - start for time, data in packets if start <= time < end}
    assert len(kept) > 5 and len(kept) < len(packets)
    copy(source, tmp_path / name, 3, 8)
    with av.open(str(tmp_path / name)) as container:
        copied = [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(audio=0) if packet.size]
    if codec == "aac":
        assert [data for _, data in copied] == list(kept)
        assert max(abs(time - kept[data]) for time, data in copied) < Fraction(1, 900)
        return
    # PCM may be cut into packets anew: compare the sound itself, and where it begins.
    assert b"".join(data for _, data in copied) == b"".join(kept)
    assert abs(copied[0][0] - next(iter(kept.values()))) < Fraction(1, 900)


def test_the_whole_clip_keeps_all_its_sound(make_clip, tmp_path):
    source = smooth_clip(make_clip, "a.mov", codec="mpeg4", sound="aac")
    copy(source, tmp_path / "r.mkv", 0, 11)
    streams = []
    for path in (source, tmp_path / "r.mkv"):
        with av.open(str(path)) as container:
            streams.append([bytes(p) for p in container.demux(audio=0) if p.size and (p.pts or 0) >= 0])
    assert streams[0] == streams[1] and len(streams[0]) > 10


def test_sound_that_the_file_cannot_hold_is_refused(make_clip, tmp_path):
    source = smooth_clip(make_clip, "a.mkv", sound="flac")
    with pytest.raises(OutputError, match="ask for mkv"):
        copy(source, tmp_path / "r.mov", 0, 3)
    assert not list(tmp_path.glob("*r*.mov"))


@pytest.mark.parametrize("name", ["r.mkv", "r.mov", "r.mp4"])
def test_variable_rates_keep_each_frames_time(make_clip, tmp_path, name):
    times = [0, 40, 50, 160, 170, 300, 310, 320, 500]
    source = make_clip("a.mkv", frames=9, time_base=Fraction(1, 1000), pts=times).path
    copy(source, tmp_path / name, 2, 7)
    assert probe(tmp_path / name).variable_rate
    with ClipReader(tmp_path / name) as reader:
        written = [plate.pts * plate.time_base * 1000 for plate in reader.frames(0, 5)]
    assert written == [time - 50 for time in times[2:8]]


def test_an_error_in_the_block_leaves_the_old_result_alone(make_clip, tmp_path):
    source = smooth_clip(make_clip)
    (tmp_path / "r.mkv").write_text("the result of yesterday")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyError), ClipReader(source) as reader, writer_for(source, tmp_path / "r.mkv") as writer:
        writer.write(next(iter(reader.frames(0, 0))))
        raise KeyError("stop")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "r.mkv").read_text() == "the result of yesterday"


def writer_for(source: str, path: Path, *, form=DeliverableFormat.MKV, last: int = 11) -> ClipWriter:
    return ClipWriter(
        path,
        facts=probe(source),
        deliverable=Deliverable(format=form),
        source=source,
        frames=FrameRange(first=0, last=last),
    )


def test_what_a_killed_run_left_does_not_slip_into_a_sequence(make_clip, tmp_path):
    source = smooth_clip(make_clip)
    writer = writer_for(source, tmp_path / "result", form=DeliverableFormat.PNG)
    with ClipReader(source) as reader, pytest.raises(OutputError), writer:
        for plate in reader.frames(0, 9):
            writer.write(plate)
        writer._sink.clean_up = lambda: None  # a killed process removes nothing
    leftovers = [path.name for path in tmp_path.rglob("*.png")]
    assert len(leftovers) > 5
    copy(source, tmp_path / "result", 0, 1)
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == ["result.0000.png", "result.0001.png"]


def test_missing_and_misplaced_frames_are_errors(make_clip, tmp_path):
    source = smooth_clip(make_clip)
    with ClipReader(source) as reader:
        first, second = reader.frames(0, 1)
        with pytest.raises(OutputError, match="no frames from 1 on"), writer_for(source, tmp_path / "r.mkv") as writer:
            writer.write(first)
        with pytest.raises(ValueError, match="expected frame 0"), writer_for(source, tmp_path / "r.mkv") as writer:
            writer.write(second)
        with pytest.raises(OutputError, match="no frames from 0 on"), writer_for(source, tmp_path / "r.mkv"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_a_folder_that_is_not_there_is_an_output_error(make_clip, tmp_path):
    with pytest.raises(OutputError, match=r"r\.mkv cannot be written \(No such file"):
        copy(smooth_clip(make_clip), tmp_path / "nowhere" / "r.mkv", 0, 11)


@pytest.mark.parametrize("name", ["r.mkv", "r.mov", "r.mp4", "result", "r.%04d.exr"])
def test_a_full_disk_is_an_output_error_and_leaves_nothing(make_clip, tmp_path, name):
    source = make_clip("a.mkv", "yuv444p", size=(320, 240), frames=12).path
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    probe(source)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(OutputError) as caught:
            copy(source, tmp_path / name, 0, 11)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be written" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_a_source_that_is_gone_is_told(make_clip, tmp_path):
    source = smooth_clip(make_clip)
    with ClipReader(source) as reader:
        plate = next(iter(reader.frames(0, 0)))
    writer = writer_for(source, tmp_path / "r.mkv", last=0)
    Path(source).unlink()
    with pytest.raises((OutputError, InputError), match="There is no file"), writer:
        writer.write(plate)


def test_many_frames_pass_without_being_held(make_clip, tmp_path):
    source = make_clip("a.mkv", "gray", size=(640, 480), frames=2, numbered=True).path
    with ClipReader(source) as reader:
        plate = next(iter(reader.frames(0, 0)))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with writer_for(source, tmp_path / "r.mkv", last=199) as writer:
            for number in range(200):
                fresh = tuple(samples.copy() for samples in plate.planes)
                writer.write(type(plate)(number=number, planes=fresh, pixel_format="gray", colour=plate.colour))
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    assert grown_mb < 40  # 200 frames together have 61 MB
