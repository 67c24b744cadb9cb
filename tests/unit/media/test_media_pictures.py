# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and numbered sequences of them, with real files through OpenImageIO."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import OpenImageIO as oiio
import pytest

from maskedit.errors import InputError, OutputError
from maskedit.media import ClipReader, probe, read_picture, write_picture
from maskedit.request import AlphaMode, Origin

RANDOM = np.random.default_rng(5)


def write(path, samples: np.ndarray, kind: str, **attributes) -> None:
    """One picture by OpenImageIO alone; attributes with two underscores for a colon."""
    height, width, channels = samples.shape
    spec = oiio.ImageSpec(width, height, channels, kind)
    names = attributes.pop("channelnames", None)
    if names:
        spec.channelnames = names
    for name, value in attributes.items():
        if name in ("x", "y", "full_x", "full_y", "full_width", "full_height"):
            setattr(spec, name, value)
        elif isinstance(value, Fraction):
            spec.attribute(name, oiio.TypeRational, (value.numerator, value.denominator))
        else:
            spec.attribute(name.replace("__", ":"), value)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec) and output.write_image(samples) and output.close()


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("bit_depth", [8, 16])
@pytest.mark.parametrize("channels", [3, 4])
def test_what_is_written_is_read_to_the_rounding(tmp_path, suffix, bit_depth, channels):
    # Low alpha under bright colour: multiplying in or dividing out would show at once.
    picture = RANDOM.random((9, 13, channels), np.float32)
    picture[:4, :, 3:] = 0
    write_picture(tmp_path / f"a.{suffix}", picture, bit_depth=bit_depth)
    again = read_picture(tmp_path / f"a.{suffix}")
    part = np.s_[2:7, 5:13]
    np.testing.assert_array_equal(read_picture(tmp_path / f"a.{suffix}", part=part), again[part])
    assert again.dtype == np.float32 and again.shape == picture.shape
    assert np.abs(again - picture).max() <= 0.5001 / ((1 << bit_depth) - 1)
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]


def test_values_outside_0_to_1_are_clipped_and_halves_are_kept(tmp_path):
    picture = np.float32([[[-1.0, 0.25, 2.0]]])
    write_picture(tmp_path / "a.png", picture)
    assert read_picture(tmp_path / "a.png").tolist() == [[[0.0, pytest.approx(64 / 255), 1.0]]]
    write_picture(tmp_path / "a.exr", picture)
    source = oiio.ImageInput.open(str(tmp_path / "a.exr"))
    assert str(source.spec().format) == "half" and source.read_image("float").tolist() == picture.tolist()


def test_gray_is_repeated_and_jpeg_is_read(tmp_path):
    gray = (RANDOM.random((8, 8, 1)) * 255).astype(np.uint8)
    write(tmp_path / "gray.png", gray, "uint8")
    assert (read_picture(tmp_path / "gray.png") == (gray / np.float32(255)).repeat(3, axis=-1)).all()
    write(tmp_path / "flat.jpg", np.full((16, 16, 3), 90, np.uint8), "uint8")
    assert np.abs(read_picture(tmp_path / "flat.jpg") - 90 / 255).max() < 0.01


def test_a_gray_picture_with_alpha_keeps_it(tmp_path):
    pair = (RANDOM.random((4, 6, 2)) * 255).astype(np.uint8)
    write(tmp_path / "ya.png", pair, "uint8", channelnames=("Y", "A"), oiio__UnassociatedAlpha=1)
    picture = read_picture(tmp_path / "ya.png")
    np.testing.assert_allclose(picture, pair[..., [0, 0, 0, 1]] / 255, atol=1e-6)


def test_ten_bit_dpx_gives_its_own_codes(tmp_path):
    codes = RANDOM.integers(0, 1024, (6, 10, 3)).astype(np.uint16)
    stretched = (codes << 6) | (codes >> 4)
    write(tmp_path / "shot.0001.dpx", stretched, "uint16", oiio__BitsPerSample=10)
    facts = probe(tmp_path / "shot.%04d.dpx")
    assert (facts.pixel_format, facts.bit_depth) == ("gbrp10le", 10)
    with ClipReader(tmp_path / "shot.%04d.dpx") as reader:
        plate = next(iter(reader.frames(0, 0)))
    for plane, channel in zip(plate.planes, (1, 2, 0), strict=True):
        np.testing.assert_array_equal(plane, codes[..., channel])


def test_an_exr_data_window_lies_in_its_display_window(tmp_path):
    inner = RANDOM.random((4, 5, 4), np.float32).astype(np.float16)
    write(tmp_path / "a.exr", inner, "half", x=3, y=-1, full_width=7, full_height=6)
    picture = read_picture(tmp_path / "a.exr")
    assert picture.shape == (6, 7, 4)
    expected = np.zeros((6, 7, 4), np.float32)
    expected[0:3, 3:7] = inner[1:4, 0:4]
    np.testing.assert_array_equal(picture, expected)


def test_channels_are_found_by_name(tmp_path):
    samples = RANDOM.random((3, 4, 5), np.float32).astype(np.float16)
    write(tmp_path / "layers.exr", samples, "half", channelnames=("A", "B", "G", "R", "Z"))
    np.testing.assert_array_equal(read_picture(tmp_path / "layers.exr"), samples[..., [3, 2, 1, 0]].astype(np.float32))
    write(tmp_path / "depth.exr", samples[..., :2], "half", channelnames=("U", "V"))
    with pytest.raises(InputError, match="no R, G, B or Y channels"):
        read_picture(tmp_path / "depth.exr")


@pytest.mark.parametrize("side", [15000, 20000])
def test_picture_bombs_are_refused_by_their_header(tmp_path, huge_png, side):
    (tmp_path / "bomb.png").write_bytes(huge_png(side))
    with pytest.raises(InputError, match=f"bomb.png is {side}x{side}.*scale it down"):
        read_picture(tmp_path / "bomb.png")


def test_what_is_no_picture_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "notes.png").write_text("hello")
    (tmp_path / "notes.txt").write_text("hello")
    write_picture(tmp_path / "cut.png", RANDOM.random((64, 64, 3)))
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:3000])
    for name, match in (("gone.png", "There is no file"), ("notes.png", "cannot be read as a picture"),
                        ("notes.txt", "no picture that can be read"), ("cut.png", "cannot be decoded")):  # fmt: skip
        with pytest.raises(InputError, match=match) as caught:
            read_picture(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_pictures_that_cannot_be_written_are_output_errors(tmp_path):
    picture = np.zeros((2, 2, 3), np.float32)
    with pytest.raises(OutputError, match="no kind of picture"):
        write_picture(tmp_path / "a.doc", picture)
    with pytest.raises(OutputError, match="cannot be written"):
        write_picture(tmp_path / "nowhere" / "a.png", picture)
    with pytest.raises(ValueError, match="bit_depth is 8 or 16"):
        write_picture(tmp_path / "a.png", picture, bit_depth=10)
    assert not list(tmp_path.iterdir())


def make_sequence(folder, numbers, *, pattern="shot.{:04d}.png") -> str:
    for number in numbers:
        write_picture(folder / pattern.format(number), np.full((4, 6, 3), number / 255))
    return str(folder / "shot.%04d.png")


def test_a_sequence_is_a_clip_whose_frame_0_is_its_first_number(tmp_path):
    path = make_sequence(tmp_path, range(98, 103))
    facts = probe(path)
    assert (facts.frame_count, facts.width, facts.height, facts.rate) == (5, 6, 4, Fraction(24))
    assert (facts.pixel_format, facts.alpha_mode, facts.matrix.origin) == ("gbrp", AlphaMode.NONE, Origin.GUESSED)
    with ClipReader(path) as reader:
        plates = list(reader.frames(1, 3))
    assert [(plate.number, int(plate.planes[0][0, 0]), plate.pts * plate.time_base) for plate in plates] == [
        (number, 98 + number, Fraction(number, 24)) for number in (1, 2, 3)
    ]
    with ClipReader(path, first_number=100) as reader:
        assert reader.facts.frame_count == 3
        assert next(iter(reader.frames(0, 0))).planes[0][0, 0] == 100


def test_gaps_and_missing_starts_are_named(tmp_path):
    path = make_sequence(tmp_path, (1, 2, 4))
    with pytest.raises(InputError, match=r"shot\.0003\.png is missing: the sequence has a gap"):
        probe(path)
    with pytest.raises(InputError, match=r"shot\.0007\.png is missing: check the first number"):
        probe(path, first_number=7)
    with pytest.raises(InputError, match="There are no pictures"):
        probe(tmp_path / "other.%04d.png")
    with pytest.raises(InputError, match="There is no folder"):
        probe(tmp_path / "nowhere" / "shot.%04d.png")


def test_a_picture_of_another_size_is_named_when_it_comes(tmp_path):
    path = make_sequence(tmp_path, (1, 2))
    write_picture(tmp_path / "shot.0003.png", np.zeros((4, 8, 3)))
    with ClipReader(path) as reader:
        frames = reader.frames(0, 2)
        assert [next(frames).number, next(frames).number] == [0, 1]
        with pytest.raises(InputError, match=r"Frame 2 of .* is 8x4 gbrp, unlike the first"):
            next(frames)


def test_unpadded_numbers_sort_as_numbers(tmp_path):
    make_sequence(tmp_path, range(8, 12), pattern="take.{}.png")
    with ClipReader(tmp_path / "take.%d.png") as reader:
        assert [int(plate.planes[0][0, 0]) for plate in reader.frames(0, 3)] == [8, 9, 10, 11]


def test_an_exr_sequence_tells_rate_aspect_and_alpha(tmp_path):
    samples = RANDOM.random((4, 6, 4), np.float32).astype(np.float16)
    attributes = {"FramesPerSecond": Fraction(24000, 1001), "PixelAspectRatio": 2.0}
    for number in (0, 1):
        write(tmp_path / f"a.{number:02d}.exr", samples, "half", **attributes)
    facts = probe(tmp_path / "a.%02d.exr")
    assert (facts.rate, facts.pixel_aspect, facts.alpha_mode) == (Fraction(24000, 1001), 2, AlphaMode.PREMULTIPLIED)
    with ClipReader(tmp_path / "a.%02d.exr") as reader:
        plate = next(iter(reader.frames(1, 1)))
    assert plate.pixel_format == "gbrapf32le"
    np.testing.assert_array_equal(plate.alpha(), samples[..., 3].astype(np.float32))
