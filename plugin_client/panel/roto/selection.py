# SPDX-License-Identifier: GPL-3.0-or-later
"""Which shapes, strokes, points and keys are selected: not saved, not undone, shared by tools, list and dope sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PyQt6.QtCore import QObject, pyqtSignal

from plugin_client.panel.model.document import Document
from plugin_client.panel.roto.keying import key_on
from plugin_client.panel.roto.layers import LayerRef, followed, layer_at

PointRef = tuple[LayerRef, int]
KeyRef = tuple[LayerRef, int]


class Selection(QObject):
    """Says `changed` when something else is selected, and follows the document: what goes is selected no more.

    `layers` in the order in which they were chosen; selected points belong to selected layers. `keys`: (layer, frame).
    """

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.layers: tuple[LayerRef, ...] = ()
        self.points: frozenset[PointRef] = frozenset()
        self.keys: frozenset[KeyRef] = frozenset()

    @property
    def active(self) -> LayerRef | None:
        """The layer that was chosen last: whose properties are shown."""
        return self.layers[-1] if self.layers else None

    def points_of(self, ref: LayerRef) -> list[int]:
        """The selected points of a layer, ascending."""
        return sorted(index for layer, index in self.points if layer == ref)

    def keys_by_layer(self) -> Mapping[LayerRef, frozenset[int]]:
        """The frames of the selected keys, by layer."""
        layers = {layer for layer, _ in self.keys}
        return {layer: frozenset(frame for each, frame in self.keys if each == layer) for layer in sorted(layers)}

    def choose(self, layers: Iterable[LayerRef], points: Iterable[PointRef] = ()) -> None:
        """Select `layers`, and no points but `points`; the layers of those are selected too."""
        points = frozenset(points)
        chosen = dict.fromkeys([*layers, *sorted(layer for layer, _ in points)])
        self._set(tuple(chosen), points, self.keys)

    def choose_keys(self, keys: Iterable[KeyRef]) -> None:
        """Select keys, and nothing else of keys."""
        self._set(self.layers, self.points, frozenset(keys))

    def clear(self) -> None:
        """Select nothing."""
        self._set((), frozenset(), frozenset())

    def follow(self, old: Document, new: Document) -> None:
        """Go from one document to the next: layers are found again, points and keys that are gone are dropped."""
        where = {
            ref: found
            for ref in {*self.layers, *(layer for layer, _ in self.keys)}
            if (found := followed(ref, old, new)) is not None
        }
        counts = {found: len(layer_at(new, found).keys[0].points) for found in where.values()}
        same = {ref for ref, at in where.items() if len(layer_at(old, ref).keys[0].points) == counts[at]}
        self._set(
            tuple(where[ref] for ref in self.layers if ref in where),
            # The indices of points mean others as soon as one came or went.
            frozenset((where[ref], index) for ref, index in self.points if ref in same),
            frozenset((where[r], f) for r, f in self.keys if r in where and key_on(layer_at(new, where[r]), f)),
        )

    def _set(self, layers: tuple[LayerRef, ...], points: frozenset[PointRef], keys: frozenset[KeyRef]) -> None:
        if (layers, points, keys) != (self.layers, self.points, self.keys):
            self.layers, self.points, self.keys = layers, points, keys
            self.changed.emit()
