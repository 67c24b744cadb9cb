# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour through the whole path: ramps of every format, painted light, keyframes in floats, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.checking import check_edit
from maskedit.colour import view_of
from maskedit.colour.__main__ import export_frame, main
from maskedit.compositing import composite, fill_frame, patch_frame
from maskedit.drafting import run_draft
from maskedit.errors import InputError
from maskedit.finishing_benchmark.colour import (
    FORMATS,
    HEIGHT,
    WIDTH,
    Format,
    drafted,
    errors_of,
    ramp_plates,
    request_for,
    sky_steps,
    written,
)
from maskedit.media import PlateFrame, probe, read_picture
from maskedit.media.colour import CHROMATICITIES
from maskedit.media.pictures import read_samples, write_samples
from maskedit.progress import SilentReporter, Stage
from maskedit.request import (
    Deliverable,
    DeliverableFormat,
    EditRequest,
    MediaFacts,
    Origin,
    WorkingColour,
)

BY_NAME = {kind.colour: kind for kind in FORMATS if kind.pixel_format != "yuv420p"}
INSIDE = (slice(20, 28), slice(200, 800))


def facts_of(kind: Format) -> MediaFacts:
    return MediaFacts(frame_count=2, width=WIDTH, height=HEIGHT, rate=Fraction(24), pixel_format=kind.pixel_format)


def view_for(kind: Format):  # type: ignore[no-untyped-def]
    return view_of(facts_of(kind), WorkingColour(name=kind.colour, origin=Origin.USER))


def sixteen_bits(picture: np.ndarray) -> np.ndarray:
    return (np.rint(picture * 65535) / 65535).astype(np.float32)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.words)
def test_the_plates_own_view_composited_is_the_plate(kind: Format) -> None:
    view, plate = view_for(kind), ramp_plates(kind)[0]
    whole = np.ones((HEIGHT, WIDTH), np.float32)
    picture = sixteen_bits(view.shown(plate))
    result = composite(view.understood(plate), picture, x=0, y=0, paste_matte=whole, view=view)
    for error in errors_of(kind, result, plate):
        assert error.max() == 0


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.words)
def test_held_values_need_no_plate_to_come_back(kind: Format) -> None:
    # The inverse alone, from single precision: what is painted beside the plate's own colours is right too.
    view, plate = view_for(kind), ramp_plates(kind)[0]
    rgb = view.understood(plate).encoded_rgb()[: HEIGHT * 3 // 8]
    display = view.displayed(rgb)
    held = ((display >= 0) & (display <= 1)).all(axis=-1)
    error = np.abs(view.encoded(display) - rgb)[held]
    assert held.mean() > 0.5
    if kind.linear:
        assert (error <= 2**-12 * np.maximum(np.abs(rgb[held]), 2**-14)).all()  # half a step of half floats
    else:
        depth = int(plate.layout.depth)
        assert error.max() * (1 << depth) < 0.25


@pytest.mark.parametrize("colour", ["rec709", "slog3", "pq", "acescg"])
def test_unpainted_ramps_come_through_a_draft(colour: str, tmp_path: Path) -> None:
    kind = BY_NAME[colour]
    for number, (found, plate) in enumerate(zip(drafted(kind, tmp_path), ramp_plates(kind), strict=True)):
        errors = errors_of(kind, found, plate)
        if number == 0:
            assert max(error.max() for error in errors) == 0
        assert all((error[: len(error) * 3 // 8] > 1).mean() < 0.01 for error in errors)
        # Outside the paste nothing was touched at all.
        assert all(error[:, :8].max() == 0 and error[:2].max() == 0 for error in errors)
    record = json.loads((tmp_path / "out" / "result.maskedit.json").read_text())
    assert record["colour"]["name"] == colour and record["colour"]["origin"] == "user"


@pytest.mark.parametrize("colour", ["slog3", "logc3", "linear", "hlg"])
def test_what_is_painted_is_what_is_meant(colour: str, tmp_path: Path) -> None:
    # A stop less light, painted on the view, is a stop less light in the delivered plate, on drafted frames too.
    kind = BY_NAME[colour]
    view = view_for(kind)

    def darker(picture: np.ndarray) -> np.ndarray:
        light = view.scene.to_linear(view.encoded(picture).astype(np.float64)) / 2
        return view.displayed(view.scene.from_linear(light).astype(np.float32))

    for found, plate in zip(drafted(kind, tmp_path, paint=darker), ramp_plates(kind), strict=True):
        before, after = (view.scene.to_linear(each.encoded_rgb()[INSIDE].astype(np.float64)) for each in (plate, found))
        sure = (before > 0.05) & (before < 20)
        assert np.abs(np.log2(before[sure] / after[sure]) - 1).max() < 0.05


def test_an_exr_keyframe_is_delivered_in_the_plates_own_light(tmp_path: Path) -> None:
    kind = BY_NAME["linear"]
    clip = written(ramp_plates(kind), tmp_path, "plate")
    light = np.full((HEIGHT, WIDTH, 3), 0.25, np.float16)
    light[:, 300:400], light[:, 400:500], light[:, 500:600] = 3000, -0.75, 6e-5
    write_samples(tmp_path / "painted.exr", light)
    request = request_for(clip, tmp_path / "painted.exr", tmp_path, colour="linear", exr=True)
    result = run_draft(request, output=tmp_path / "out", reporter=SilentReporter()).result
    _, samples = read_samples(result / "result.0000.exr")
    inside = (slice(8, -8), slice(300, 600))
    np.testing.assert_array_equal(samples[inside].astype(np.float16), light[inside])


def test_patches_and_fills_of_scene_linear_plates_keep_their_light() -> None:
    kind = BY_NAME["acescg"]
    view, plate = view_for(kind), ramp_plates(kind)[0]
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[10:50, 100:900] = 0.5
    rect = (slice(5, 60), slice(90, 950))
    arguments = {"x": 90, "y": 5, "paste_matte": matte, "view": view}
    patch = patch_frame(plate, view.shown(plate)[rect], **arguments)
    fill = fill_frame(plate, view.shown(plate)[rect], **arguments)
    assert (patch.pixel_format, fill.pixel_format) == ("gbrapf32le", "gbrpf32le")
    for own, pasted, filled in zip(plate.planes, patch.planes, fill.planes, strict=False):
        np.testing.assert_array_equal(pasted[10:50, 100:900], own[10:50, 100:900])
        np.testing.assert_array_equal(filled[10:50, 100:900], own[10:50, 100:900])
        assert pasted[matte == 0].max() == 0
    np.testing.assert_array_equal(patch.planes[3], matte)


def test_a_log_patch_is_in_the_plates_encoding() -> None:
    kind = BY_NAME["logc4"]
    view, plate = view_for(kind), ramp_plates(kind)[0]
    whole = np.ones((HEIGHT, WIDTH), np.float32)
    patch = patch_frame(plate, view.shown(plate), x=0, y=0, paste_matte=whole, view=view)
    for own, pasted in zip(plate.planes, patch.planes, strict=False):
        np.testing.assert_array_equal(np.rint(pasted / 65535 * 4095), own)


def test_an_8_bit_sky_over_a_10_bit_plate_has_no_bands() -> None:
    given, delivered = sky_steps()
    assert given == pytest.approx(4, abs=0.05) and delivered < 1


def test_rounding_is_scattered_inside_the_matte_only_and_the_same_each_time() -> None:
    code = np.full((64, 64), 500, np.uint16)
    plate = PlateFrame(number=7, planes=(code, code, code), pixel_format="gbrp10le")
    view = view_of(replace(facts_of(FORMATS[0]), pixel_format="gbrp10le"), WorkingColour(name="srgb"))
    matte = np.zeros((64, 64), np.float32)
    matte[16:48, 16:48] = 1
    picture = np.full((64, 64, 3), 700.4 / 1023, np.float32)
    first, again = (composite(plate, picture, x=0, y=0, paste_matte=matte, view=view) for _ in range(2))
    later = composite(replace(plate, number=8), picture, x=0, y=0, paste_matte=matte, view=view)
    for one, other, third in zip(first.planes, again.planes, later.planes, strict=True):
        np.testing.assert_array_equal(one, other)
        assert (one[matte == 0] == 500).all() and set(np.unique(one[matte == 1])) == {700, 701}
        assert one[matte == 1].mean() == pytest.approx(700.4, abs=0.06)
        assert (one != third).any()


def test_an_8_bit_plate_is_rounded_as_it_always_was() -> None:
    code = np.full((16, 16), 100, np.uint8)
    plate = PlateFrame(number=7, planes=(code, code, code), pixel_format="gbrp")
    view = view_of(replace(facts_of(FORMATS[0]), pixel_format="gbrp"), WorkingColour(name="srgb"))
    picture = np.random.default_rng(0).random((16, 16, 3), np.float32)
    whole = np.ones((16, 16), np.float32)
    for seen, plain in zip(
        composite(plate, picture, x=0, y=0, paste_matte=whole, view=view).planes,
        composite(plate, picture, x=0, y=0, paste_matte=whole).planes,
        strict=True,
    ):
        np.testing.assert_array_equal(seen, plain)


class Heard(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        if message:
            self.messages.append(message)


def untagged(tmp_path: Path, kind: Format) -> EditRequest:
    clip = written(ramp_plates(kind), tmp_path, "plate")
    export_frame(clip, 0, out=tmp_path / "frame.png")
    request = request_for(clip, tmp_path / "frame.png", tmp_path, colour="", exr=kind.linear)
    return replace(request, working_colour=WorkingColour())


def test_a_guessed_colour_is_among_the_jobs_messages(tmp_path: Path) -> None:
    heard = Heard()
    request = untagged(tmp_path, BY_NAME["linear"])
    run_draft(request, output=tmp_path / "out", reporter=heard)
    assert sum("linear Rec.709" in message and "--colour" in message for message in heard.messages) == 1
    record = json.loads((tmp_path / "out" / "result.maskedit.json").read_text())
    assert record["colour"]["origin"] == "guessed"


def test_colours_and_formats_that_cannot_be_used_are_refused_at_the_check(tmp_path: Path) -> None:
    request = untagged(tmp_path, BY_NAME["linear"])
    check_edit(request)
    with pytest.raises(InputError, match="choose one of"):
        check_edit(replace(request, working_colour=WorkingColour(name="technicolor")))
    with pytest.raises(InputError, match="exr"):
        check_edit(replace(request, deliverables=(Deliverable(format=DeliverableFormat.MKV),)))


@pytest.mark.parametrize(("primaries", "name"), [("ap1", "acescg"), ("bt709", "linear"), ("ap0", "aces2065-1")])
def test_an_exrs_chromaticities_are_read(primaries: str, name: str, tmp_path: Path) -> None:
    for number in range(2):
        attributes = {"chromaticities": CHROMATICITIES[primaries]}
        write_samples(tmp_path / f"shot.{number}.exr", np.ones((8, 8, 3), np.float16), attributes=attributes)
    view = view_of(probe(str(tmp_path / "shot.%d.exr")), WorkingColour())
    assert (view.name, view.origin) == (name, Origin.TAGGED)


def test_chromaticities_that_nobody_knows_are_asked_about(tmp_path: Path) -> None:
    odd = (0.7, 0.3, 0.2, 0.7, 0.1, 0.05, 0.3, 0.3)
    for number in range(2):
        write_samples(
            tmp_path / f"shot.{number}.exr", np.ones((8, 8, 3), np.float16), attributes={"chromaticities": odd}
        )
    with pytest.raises(InputError, match="--colour"):
        view_of(probe(str(tmp_path / "shot.%d.exr")), WorkingColour())


def test_the_frame_to_paint_on_is_the_view(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kind = BY_NAME["slog3"]
    clip = written(ramp_plates(kind), tmp_path, "plate")
    assert main([clip, "1", "--out", str(tmp_path / "frame.png"), "--colour", "slog3"]) == 0
    assert "S-Log3" in capsys.readouterr().out
    plate = ramp_plates(kind)[1]
    np.testing.assert_allclose(read_picture(tmp_path / "frame.png"), view_for(kind).shown(plate), atol=1e-5)
    assert main([clip, "1", "--out", str(tmp_path / "frame.exr"), "--colour", "slog3"]) == 0
    _, samples = read_samples(tmp_path / "frame.exr")
    np.testing.assert_allclose(samples, plate.encoded_rgb(), atol=1e-3)


@pytest.mark.parametrize(
    ("change", "status"), [({"number": "9"}, 2), ({"colour": "sepia"}, 2), ({"out": "none/frame.png"}, 4)]
)
def test_a_frame_that_cannot_be_had_is_said_in_one_sentence(
    change: dict[str, str], status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = written(ramp_plates(BY_NAME["rec709"]), tmp_path, "plate")
    given = {"number": "0", "out": "frame.png", "colour": "rec709"} | change
    arguments = [clip, given["number"], "--out", str(tmp_path / given["out"]), "--colour", given["colour"]]
    assert main(arguments) == status
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
