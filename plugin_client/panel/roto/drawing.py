# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing as tools see it: at the playhead's frame, in the picture's pixels. What they do becomes keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.playhead import Playhead
from plugin_client.panel.model.project import Project
from plugin_client.panel.roto.keying import Layer, Reshape, reshaped_keys, values_at, with_key
from plugin_client.panel.roto.layers import (
    LayerRef,
    free_name,
    layer_at,
    paint_order,
    refs_of,
    with_layer,
    with_new,
)
from plugin_client.panel.roto.options import Options
from plugin_client.panel.roto.placing import Placing
from plugin_client.panel.roto.selection import Selection
from plugin_client.panel.roto.splines import drawn_shape

_gestures = count(1)


def drawing_of(desk: Desk) -> Drawing:
    """The one drawing of a desk: its tools, lists and dope sheet share the selection."""
    return desk.project.findChild(Drawing) or Drawing(desk.project, desk.playhead)


class Drawing(QObject):
    """The document's shapes and strokes at the playhead's frame.

    `changed`: what is seen of it may look different (document, frame, selection or options).
    """

    changed = pyqtSignal()

    def __init__(self, project: Project, playhead: Playhead) -> None:
        super().__init__(project)
        self.project, self.playhead = project, playhead
        self.selection = Selection(self)
        self.options = Options(self)
        project.changed.connect(self.selection.follow)
        project.opened.connect(self.selection.clear)
        for signal in (project.changed, playhead.moved, self.selection.changed, self.options.changed):
            signal.connect(self.changed)

    @property
    def document(self) -> Document:
        """What is true now."""
        return self.project.document

    @property
    def frame(self) -> int:
        """The frame that is drawn on."""
        return self.playhead.frame

    @property
    def can_draw(self) -> bool:
        """Whether a clip is open: there is nothing to draw on otherwise."""
        return self.project.facts is not None

    @property
    def pixel_aspect(self) -> float:
        """The width of the clip's pixels over their height."""
        return 1.0 if self.project.facts is None else float(self.project.facts.pixel_aspect)

    def layer(self, ref: LayerRef) -> Layer:
        """The shape or stroke itself."""
        return layer_at(self.document, ref)

    def seen(self) -> list[LayerRef]:
        """The layers that count at this frame, topmost last."""
        return [ref for ref in paint_order(self.document) if self.layer(ref).is_visible(self.frame)]

    def seen_shapes(self) -> list[LayerRef]:
        """As `seen`, without strokes."""
        return [ref for ref in self.seen() if ref.kind == "shape"]

    def chosen(self) -> list[LayerRef]:
        """The selected layers that count at this frame, topmost last."""
        return [ref for ref in self.seen() if ref in self.selection.layers]

    def values(self, ref: LayerRef) -> np.ndarray:
        """What a layer draws, in the picture's pixels: an outline (points, 3, 2) or a path (points, 3)."""
        return self.values_of(self.layer(ref), self.frame)

    def values_of(self, layer: Layer, frame: int) -> np.ndarray:
        """As `values`, of any layer at any frame."""
        return self.placing(layer, frame).put(values_at(layer, frame))

    def placing(self, layer: Layer, frame: int) -> Placing:
        """Where the layer's own transform puts it in this clip."""
        return Placing.of(layer, frame, pixel_aspect=self.pixel_aspect)

    def add(self, name: str, layer: Layer) -> LayerRef:
        """Lay a new layer over the others of its kind and select it, as one step."""
        document, ref = with_new(self.document, layer)
        self.project.change(name, document)
        self.selection.choose([ref])
        return ref

    def add_shape(self, outline: np.ndarray) -> LayerRef:
        """Make a shape of an outline (points, 3, 2) in the picture's pixels, with a key here, and select it."""
        blend = "subtract" if self.options.now.subtracts else "add"
        name = free_name(self.document, "Shape 1")
        return self.add("Draw shape", drawn_shape(outline, self.frame, name=name, blend=blend))

    def amend(self, name: str, layers: Mapping[LayerRef, Layer], *, merge: str = "") -> None:
        """Put other layers in the place of some, as one step."""
        document = self.document
        for ref, layer in layers.items():
            document = with_layer(document, ref, layer)
        self.project.change(name, document, merge=merge)

    def reshape(self, name: str, reshapes: Mapping[LayerRef, Reshape]) -> None:
        """A gesture that is over at once."""
        gesture = self.gesture(name, reshapes)
        gesture.reshape(reshapes)
        gesture.end()

    def gesture(self, name: str, refs: Iterable[LayerRef]) -> Gesture:
        """Begin to drag something about `refs`."""
        return Gesture(self, name, self.frame, {ref: self.layer(ref) for ref in refs}, self.options.now.every_key)


@dataclass(frozen=True)
class Gesture:
    """One drag: everything it writes starts from the layers as they were when it began, and is one undo step."""

    drawing: Drawing
    name: str
    frame: int
    before: Mapping[LayerRef, Layer]
    every_key: bool
    merge: str = field(default_factory=lambda: f"roto gesture {next(_gestures)}")

    def values(self, ref: LayerRef) -> np.ndarray:
        """What a layer drew when the gesture began, in the picture's pixels."""
        return self.drawing.values_of(self.before[ref], self.frame)

    def reshape(self, reshapes: Mapping[LayerRef, Reshape]) -> None:
        """Write what `reshapes` make of the layers, in the picture's pixels: a key here, or into every key."""
        self.amend(lambda ref, layer: self._reshaped(layer, reshapes[ref]) if ref in reshapes else layer)

    def amend(self, change: Callable[[LayerRef, Layer], Layer]) -> None:
        """Write what `change` makes of each layer; one that was undone meanwhile stays away."""
        there = refs_of(self.drawing.document)
        layers = {ref: change(ref, layer) for ref, layer in self.before.items() if ref in there}
        self.drawing.amend(self.name, layers, merge=self.merge)

    def end(self) -> None:
        """The next change is another step."""
        self.drawing.project.settle()

    def _reshaped(self, layer: Layer, reshape: Reshape) -> Layer:
        def there(frame: int, values: np.ndarray) -> np.ndarray:
            placing = self.drawing.placing(layer, frame)
            return placing.taken(reshape(placing.put(values)))

        if self.every_key:
            return reshaped_keys(layer, there)
        return with_key(layer, self.frame, there(self.frame, values_at(layer, self.frame)))
