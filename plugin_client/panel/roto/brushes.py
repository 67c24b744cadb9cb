# SPDX-License-Identifier: GPL-3.0-or-later
"""How a hand's movement becomes a stroke."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskedit.mattes.roto import Stroke
from maskedit.mattes.roto_keys import StrokeKey
from plugin_client.panel.roto.options import ToolOptions

_TOLERANCE_PX = 0.25


def brush_stroke(
    path: np.ndarray, options: ToolOptions, *, frame: int, last: int, name: str, blend: str = "add"
) -> Stroke:
    """The stroke that `path` (points, 3: x, y, pressure) leaves at `frame` of a clip whose last frame is `last`."""
    fields: dict[str, Any] = {"name": name, "blend": blend, "width": options.width, "hardness": options.hardness}
    if options.span != "every frame":
        fields["visible"] = ((frame, frame if options.span == "this frame" else max(frame, last)),)
    points = tuple(map(tuple, thinned(path, width=options.width).tolist()))
    return Stroke.model_validate(fields | {"keys": (StrokeKey.model_validate({"frame": frame, "points": points}),)})


def thinned(path: np.ndarray, *, width: float) -> np.ndarray:
    """The fewest points of `path` (points, 3: x, y, pressure) that leave no edge more than a quarter pixel off.

    Douglas and Peucker, Cartographica 10, 1973, with the brush's radius as a third dimension.
    """
    places = path * (1, 1, width / 2)
    keep = np.zeros(len(path), dtype=bool)
    keep[[0, -1]] = True
    waiting = [(0, len(path) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        step = places[last] - places[first]
        offsets = places[first + 1 : last] - places[first]
        at = np.clip(offsets @ step / max(float(step @ step), 1e-12), 0, 1)
        reach = np.linalg.norm(offsets - at[:, None] * step, axis=1)
        far = int(reach.argmax())
        if reach[far] > _TOLERANCE_PX:
            middle = first + 1 + far
            keep[middle] = True
            waiting += [(first, middle), (middle, last)]
    return path[keep]
