# SPDX-License-Identifier: GPL-3.0-or-later
"""From the picture's pixels to the widget's and back, for whole outlines at once, and what lies under the pointer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF

if TYPE_CHECKING:
    from plugin_client.panel.viewer.view import View

GRAB_PX = 8.0
"""How near the pointer must come, in px of the widget."""


@dataclass(frozen=True)
class Projection:
    """p in the picture → matrix @ p + offset in the widget."""

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, view: View) -> Projection:
        """The projection that a viewer shows its picture by."""
        origin, right, down = (xy(view.to_widget(QPointF(*at))) for at in ((0, 0), (1, 0), (0, 1)))
        return cls(np.column_stack([right - origin, down - origin]), origin)

    def points(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) in the picture → in the widget."""
        return points @ self.matrix.T + self.offset

    def outline(self, outline: np.ndarray) -> np.ndarray:
        """As `points`, of an outline (points, 3, 2), whose handles are offsets."""
        result = outline @ self.matrix.T
        result[:, 0] += self.offset
        return result

    def back(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) in the widget → in the picture."""
        return (points - self.offset) @ np.linalg.inv(self.matrix).T

    def whole_step(self, direction: np.ndarray) -> np.ndarray:
        """One pixel of the picture in a direction of the widget, whatever way up the picture is shown."""
        return np.rint(np.linalg.inv(self.matrix) @ direction * self.scale)

    @property
    def scale(self) -> float:
        """Px of the widget for each of the picture, on average."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))


def xy(point: QPointF) -> np.ndarray:
    """A point as an array (2,)."""
    return np.array([point.x(), point.y()])


def point_under(points: np.ndarray, pointer: np.ndarray, *, among: Iterable[int] | None = None) -> int | None:
    """Which of `points` (n, 2) is nearest to the pointer and near enough; all in the widget's px."""
    places = list(range(len(points)) if among is None else among)
    if not places:
        return None
    reach = np.hypot(*(points[places] - pointer).T)
    return places[int(reach.argmin())] if reach.min() <= GRAB_PX else None


def handle_under(outline: np.ndarray, pointer: np.ndarray, *, among: Iterable[int]) -> tuple[int, int] | None:
    """(point, side) of the nearest handle of the points `among`; side 1 is incoming, 2 outgoing.

    Handles that are drawn in are not there to be grabbed: their points are.
    """
    there = [(index, side) for index in among for side in (1, 2) if np.hypot(*outline[index, side]) > GRAB_PX / 2]
    tips = np.array([outline[index, 0] + outline[index, side] for index, side in there]).reshape(-1, 2)
    nearest = point_under(tips, pointer)
    return None if nearest is None else there[nearest]


def inside(polygon: np.ndarray, pointer: np.ndarray) -> bool:
    """Whether the pointer lies in a closed polygon (vertices, 2): a ray leaves it an odd number of times."""
    (x, y), ends = polygon.T, np.roll(polygon, -1, axis=0)
    crosses = (y > pointer[1]) != (ends[:, 1] > pointer[1])
    rise = np.where(crosses, ends[:, 1] - y, 1)
    return bool(((x + (pointer[1] - y) * (ends[:, 0] - x) / rise > pointer[0]) & crosses).sum() % 2)
