# SPDX-License-Identifier: GPL-3.0-or-later
"""All deliverables of an edit from one pass: every kind in every format, what they carry, and all of them or none."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from maskedit.colour import View, view_of
from maskedit.compositing import composite, fill_frame, patch_frame
from maskedit.deliverable import Deliverable, DeliverableFormat, DeliverableKind, result_names
from maskedit.errors import ModelError, OutputError
from maskedit.geometry import Rect
from maskedit.media import ClipReader, PlateFrame, convert, probe, write_picture
from maskedit.media.sequences import sequence_in
from maskedit.outlets import Delivered, Outlets, scored
from maskedit.request import AlphaMode, ColourTag, FrameRange, MediaFacts, Origin, WorkingColour

KIND, FORMAT = DeliverableKind, DeliverableFormat
WIDTH, HEIGHT, FRAMES = 64, 48, 3
RECT = Rect(16, 8, 32, 24)
EVERY = tuple(
    Deliverable(kind=kind, format=form)
    for kind in KIND
    for form in FORMAT
    if form.holds(kind)
)  # fmt: skip


def matte_of(number: int) -> np.ndarray:
    """A box with a soft rim that moves a pixel a frame, and is away on the last one."""
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    if number < FRAMES - 1:
        matte[12:28, 20 + number : 40 + number] = 0.5
        matte[14:26, 22 + number : 38 + number] = 1
    return matte


def picture_of(number: int) -> np.ndarray:
    """A ramp of many colours, so that a held one can be told from its neighbours."""
    down, across = np.mgrid[: RECT.height, : RECT.width].astype(np.float32)
    return np.stack([across / RECT.width, down / RECT.height, np.full_like(down, 0.2 + 0.1 * number)], axis=-1)


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A tagged 10-bit 4:2:2 clip with timecode, reel and sound."""
    random = np.random.default_rng(5)
    path = tmp_path / "clip.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("v210", rate=Fraction(24000, 1001))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv422p10le"
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = 1, 1, 1, 1
        stream.metadata.update({"timecode": "01:00:10:20", "reel_name": "A001"})
        audio = container.add_stream("pcm_s16le", rate=48000)
        for number in range(FRAMES + 2):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv422p10le")
            for plane in frame.planes:
                ramp = np.linspace(380, 620, plane.line_size // 2) + random.integers(-16, 17, (plane.height, 1))
                codes = ramp + random.integers(-9, 10, (plane.height, plane.line_size // 2))
                plane.update(codes.astype("<u2").tobytes())
            frame.pts, frame.time_base = number, Fraction(1001, 24000)
            container.mux(stream.encode(frame))
            block = av.AudioFrame(format="s16", layout="stereo", samples=2002)
            block.planes[0].update(random.integers(-9000, 9000, 4004).astype("<i2").tobytes())
            block.sample_rate, block.pts, block.time_base = 48000, 2002 * number, Fraction(1, 48000)
            container.mux(audio.encode(block))
        container.mux(stream.encode(None))
        container.mux(audio.encode(None))
    return str(path)


Deliver = Callable[..., tuple[Delivered, ...]]


@pytest.fixture
def deliver(source: str, tmp_path: Path) -> Deliver:
    """deliver(*deliverables): frames 1 to 3 of the source with the picture pasted in, into `tmp_path / "out"`."""

    def run(*wanted: Deliverable, facts: MediaFacts | None = None) -> tuple[Delivered, ...]:
        frames = FrameRange(first=1, last=FRAMES)
        (tmp_path / "out").mkdir(exist_ok=True)
        with ClipReader(source) as clip:
            facts = facts or clip.facts
            view = view_of(clip.facts, WorkingColour())
            with Outlets(tmp_path / "out", wanted, facts=facts, view=view, source=source, frames=frames) as outlets:
                for number, plate in enumerate(clip.frames(frames.first, frames.last)):
                    outlets.write(plate, picture_of(number), rect=RECT, paste_matte=matte_of(number))
        return outlets.delivered

    return run


def plates_of(delivered: Delivered) -> list[PlateFrame]:
    path = sequence_in(delivered.path) if delivered.path.is_dir() else delivered.path
    with ClipReader(path) as clip:
        assert clip.facts.frame_count == FRAMES
        return list(clip.frames(0, FRAMES - 1))


def facts_of(delivered: Delivered) -> MediaFacts:
    return probe(sequence_in(delivered.path) if delivered.path.is_dir() else delivered.path)


def test_the_first_is_the_result_and_the_others_say_what_they_are():
    full, patch, fill = (Deliverable(kind=kind, format=FORMAT.MOV) for kind in (KIND.FULL, KIND.PATCH, KIND.FILL))
    asked = (full, patch, fill, Deliverable(kind=KIND.MATTE, format=FORMAT.PNG), replace(full, format=FORMAT.V210))
    assert result_names(asked) == (
        "result.mov", "result-patch.mov", "result-fill.mov", "result-matte", "result-full.mov",
    )  # fmt: skip
    assert result_names((patch, replace(patch, format=FORMAT.EXR))) == ("result.mov", "result-patch")
    assert len({*result_names(EVERY)}) == len(EVERY)


def test_every_kind_in_every_format_reads_back_as_what_was_shown(deliver: Deliver, source: str):
    with ClipReader(source) as clip:
        plates = list(clip.frames(1, FRAMES))
        view = view_of(clip.facts, WorkingColour())
    for delivered in deliver(*EVERY):
        kind, form = delivered.deliverable.kind, delivered.deliverable.format
        multiplied = facts_of(delivered).alpha_mode is AlphaMode.PREMULTIPLIED
        assert multiplied == (kind is KIND.PATCH and form is FORMAT.EXR)
        for number, (plate, frame) in enumerate(zip(plates, plates_of(delivered), strict=True)):
            expected = _expected(delivered, plate, number, view=view)
            shown, alpha = frame.rgb(), frame.alpha()
            if kind is KIND.PATCH:
                assert alpha is not None
                np.testing.assert_allclose(alpha, matte_of(number), atol=1.5 / 1023)
                expected = expected * matte_of(number)[..., None] if multiplied else expected
            else:
                assert alpha is None
            error = np.abs(shown - expected)
            if form in (FORMAT.MKV, FORMAT.PNG, FORMAT.EXR, FORMAT.CACHE):
                assert error.max() <= 1 / 1023, (kind, form)
            else:  # of noise codecs keep less, and 4:2:2 less of the edges between colours
                assert error.mean() <= 0.015, (kind, form)


def _expected(delivered: Delivered, plate: PlateFrame, number: int, *, view: View) -> np.ndarray:
    """What the deliverable shows, as R'G'B' with straight alpha, if any, left out."""
    picture, matte = picture_of(number), matte_of(number)
    how = {"x": RECT.x, "y": RECT.y, "paste_matte": matte, "view": view}
    match delivered.deliverable.kind:
        case KIND.MATTE:
            return np.repeat(matte[..., None], 3, axis=-1)
        case KIND.FILL:
            return fill_frame(plate, picture, **how).rgb()
        case KIND.PATCH:
            return patch_frame(plate, picture, **how).rgb()
        case _:
            return composite(convert(plate, delivered.pixel_format), picture, **how).rgb()


@pytest.mark.parametrize("form", [FORMAT.MKV, FORMAT.V210])
def test_what_keeps_the_plates_own_samples_keeps_them_all_outside(
    deliver: Deliver, source: str, form: DeliverableFormat
):
    (delivered,) = deliver(Deliverable(format=form))
    with ClipReader(source) as clip:
        before = list(clip.frames(1, FRAMES))
    for number, (plate, frame) in enumerate(zip(before, plates_of(delivered), strict=True)):
        outside = matte_of(number) == 0
        chroma = outside[:, ::2] & outside[:, 1::2]
        for mine, its, kept in zip(plate.planes, frame.planes, (outside, chroma, chroma), strict=True):
            np.testing.assert_array_equal(mine[kept], its[kept])
    if form is FORMAT.V210:
        assert delivered.error is not None and {*delivered.error.max.values()} == {0.0}


def test_a_fill_holds_the_nearest_colour_all_over_the_frame(deliver: Deliver):
    (_, delivered) = deliver(Deliverable(), Deliverable(kind=KIND.FILL, format=FORMAT.PNG))
    first, _, away = plates_of(delivered)
    shown, inside = first.rgb(), matte_of(0) > 0
    rows, columns = np.nonzero(inside)
    for row, column in [(0, 0), (20, 2), (47, 63), (5, 30), (30, 30)]:
        distance = np.hypot(rows - row, columns - column)
        near = distance <= distance.min() + 1  # the distances are those of a 5x5 chamfer
        assert any(np.array_equal(shown[row, column], each) for each in shown[rows[near], columns[near]])
    assert not away.rgb().any()


def test_the_measured_error_is_what_a_reader_finds(deliver: Deliver, source: str):
    (delivered,) = deliver(Deliverable(format=FORMAT.MOV))
    assert delivered.error is not None and {*delivered.error.max} == {"luma", "chroma"}
    with ClipReader(source) as clip:
        view = view_of(clip.facts, WorkingColour())
        worst, means = [0.0, 0.0], []
        for number, (plate, frame) in enumerate(zip(clip.frames(1, FRAMES), plates_of(delivered), strict=True)):
            how = {"x": RECT.x, "y": RECT.y, "paste_matte": matte_of(number), "view": view}
            exact = composite(convert(plate, "yuv444p10le"), picture_of(number), **how)
            errors = [
                np.abs(a - b / 2 ** (frame.layout.depth - 10)) for a, b in zip(exact.planes, frame.planes, strict=True)
            ]
            worst = [max(worst[0], errors[0].max()), max(worst[1], errors[1].max(), errors[2].max())]
            means.append(errors[0].mean())
    assert [delivered.error.max["luma"], delivered.error.max["chroma"]] == worst
    assert delivered.error.mean["luma"] == pytest.approx(np.mean(means), rel=1e-4)
    said = delivered.as_json()
    assert (said["name"], said["codec_error"]) == ("result.mov", asdict(delivered.error))


@pytest.mark.parametrize("form", [form for form in FORMAT if not form.is_sequence])
@pytest.mark.parametrize("kind", [*KIND])
def test_files_carry_tags_timecode_and_reel_and_only_the_whole_frame_sound(deliver, source, kind, form):
    if not form.holds(kind):
        return
    (delivered,) = deliver(Deliverable(kind=kind, format=form))
    before, after = probe(source), facts_of(delivered)
    # Two frames into the clip, at 24 numbers a second, is one after 10:20.
    assert (before.start_timecode, after.start_timecode) == ("01:00:10:20", "01:00:10:21")
    assert after.reel == ("A001" if form is not FORMAT.MP4 else after.reel)
    assert after.has_audio == (kind is KIND.FULL)
    assert (after.rate, after.width, after.height) == (before.rate, WIDTH, HEIGHT)
    if kind is KIND.MATTE:
        assert after.primaries.origin is Origin.GUESSED  # a matte is no colour
        return
    assert (after.primaries, after.transfer) == (before.primaries, before.transfer)
    made_rgb = form in (FORMAT.MKV, FORMAT.CACHE) and kind is not KIND.FULL
    assert (after.matrix.name, after.range.name) == (("gbr", "pc") if made_rgb else ("bt709", "tv"))
    assert after.matrix.origin is Origin.TAGGED


@pytest.mark.parametrize("kind", [*KIND])
def test_pictures_carry_timecode_reel_rate_and_colour(deliver, kind):
    png, exr = deliver(Deliverable(kind=kind, format=FORMAT.PNG), Deliverable(kind=kind, format=FORMAT.EXR))
    coloured = kind is not KIND.MATTE
    for number in (1, FRAMES):
        spec = _spec(exr, number)
        assert spec.get_string_attribute("smpte:TimeCode") == f"01:00:10:{20 + number}"
        assert spec.get_string_attribute("reelName") == "A001"
        assert spec.getattribute("FramesPerSecond") == (24000, 1001)
        assert (spec.getattribute("chromaticities") is not None) == coloured
        if coloured:
            assert spec.getattribute("chromaticities")[:2] == pytest.approx((0.64, 0.33))
        spec = _spec(png, number)
        assert spec.get_string_attribute("timecode") == f"01:00:10:{20 + number}"
        assert spec.get_string_attribute("reelName") == "A001"
        assert spec.getattribute("CICP") == ((1, 1, 0, 1) if coloured else None)
    for each in (png, exr):
        facts = facts_of(each)
        assert (facts.start_timecode, facts.reel) == ("01:00:10:21", "A001")
    assert facts.rate == Fraction(24000, 1001)


def _spec(delivered: Delivered, number: int) -> oiio.ImageSpec:
    path = delivered.path / f"{delivered.path.name}.{number:04d}{delivered.deliverable.format.suffix}"
    return oiio.ImageInput.open(str(path)).spec()


def test_guesses_are_not_written_as_if_they_were_known(deliver: Deliver, source: str):
    guess = ColourTag(name="bt709", origin=Origin.GUESSED)
    facts = replace(probe(source), primaries=guess, transfer=guess, start_timecode="", reel="")
    png, exr = deliver(Deliverable(format=FORMAT.PNG), Deliverable(format=FORMAT.EXR), facts=facts)
    names = {attribute.name for each in (png, exr) for attribute in _spec(each, 1).extra_attribs}
    assert not names & {"CICP", "chromaticities", "timecode", "smpte:TimeCode", "reelName"}


def test_an_edit_is_scored_by_what_can_be_held_against_its_source(deliver: Deliver):
    matte, fill, patch, full = (
        Delivered(Path(), Deliverable(kind=kind), "", None) for kind in (KIND.MATTE, KIND.FILL, KIND.PATCH, KIND.FULL)
    )
    assert scored((matte, patch, full)) is full
    assert scored((fill, patch, matte)) is patch
    assert scored((fill, matte)) is None


def test_a_full_disk_leaves_neither_of_them_behind(deliver: Deliver, tmp_path: Path, source: str):
    probe(source)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(OutputError, match=r"result-full\.mov cannot be written .*: make room"):
            deliver(
                Deliverable(kind=KIND.MATTE),
                Deliverable(kind=KIND.MATTE, format=FORMAT.PNG),
                Deliverable(format=FORMAT.V210),
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "out").iterdir())


def test_a_broken_picture_half_way_leaves_nothing_and_what_was_there(deliver: Deliver, tmp_path: Path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "result.mkv").write_text("the take before")
    shown = picture_of

    def broken(number: int) -> np.ndarray:
        return shown(number) if number == 0 else np.full((RECT.height, RECT.width, 3), np.nan, np.float32)

    monkeypatch.setattr(f"{__name__}.picture_of", broken)
    with pytest.raises(ModelError, match="not finite"):
        deliver(Deliverable(), Deliverable(kind=KIND.PATCH, format=FORMAT.EXR), Deliverable(kind=KIND.MATTE))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["result.mkv"]
    assert (tmp_path / "out" / "result.mkv").read_text() == "the take before"


@pytest.mark.parametrize(("first_number", "numbers"), [(None, [1002, 1003]), (1002, [1003, 1004])])
def test_a_sequences_pictures_keep_the_clips_own_numbers(tmp_path: Path, first_number: int | None, numbers: list[int]):
    for number in range(1001, 1006):
        write_picture(tmp_path / f"shot.{number}.png", np.full((HEIGHT, WIDTH, 3), 0.5, np.float32), bit_depth=16)
    source = str(tmp_path / "shot.%04d.png")
    frames = FrameRange(first=1, last=2)
    wanted = Deliverable(), Deliverable(kind=KIND.PATCH, format=FORMAT.EXR)
    with ClipReader(source, first_number=first_number) as clip:
        how = {"facts": clip.facts, "view": view_of(clip.facts, WorkingColour()), "source": source, "frames": frames}
        with Outlets(tmp_path, wanted, first_number=first_number, **how) as outlets:
            for plate in clip.frames(1, 2):
                outlets.write(plate, picture_of(0), rect=RECT, paste_matte=matte_of(0))
    names = sorted(path.name for path in (tmp_path / "result-patch").iterdir())
    assert names == [f"result-patch.{number}.exr" for number in numbers]
