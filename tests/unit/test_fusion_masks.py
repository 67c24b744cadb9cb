# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygon masks of Fusion comps as shapes. The texts follow what Fusion writes when masks are copied or saved."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.mattes.fusion import parse_fusion_masks, read_fusion_masks
from maskedit.mattes.rasterise import rasterise
from maskedit.mattes.roto import RotoFile

WIDTH, HEIGHT = 320, 180
INVERTED = "Invert = Input { Value = 1, },"
BOX = "{ Linear = true, X = -0.25, Y = 0.25 }, { Linear = true, X = 0.25, Y = 0.25 }, " \
      "{ Linear = true, X = 0.25, Y = -0.25 }, { Linear = true, X = -0.25, Y = -0.25 }"  # fmt: skip


def polyline(points: str = BOX, *, closed: str = "Closed = true,") -> str:
    return f"Polyline {{ {closed} Points = {{ {points} }} }}"


def static(name: str = "Polygon1", *, value: str = "", inputs: str = "") -> str:
    return f"""{name} = PolylineMask {{
        DrawMode = "ModifyOnly",
        Inputs = {{
            Filter = Input {{ Value = FuID {{ "Fast Gaussian" }}, }},
            MaskWidth = Input {{ Value = 1920, }},
            Polyline = Input {{ Value = {value or polyline()}, }},
            {inputs}
        }},
    }},"""


def animated(keys: str, *, name: str = "Polygon1", inputs: str = "") -> str:
    return f"""{name} = PolylineMask {{
        Inputs = {{
            Polyline = Input {{ SourceOp = "{name}Polyline", Source = "Value", }},
            Polyline2 = Input {{ Value = Polyline {{ }}, Disabled = true, }},
            {inputs}
        }},
    }},
    {name}Polyline = BezierSpline {{ SplineColor = {{ Red = 173, Green = 255 }}, KeyFrames = {{ {keys} }} }},"""


def setting(*tools: str, more: str = "") -> str:
    return f"{{ Tools = ordered() {{ {' '.join(tools)} }}, {more} }}"


def parse(*tools: str, more: str = "") -> RotoFile:
    return parse_fusion_masks(setting(*tools, more=more), name="mask.setting", width=WIDTH, height=HEIGHT)


def matte(roto: RotoFile, frame: int = 0) -> np.ndarray:
    return rasterise(roto, frame, width=WIDTH, height=HEIGHT)


def test_points_are_shares_of_width_and_height_about_the_centre_y_upwards() -> None:
    high = "{ Linear = true, X = -0.5, Y = 0.5 }, { Linear = true, X = 0, Y = 0.5 }, { Linear = true, X = 0, Y = 0.25 }"
    (shape,) = parse(static(value=polyline(high))).shapes
    assert [point.co for point in shape.keys[0].points] == [(0, 0), (160, 0), (160, 45)]
    inside = matte(parse(static()))
    assert inside[46:134, 81:239].min() == 1
    assert inside.sum() == pytest.approx(160 * 90)


def test_handles_point_to_the_point_before_and_the_one_after() -> None:
    points = "{ X = 0, Y = 0, LX = -0.1, LY = 0.05, RX = 0.1, RY = -0.05 }, { X = 0.2, Y = 0 }"
    (shape,) = parse(static(value=polyline(points))).shapes
    point = shape.keys[0].points[0]
    assert point.co == (160, 90)
    assert point.incoming == pytest.approx((-32, -9))
    assert point.outgoing == pytest.approx((32, 9))


def test_keys_of_a_spline_become_keys_of_the_shape() -> None:
    later = BOX.replace("X = ", "X = 0.1 + ").replace("0.1 + -0.25", "-0.15").replace("0.1 + 0.25", "0.35")
    keys = (
        f"[0] = {{ 0, Flags = {{ Linear = true, LockedY = true }}, Value = {polyline()} }},"
        f"[10] = {{ 1, Flags = {{ Linear = true }}, Value = {polyline(later)} }}"
    )
    roto = parse(animated(keys))
    (shape,) = roto.shapes
    assert (shape.name, [key.frame for key in shape.keys]) == ("Polygon1", [0, 10])
    half_way = matte(roto, 5)
    assert half_way[90, 80 + 16 + 1] == 1
    assert half_way[90, 80 + 16 - 1] == 0


def test_frames_count_from_the_first_of_the_comp() -> None:
    keys = f"[1001] = {{ 0, Value = {polyline()} }}, [1009] = {{ 1, Value = {polyline()} }}"
    (shape,) = parse(animated(keys), more="GlobalRange = { 1001, 1100 },").shapes
    assert [key.frame for key in shape.keys] == [0, 8]


@pytest.mark.parametrize(
    ("first", "second", "interp"),
    [
        ("Flags = { Linear = true },", "", "linear"),
        ("", "", "linear"),
        ("Flags = { StepOut = true },", "", "hold"),
        ("", "Flags = { StepIn = true },", "hold"),
        ("RH = { 3, 0 },", "LH = { 6, 1 },", "smooth"),
        ("RH = { 3, 0.3 }, Flags = { Linear = true },", "", "linear"),
    ],
)
def test_keys_step_go_evenly_or_ease(first: str, second: str, interp: str) -> None:
    keys = f"[0] = {{ 0, {first} Value = {polyline()} }}, [9] = {{ 1, {second} Value = {polyline()} }}"
    (shape,) = parse(animated(keys)).shapes
    assert shape.keys[0].interp == interp


def test_how_a_mask_is_painted_becomes_the_blend_and_level_the_opacity() -> None:
    hole = static(
        "Hole", inputs='PaintMode = Input { Value = FuID { "Subtract" } }, SoftEdge = Input { Value = 0.01 },'
    )
    half = static("Half", inputs="Level = Input { Value = 0.5 }, Size = Input { Value = 0.5 },")
    roto = parse(static(), hole, half)
    assert [(shape.name, shape.blend) for shape in roto.shapes] == [
        ("Polygon1", "add"),
        ("Hole", "subtract"),
        ("Half", "add"),
    ]
    assert roto.shapes[1].feather == pytest.approx(3.2)
    assert roto.shapes[2].opacity == 0.5
    assert matte(roto)[90, 160] == 0.5
    assert matte(roto)[90, 100] == 0


def test_a_centre_moves_the_mask() -> None:
    (shape,) = parse(static(inputs="Center = Input { Value = { 0.75, 0.25 } },")).shapes
    assert shape.keys[0].points[0].co == (240 - 80, 135 - 45)


def test_masks_inside_groups_are_found() -> None:
    group = f"Group1 = GroupOperator {{ Tools = ordered() {{ {static()} }} }},"
    assert len(parse(group).shapes) == 1


def painted_onto(tool: str) -> str:
    return f'EffectMask = Input {{ SourceOp = "{tool}", Source = "Mask", }},'


def test_an_inverted_mask_is_everything_else() -> None:
    soft = "SoftEdge = Input { Value = 0.02 }, Level = Input { Value = 0.75 },"
    plain, inverted = parse(static(inputs=soft)), parse(static(inputs=soft + INVERTED))
    assert [shape.blend for shape in inverted.shapes] == ["add", "subtract"]
    assert matte(inverted) == pytest.approx(1 - matte(plain))
    assert 0 < matte(plain).mean() < 0.5


def test_masks_are_painted_onto_one_another_and_inverted_together() -> None:
    keyed = animated(
        f"[0] = {{ 0, Value = {polyline()} }}, [8] = {{ 1, Value = {polyline()} }}", inputs=painted_onto("Hole")
    )
    hole = static(
        "Hole", inputs=painted_onto("Low") + 'Size = Input { Value = 0.5 }, PaintMode = Input { Value = "Subtract" },'
    )
    low = static("Low", value=polyline(BOX.replace("-0.25", "-0.4")))
    # Whatever their order in the file: the lowest first, and what is over it over it.
    roto = parse(keyed, hole, low)
    assert [shape.name for shape in roto.shapes] == ["Low", "Hole", "Polygon1"]
    inverted = parse(hole, static("Top", inputs=painted_onto("Hole") + INVERTED), low)
    assert [(shape.name, shape.blend) for shape in inverted.shapes] == [
        ("Around Top", "add"),
        ("Low", "subtract"),
        ("Hole", "add"),
        ("Top", "subtract"),
    ]
    assert np.array_equal(matte(inverted), 1 - matte(parse(hole, static("Top", inputs=painted_onto("Hole")), low)))
    half_way = parse(low, static("Hole", inputs=painted_onto("Low") + INVERTED), static("Top"))
    assert matte(half_way)[90, 160] == 1 and matte(half_way)[150, 50] == 0 and matte(half_way)[5, 5] == 1


def test_masks_that_lead_in_a_circle_end() -> None:
    roto = parse(static("A", inputs=painted_onto("B")), static("B", inputs=painted_onto("A")))
    assert {shape.name for shape in roto.shapes} == {"A", "B"}


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ([], "no polygon mask"),
        (["B = BSplineMask { },"], "convert them to Bézier"),
        ([static(value=polyline(closed=""))], "not closed"),
        ([static(inputs='Invert = Input { SourceOp = "Toggle1" },')], "Invert of the mask Polygon1 is animated"),
        ([static("A"), static("B", inputs=INVERTED)], "The mask B is inverted and not connected with the other masks"),
        ([static(inputs="ZRotation = Input { Value = 30 },")], "ZRotation of the mask Polygon1"),
        ([static(inputs='ZRotation = Input { SourceOp = "Path1" },')], "ZRotation of the mask Polygon1"),
        ([static(inputs='Center = Input { SourceOp = "Tracker1" },')], "Center of the mask Polygon1 is animated"),
        ([static(inputs='PaintMode = Input { Value = FuID { "Multiply" } },')], "painted as Multiply"),
        ([static(inputs='PaintMode = Input { Value = FuID { "Subtract" } },')], "Every mask"),
        (
            ['P = PolylineMask { Inputs = { Polyline = Input { SourceOp = "Gone", Source = "Value" } } },'],
            "comes from Gone, which is missing",
        ),
    ],
)
def test_what_no_shape_can_say_is_refused_with_advice(tools: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        parse(*tools)
    assert str(refused.value).count(". ") == 0


def test_keys_of_different_points_are_refused() -> None:
    keys = (
        f"[0] = {{ 0, Value = {polyline()} }}, [9] = {{ 1, Value = {polyline('{ X = 0, Y = 0 }, { X = 1, Y = 1 }')} }}"
    )
    with pytest.raises(InputError, match="do not have the same points"):
        parse(animated(keys))


def test_a_missing_file_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.comp cannot be read"):
        read_fusion_masks(tmp_path / "gone.comp", width=WIDTH, height=HEIGHT)
    (tmp_path / "is.comp").write_text(f"Composition {setting(static())}")
    assert len(read_fusion_masks(tmp_path / "is.comp", width=WIDTH, height=HEIGHT).shapes) == 1


WHOLE = setting(
    static("Low", inputs=INVERTED + "Level = Input { Value = 0.5 }, Center = Input { Value = { 0.75, 0.25 } },"),
    animated(f"[0] = {{ 0, RH = {{ 3, 0.3 }}, Value = {polyline()} }}, [8] = {{ 1, Value = {polyline()} }}"),
    more="GlobalRange = { 1001, 1100 },",
)
_ODD = ("", "{", "}", "=", "0", "-1", "1e999", "-1e999", "1e308", "nil", "true", '"x"', "{ }", '"Low"', "[0] =")


def read_or_refused(text: str) -> None:
    try:
        roto = parse_fusion_masks(text, name="mask.setting", width=WIDTH, height=HEIGHT)
    except InputError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    else:
        assert all(np.isfinite(shape.outline(Fraction(4))).all() for shape in roto.shapes)


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 12), st.sampled_from(_ODD)), min_size=1, max_size=3)
)
def test_a_damaged_comp_is_read_or_refused_in_words(damage: list[tuple[int, int, str]]) -> None:
    text = WHOLE
    for place, length, odd in damage:
        text = f"{text[:place]} {odd} {text[place + length :]}"
    read_or_refused(text)


@pytest.mark.parametrize("odd", ["", "nil", "1e999", f"0x{'F' * 300}", "1e308", "{ }"])
def test_any_number_that_is_something_else_is_read_or_refused(odd: str) -> None:
    spans = [found.span() for found in re.finditer(r"-?\d+\.?\d*", WHOLE)]
    assert len(spans) > 40
    for first, end in spans:
        read_or_refused(WHOLE[:first] + odd + WHOLE[end:])
