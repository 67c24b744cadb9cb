# SPDX-License-Identifier: GPL-3.0-or-later
"""Which view a clip gets, and what a view does with values that a picture cannot hold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.colour import NAMES, View, check_deliverables, colour_warnings, view_of
from maskedit.errors import InputError
from maskedit.media import PlateFrame, write_picture
from maskedit.media.colour import PlateColour
from maskedit.media.pictures import write_samples
from maskedit.media.pixels import layout_of
from maskedit.request import (
    ColourTag,
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    MediaFacts,
    Origin,
    WorkingColour,
)


def tagged(name: str) -> ColourTag:
    return ColourTag(name=name, origin=Origin.TAGGED)


def facts_of(
    pixel_format: str = "yuv422p10le", *, transfer: str = "bt709", primaries: str = "bt709", guessed: bool = False
) -> MediaFacts:
    origin = Origin.GUESSED if guessed else Origin.TAGGED
    return MediaFacts(
        frame_count=2,
        width=16,
        height=16,
        rate=Fraction(24),
        pixel_format=pixel_format,
        transfer=ColourTag(name=transfer, origin=origin),
        primaries=ColourTag(name=primaries, origin=origin),
        range=ColourTag(name="tv", origin=origin),
    )


def user(name: str) -> WorkingColour:
    return WorkingColour(name=name, origin=Origin.USER)


def named(name: str, pixel_format: str = "gbrpf32le") -> View:
    return view_of(facts_of(pixel_format), user(name))


@pytest.mark.parametrize(
    ("transfer", "primaries", "name"),
    [
        ("bt709", "bt709", "rec709"), ("smpte170m", "smpte170m", "rec709"), ("iec61966-2-1", "bt709", "srgb"),
        ("smpte2084", "bt2020", "pq"), ("arib-std-b67", "bt2020", "hlg"), ("linear", "bt709", "linear"),
        ("linear", "ap1", "acescg"), ("linear", "ap0", "aces2065-1"), ("linear", "bt2020", "linear-rec2020"),
    ],
)  # fmt: skip
def test_tags_choose_the_view(transfer: str, primaries: str, name: str) -> None:
    view = view_of(facts_of(transfer=transfer, primaries=primaries), WorkingColour())
    assert (view.name, view.origin) == (name, Origin.TAGGED)


def test_a_guess_is_told_and_a_choice_is_not() -> None:
    facts = facts_of(guessed=True)
    view = view_of(facts, WorkingColour())
    (told,) = colour_warnings(view, facts, deliverables=[Deliverable()])
    assert view.origin is Origin.GUESSED and "Rec.709, legal range" in told and "--colour" in told
    assert colour_warnings(view_of(facts, user("slog3")), facts, deliverables=[Deliverable()]) == ()
    assert colour_warnings(view_of(facts_of(), WorkingColour()), facts_of(), deliverables=[Deliverable()]) == ()


def test_an_exr_whose_primaries_are_named_is_no_guess() -> None:
    facts = replace(facts_of("gbrpf32le", transfer="linear", primaries="ap1", guessed=True), primaries=tagged("ap1"))
    assert view_of(facts, WorkingColour()).origin is Origin.TAGGED
    assert view_of(replace(facts, primaries=ColourTag(name="bt709")), WorkingColour()).origin is Origin.GUESSED


@pytest.mark.parametrize("transfer", ["log100", "smpte428"])
def test_tags_that_cannot_be_read_are_refused_with_the_way_out(transfer: str) -> None:
    with pytest.raises(InputError, match="--colour"):
        view_of(facts_of(transfer=transfer), WorkingColour())


@pytest.mark.parametrize("name", ["s-log-3", "ocio:no such space", "ocio:Raw", "slog3:wide"])
def test_unknown_colours_are_refused(name: str) -> None:
    with pytest.raises(InputError) as raised:
        named(name)
    assert "\n" not in str(raised.value) and str(raised.value).endswith(".")


@pytest.mark.parametrize(("ending", "expected"), [("", "tv"), (":full", "pc"), (":legal", "tv")])
def test_the_user_may_overrule_the_range_of_the_clip_but_not_of_what_was_made_of_it(ending: str, expected: str) -> None:
    view = named(f"rec709{ending}", "yuv422p10le")
    code = np.full((16, 16), 64, np.uint16)
    chroma = np.full((16, 8), 512, np.uint16)
    plate = PlateFrame(number=0, planes=(code, chroma, chroma), pixel_format="yuv422p10le")
    assert view.understood(plate).colour.range == expected
    assert view.shown(plate).max() == pytest.approx(64 / 1023 if expected == "pc" else 0, abs=1e-6)
    converted = replace(plate, pixel_format="yuv444p10le", planes=(code, code, code))
    assert view.understood(converted).colour.range == "tv"


def test_a_users_config_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "show.ocio"
    config.write_text(
        "ocio_profile_version: 2\n"
        "roles:\n  scene_linear: lin\n  aces_interchange: lin\n  default: lin\n"
        "file_rules:\n  - !<Rule> {name: Default, colorspace: default}\n"
        "displays:\n  sRGB:\n    - !<View> {name: Raw, colorspace: lin}\n"
        "colorspaces:\n"
        "  - !<ColorSpace>\n    name: lin\n    encoding: scene-linear\n"
        "  - !<ColorSpace>\n    name: halved\n    encoding: scene-linear\n"
        "    to_scene_reference: !<MatrixTransform> {matrix: [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 1]}\n"
    )
    monkeypatch.setenv("OCIO", str(config))
    view_of.cache_clear()
    grey = np.full((1, 1, 3), 0.36, np.float32)
    own = named("ocio:halved")
    np.testing.assert_allclose(own.displayed(grey), 0.4614, atol=1e-4)
    np.testing.assert_allclose(own.encoded(own.displayed(grey)), grey, rtol=1e-5)
    # What the user's config lacks is found among the built-in spaces.
    np.testing.assert_allclose(named("ocio:ACEScg").displayed(grey / 2), 0.4614, atol=1e-4)
    monkeypatch.setenv("OCIO", str(tmp_path / "none.ocio"))
    view_of.cache_clear()
    with pytest.raises(InputError, match="OCIO"):
        named("ocio:halved")


def test_a_space_for_screens_is_shown_as_it_is() -> None:
    view = named("ocio:sRGB - Display")
    assert view.scene is None and view.record()["plate"] == "sRGB - Display"


@pytest.mark.parametrize("name", [*NAMES, "ocio:ACEScct"])
def test_what_a_view_holds_comes_back_and_what_it_does_not_is_known(name: str) -> None:
    view = named(name)
    # Colours as pictures have them: the channels within four stops of each other, and beyond the reach on both sides.
    random = np.random.default_rng(1)
    display = random.uniform(0.1, 0.9, (40, 40, 1)) + random.uniform(-0.06, 0.06, (40, 40, 3))
    encoded = view.encoded(display.astype(np.float32))
    np.testing.assert_allclose(view.displayed(encoded), display, atol=2e-5)
    beyond = np.linspace(-0.05, 1.02, 300, dtype=np.float32).repeat(3).reshape(1, 300, 3)
    if name != "pq":  # its own way below black is steeper than single precision
        np.testing.assert_allclose(view.displayed(view.encoded(beyond)), beyond, atol=5e-4)


@pytest.mark.parametrize("name", ["rec709", "linear", "slog3"])
def test_values_beyond_reach_are_carried_where_the_picture_shows_them_and_nowhere_else(name: str) -> None:
    view = named(name)
    display = np.full((4, 4, 3), 0.5, np.float32)
    display[0], display[1] = 1.03, -0.03
    plate = view.encoded(display)
    picture = np.clip(view.displayed(plate), 0, 1)
    # One 8-bit code away, as a file of 8 bits leaves it: still the limit.
    picture[:, 1] = np.clip(picture[:, 1] + np.where(picture[:, 1] > 0.5, -1, 1) / 255, 0, 1)
    picture[:, 3] = 0.3
    back = view.back(picture, plate)
    np.testing.assert_array_equal(back[:, 0], plate[:, 0])
    shown = view.displayed(back)
    assert (shown[0, 1] > 1.02).all() and (shown[1, 1] < -0.02).all()
    np.testing.assert_allclose(shown[:, 3], 0.3, atol=1e-5)


def test_carrying_fades_without_a_jump() -> None:
    view = named("rec709")
    plate = np.full((1, 200, 3), 1.1, np.float32)
    picture = np.linspace(1.0, 0.9, 200, dtype=np.float32)[None, :, None].repeat(3, axis=-1)
    back = view.back(picture, plate)
    assert back[0, 0, 0] == np.float32(1.1) and back[0, -1, 0] == pytest.approx(0.9)
    assert np.diff(back[0, :, 0]).max() <= 0 and np.diff(back[0, :, 0]).min() > -0.005


def test_what_is_no_number_is_shown_as_black_and_white_and_does_not_spread() -> None:
    view = named("linear")
    plate = np.full((2, 4, 3), 0.18, np.float32)
    plate[0, 0], plate[0, 1], plate[0, 2] = np.nan, np.inf, -np.inf
    frame = PlateFrame(
        number=0, planes=tuple(plate[..., c].copy() for c in (1, 2, 0)), pixel_format="gbrpf32le",
        colour=PlateColour(matrix="gbr", range="pc"),
    )  # fmt: skip
    shown = view.shown(frame)
    assert np.isfinite(shown).all() and shown[0, 0].max() == 0 and shown[0, 1].min() == 1 and shown[0, 2].max() == 0
    assert np.isfinite(view.back(shown, plate)).all()


def test_pictures_are_in_the_view_and_exrs_in_the_plates_encoding(tmp_path: Path) -> None:
    view = named("linear")
    write_picture(tmp_path / "seen.png", np.full((4, 4, 3), 0.4614), bit_depth=16)
    samples = np.full((4, 4, 3), 0.18, np.float16)
    samples[0], samples[1] = -0.5, 900
    write_samples(tmp_path / "own.exr", samples)
    seen, own = view.painted(tmp_path / "seen.png"), view.painted(tmp_path / "own.exr")
    np.testing.assert_allclose(seen[2:], own[2:], atol=1e-4)
    np.testing.assert_array_equal(view.encoded(own).astype(np.float16), samples)


def test_coarse_pictures_are_smoothed_for_deeper_plates_only(tmp_path: Path) -> None:
    ramp = 0.4 + np.arange(128) / 30 / 255
    write_picture(tmp_path / "ramp.png", np.broadcast_to(ramp[None, :, None], (40, 128, 3)))
    values = [len(np.unique(named("rec709", kind).painted(tmp_path / "ramp.png"))) for kind in ("gbrp", "gbrp10le")]
    assert values[0] == 5 < 60 < values[1]


@pytest.mark.parametrize("suffix", ["png", "exr"])
def test_a_part_of_a_picture_is_what_the_whole_shows_there(tmp_path: Path, suffix: str) -> None:
    ramp = 0.4 + np.add.outer(np.arange(150), np.arange(128)) / 30 / 255
    path = tmp_path / f"ramp.{suffix}"
    write_picture(path, np.repeat(ramp[..., None], 3, axis=-1))
    view = named("rec709", "gbrp10le")
    for part in (np.s_[70:90, 50:60], np.s_[0:150, 0:128], np.s_[140:150, 100:128]):
        np.testing.assert_allclose(view.painted(path, part=part), view.painted(path)[part], atol=1e-7)


def test_floating_point_clips_are_not_delivered_cut() -> None:
    facts = facts_of("gbrpf32le", transfer="linear")
    check_deliverables(facts, [Deliverable(format=DeliverableFormat.EXR)])
    check_deliverables(facts, [Deliverable(kind=DeliverableKind.MATTE, format=DeliverableFormat.PNG)])
    check_deliverables(facts_of(), [Deliverable()])
    with pytest.raises(InputError, match="exr"):
        check_deliverables(facts, [Deliverable(format=DeliverableFormat.PNG)])


@pytest.mark.parametrize(
    ("kind", "format", "told"),
    [("full", "mkv", 0), ("full", "mov", 0), ("full", "png", 1), ("patch", "mov", 1), ("full", "exr", 0)],
)
def test_super_whites_are_not_cut_in_silence(kind: str, format: str, told: int) -> None:
    wanted = Deliverable(kind=DeliverableKind(kind), format=DeliverableFormat(format))
    view = view_of(facts_of(), WorkingColour())
    assert len(colour_warnings(view, facts_of(), deliverables=[wanted])) == told


@given(
    pixel_format=st.sampled_from(["yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv411p", "gbrp12le", "gbrpf32le"]),
    siting=st.sampled_from([(0.0, 0.5), (0.5, 0.5), (0.0, 0.0), (1.0, 1.0)]),
    size=st.tuples(st.integers(1, 21), st.integers(1, 21)),
    data=st.data(),
)
def test_a_part_is_what_the_whole_shows_there(pixel_format, siting, size, data) -> None:  # type: ignore[no-untyped-def]
    (width, height), layout = size, layout_of(pixel_format)
    generator = np.random.default_rng(width + 100 * height)
    planes = tuple(
        generator.uniform(
            0, 1 if layout.is_float else 1 << layout.depth, layout.plane_shape(plane, width=width, height=height)
        ).astype(layout.dtype)
        for plane in range(layout.plane_count)
    )
    model = "bt709" if pixel_format.startswith("yuv") else "gbr"
    plate = PlateFrame(
        number=0, planes=planes, pixel_format=pixel_format, colour=PlateColour(matrix=model, range="tv", siting=siting)
    )
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    part = (
        slice(top, data.draw(st.integers(top + 1, height))),
        slice(left, data.draw(st.integers(left + 1, width))),
    )
    view = named("rec709", pixel_format)
    np.testing.assert_array_equal(view.shown(plate, part=part), view.shown(plate)[part])
