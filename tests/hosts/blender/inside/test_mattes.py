# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes of masks, mask strips and other strips: the right frame, the right pixel, the user's file as it was."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import bpy
import making
import masking
import numpy as np
import pytest

from plugin_client.blender import versions
from plugin_client.blender.mattes import prepare_matte
from plugin_client.blender.orders import MatteChoice, Spot, StripShot
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot
from plugin_client.core.requests import MatteFile
from plugin_client.core.timeline import FrameRange

SIZE = (96, 64)


def no_progress(done: int, total: int) -> None:
    """Nobody watches."""


def shot(start: int, frames: int, *, media_first: int = 0, size=SIZE, scene=None) -> StripShot:
    """A strip at timeline frame `start` that shows the media's frames from `media_first` on."""
    spot = Spot(scene="Scene", strip="Plate", frame=start, length=frames, channel=1)
    of_media = FrameRange(media_first, media_first + frames - 1)
    return StripShot(
        shot=Shot(media="plate.mov", frames=of_media, rate=Fraction(24), record_frame=start, place="Scene/1"),
        spot=spot,
        size=size,
    )


def rendered(scene, strip_shot, kind, name, folder, **choice) -> tuple[MatteFile, list[np.ndarray]]:
    """The matte and its pictures, in [0, 1]: (H, W), or (H, W, 4) for an alpha."""
    matte = prepare_matte(scene, strip_shot, MatteChoice(kind=kind, name=name, **choice), folder)(no_progress)
    files = sorted(Path(matte.path).parent.iterdir())
    first = strip_shot.shot.frames.first
    numbers = range(first, first + len(strip_shot.shot.frames))
    assert [file.name for file in files] == [f"matte.{number:06d}.png" for number in numbers]
    assert matte.first_frame == first
    return matte, [making.read_picture(file, "rgba" if kind == "alpha" else "gray") / 255 for file in files]


def box(left: float, top: float, width: float = 24, height: float = 16) -> list[tuple[float, float]]:
    """Corners in px from the upper left."""
    return [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]


def assert_box(picture: np.ndarray, left: float, top: float, width: float = 24, height: float = 16) -> None:
    """White inside the box, black outside, but for what anti-aliasing makes of the pixels along its edge."""
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]] + 0.5
    inwards = np.minimum.reduce([x - left, left + width - x, y - top, top + height - y])
    assert (picture[inwards > 1] == 1).all()
    assert not picture[inwards < -1.5].any()


@pytest.mark.parametrize("size", [(96, 64), (64, 96), (75, 75)], ids=lambda size: "x".join(map(str, size)))
def test_an_animated_mask_lies_on_its_pixels_in_every_frame(scene, tmp_path, size):
    """Five pictures for a long clip that is trimmed to five frames, numbered like the clip."""
    masking.keyed_mask("Mask", {100: box(4, 8), 108: box(28, 24)}, size=size)
    strip_shot = shot(102, 5, media_first=50_000, size=size)
    matte, pictures = rendered(scene, strip_shot, "mask", "Mask", tmp_path, invert=True)
    assert len(pictures) == 5 and matte.first_frame == 50_000
    assert matte.invert and matte.channel == "luma"
    for number, picture in enumerate(pictures, start=2):
        assert picture.shape == size[::-1]
        assert_box(picture, 4 + 3 * number, 8 + 2 * number)
    assert list(tmp_path.iterdir()) == [Path(matte.path).parent]


def test_a_mask_knows_nothing_of_how_the_scene_is_seen(scene, tmp_path):
    """Neither its pixel aspect, size, percentage, view, nor dither."""
    masking.keyed_mask("Mask", {1: box(8, 8)}, size=SIZE)
    scene.render.pixel_aspect_x, scene.render.resolution_percentage = 2, 50
    scene.render.resolution_x, scene.render.dither_intensity = 400, 2
    scene.view_settings.exposure = 3
    _, (picture, _) = rendered(scene, shot(1, 2), "mask", "Mask", tmp_path)
    assert_box(picture, 8, 8)


def test_a_mask_over_all_of_the_picture_is_white_to_the_corners(scene, tmp_path):
    """Blender leaves the last pixel of a mask strip as memory happened to be."""
    masking.keyed_mask("All", {1: box(-8, -8, 112, 80)}, size=SIZE)
    _, pictures = rendered(scene, shot(1, 4), "mask", "All", tmp_path)
    assert np.min(pictures) == 1


def test_soft_edges_run_evenly(scene, tmp_path):
    mask = bpy.data.masks.new("Mask")
    layer = mask.layers.new()
    layer.falloff = "LINEAR"
    spline = layer.splines.new()
    spline.use_cyclic = True
    spline.points.add(3)
    # Clockwise: only then Blender feathers outwards; and without handles a point has no direction to feather in.
    corners = np.array([(0.4, 0.7), (0.6, 0.7), (0.6, 0.3), (0.4, 0.3)])
    for point, before, corner, after in zip(
        spline.points, np.roll(corners, 1, axis=0), corners, np.roll(corners, -1, axis=0), strict=True
    ):
        point.handle_left_type = point.handle_right_type = "FREE"
        point.co = corner
        point.handle_left, point.handle_right = (2 * corner + before) / 3, (2 * corner + after) / 3
        point.weight = 0.2
    _, (picture, *_) = rendered(scene, shot(1, 2), "mask", "Mask", tmp_path)
    edge = picture[32, :32]
    soft = edge[(edge > 0.02) & (edge < 0.98)]
    assert len(soft) > 10
    np.testing.assert_allclose(np.diff(soft), np.diff(soft).mean(), atol=0.01)


def test_a_mask_strip_has_its_own_time_and_is_not_a_frame_short(scene, tmp_path):
    """Mask frames 1-9 lie at 20-28, and Blender's strip of them ends at 27; before and after there is nothing."""
    mask = masking.keyed_mask("Mask", {1: box(4, 8), 9: box(44, 24)}, size=SIZE)
    mask.frame_start, mask.frame_end = 1, 9
    strip = versions.new_mask(versions.top_strips(scene), mask, name="Over", channel=2, frame=20)
    assert versions.timing_of(strip).length == 8
    _, pictures = rendered(scene, shot(18, 13, media_first=5), "mask_strip", strip.name, tmp_path)
    for number, picture in enumerate(pictures):
        if 2 <= number <= 10:
            assert_box(picture, 4 + 5 * (number - 2), 8 + 2 * (number - 2))
        else:
            assert not picture.any()


def test_a_trimmed_mask_strip_ends_where_it_was_cut(scene, tmp_path):
    mask = masking.keyed_mask("Mask", {1: box(4, 8), 9: box(44, 24)}, size=SIZE)
    mask.frame_start, mask.frame_end = 1, 9
    strip = versions.new_mask(versions.top_strips(scene), mask, name="Over", channel=2, frame=20)
    versions.set_timing(strip, 30, length=3, source_first=2)
    _, pictures = rendered(scene, shot(29, 6), "mask_strip", strip.name, tmp_path)
    for number in (1, 2, 3):
        assert_box(pictures[number], 4 + 5 * (number + 1), 8 + 2 * (number + 1))
    assert not np.any([pictures[0], *pictures[4:]])


def test_another_strips_luma_is_that_of_its_file(scene, tmp_path):
    """In its file's size and at its own offset, however it is shown: small, dim, hidden, or inside a graded scene."""
    pictures = [np.full((32, 48, 3), 20 * number, np.uint8) for number in range(10)]
    for number, picture in enumerate(pictures):
        picture[4:12, number : number + 8] = 255
    path = making.write_clip(tmp_path / "matte.mov", pictures)
    strips = versions.top_strips(scene)
    strip = versions.new_movie(strips, str(path), name="Holdout", channel=3, frame=1)
    versions.set_timing(strip, 50, length=5, source_first=3)
    strip.transform.scale_x, strip.transform.offset_y, strip.crop.min_x = 0.3, 12, 5
    strip.blend_alpha, strip.mute = 0.3, True
    scene.sequence_editor.channels[3].mute = True
    versions.new_movie(strips, str(path), name="Cover", channel=4, frame=50)
    matte, found = rendered(scene, shot(49, 7), "luma", "Holdout", tmp_path)
    assert matte.channel == "luma"
    expected = [np.zeros((32, 48)), *(picture[..., 0] / 255 for picture in pictures[3:8]), np.zeros((32, 48))]
    np.testing.assert_allclose(found, expected, atol=2 / 255)


def test_another_strips_alpha_comes_from_its_pictures(scene, tmp_path):
    """From inside a meta strip, which is itself scaled."""
    ramp = np.zeros((64, 96, 4), np.uint8)
    ramp[..., 3] = np.arange(96) * 2
    files = [making.write_picture(tmp_path / f"cut.{number}.png", ramp) for number in range(3)]
    meta = versions.top_strips(scene).new_meta(name="Meta", channel=2, frame_start=1)
    strip = versions.new_image(versions.top_strips(meta), str(files[0]), name="Cut", channel=1, frame=10)
    for file in files[1:]:
        strip.elements.append(file.name)
    versions.set_timing(strip, 10, length=3)
    versions.set_timing(meta, 10, length=3)
    meta.transform.scale_x = 0.5
    matte, found = rendered(scene, shot(10, 3), "alpha", "Cut", tmp_path)
    assert matte.channel == "alpha"
    np.testing.assert_allclose([picture[..., 3] for picture in found], [ramp[..., 3] / 255] * 3, atol=1 / 255)


def test_what_blender_makes_up_counts_as_it_lies_in_the_picture(scene, tmp_path):
    """A white box, the left half of the scene's picture, and an effect that works on it."""
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    strips = versions.top_strips(scene)
    white = new_effect(strips, "White", "COLOR", channel=2)
    white.color, white.crop.max_x = (1, 1, 1), 48
    _, found = rendered(scene, shot(10, 2), "luma", "White", tmp_path)
    assert np.min([picture[:, :48] for picture in found]) == 1 and not np.any([picture[:, 48:] for picture in found])
    blur = new_effect(strips, "Blur", "GAUSSIAN_BLUR", channel=3, inputs=[white])
    blur.size_x = blur.size_y = 8
    _, (soft, _) = rendered(scene, shot(10, 2), "luma", "Blur", tmp_path)
    assert soft[32, 4] > 0.98 > soft[32, 47] > 0.2 and soft[32, 80] < 0.02


def new_effect(strips, name: str, kind: str, *, channel: int, inputs=()):
    """An effect strip at frames 10-19; 5.0 wants its length, and its inputs have other names."""
    parameters = strips.bl_rna.functions["new_effect"].parameters
    start = 10
    how = {"length": 10} if "length" in parameters else {"frame_end": start + 10}
    first = "input1" if "input1" in parameters else "seq1"
    how |= {first: inputs[0]} if inputs else {}
    return strips.new_effect(name=name, type=kind, channel=channel, frame_start=start, **how)


def test_a_file_is_passed_on_once_it_is_there(scene, tmp_path):
    choice = MatteChoice(kind="file", name=str(tmp_path / "roto.json"), invert=True)
    prepared = prepare_matte(scene, shot(1, 5), choice, tmp_path)
    with pytest.raises(BadInput, match=r"There is no file .*roto\.json: check the path"):
        prepared(no_progress)
    Path(choice.name).write_text("{}")
    assert prepared(no_progress) == MatteFile(choice.name, invert=True)


def test_a_clip_of_unknown_size_is_refused(scene, tmp_path):
    masking.keyed_mask("Mask", {1: box(8, 8)}, size=SIZE)
    with pytest.raises(BadInput, match=r"does not know how large the pictures of Plate are: reload the strip"):
        prepare_matte(scene, shot(1, 5, size=(0, 0)), MatteChoice(kind="mask", name="Mask"), tmp_path)


def test_nothing_of_the_users_file_changes(scene, tmp_path):
    masking.keyed_mask("Mask", {1: box(8, 8)}, size=SIZE)
    path = making.numbered_clip(tmp_path / "plate.mov", 5)
    strip = versions.new_movie(versions.top_strips(scene), str(path), name="Plate", channel=1, frame=1)
    strip.select = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "cut.blend"))
    scene = bpy.context.scene
    before = (_all_names(), bpy.data.is_dirty)
    scene.frame_set(3)
    for kind, name in (("mask", "Mask"), ("luma", "Plate")):
        rendered(scene, shot(1, 2), kind, name, tmp_path)
    assert (_all_names(), bpy.data.is_dirty) == before
    assert bpy.data.filepath == str(tmp_path / "cut.blend")
    assert bpy.context.scene == scene and scene.frame_current == 3
    strip = versions.strip_named(scene, "Plate")
    assert strip.select and not strip.mute and bpy.data.masks["Mask"].frame_end == 100


@pytest.mark.parametrize(
    ("kind", "name", "start", "says"),
    [
        ("mask", "Gone", 1, "There is no mask Gone: draw one"),
        ("mask", "Mask", -3, "begins at frame -3, and Blender renders nothing before frame 0: move it"),
        ("luma", "Gone", 1, "There is no strip Gone in Scene: choose another matte"),
        ("mask_strip", "Far", 1, "The strip Far does not lie over Plate: move it there"),
        ("mask_strip", "Plain", 1, "Plain shows no mask: choose a mask strip"),
        ("chroma", "Mask", 1, "no mattes of the kind 'chroma'"),
    ],
)
def test_what_cannot_be_a_matte_says_why_and_leaves_nothing(scene, tmp_path, kind, name, start, says):
    mask = masking.keyed_mask("Mask", {1: box(8, 8)}, size=SIZE)
    strips = versions.top_strips(scene)
    versions.new_mask(strips, mask, name="Far", channel=2, frame=900)
    path = making.numbered_clip(tmp_path / "clips" / "plain.mov", 3)
    versions.new_movie(strips, str(path), name="Plain", channel=3, frame=1)
    with pytest.raises(BadInput, match=says):
        prepare_matte(scene, shot(start, 5), MatteChoice(kind=kind, name=name), tmp_path / "run")
    assert not list((tmp_path / "run").glob("*"))


def _all_names() -> list[tuple[str, list[str]]]:
    """Every datablock there is."""
    collections = ("scenes", "masks", "movieclips", "images", "worlds", "texts", "objects", "actions", "libraries")
    return [(name, [block.name for block in getattr(bpy.data, name)]) for name in collections]
