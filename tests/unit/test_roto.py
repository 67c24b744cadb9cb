# SPDX-License-Identifier: GPL-3.0-or-later
"""The roto file: what is read, what is refused with which words, what is kept."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maskedit.errors import InputError
from maskedit.mattes import RotoFile, parse_roto, read_roto
from maskedit.mattes.roto import dump_roto

SQUARE = [{"co": [10, 10]}, {"co": [30, 10]}, {"co": [30, 30], "in": [0, -4], "out": [-4, 0]}, {"co": [10, 30]}]


def document(**shape) -> dict:
    """A whole file with one square shape, whose fields may be overridden."""
    fields = {"name": "body", "closed": True, "blend": "add", "feather": 0, "keys": [{"frame": 0, "points": SQUARE}]}
    return {"format": "maskedit-roto", "version": 1, "size": [64, 48], "shapes": [fields | shape]}


def strokes(**stroke) -> dict:
    """A whole file with one stroke, whose fields may be overridden."""
    return document() | {"strokes": [{"width": 3, "keys": [{"frame": 0, "points": [[1, 2, 1]]}]} | stroke]}


def parse(fields: dict) -> RotoFile:
    return parse_roto(json.dumps(fields))


def moved(dx: float, dy: float) -> list[dict]:
    return [point | {"co": [point["co"][0] + dx, point["co"][1] + dy]} for point in SQUARE]


def test_a_file_is_read():
    roto = parse(document(feather=2.5, blend="add"))
    assert roto.size == (64, 48) and roto.shapes[0].feather == 2.5
    outline = roto.shapes[0].outline(0)
    assert outline.shape == (4, 3, 2)
    np.testing.assert_array_equal(outline[2], [[30, 30], [0, -4], [-4, 0]])
    np.testing.assert_array_equal(outline[0, 1:], 0)


@given(st.integers(-20, 40))
def test_outlines_are_linear_between_keys_and_held_outside(frame):
    keys = [{"frame": 12, "points": moved(8, 0)}, {"frame": 4, "points": SQUARE}, {"frame": 20, "points": moved(8, 40)}]
    outline = parse(document(keys=keys)).shapes[0].outline(frame)
    dx = 8 * min(max(frame - 4, 0), 8) / 8
    dy = 40 * min(max(frame - 12, 0), 8) / 8
    np.testing.assert_allclose(outline[:, 0], [np.add(point["co"], (dx, dy)) for point in SQUARE], atol=1e-9)
    np.testing.assert_array_equal(outline[2, 1:], [[0, -4], [-4, 0]])


def test_a_copy_forgets_what_was_computed_and_keeps_the_rest():
    shape = parse(document(feather=2.5, tint="red")).shapes[0]
    before = shape.outline(0)
    points = tuple(point.model_copy(update={"co": (point.co[0] + 5, point.co[1])}) for point in shape.keys[0].points)
    copy = shape.model_copy(update={"keys": (shape.keys[0].model_copy(update={"points": points}),)})
    np.testing.assert_array_equal(copy.outline(0)[:, 0], before[:, 0] + (5, 0))
    assert (copy.model_extra, copy.feather) == ({"tint": "red"}, 2.5)
    assert copy.model_dump(exclude_unset=True).keys() == shape.model_dump(exclude_unset=True).keys()
    with pytest.raises(ValidationError):
        shape.model_copy(update={"keys": ()})


def test_visible_ranges_include_both_ends():
    shape = parse(document(visible=[[3, 5], [9, 9]])).shapes[0]
    assert [frame for frame in range(12) if shape.is_visible(frame)] == [3, 4, 5, 9]


def test_everything_survives_reading_and_writing():
    """What this version applies, and what it has never heard of, at every level of the file."""
    fields = document(shutter=0.5, shutter_offset=0, mood="calm", visible=[[0, 9]], opacity=0.5)
    move = {"frame": 0, "rotate": 90, "scale": [2, 2], "ease": 3}
    fields["shapes"][0] |= {"transform": {"keys": [move], "space": "screen"}}
    points = [*SQUARE[:3], {"co": [1, 2], "feather": 3, "corner": True}]
    fields["shapes"][0]["keys"] = [{"frame": 0, "interp": "hold", "points": points, "tag": "by hand"}]
    path = {"frame": 0, "points": [[1, 2, 0.5], [3, 4, 1]], "tilt": [0, 1]}
    fields["strokes"] = [{"width": 2, "hardness": 0, "under": "body", "keys": [path], "brush": "chalk"}]
    fields |= {"first_number": 1001, "pixel_aspect": [4, 3], "software": "roto 9"}
    assert json.loads(dump_roto(parse(fields))) == fields


def test_a_file_may_hold_strokes_alone():
    stroke = {"width": 4, "keys": [{"frame": 0, "points": [[1, 2, 1]]}]}
    assert len(list(parse(document() | {"shapes": [], "strokes": [stroke]}).layers())) == 1


def test_strokes_follow_the_shapes_unless_they_lie_under_one():
    path = {"width": 4, "keys": [{"frame": 0, "points": [[1, 2, 1]]}]}
    strokes = [{"name": "late", **path}, {"name": "early", "under": "hair", **path}, {"name": "last", **path}]
    shapes = [document()["shapes"][0] | {"name": name} for name in ("body", "hair", "hair", "")]
    layers = parse(document() | {"shapes": shapes, "strokes": strokes}).layers()
    assert [layer.name for layer in layers] == ["body", "early", "hair", "hair", "", "late", "last"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, ["'format'", "maskedit-roto"]),
        ({"version": 2}, ["'version'", "1"]),
        ({"size": [64]}, ["'size'"]),
        ({"size": [0, 48]}, ["'size'", "greater"]),
        ({"shapes": []}, ["neither shapes nor strokes", "draw"]),
        ({"pixel_aspect": [1, 0]}, ["'pixel_aspect'", "greater"]),
        ({"shapes": "none"}, ["'shapes'", "valid"]),
        (document(transform={"keys": []}), ["shape 1, transform, 'keys'", "at least 1"]),
        (document(transform={"keys": [{"frame": 0}, {"frame": 1, "rotate": "x"}]}), ["transform, key 2, 'rotate'"]),
        (document(transform={"keys": [{"frame": 7}] * 2}), ["shape 1, transform", "two keys lie on frame 7"]),
        (document(transform={"kind": "track"}), ["shape 1, transform, 'keys'", "required"]),
        (document(shutter=1.5), ["shape 1, 'shutter'", "less than or equal to 1"]),
        (document(keys=[{"frame": 0, "interp": "bezier", "points": SQUARE}]), ["key 1, 'interp'", "'smooth'"]),
        (document(keys=[{"frame": 0, "points": [*SQUARE, {"co": [1, 1], "feather": -1}]}]), ["point 5, 'feather'"]),
        (document(visible=[[3]]), ["shape 1, 'visible'"]),
        (strokes(width=0), ["stroke 1, 'width'", "greater than 0"]),
        (strokes(hardness=2), ["stroke 1, 'hardness'"]),
        (strokes(keys=[{"frame": 0, "points": [[1, 2, 1], [1, 2]]}]), ["stroke 1, key 1, point 2", "required"]),
        (strokes(keys=[{"frame": 0, "points": [[1, 2, 3]]}]), ["stroke 1, key 1, point 1", "less than or equal to 1"]),
        (strokes(under="hat"), ["stroke 1 lies under 'hat'", "name one"]),
        (
            strokes(keys=[{"frame": 0, "points": [[1, 2, 1]]}, {"frame": 4, "points": [[1, 2, 1]] * 2}]),
            ["stroke 1", "1 and 2 points", "same number"],
        ),
        (document(blend="xor"), ["shape 1", "'blend'", "add"]),
        (document(blend="subtract"), ["every shape is subtracted", "'add'"]),
        (document(closed=False), ["shape 1", "close the shape"]),
        (document(feather=-1), ["shape 1", "'feather'"]),
        (document(keys=[]), ["shape 1", "'keys'", "at least 1"]),
        (document(keys=[{"frame": 0, "points": SQUARE[:1]}]), ["shape 1, key 1, 'points'", "at least 2"]),
        (document(keys=[{"frame": 1.5, "points": SQUARE}]), ["shape 1, key 1, 'frame'", "integer"]),
        (document(keys=[{"frame": 0, "points": [*SQUARE, {"co": [1]}]}]), ["shape 1, key 1, point 5, 'co'"]),
        (document(keys=[{"frame": 0, "points": [*SQUARE, {"in": [1, 1]}]}]), ["point 5, 'co'", "required"]),
        (document(keys=[{"frame": 0, "points": [*SQUARE, {"co": [1, "b"]}]}]), ["point 5, 'co'", "number"]),
        (document(keys=[{"frame": 3, "points": SQUARE}] * 2), ["shape 1", "two keys lie on frame 3"]),
        (
            document(keys=[{"frame": 0, "points": SQUARE}, {"frame": 9, "points": SQUARE[:3]}]),
            ["shape 1", "frames 0 and 9", "4 and 3 points", "same number"],
        ),
    ],
)
def test_malformed_files_are_refused_with_the_place_and_the_remedy(change, words):
    with pytest.raises(InputError) as refusal:
        parse(document() | change)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    for word in words:
        assert word in sentence, sentence


def test_numbers_must_be_finite():
    text = json.dumps(document(keys=[{"frame": 0, "points": [*SQUARE, {"co": [1, float("inf")]}]}]))
    with pytest.raises(InputError, match="point 5, 'co'"):
        parse_roto(text)


def test_text_that_is_not_json(tmp_path):
    with pytest.raises(InputError, match="is not a usable roto file: Invalid JSON"):
        parse_roto("{ nothing")
    path = tmp_path / "roto.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"roto\.json is not a usable roto file"):
        read_roto(str(path))
    with pytest.raises(InputError, match=r"missing\.json cannot be read .* check its path"):
        read_roto(str(tmp_path / "missing.json"))
