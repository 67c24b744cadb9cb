# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole drawing without Qt: order, names, visibility, and what a selection makes of changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.mattes.roto import RotoFile, Shape, Stroke, dump_roto, parse_roto
from maskedit.mattes.roto_keys import StrokeKey
from plugin_client.panel.model.document import Document
from plugin_client.panel.roto.layers import (
    COLOURS,
    LayerRef,
    colour_at,
    duplicated,
    followed,
    free_name,
    layer_at,
    paint_order,
    refs_of,
    renamed,
    reordered,
    with_colour,
    with_layer,
    with_new,
    without_layers,
)
from plugin_client.panel.roto.selection import Selection
from plugin_client.panel.roto.splines import delete_points, drawn_shape
from plugin_client.panel.roto.visibility import (
    ending_at,
    is_shown,
    parse_ranges,
    ranges_text,
    starting_at,
    with_shown,
)

SQUARE = np.zeros((4, 3, 2))
SQUARE[:, 0] = ((10, 10), (30, 10), (30, 30), (10, 30))


def shape(name: str, **fields) -> Shape:
    return drawn_shape(SQUARE, 0, name=name).model_copy(update=fields)


def stroke(name: str, under: str = "", **fields) -> Stroke:
    given = {"name": name, "width": 4.0, "keys": (StrokeKey(frame=0, points=((5, 5, 1), (9, 9, 1))),)} | fields
    return Stroke.model_validate(given | ({"under": under} if under else {}))


def document(*layers: Shape | Stroke) -> Document:
    return Document(
        shapes=tuple(layer for layer in layers if isinstance(layer, Shape)),
        strokes=tuple(layer for layer in layers if isinstance(layer, Stroke)),
    )


def names(drawing: Document) -> list[str]:
    return [layer_at(drawing, ref).name for ref in paint_order(drawing)]


def reads(drawing: Document) -> RotoFile:
    roto = RotoFile(format="maskedit-roto", version=1, size=(64, 48), shapes=drawing.shapes, strokes=drawing.strokes)
    return parse_roto(dump_roto(roto))


@pytest.fixture
def drawing() -> Document:
    return document(shape("head"), shape("ear"), stroke("whiskers", under="ear"), stroke("shine"))


def test_strokes_under_a_shape_are_painted_before_it(drawing):
    assert names(drawing) == ["head", "whiskers", "ear", "shine"]


@given(st.permutations(["head", "ear", "whiskers", "shine"]))
def test_any_order_can_be_had(order):
    drawing = document(shape("head"), shape("ear"), stroke("whiskers", under="ear"), stroke("shine"))
    by_name = {layer_at(drawing, ref).name: ref for ref in refs_of(drawing)}
    again = reordered(drawing, [by_name[name] for name in order])
    assert names(again) == order
    assert [layer.name for layer in reads(again).layers()] == order


def test_shapes_without_a_name_of_their_own_get_one_when_strokes_go_under_them():
    drawing = document(shape("head"), shape("head"), shape(""), stroke("shine"))
    shapes, last = [LayerRef("shape", index) for index in range(3)], LayerRef("stroke", 0)
    again = reordered(drawing, [*shapes[:2], last, shapes[2]])
    assert len(set(names(again))) == 4 and names(again).index("shine") == 2
    assert again.strokes[0].under == again.shapes[2].name != ""


def test_a_renamed_shape_keeps_its_strokes(drawing):
    again = renamed(drawing, LayerRef("shape", 1), "  left ear ")
    assert names(again) == ["head", "whiskers", "left ear", "shine"]
    assert names(renamed(drawing, LayerRef("shape", 1), "head")) == ["head", "whiskers", "head 2", "shine"]
    assert names(renamed(drawing, LayerRef("shape", 1), " ")) == names(drawing)


def test_names_count_on():
    drawing = document(shape("Shape 1"), shape("Shape 2"), stroke("Brush 1"))
    assert free_name(drawing, "Shape 1") == "Shape 3"
    assert free_name(drawing, "Brush 1") == "Brush 2"
    assert free_name(drawing, "7") == "7"


def test_a_deleted_shape_lets_its_strokes_go(drawing):
    again = without_layers(drawing, [LayerRef("shape", 1)])
    assert names(again) == ["head", "whiskers", "shine"]
    reads(again)


def test_a_copy_has_a_name_and_a_colour_of_its_own(drawing):
    again, ref = duplicated(drawing, LayerRef("shape", 0))
    copy = layer_at(again, ref)
    assert copy.name == "head 2" and copy.keys == drawing.shapes[0].keys
    assert copy.model_extra["colour"] in COLOURS and colour_at(again, ref) == copy.model_extra["colour"]


def test_colours_are_kept_in_the_file():
    drawing = document(with_colour(shape("head"), "#112233"))
    assert reads(drawing).shapes[0].model_extra == {"colour": "#112233"}


def test_a_layer_that_is_left_out_gets_its_frames_back():
    layer = shape("head", visible=((3, 5), (9, 9)))
    hidden = with_shown(layer, False)
    assert not is_shown(hidden) and not any(hidden.is_visible(frame) for frame in range(12))
    again = reads(document(hidden)).shapes[0]
    assert with_shown(again, True).visible == ((3, 5), (9, 9))
    assert with_shown(with_shown(shape("head"), False), True).visible is None


@pytest.mark.parametrize(
    ("ranges", "frame", "started", "ended"),
    [
        (None, 5, ((5, 20),), ((0, 5),)),
        (((2, 8), (12, 15)), 5, ((5, 8), (12, 15)), ((2, 5),)),
        (((2, 8), (12, 15)), 10, ((10, 15),), ((2, 10),)),
        (((2, 8),), 12, ((12, 20),), ((2, 12),)),
        (((8, 9),), 4, ((4, 9),), ((0, 4),)),
        ((), 4, ((4, 20),), ((0, 4),)),
    ],
)
def test_ranges_start_and_end_at_a_frame(ranges, frame, started, ended):
    assert starting_at(ranges, frame, last=20) == started
    assert ending_at(ranges, frame, last=20) == ended


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)).map(sorted).map(tuple), min_size=1).map(tuple))
def test_ranges_are_read_as_they_are_written(ranges):
    assert parse_ranges(ranges_text(ranges)) == ranges
    assert parse_ranges("") is None


@pytest.mark.parametrize("text", ["5-3", "a", "1-", "-4", "1;2", "1,,2", "1.5"])
def test_what_is_no_list_of_frames_is_refused(text):
    with pytest.raises(InputError, match="write them as"):
        parse_ranges(text)


def test_a_layer_is_followed_through_changes_of_others(drawing):
    ear = LayerRef("shape", 1)
    fewer = without_layers(drawing, [LayerRef("shape", 0)])
    assert followed(ear, drawing, fewer) == LayerRef("shape", 0)
    assert followed(LayerRef("shape", 0), drawing, fewer) is None
    edited = with_layer(drawing, ear, shape("ear", opacity=0.5))
    assert followed(ear, drawing, edited) == ear
    order = [LayerRef("shape", 1), LayerRef("shape", 0)]
    assert followed(ear, drawing, replace(drawing, shapes=tuple(layer_at(drawing, ref) for ref in order))) == order[1]


def test_a_selection_drops_what_is_gone_and_keeps_the_rest(drawing):
    head, ear = LayerRef("shape", 0), LayerRef("shape", 1)
    selection = Selection()
    selection.choose([head, ear], [(head, 3), (ear, 1)])
    selection.choose_keys([(ear, 0), (head, 0)])
    fewer = without_layers(drawing, [head])
    selection.follow(drawing, fewer)
    assert selection.layers == (head,) and selection.points == {(head, 1)} and selection.keys == {(head, 0)}
    thinner = with_layer(fewer, head, delete_points(fewer.shapes[0], [0]))
    selection.follow(fewer, thinner)
    assert selection.layers == (head,) and selection.points == frozenset()
    selection.follow(thinner, Document())
    assert selection.layers == () and selection.keys == frozenset()


def test_selecting_points_selects_their_layers(drawing):
    selection, heard = Selection(), []
    selection.changed.connect(lambda: heard.append(selection.layers))
    selection.choose([], [(LayerRef("shape", 1), 2)])
    selection.choose([], [(LayerRef("shape", 1), 2)])
    assert heard == [(LayerRef("shape", 1),)]


STEPS = st.tuples(
    st.sampled_from(["add", "paint", "delete", "copy", "rename", "order", "hide"]),
    st.integers(0, 9),
    st.sampled_from(["head", "ear", "", "Shape 1"]),
    st.randoms(use_true_random=False),
)


@settings(max_examples=50)
@given(st.lists(STEPS, max_size=10))
def test_whatever_is_done_to_the_list_the_file_reads_in_the_same_order(steps):
    drawing = document(shape("body"))
    for step, number, name, chance in steps:
        refs = refs_of(drawing)
        ref = refs[number % len(refs)]
        if step == "add":
            drawing, _ = with_new(drawing, shape(name))
        elif step == "paint":
            drawing, _ = with_new(drawing, stroke(name))
        elif step == "delete" and len(refs) > 1:
            drawing = without_layers(drawing, [ref])
        elif step == "copy":
            drawing, _ = duplicated(drawing, ref)
        elif step == "rename":
            drawing = renamed(drawing, ref, name)
        elif step == "order":
            drawing = reordered(drawing, chance.sample(refs, len(refs)))
        elif step == "hide":
            layer = layer_at(drawing, ref)
            drawing = with_layer(drawing, ref, with_shown(layer, not is_shown(layer)))
        assert sorted(paint_order(drawing)) == sorted(refs_of(drawing))
        assert [layer.name for layer in reads(drawing).layers()] == names(drawing)
