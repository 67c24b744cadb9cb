# SPDX-License-Identifier: GPL-3.0-or-later
"""A patch of the source's own pixels changes nothing, whatever has been done to the source."""

import bpy
import numpy as np
import pytest
from making import numbered_clip, numbered_picture, write_picture
from shown import canvas, shown

from plugin_client.blender import placing, versions
from plugin_client.blender.formats import deliver_for
from plugin_client.blender.orders import Spot
from plugin_client.core.host import Marks

WIDTH, HEIGHT = 96, 64
FRAMES = 4
START = 11
SEEN = (START + 1, START + 3)


def softly_cut(picture):
    """(H, W, 4) uint16: the picture, opaque in its middle, gone well before its edges."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot((x - WIDTH / 2) / 40, (y - HEIGHT / 2) / 26)
    alpha = np.clip((1 - distance) * 3, 0, 1)[..., None]
    return (np.concatenate([picture / 255, alpha], axis=-1) * 65535 + 0.5).astype(np.uint16)


@pytest.fixture
def patch(tmp_path):
    """The source's own pictures, as the server writes a patch."""
    for number in range(FRAMES):
        write_picture(tmp_path / f"patch.{number:04d}.png", softly_cut(numbered_picture(number)))
    return str(tmp_path / "patch.%04d.png")


@pytest.fixture
def full(tmp_path):
    """The source's own pictures, as the server writes whole frames."""
    return str(numbered_clip(tmp_path / "full.mkv", FRAMES))


@pytest.fixture
def source(scene, tmp_path):
    canvas(scene, (120, 90))
    path = numbered_clip(tmp_path / "clip.mov", FRAMES)
    return versions.new_movie(versions.top_strips(scene), str(path), name="source", channel=1, frame=START)


def place(scene, source, media, *, has_alpha=True):
    spot = Spot(scene=scene.name, strip=source.name, frame=START, length=FRAMES, channel=source.channel)
    placed = placing.put_result(media, spot, marks=Marks(job_id="job"), has_alpha=has_alpha)
    return versions.strip_named(scene, placed.item)


def error_of(scene, source, media, *, has_alpha):
    """|difference| that placing `media` makes, (2, H, W, 4), the pictures before, and the result's strip."""
    alone = seen(scene)
    result = place(scene, source, media, has_alpha=has_alpha)
    return np.abs(seen(scene) - alone), alone, result


def seen(scene):
    """(2, H, W, 4), all 0 where it is clear: 4.5 brightens even what is."""
    pictures = np.stack([shown(scene, frame) for frame in SEEN]).astype(int)
    return pictures * (pictures[..., 3:] > 0)


def moved(scene, strip):
    transform = strip.transform
    transform.scale_x, transform.scale_y, transform.rotation = 1.4, 0.8, 0.3
    transform.offset_x, transform.offset_y, transform.origin = 9, -6, (0.2, 0.9)


def cropped(scene, strip):
    strip.crop.min_x, strip.crop.max_x, strip.crop.min_y, strip.crop.max_y = 8, 5, 6, 2
    strip.transform.offset_x = 11


def flipped(scene, strip):
    strip.use_flip_x, strip.use_flip_y = True, True
    strip.transform.offset_x = 5


def coloured(scene, strip):
    strip.color_multiply, strip.color_saturation = 0.7, 0.4


def stuttering(scene, strip):
    strip.strobe = 2


def graded(scene, strip):
    balance = versions.new_modifier(scene, strip, name="grade", kind="COLOR_BALANCE").color_balance
    balance.correction_method = "LIFT_GAMMA_GAIN"
    balance.gain, balance.gamma, balance.invert_gain = (1.2, 0.9, 0.7), (0.8, 1.1, 1.0), False
    curves = versions.new_modifier(scene, strip, name="curves", kind="CURVES").curve_mapping
    curves.curves[3].points.new(0.3, 0.6)
    curves.curves[0].points[1].location = (1, 0.8)
    curves.update()


def brightened(scene, strip):
    modifier = versions.new_modifier(scene, strip, name="bright", kind="BRIGHT_CONTRAST")
    modifier.bright, modifier.contrast = 30, 20


def hue_corrected(scene, strip):
    curves = versions.new_modifier(scene, strip, name="hue", kind="HUE_CORRECT").curve_mapping
    for point in curves.curves[1].points:
        point.location = (point.location[0], 0.2)
    curves.curves[0].points.remove(curves.curves[0].points[3])
    curves.update()


def white_balanced(scene, strip):
    versions.new_modifier(scene, strip, name="white", kind="WHITE_BALANCE").white_value = (0.9, 0.7, 0.5)


def sliding(scene, strip):
    for frame, offset in ((START, 0), (START + FRAMES - 1, 24)):
        strip.transform.offset_x = offset
        strip.transform.keyframe_insert("offset_x", frame=frame)


def brightening(scene, strip):
    modifier = versions.new_modifier(scene, strip, name="bright", kind="BRIGHT_CONTRAST")
    for frame, bright in ((START, 0), (START + FRAMES - 1, 40)):
        modifier.bright = bright
        modifier.keyframe_insert("bright", frame=frame)


SAMPLED_AGAIN = (moved, sliding)
GEOMETRY = (cropped, flipped, coloured, stuttering)
GRADES = (graded, brightened, hue_corrected, white_balanced, brightening)


@pytest.mark.parametrize("change", GEOMETRY)
def test_a_patch_of_the_same_pixels_is_not_seen(scene, source, patch, change):
    untouched = shown(scene, SEEN[-1])
    change(scene, source)
    error, alone, _ = error_of(scene, source, patch, has_alpha=True)
    assert error.max() <= 1
    assert np.abs(alone[-1] - untouched).max() > 20


@pytest.mark.parametrize("change", SAMPLED_AGAIN)
def test_nor_where_it_is_scaled_or_turned(scene, source, patch, change):
    """Blender samples 16-bit pictures by other rules than 8-bit movies: sharp edges differ, but lie in their place."""
    change(scene, source)
    error, alone, result = error_of(scene, source, patch, has_alpha=True)
    result.transform.offset_y += 1
    assert error.mean() < np.abs(seen(scene) - alone).mean() / 5
    assert (error.max(axis=-1) > 2).mean() < 0.03


@pytest.mark.parametrize("change", [*GRADES, coloured, flipped, stuttering])
def test_a_full_frame_of_the_same_pixels_is_not_seen_whatever_the_grade(scene, source, full, change):
    untouched = shown(scene, SEEN[-1])
    change(scene, source)
    error, alone, _ = error_of(scene, source, full, has_alpha=False)
    assert error.max() <= 1
    assert np.abs(alone[-1] - untouched).max() > 20


@pytest.mark.parametrize("change", [*GRADES, *GEOMETRY])
def test_graded_sources_ask_for_full_frames(scene, source, change):
    change(scene, source)
    assert deliver_for(source, "patch") == ("full" if change in GRADES else "patch")
    assert deliver_for(source, "full") == "full"
    for modifier in source.modifiers:
        modifier.mute = True
    assert deliver_for(source, "patch") == "patch"


def test_modifiers_that_are_switched_off_stay_off(scene, source, full):
    versions.new_modifier(scene, source, name="off", kind="BRIGHT_CONTRAST").mute = True
    versions.new_modifier(scene, source, name="on", kind="CURVES")
    result = place(scene, source, full, has_alpha=False)
    assert [(each.name, each.type, each.mute) for each in result.modifiers] == [
        ("off", "BRIGHT_CONTRAST", True),
        ("on", "CURVES", False),
    ]


def test_a_mask_modifier_masks_the_same(scene, source, full):
    mask = bpy.data.masks.new("mask")
    modifier = versions.new_modifier(scene, source, name="masked", kind="MASK")
    modifier.input_mask_type, modifier.input_mask_id = "ID", mask
    copied = place(scene, source, full, has_alpha=False).modifiers[0]
    assert (copied.type, copied.input_mask_type, copied.input_mask_id) == ("MASK", "ID", mask)


@pytest.mark.parametrize(("has_alpha", "expected"), [(True, "ALPHA_OVER"), (False, "MULTIPLY")])
def test_blend_and_opacity(scene, source, full, has_alpha, expected):
    source.blend_type, source.blend_alpha = "MULTIPLY", 0.75
    result = place(scene, source, full, has_alpha=has_alpha)
    assert (result.blend_type, result.blend_alpha) == (expected, 0.75)
    assert (source.blend_type, source.blend_alpha) == ("MULTIPLY", 0.75)


def test_a_fade_fades_it_too(scene, source, full):
    for frame, opacity in ((START, 0.25), (START + 3, 1)):
        source.blend_alpha = opacity
        source.keyframe_insert("blend_alpha", frame=frame)
    curve = versions.fcurves_of(scene)[0]
    curve.keyframe_points[0].interpolation = "CONSTANT"
    curve.extrapolation = "LINEAR"
    curve.modifiers.new("NOISE").strength = 0.1
    result = place(scene, source, full, has_alpha=False)
    for frame in range(START, START + FRAMES):
        scene.frame_set(frame)
        assert result.blend_alpha == source.blend_alpha
    curves = list(versions.fcurves_of(scene))
    assert [each.extrapolation for each in curves] == ["LINEAR"] * 2
    assert [each.modifiers[0].strength for each in curves] == [pytest.approx(0.1)] * 2


def test_animation_that_a_removed_strip_has_left_is_replaced(scene, source, full):
    result = place(scene, source, full, has_alpha=False)
    result.transform.offset_y = 50
    result.transform.keyframe_insert("offset_y", frame=START)
    versions.top_strips(scene).remove(result)
    source.transform.keyframe_insert("offset_y", frame=START)
    place(scene, source, full, has_alpha=False)
    scene.frame_set(START)
    assert [each.transform.offset_y for each in versions.all_strips(scene)] == [0, 0]


def test_the_colour_space_is_the_sources(scene, source, patch):
    source.colorspace_settings.name = "Non-Color"
    assert place(scene, source, patch).colorspace_settings.name == "Non-Color"


def test_without_its_source_it_is_taken_for_display(scene, source, patch):
    spot = Spot(scene=scene.name, strip="gone", frame=START, length=FRAMES, channel=3)
    placed = placing.put_result(patch, spot, marks=Marks(job_id="job"), has_alpha=True)
    strip = versions.strip_named(scene, placed.item)
    assert (strip.colorspace_settings.name, strip.alpha_mode, strip.channel) == ("sRGB", "STRAIGHT", 4)


def test_proxy_settings_but_not_the_sources_proxy(scene, source, full, tmp_path):
    source.use_proxy = True
    proxy = source.proxy
    proxy.build_25, proxy.build_50, proxy.quality = False, True, 70
    proxy.use_proxy_custom_directory, proxy.directory = True, str(tmp_path / "proxies")
    proxy.use_proxy_custom_file, proxy.filepath = True, str(tmp_path / "proxy.mov")
    copied = place(scene, source, full, has_alpha=False).proxy
    assert (copied.build_25, copied.build_50, copied.quality) == (False, True, 70)
    assert copied.directory == proxy.directory != ""
    assert not copied.use_proxy_custom_file and copied.filepath != proxy.filepath


def test_no_proxy_where_the_source_has_none(scene, source, full):
    assert not place(scene, source, full, has_alpha=False).use_proxy


def test_pictures_of_another_size_cover_the_same_place(scene, source, tmp_path):
    source.transform.scale_x, source.transform.scale_y, source.crop.min_x = 1.25, 1.5, 20
    half = str(numbered_clip(tmp_path / "half.mkv", FRAMES, size=(WIDTH // 2, HEIGHT // 4)))
    result = place(scene, source, half, has_alpha=False)
    assert (result.transform.scale_x, result.transform.scale_y, result.crop.min_x) == (2.5, 6.0, 10)
    source.mute = True
    alone = shown(scene, START)[..., 3]
    source.mute, result.mute = False, True
    assert np.abs(shown(scene, START)[..., 3].astype(int) - alone).mean() < 4


def test_modifiers_are_copied_where_no_window_shows_the_sequencer(scene, source, full):
    """5.0 crashes if it is asked there and then."""
    versions.new_modifier(scene, source, name="grade", kind="CURVES")
    workspace = bpy.context.window_manager.windows[0].workspace
    if hasattr(workspace, "sequencer_scene"):
        workspace.sequencer_scene = None
    assert len(place(scene, source, full, has_alpha=False).modifiers) == 1
    assert getattr(workspace, "sequencer_scene", None) is None


def test_a_meta_strip_as_the_source(scene, source, full):
    """Its pictures were rendered for display, without what the meta strip itself does to them."""
    meta = versions.top_strips(scene).new_meta(name="meta", channel=2, frame_start=START)
    source.move_to_meta(meta)
    versions.set_timing(meta, START, length=FRAMES)
    meta.transform.offset_x, meta.crop.max_y, meta.use_flip_x = 12, 4, True
    result = place(scene, meta, full, has_alpha=False)
    assert (result.transform.offset_x, result.crop.max_y, result.use_flip_x) == (12, 4, True)
    assert (result.transform.scale_x, result.colorspace_settings.name, result.channel) == (1, "sRGB", 3)
