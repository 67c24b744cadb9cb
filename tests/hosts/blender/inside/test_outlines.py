# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the overlay lays a mask: against what Blender renders of the same strip."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from making import SIZE, write_picture
from masking import keyed_mask
from shown import canvas, shown

from plugin_client.blender import addon, settings, versions
from plugin_client.blender.outlines import in_scene, mask_of, mask_outlines

# left, top, right, bottom in px from the upper left
BOX = (20, 12, 52, 40)
CORNERS = [(BOX[0], BOX[1]), (BOX[2], BOX[1]), (BOX[2], BOX[3]), (BOX[0], BOX[3])]
CANVAS = (160, 120)


@pytest.fixture
def strip(scene, tmp_path):
    """A picture with a white box on black, in the middle of a larger canvas."""
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    picture[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 255
    path = write_picture(tmp_path / "box.png", picture)
    strip = versions.new_image(versions.top_strips(scene), str(path), name="box", channel=1, frame=1)
    versions.set_timing(strip, 1, length=5)
    strip.transform.scale_x = strip.transform.scale_y = 1
    canvas(scene, CANVAS)
    return strip


def centred(points, size=SIZE):
    return [(x - size[0] / 2, size[1] / 2 - y) for x, y in points]


def distance_inside(polygon):
    """(H, W): how far each pixel of the canvas lies inside a convex polygon, in px; negative outside."""
    width, height = CANVAS
    y, x = np.mgrid[0:height, 0:width]
    px, py = x + 0.5 - width / 2, height / 2 - (y + 0.5)
    centre = np.mean(polygon, axis=0)
    distances = []
    for (ax, ay), (bx, by) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        normal = np.array([by - ay, ax - bx]) / np.hypot(bx - ax, by - ay)
        if normal @ (centre - (ax, ay)) < 0:
            normal = -normal
        distances.append((px - ax) * normal[0] + (py - ay) * normal[1])
    return np.min(distances, axis=0)


def test_a_mask_s_outline_is_where_it_was_drawn(scene):
    mask = keyed_mask("Box", {1: CORNERS}, size=SIZE)
    (outline,) = mask_outlines(mask, SIZE)
    np.testing.assert_allclose(outline[:: len(outline) // 4], centred(CORNERS), atol=1e-3)
    mask.layers[0].hide = True
    assert mask_outlines(mask, SIZE) == []


def test_an_animated_mask_is_drawn_as_it_is_at_the_playhead(scene):
    moved = [(x + 10, y) for x, y in CORNERS]
    mask = keyed_mask("Box", {1: CORNERS, 11: moved}, size=SIZE)
    scene.frame_set(6)
    half_way = [(x + 5, y) for x, y in CORNERS]
    (outline,) = mask_outlines(mask, SIZE)
    np.testing.assert_allclose(outline[:: len(outline) // 4], centred(half_way), atol=0.05)


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scale=st.tuples(st.floats(0.6, 1.6), st.floats(0.6, 1.6)),
    rotation=st.floats(-3, 3),
    offset=st.tuples(st.floats(-20, 20), st.floats(-15, 15)),
    origin=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    flips=st.tuples(st.booleans(), st.booleans()),
)
def test_the_overlay_follows_the_strip_s_transform(scene, strip, scale, rotation, offset, origin, flips):
    transform = strip.transform
    transform.scale_x, transform.scale_y = scale
    transform.rotation = rotation
    transform.offset_x, transform.offset_y = map(round, offset)
    transform.origin = origin
    strip.use_flip_x, strip.use_flip_y = flips
    polygon = in_scene(centred(CORNERS), strip, SIZE)
    inside = distance_inside(polygon)
    luma = shown(scene, 1)[..., :3].mean(axis=-1)
    assert (luma[inside > 2] > 200).all()
    assert (luma[inside < -2] < 55).all()


def test_which_matte_can_be_drawn(scene, strip):
    addon.register("maskedit")
    try:
        mask = bpy.data.masks.new("Box")
        mask.frame_start, mask.frame_end = 3, 9
        other = versions.new_mask(versions.top_strips(scene), mask, name="over", channel=2, frame=3)
        edit = settings.edit_of(strip)
        assert mask_of(scene, strip, bpy.data.masks) is None
        edit.matte_mask = "Box"
        assert mask_of(scene, strip, bpy.data.masks) == mask
        edit.matte_kind, edit.matte_strip = "mask_strip", "over"
        assert mask_of(scene, strip, bpy.data.masks) == mask
        versions.set_timing(other, 5, length=4)  # its frames are no longer the timeline's
        assert mask_of(scene, strip, bpy.data.masks) is None
        edit.matte_kind, edit.matte_strip = "luma", "box"
        assert mask_of(scene, strip, bpy.data.masks) is None
    finally:
        addon.unregister()
