# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender shows of each way to deliver a result: the reasons for the formats that are asked for."""

import struct
import zlib
from fractions import Fraction

import av
import bpy
import numpy as np
import pytest
from making import NTSC_FILM, drawn_number, numbered_clip, numbered_picture, write_picture
from shown import canvas, shown

from plugin_client.blender import placing, versions
from plugin_client.blender.formats import format_for
from plugin_client.blender.orders import Spot
from plugin_client.core.host import Marks

FRAMES = 3
HALF = 0.5


def encode(path, frames, *, codec, pixel_format, rate: Fraction = NTSC_FILM, **options):
    """`frames` of PyAV as they are, in another codec."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.pix_fmt, stream.width, stream.height = pixel_format, frames[0].width, frames[0].height
        stream.time_base = stream.codec_context.time_base = 1 / rate
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = number, 1 / rate, 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return str(path)


def half_clear(number):
    """(H, W, 4) uint16: the picture `number` at half strength."""
    picture = numbered_picture(number)
    alpha = np.full((*picture.shape[:2], 1), HALF)
    return (np.concatenate([picture / 255, alpha], axis=-1) * 65535 + 0.5).astype(np.uint16)


def place(scene, source, media, *, has_alpha):
    spot = Spot(scene=scene.name, strip=source.name, frame=1, length=FRAMES, channel=1)
    placed = placing.put_result(str(media), spot, marks=Marks(job_id="job"), has_alpha=has_alpha)
    return versions.strip_named(scene, placed.item)


def source_of(scene, path):
    canvas(scene)
    return versions.new_movie(versions.top_strips(scene), str(path), name="source", channel=1, frame=1)


@pytest.mark.parametrize(
    ("deliver", "media", "expected"),
    [
        ("patch", "/a/clip.mov", "png"),
        ("full", "/a/clip.mov", "mkv"),
        ("patch", "/a/plate.%04d.png", "png"),
        ("full", "/a/plate.%04d.png", "png"),
        ("patch", "/a/plate.%04d.EXR", "exr"),
        ("full", "/a/plate.%04d.exr", "exr"),
        ("full", "/a/plate.%04d.dpx", "png"),
        ("full", "/a/still.exr", "mkv"),
    ],
)
def test_what_is_asked_for(deliver, media, expected):
    assert format_for(deliver, media) == expected


@pytest.mark.parametrize(("codec", "pixel_format"), [("libx264", "yuv420p"), ("prores_ks", "yuv422p10le")])
def test_ffv1_in_the_sources_own_samples_shows_what_the_source_shows(scene, tmp_path, codec, pixel_format):
    clip = numbered_clip(tmp_path / "clip.mov", FRAMES, codec=codec, pixel_format=pixel_format)
    source = source_of(scene, clip)
    frames = range(1, 1 + FRAMES)
    alone = [shown(scene, frame) for frame in frames]
    with av.open(str(clip)) as container:
        samples = list(container.decode(video=0))
    full = encode(tmp_path / "full.mkv", samples, codec="ffv1", pixel_format=pixel_format)
    place(scene, source, full, has_alpha=False)
    for number, frame in enumerate(frames):
        assert np.array_equal(shown(scene, frame), alone[number])
        assert drawn_number(alone[number]) == number


def test_a_patch_of_pictures_is_straight(scene, tmp_path):
    source = source_of(scene, numbered_clip(tmp_path / "clip.mov", FRAMES))
    for number in range(FRAMES):
        write_picture(tmp_path / f"patch.{number:04d}.png", half_clear(number + 7))
    place(scene, source, tmp_path / "patch.%04d.png", has_alpha=True)
    for number in range(FRAMES):
        expected = HALF * numbered_picture(number + 7) + (1 - HALF) * numbered_picture(number)
        assert np.abs(shown(scene, number + 1)[..., :3] - expected).max() <= 1


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"), [(".mov", "prores_ks", "yuva444p10le"), (".mkv", "ffv1", "gbrap16le")]
)
def test_the_trap_a_deep_movie_counts_as_premultiplied(scene, tmp_path, suffix, codec, pixel_format):
    """Why patches are pictures. Where this fails, Blender has learned it, and a movie could be asked for."""
    source = source_of(scene, numbered_clip(tmp_path / "clip.mov", FRAMES))
    frames = [av.VideoFrame.from_ndarray(half_clear(number), format="rgba64le") for number in range(FRAMES)]
    samples = [frame.reformat(format=pixel_format) for frame in frames]
    patch = encode(tmp_path / f"patch{suffix}", samples, codec=codec, pixel_format=pixel_format)
    strip = place(scene, source, patch, has_alpha=True)
    assert (strip.alpha_mode, strip.blend_type) == ("STRAIGHT", "ALPHA_OVER")
    error = np.abs(shown(scene, 1)[..., :3].astype(int) - numbered_picture(0)).mean()
    assert error > 30 if bpy.app.version >= (4, 5) else error < 6


def test_colour_tags_in_pictures_do_not_change_what_is_seen(scene, tmp_path):
    """The server tags a patch as the clip was; Blender 5 takes the tag's word in a picture, but not in a movie."""
    source = source_of(scene, numbered_clip(tmp_path / "clip.mov", FRAMES))
    alone = shown(scene, 1)
    for number in range(FRAMES):
        path = write_picture(tmp_path / f"patch.{number:04d}.png", numbered_picture(number))
        path.write_bytes(with_tags(path.read_bytes()))
    strip = place(scene, source, tmp_path / "patch.%04d.png", has_alpha=True)
    assert strip.colorspace_settings.name == source.colorspace_settings.name
    assert np.abs(shown(scene, 1).astype(int) - alone).max() <= 1


def with_tags(png):
    """The PNG with a cICP chunk: BT.709 primaries and transfer, RGB, full range (PNG, third edition, 11.3.2.6)."""
    body = b"cICP" + bytes([1, 1, 0, 1])
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    after_header = 8 + 25
    return png[:after_header] + chunk + png[after_header:]


def test_exr_is_multiplied_by_its_alpha(scene, tmp_path):
    canvas(scene)
    light = 0.25
    for number in range(FRAMES):
        write_exr(tmp_path / f"plate.{number:04d}.exr", (light, light, light, 1))
        write_exr(tmp_path / f"patch.{number:04d}.exr", (light * HALF, light * HALF, light * HALF, HALF))
    first = str(tmp_path / "plate.0000.exr")
    plate = versions.new_image(versions.top_strips(scene), first, name="source", channel=1, frame=1)
    for number in range(1, FRAMES):
        plate.elements.append(f"plate.{number:04d}.exr")
    alone = shown(scene, 1)
    strip = place(scene, plate, tmp_path / "patch.%04d.exr", has_alpha=True)
    assert strip.alpha_mode == "PREMUL" and strip.colorspace_settings.name == plate.colorspace_settings.name
    assert np.abs(shown(scene, 1).astype(int) - alone).max() <= 1
    strip.alpha_mode = "STRAIGHT"
    assert np.abs(shown(scene, 1).astype(int) - alone).max() > 10


def write_exr(path, colour):
    """A picture of one `colour`, RGBA, in floats."""
    encoder = av.CodecContext.create("exr", "w")
    encoder.width, encoder.height = 32, 16
    encoder.pix_fmt, encoder.time_base = "gbrapf32le", Fraction(1)
    samples = np.broadcast_to(np.array(colour, np.float32), (16, 32, 4))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(samples), format="gbrapf32le")
    path.write_bytes(b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None))))
