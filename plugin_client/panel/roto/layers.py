# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole drawing: the document's shapes and strokes, in the order in which they are laid over one another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import count
from typing import Literal, NamedTuple

from maskedit.mattes.roto import RotoFile, Shape, Stroke
from plugin_client.panel.model.document import Document
from plugin_client.panel.roto.keying import Layer, LayerT

COLOURS = ("#4fc3f7", "#ffb74d", "#aed581", "#f06292", "#ba8af0", "#4dd0b5", "#fff176", "#ff8a65")
_COLOUR = "colour"


class LayerRef(NamedTuple):
    """Which shape or stroke of a document is meant."""

    kind: Literal["shape", "stroke"]
    index: int


def refs_of(document: Document) -> tuple[LayerRef, ...]:
    """Everything drawn: shapes, then strokes, each in the document's order."""
    shapes = (LayerRef("shape", index) for index in range(len(document.shapes)))
    return (*shapes, *(LayerRef("stroke", index) for index in range(len(document.strokes))))


def paint_order(document: Document) -> tuple[LayerRef, ...]:
    """Everything drawn, in the order in which it is laid over one another."""
    refs = {id(layer_at(document, ref)): ref for ref in refs_of(document)}
    drawing = RotoFile.model_construct(shapes=document.shapes, strokes=document.strokes)
    return tuple(refs[id(layer)] for layer in drawing.layers())


def layer_at(document: Document, ref: LayerRef) -> Layer:
    """The shape or stroke itself. Raises IndexError for one that is not there."""
    return document.shapes[ref.index] if ref.kind == "shape" else document.strokes[ref.index]


def with_layer(document: Document, ref: LayerRef, layer: Layer) -> Document:
    """`document` with `layer` in the place of another of its kind."""
    if isinstance(layer, Shape):
        return replace(document, shapes=_put(document.shapes, ref.index, layer))
    return replace(document, strokes=_put(document.strokes, ref.index, layer))


def with_new(document: Document, layer: Layer) -> tuple[Document, LayerRef]:
    """`document` with `layer` over all others of its kind, and where it is found there. It gets a colour."""
    if layer_colour(layer) is None:
        layer = with_colour(layer, next_colour(document))
    if isinstance(layer, Shape):
        return replace(document, shapes=(*document.shapes, layer)), LayerRef("shape", len(document.shapes))
    return replace(document, strokes=(*document.strokes, layer)), LayerRef("stroke", len(document.strokes))


def without_layers(document: Document, refs: Collection[LayerRef]) -> Document:
    """`document` without those; strokes under a shape that goes lie over everything from then on."""
    shapes = tuple(shape for index, shape in enumerate(document.shapes) if LayerRef("shape", index) not in refs)
    strokes = [stroke for index, stroke in enumerate(document.strokes) if LayerRef("stroke", index) not in refs]
    names = {shape.name for shape in shapes}
    kept = tuple(
        stroke.model_copy(update={"under": ""}) if stroke.under and stroke.under not in names else stroke
        for stroke in strokes
    )
    return replace(document, shapes=shapes, strokes=kept)


def duplicated(document: Document, ref: LayerRef) -> tuple[Document, LayerRef]:
    """`document` with a copy of a shape or stroke over all others of its kind, and where that is found."""
    layer = layer_at(document, ref)
    copy = layer.model_copy(update={"name": free_name(document, layer.name)})
    return with_new(document, with_colour(copy, next_colour(document)))


def renamed(document: Document, ref: LayerRef, name: str) -> Document:
    """`document` with another name for one layer; a name that is taken gets a number. Strokes under it follow."""
    layer = layer_at(document, ref)
    name = free_name(document, name.strip() or layer.name, besides=ref)
    if isinstance(layer, Shape) and layer.name:
        document = replace(
            document,
            strokes=tuple(
                stroke.model_copy(update={"under": name}) if stroke.under == layer.name else stroke
                for stroke in document.strokes
            ),
        )
    return with_layer(document, ref, layer.model_copy(update={"name": name}))


def reordered(document: Document, order: Sequence[LayerRef]) -> Document:
    """`document` with its layers laid over one another in `order`, which names each of them once."""
    for ref in refs_of(document):  # strokes find their place by their shapes' names
        layer = layer_at(document, ref)
        if ref.kind == "shape" and (not layer.name or free_name(document, layer.name, besides=ref) != layer.name):
            document = renamed(document, ref, layer.name or "Shape 1")
    shapes, strokes, waiting = [], [], []
    for ref in order:
        layer = layer_at(document, ref)
        if isinstance(layer, Stroke):
            waiting.append(layer)
        else:
            strokes += [_under(stroke, layer.name) for stroke in waiting]
            shapes.append(layer)
            waiting = []
    return replace(document, shapes=tuple(shapes), strokes=(*strokes, *(_under(stroke, "") for stroke in waiting)))


def free_name(document: Document, wanted: str, *, besides: LayerRef | None = None) -> str:
    """`wanted`, or with the first number behind it that no other layer's name has."""
    taken = {layer_at(document, ref).name for ref in refs_of(document) if ref != besides}
    if wanted not in taken:
        return wanted
    stem = wanted.rstrip("0123456789").rstrip() or wanted
    return next(name for number in count(2) if (name := f"{stem} {number}") not in taken)


def next_colour(document: Document) -> str:
    """The colour ("#rrggbb") that a new layer gets."""
    return COLOURS[len(refs_of(document)) % len(COLOURS)]


def layer_colour(layer: Layer) -> str | None:
    """The colour ("#rrggbb") of its outline on screen; None if nobody chose one."""
    colour = (layer.model_extra or {}).get(_COLOUR)
    return colour if isinstance(colour, str) else None


def colour_at(document: Document, ref: LayerRef) -> str:
    """The colour of a layer's outline on screen: its own, or one by its place."""
    return layer_colour(layer_at(document, ref)) or COLOURS[ref.index % len(COLOURS)]


def with_colour(layer: LayerT, colour: str) -> LayerT:
    """`layer` with another colour on screen."""
    return layer.model_copy(update={_COLOUR: colour})


def followed(ref: LayerRef, old: Document, new: Document) -> LayerRef | None:
    """Where a layer of `old` is found in `new`: the very same one, else what took its place; None if it is gone."""
    layer = layer_at(old, ref)
    same = next((each for each in refs_of(new) if layer_at(new, each) is layer), None)
    if same is not None:
        return same
    before, after = _kin(old, ref), _kin(new, ref)
    return ref if len(before) == len(after) else None


def _put(layers: tuple[LayerT, ...], index: int, layer: LayerT) -> tuple[LayerT, ...]:
    return (*layers[:index], layer, *layers[index + 1 :])


def _under(stroke: Stroke, name: str) -> Stroke:
    return stroke if stroke.under == name else stroke.model_copy(update={"under": name})


def _kin(document: Document, ref: LayerRef) -> Sequence[Layer]:
    return document.shapes if ref.kind == "shape" else document.strokes
