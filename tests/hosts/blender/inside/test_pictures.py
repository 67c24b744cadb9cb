# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of strips hold the file's own samples, of the right frame; what has no file is rendered without loss."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import bpy
import making
import numpy as np
import pytest

from plugin_client.blender import versions
from plugin_client.blender.pictures import prepare_clip, prepare_picture
from plugin_client.blender.shots import shot_of
from plugin_client.core.errors import BadInput

# 4.5 turns movies into linear light and back.
MOST = 0 if bpy.app.version < (4, 5) else 2


def no_progress(done: int, total: int) -> None:
    """Nobody watches."""


def movie_shot(scene, path: Path):
    """The file as a strip, trimmed, scaled, dimmed and graded."""
    strip = versions.new_movie(versions.top_strips(scene), str(path), name="Plate", channel=1, frame=40)
    versions.set_timing(strip, 50, length=4, source_first=3)
    strip.transform.scale_x, strip.transform.rotation, strip.crop.min_y = 0.4, 0.3, 9
    strip.blend_alpha, strip.color_multiply, strip.use_flip_x = 0.5, 1.5, True
    scene.view_settings.exposure = 2
    return shot_of(scene, strip)


def picture(scene, strip_shot, frame: int, folder: Path, layout: str = "") -> np.ndarray:
    target = folder / f"key.{frame}.png"
    assert prepare_picture(scene, strip_shot, frame, target)(no_progress) == target
    return making.read_picture(target, layout)


@pytest.mark.parametrize(("ending", "frames"), [(".mov", (31,)), (".mkv", (2,)), (".mp4", (0, 31))])
def test_a_movies_frames_are_its_own(scene, tmp_path, ending, frames):
    """Any of the file's frames, in or out of the strip's part, also between an H.264's key frames."""
    path = making.numbered_clip(tmp_path / f"plate{ending}", 40, first=100)
    decoded = making.read_pictures(path)
    strip_shot = movie_shot(scene, path)
    for frame in frames:
        found = picture(scene, strip_shot, frame, tmp_path)
        assert found.shape == (64, 96, 3)
        assert making.drawn_number(found) == 100 + frame
        most = MOST if ending != ".mp4" else 3
        assert np.abs(found.astype(int) - decoded[frame]).max() <= most
    assert {made.name for made in tmp_path.iterdir()} == {path.name, *(f"key.{frame}.png" for frame in frames)}


def test_every_code_value_comes_through(scene, tmp_path):
    ramp = np.zeros((64, 256, 3), np.uint8)
    for channel, rows in enumerate(np.split(np.arange(48), 3)):
        ramp[rows, :, channel] = np.arange(256)
    ramp[48:] = np.arange(256)[None, :, None]
    path = making.write_clip(tmp_path / "ramp.mov", [ramp] * 8)
    found = picture(scene, movie_shot(scene, path), 4, tmp_path)
    assert np.abs(found.astype(int) - ramp).max() <= MOST


def test_alpha_and_the_colours_under_it_stay(scene, tmp_path):
    clip = np.full((64, 96, 4), (200, 100, 50, 255), np.uint8)
    clip[..., 3] = np.linspace(0, 255, 96).astype(np.uint8)
    path = making.write_clip(tmp_path / "cut.mov", [clip] * 8, pixel_format="rgba")
    found = picture(scene, movie_shot(scene, path), 4, tmp_path)
    # Where nothing is seen at all Blender forgets the colour.
    assert np.abs(found.astype(int) - clip)[:, 1:].max() <= max(MOST, 1)


def write_deep(path: Path, samples: np.ndarray, layout: str, pixel_format: str) -> Path:
    """(H, W, 3 or 4) uint16 samples as eight frames of FFV1."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.height, stream.width = samples.shape[:2]
        stream.pix_fmt = pixel_format
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(samples, format=layout).reformat(format=pixel_format)
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_deep_movies_keep_their_depth_where_blender_does(scene, tmp_path):
    """From 4.5 on Blender decodes more than 8 bits."""
    ramp = np.rint(np.linspace(0.4, 0.6, 96) * 65535).astype(np.uint16)[None, :, None].repeat(64, 0).repeat(3, 2)
    path = write_deep(tmp_path / "deep.mkv", ramp, "rgb48le", "gbrp16le")
    found = picture(scene, movie_shot(scene, path), 4, tmp_path, "rgb48le")
    assert np.abs(found.astype(int) - ramp).max() < (0.6 if bpy.app.version < (4, 5) else 0.1) * 257


def test_deep_movies_keep_their_alpha(scene, tmp_path):
    """From 4.5 on Blender makes deep colours too bright where they are half transparent; where all is seen, not."""
    clip = np.full((64, 96, 4), (51400, 25700, 12850, 65535), np.uint16)
    clip[..., 3] = np.linspace(0, 65535, 96).astype(np.uint16)
    path = write_deep(tmp_path / "deep.mkv", clip, "rgba64le", "gbrap16le")
    found = picture(scene, movie_shot(scene, path), 4, tmp_path, "rgba")
    difference = np.abs(found - clip / 257)
    assert difference[..., 3].max() <= 2
    assert difference[:, -1].max() <= max(MOST, 1)


def test_png_pictures_are_copied_and_others_are_read(scene, tmp_path):
    files = making.numbered_sequence(tmp_path / "plates", range(101, 111))
    strip = versions.new_image(versions.top_strips(scene), str(files[2]), name="Plate", channel=1, frame=1)
    for file in files[3:7]:
        strip.elements.append(file.name)
    versions.set_timing(strip, 1, length=5)
    strip_shot = shot_of(scene, strip)
    target = tmp_path / "key.png"
    prepare_picture(scene, strip_shot, strip_shot.shot.frames.first, target)(no_progress)
    assert target.read_bytes() == files[2].read_bytes()
    with pytest.raises(BadInput, match=r"has 10 pictures: choose a frame from 0 to 9"):
        prepare_picture(scene, strip_shot, 10, target)(no_progress)


def test_pictures_in_other_formats_are_read_as_they_are(scene, tmp_path):
    source = making.write_picture(tmp_path / "source.png", making.numbered_picture(7))
    image = bpy.data.images.load(str(source))
    settings = scene.render.image_settings
    settings.color_mode = "RGB"
    scene.view_settings.view_transform = "Standard"
    (tmp_path / "tiff").mkdir()
    versions.set_file_format(settings, "TIFF")
    for number in (1, 2, 3):
        image.save_render(str(tmp_path / "tiff" / f"plate.{number}.tif"), scene=scene)
    strips = versions.top_strips(scene)
    strip = versions.new_image(strips, str(tmp_path / "tiff" / "plate.1.tif"), name="Plate", channel=1, frame=1)
    for number in (2, 3):
        strip.elements.append(f"plate.{number}.tif")
    versions.set_timing(strip, 1, length=3)
    found = picture(scene, shot_of(scene, strip), 1, tmp_path)
    assert np.abs(found.astype(int) - making.numbered_picture(7)).max() <= MOST


@pytest.fixture
def meta(scene, tmp_path):
    """A meta strip of two movies on top of each other, the upper one in the left half; changed as a whole besides."""
    scene.render.resolution_x, scene.render.resolution_y = 96, 64
    scene.render.resolution_percentage = 50
    scene.render.fps, scene.render.fps_base = 24, 1.001
    strips = versions.top_strips(scene)
    meta = strips.new_meta(name="Meta", channel=3, frame_start=1)
    inner = versions.top_strips(meta)
    lower = making.numbered_clip(tmp_path / "lower.mov", 12, first=500)
    versions.new_movie(inner, str(lower), name="Lower", channel=1, frame=20)
    plain = making.write_clip(tmp_path / "plain.mov", [np.full((16, 16, 3), (10, 120, 230), np.uint8)] * 12)
    upper = versions.new_movie(inner, str(plain), name="Upper", channel=2, frame=20)
    upper.blend_type, upper.transform.offset_x, upper.transform.offset_y = "ALPHA_OVER", -20, -16
    versions.set_timing(meta, 23, length=5, source_first=3)
    meta.transform.scale_x, meta.crop.min_x, meta.blend_alpha, meta.use_flip_x = 0.5, 7, 0.5, True
    meta.color_multiply, meta.strobe = 0.5, 3
    meta.transform.keyframe_insert("rotation", frame=20)
    meta.transform.rotation = 1
    meta.transform.keyframe_insert("rotation", frame=30)
    versions.new_modifier(scene, meta, name="Dark", kind="BRIGHT_CONTRAST").bright = -40
    other = making.write_clip(tmp_path / "cover.mov", [np.zeros((64, 96, 3), np.uint8)] * 20)
    versions.new_movie(strips, str(other), name="Cover", channel=9, frame=20)
    return meta


def test_a_meta_strip_becomes_a_lossless_clip(scene, meta, tmp_path):
    """At the scene's exact rate, its visible part only, and without what the result gets as its own look. Pictures of
    the strip are those of the clip."""
    told = []
    prepared = prepare_clip(scene, shot_of(scene, meta), tmp_path / "run")
    clip = Path(prepared(lambda done, total: told.append((done, total))))
    assert told[-1] == (5, 5)
    assert making.numbers_of(clip) == [503, 504, 505, 506, 507]
    assert making.rate_of(clip) == Fraction(24000, 1001)
    for number, found in enumerate(making.read_pictures(clip), start=503):
        expected = making.numbered_picture(number)
        expected[40:56, 20:36] = (10, 120, 230)
        assert found.shape == (64, 96, 3)
        assert np.abs(found.astype(int) - expected).max() <= MOST
    assert list((tmp_path / "run").iterdir()) == [clip]
    assert meta.transform.scale_x == 0.5 and len(meta.modifiers) == 1
    np.testing.assert_array_equal(picture(scene, shot_of(scene, meta), 4, tmp_path), found)


def test_a_scene_strip_shows_its_scene(scene, tmp_path):
    """Another scene's timeline, cut in the middle."""
    scene.render.resolution_x, scene.render.resolution_y = 96, 64
    inner = bpy.data.scenes.new("Scene B")
    path = making.numbered_clip(tmp_path / "inner.mov", 10, first=700)
    versions.new_movie(versions.top_strips(inner), str(path), name="Inner", channel=1, frame=1)
    inner.render.resolution_x, inner.render.resolution_y = 96, 64
    inner.frame_start, inner.frame_end = 1, 10
    strip = versions.new_scene(versions.top_strips(scene), inner, name="Nested", channel=1, frame=100)
    strip.scene_input = "SEQUENCER"
    versions.set_timing(strip, 102, length=4, source_first=2)
    clip = Path(prepare_clip(scene, shot_of(scene, strip), tmp_path / "run")(no_progress))
    assert making.numbers_of(clip) == [702, 703, 704, 705]


def test_a_strip_with_a_file_is_its_own_clip(scene, tmp_path):
    path = making.numbered_clip(tmp_path / "plate.mov", 10)
    assert prepare_clip(scene, movie_shot(scene, path), tmp_path / "run")(no_progress) == str(path)
    assert not (tmp_path / "run").exists()


def test_a_strip_before_frame_0_is_refused(scene, meta, tmp_path):
    versions.set_timing(meta, -2, length=5, source_first=3)
    with pytest.raises(BadInput, match=r"begins at frame -2, and Blender renders nothing before frame 0: move it"):
        prepare_clip(scene, shot_of(scene, meta), tmp_path)
