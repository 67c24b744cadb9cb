# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes from every kind of file arrive the same: white inside, the clip's size, paired by frame number."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.demo import ROTO, SOURCE
from maskedit.demo.clips import write_matte
from maskedit.errors import InputError
from maskedit.mattes import open_matte, paste_mattes
from maskedit.media import probe, write_picture
from maskedit.presets import Edges
from maskedit.request import Matte, MatteChannel, MediaFacts, MediaReference

WIDTH, HEIGHT, FRAMES = 32, 24, 6
CLIP = MediaFacts(frame_count=FRAMES, width=WIDTH, height=HEIGHT, rate=Fraction(25), pixel_format="yuv420p")


def moving_box(*, width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES) -> np.ndarray:
    """(T, H, W): a white box on black that moves right by an eighth of the width per frame."""
    mattes = np.zeros((frames, height, width), np.float32)
    for number in range(frames):
        left = number * width // 8
        mattes[number, height // 4 : height // 2, left : left + width // 4] = 1
    return mattes


def as_pictures(mattes: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(mattes * 255).astype(np.uint8)[..., None], 3, axis=3)


def matte(path: Path | str, *, first_number: int = 0, **fields) -> Matte:
    return Matte(media=MediaReference(locations=(str(path),), first_number=first_number), **fields)


def read(of: Matte, first: int = 0, last: int = FRAMES - 1, *, facts: MediaFacts = CLIP) -> np.ndarray:
    pairs = list(open_matte(of, facts=facts).frames(first, last))
    assert [number for number, _ in pairs] == list(range(first, last + 1))
    mattes = np.stack([values for _, values in pairs])
    assert mattes.dtype == np.float32 and mattes.shape[1:] == (facts.height, facts.width)
    return mattes


def write_sequence(folder: Path, pictures: np.ndarray, *, start: int) -> Path:
    """Float pictures (T, H, W, C) as numbered 16-bit PNG files."""
    for number, picture in enumerate(pictures, start=start):
        write_picture(str(folder / f"matte.{number:04d}.png"), picture, bit_depth=16)
    return folder / "matte.%04d.png"


def test_a_lossless_video_is_read_exactly(write_clip):
    path = write_clip("matte.mkv", as_pictures(moving_box()))
    np.testing.assert_array_equal(read(matte(path)), moving_box())


def test_a_range_is_paired_by_frame_number(write_clip):
    path = write_clip("matte.mkv", as_pictures(moving_box()))
    np.testing.assert_array_equal(read(matte(path), 2, 4), moving_box()[2:5])


def test_black_of_a_lossy_video_is_exactly_outside(write_clip):
    """Compression leaves black slightly grey: it must not make the whole frame a region."""
    noise = np.random.default_rng(0).integers(0, 6, (FRAMES, HEIGHT, WIDTH, 3)).astype(np.uint8)
    pictures = np.where(as_pictures(moving_box()) > 0, 255 - noise, noise)
    found = read(matte(write_clip("matte.mp4", pictures, codec="libx264", pixel_format="yuv420p")))
    drawn = moving_box()
    assert not found[:, HEIGHT // 2 + 4 :].any()
    assert (found[0, HEIGHT // 4 + 2 : HEIGHT // 2 - 2, 1:6] == 1).all()
    assert np.abs(found - drawn).mean() < 0.02


def test_sequences_keep_their_soft_edges_and_their_own_numbers(tmp_path):
    soft = moving_box() * np.linspace(0.2, 0.8, WIDTH, dtype=np.float32)
    pattern = write_sequence(tmp_path, np.repeat(soft[..., None], 3, axis=3), start=1001)
    np.testing.assert_allclose(read(matte(pattern, first_number=1001)), soft, atol=1e-4)
    np.testing.assert_allclose(read(matte(pattern)), soft, atol=1e-4)


def test_inverted_mattes(write_clip):
    path = write_clip("matte.mkv", as_pictures(1 - moving_box()))
    np.testing.assert_array_equal(read(matte(path, invert=True)), moving_box())


def test_alpha_is_the_matte_where_it_says_something(tmp_path):
    pictures = np.concatenate([np.ones((FRAMES, HEIGHT, WIDTH, 3), np.float32), moving_box()[..., None]], axis=3)
    pattern = write_sequence(tmp_path, pictures, start=0)
    np.testing.assert_allclose(read(matte(pattern)), moving_box())
    np.testing.assert_allclose(read(matte(pattern, channel=MatteChannel.ALPHA)), moving_box())
    assert (read(matte(pattern, channel=MatteChannel.LUMA)) == 1).all()


def test_luma_is_the_matte_where_alpha_is_opaque(tmp_path):
    opaque = np.ones((FRAMES, HEIGHT, WIDTH, 1), np.float32)
    pictures = np.concatenate([np.repeat(moving_box()[..., None], 3, axis=3), opaque], axis=3)
    pattern = write_sequence(tmp_path, pictures, start=0)
    np.testing.assert_allclose(read(matte(pattern)), moving_box())


def test_alpha_that_is_not_there_is_refused(write_clip):
    path = write_clip("matte.mkv", as_pictures(moving_box()))
    with pytest.raises(InputError, match=r"no alpha channel: read its luma"):
        open_matte(matte(path, channel=MatteChannel.ALPHA), facts=CLIP)


@pytest.mark.parametrize("scale", [Fraction(1, 2), Fraction(2), Fraction(4)])
def test_sizes_that_differ_by_scale_are_brought_to_the_clips(write_clip, scale):
    drawn = moving_box(width=int(WIDTH * scale), height=int(HEIGHT * scale))
    found = read(matte(write_clip("matte.mkv", as_pictures(drawn))))
    expected = moving_box()
    assert np.abs(found - expected).mean() < 0.03
    assert found[0, HEIGHT // 4 + 2, 3] == 1 and found[0, -1, -1] == 0


def test_odd_sizes_round_to_the_same_shape(write_clip):
    """853x480 is how 16:9 comes out at 480 lines: a matte of the full 1080 lines still fits."""
    facts = MediaFacts(frame_count=1, width=85, height=48, rate=Fraction(25), pixel_format="yuv420p")
    path = write_clip("matte.mkv", as_pictures(moving_box(width=192, height=108, frames=1)))
    assert read(matte(path), 0, 0, facts=facts).shape == (1, 48, 85)


def test_another_aspect_is_refused(write_clip):
    path = write_clip("matte.mkv", as_pictures(moving_box(width=32, height=32)))
    with pytest.raises(InputError, match=r"is 32x32, which is not the shape of the clip's 32x24: make the matte"):
        open_matte(matte(path), facts=CLIP)


@pytest.mark.parametrize("frames", [FRAMES - 1, FRAMES + 1])
def test_another_length_is_refused(write_clip, frames):
    path = write_clip("matte.mkv", as_pictures(moving_box(frames=frames)))
    with pytest.raises(InputError, match=rf"has {frames} frames but the clip has 6: export the matte"):
        open_matte(matte(path), facts=CLIP)


def test_a_matte_may_cover_a_part_of_the_clip(tmp_path):
    """A long clip that is trimmed to five frames needs five pictures, named by the frames that they show."""
    clip = MediaFacts(frame_count=90_000, width=WIDTH, height=HEIGHT, rate=Fraction(25), pixel_format="yuv420p")
    drawn = moving_box(frames=5)
    pattern = write_sequence(tmp_path, np.repeat(drawn[..., None], 3, axis=3), start=50_000)
    part = matte(pattern, first_number=50_000, first_frame=50_000)
    np.testing.assert_array_equal(read(part, 50_000, 50_004, facts=clip), drawn)
    np.testing.assert_array_equal(read(part, 50_003, 50_004, facts=clip), drawn[3:])
    for first, last in ((49_999, 50_004), (50_000, 50_005), (0, 4)):
        with pytest.raises(InputError, match=rf"covers frames 50000-50004 but frames {first}-{last} are to be edited"):
            read(part, first, last, facts=clip)


def test_a_matte_of_the_clips_start_is_not_taken_for_one_that_is_too_short(write_clip):
    part = matte(write_clip("matte.mkv", as_pictures(moving_box(frames=3))), first_frame=0)
    np.testing.assert_array_equal(read(part, 0, 2), moving_box()[:3])


@pytest.mark.parametrize("first_frame", [-1, 4])
def test_a_part_that_is_not_of_the_clip_is_refused(write_clip, first_frame):
    path = write_clip("matte.mkv", as_pictures(moving_box(frames=3)))
    last = first_frame + 2
    with pytest.raises(InputError, match=rf"covers frames {first_frame}-{last} but the clip has frames 0-5: export"):
        open_matte(matte(path, first_frame=first_frame), facts=CLIP)


def test_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"missing\.mkv"):
        open_matte(matte(tmp_path / "missing.mkv"), facts=CLIP)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"not a video at all")
    with pytest.raises(InputError, match=r"broken\.mkv"):
        open_matte(matte(broken), facts=CLIP)


def write_roto(path: Path, *, size: tuple[int, int]) -> Path:
    corners = [(0, 6), (8, 6), (8, 12), (0, 12)]
    keys = [{"frame": n, "points": [{"co": [x + 4 * n, y]} for x, y in corners]} for n in (0, 5)]
    fields = {"format": "maskedit-roto", "version": 1, "size": size, "shapes": [{"keys": keys}]}
    path.write_text(json.dumps(fields))
    return path


def test_roto_files_are_rasterised_at_the_clips_size(tmp_path):
    path = write_roto(tmp_path / "roto.json", size=(WIDTH, HEIGHT))
    np.testing.assert_allclose(read(matte(path)), moving_box(), atol=1e-6)
    np.testing.assert_allclose(read(matte(path, invert=True), 3, 4), 1 - moving_box()[3:5], atol=1e-6)


def test_roto_files_scale_but_keep_their_aspect(tmp_path):
    facts = MediaFacts(frame_count=FRAMES, width=64, height=48, rate=Fraction(25), pixel_format="yuv420p")
    path = write_roto(tmp_path / "roto.json", size=(WIDTH, HEIGHT))
    np.testing.assert_allclose(read(matte(path), facts=facts), moving_box(width=64, height=48), atol=1e-6)
    with pytest.raises(InputError, match="not the shape of the clip"):
        open_matte(matte(write_roto(path, size=(32, 32))), facts=CLIP)


@pytest.mark.parametrize("edges", [Edges(grow_px=4, feather_px=2), Edges(grow_px=0, feather_px=3)], ids=str)
def test_a_roto_and_its_own_rendering_to_8_bits_leave_the_same_pixels_alone(tmp_path, edges):
    """The example: whoever scores a result with matte.mkv instead of roto.json must find nothing changed outside."""
    write_matte(SOURCE, ROTO, out=tmp_path / "matte.mkv")
    facts = probe(str(SOURCE))
    drawn, rendered = (
        [picture for _, picture in open_matte(matte(path), facts=facts).frames(0, facts.frame_count - 1)]
        for path in (ROTO, tmp_path / "matte.mkv")
    )
    for ours, theirs in zip(paste_mattes(drawn, edges), paste_mattes(rendered, edges), strict=True):
        assert np.array_equal(ours == 0, theirs == 0)
        assert np.abs(ours - theirs).max() <= 0.5 / 255 + 1e-6
