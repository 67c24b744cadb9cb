# SPDX-License-Identifier: GPL-3.0-or-later
"""What pane and dope sheet do with keys: set, delete, drag, copy, paste, jump. Each is one undo step."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from PyQt6.QtCore import QMimeData
from PyQt6.QtGui import QGuiApplication

from maskedit.mattes.animation import Interp
from maskedit.mattes.roto_keys import Key, StrokeKey
from plugin_client.panel.roto.drawing import Drawing, Gesture
from plugin_client.panel.roto.keying import (
    key_frames,
    key_on,
    neighbours,
    with_interp,
    with_key,
    with_keys_moved,
    with_keys_pasted,
    without_keys,
)
from plugin_client.panel.roto.layers import LayerRef, refs_of

MIME = "application/x-maskedit-roto-keys"


def set_key(drawing: Drawing, refs: Collection[LayerRef]) -> None:
    """A key at the playhead that holds what is there anyway."""
    keyed = {ref: with_key(drawing.layer(ref), drawing.frame) for ref in refs if not has_key(drawing, ref)}
    drawing.amend("Set key", keyed)


def has_key(drawing: Drawing, ref: LayerRef) -> bool:
    """Whether the playhead stands on a key of that layer."""
    return key_on(drawing.layer(ref), drawing.frame) is not None


def delete_keys(drawing: Drawing, keys: Mapping[LayerRef, Collection[int]]) -> str:
    """Delete keys, by frame. Returns what to tell the user: a layer keeps its last key; "" if all went."""
    changed = {ref: without_keys(drawing.layer(ref), frames) for ref, frames in keys.items()}
    drawing.amend("Delete keys", changed)
    kept = [layer.name for ref, layer in changed.items() if set(key_frames(layer)) & set(keys[ref])]
    return f"'{kept[0]}' keeps its last key: delete the shape itself to take it away." if kept else ""


def begin_drag(drawing: Drawing) -> tuple[Gesture, Mapping[LayerRef, frozenset[int]]]:
    """Begin to drag the selected keys in time."""
    keys = drawing.selection.keys_by_layer()
    return drawing.gesture("Move keys", keys), keys


def drag_keys(gesture: Gesture, keys: Mapping[LayerRef, frozenset[int]], by: int) -> int:
    """Drag keys so many frames from where they were, as far as the clip reaches; returns by how many they are now."""
    frames = [frame for each in keys.values() for frame in each]
    last = gesture.drawing.playhead.last
    by = min(max(by, min(0, -min(frames))), max(0, last - max(frames)))
    gesture.amend(lambda ref, layer: with_keys_moved(layer, keys[ref], by))
    gesture.drawing.selection.choose_keys((ref, frame + by) for ref in keys for frame in keys[ref])
    return by


def set_interp(drawing: Drawing, keys: Mapping[LayerRef, Collection[int]], interp: Interp) -> None:
    """How it goes on from those keys to the next."""
    changed = {ref: with_interp(drawing.layer(ref), frames, interp) for ref, frames in keys.items()}
    drawing.amend("Interpolation", changed)


def jump(drawing: Drawing, way: int) -> None:
    """Move the playhead to the next key (`way` 1) or the previous one (-1) of what is selected, or of all."""
    refs = drawing.selection.layers or refs_of(drawing.document)
    found = [neighbours(drawing.layer(ref), drawing.frame)[way > 0] for ref in refs]
    frames = [frame for frame in found if frame is not None]
    if frames:
        drawing.playhead.stop()
        drawing.playhead.seek(min(frames) if way > 0 else max(frames))


def copy_keys(drawing: Drawing) -> bool:
    """Put the selected keys on the clipboard; False if none is selected."""
    rows = [
        {"name": drawing.layer(ref).name, "kind": ref.kind, "keys": [_written(drawing, ref, frame) for frame in frames]}
        for ref, frames in drawing.selection.keys_by_layer().items()
    ]
    clipboard = QGuiApplication.clipboard()
    if not rows or clipboard is None:
        return False
    data = QMimeData()
    data.setData(MIME, json.dumps(rows).encode())
    clipboard.setMimeData(data)
    return True


def paste_keys(drawing: Drawing) -> str:
    """Paste the clipboard's keys with the first of them at the playhead. Returns what to tell the user, "" if done.

    Keys of one shape go to the selected one, those of several to the shapes that they came from.
    """
    rows = _copied()
    if not rows:
        return "There are no copied keys: select some in the dope sheet and copy them first."
    first = min(key.frame for _, keys in rows for key in keys)
    named = {drawing.layer(ref).name: ref for ref in refs_of(drawing.document)}
    changed, arrived = {}, []
    for name, keys in rows:
        ref = drawing.selection.active if len(rows) == 1 and drawing.selection.layers else named.get(name)
        if ref is None:
            return f"There is no '{name}' any more: select the shape that the keys shall go to."
        at = drawing.frame + min(key.frame for key in keys) - first
        if (layer := with_keys_pasted(drawing.layer(ref), keys, at)) is None:
            count = len(keys[0].points)
            return f"The keys hold {count} points, '{drawing.layer(ref).name}' does not: paste into the shape they fit."
        changed[ref] = layer
        by = drawing.frame - first
        arrived += [(ref, key.frame + by) for key in keys]
    drawing.amend("Paste keys", changed)
    drawing.selection.choose_keys(arrived)
    return ""


def _written(drawing: Drawing, ref: LayerRef, frame: int) -> Any:
    key = key_on(drawing.layer(ref), frame)
    assert key is not None
    return key.model_dump(by_alias=True, exclude_unset=True)


def _copied() -> list[tuple[str, list[Key] | list[StrokeKey]]]:
    clipboard = QGuiApplication.clipboard()
    data = clipboard.mimeData() if clipboard is not None else None
    if data is None or not data.hasFormat(MIME):
        return []
    rows = json.loads(data.data(MIME).data())
    kinds = {"shape": Key, "stroke": StrokeKey}
    return [(row["name"], [kinds[row["kind"]].model_validate(key) for key in row["keys"]]) for row in rows]
