# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed outlines → coverage: the exact area of each pixel that the outline encloses.

Bézier outlines are flattened to a polygon; each edge is cut at every pixel border it crosses, and each piece adds its
signed area to its pixel and its height to all pixels right of it (one cumulative sum per row). No supersampling, no
jitter between frames, cost proportional to the outline's length.
"""

from __future__ import annotations

import numpy as np

SEGMENTS_PER_CURVE = 24


def flatten(outline: np.ndarray, *, segments: int = SEGMENTS_PER_CURVE) -> np.ndarray:
    """A closed outline (points, 3, 2) of control points with handle offsets, as a polygon (points * segments, 2)."""
    start, following = outline, np.roll(outline, -1, axis=0)
    t = (np.arange(segments) / segments)[None, :, None]
    p0, p3 = start[:, None, 0], following[:, None, 0]
    p1, p2 = p0 + start[:, None, 2], p3 + following[:, None, 1]
    curve = (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3
    return curve.reshape(-1, 2)


def flatten_widths(widths: np.ndarray, *, segments: int = SEGMENTS_PER_CURVE) -> np.ndarray:
    """A number per control point (points,), as one per vertex of `flatten`: linear in between."""
    t = np.arange(segments) / segments
    return ((1 - t) * widths[:, None] + t * np.roll(widths, -1)[:, None]).ravel()


def polygon_coverage(polygon: np.ndarray, *, width: int, height: int) -> np.ndarray:
    """The share of each pixel inside a closed polygon (vertices, 2) of x, y; returns (height, width) float32 in [0, 1].

    Either winding direction; where the outline overlaps itself in the same direction, inside stays inside.
    """
    coverage = np.zeros((height, width), dtype=np.float32)
    left, top = np.clip(np.floor(polygon.min(axis=0)), 0, (width, height)).astype(np.int64)
    right, bottom = np.clip(np.ceil(polygon.max(axis=0)), 0, (width, height)).astype(np.int64)
    if left < right and top < bottom:
        coverage[top:bottom, left:right] = _cover(polygon - (left, top), right - left, bottom - top)
    return coverage


def _cover(polygon: np.ndarray, width: int, height: int) -> np.ndarray:
    """`polygon_coverage` of a part of the frame that holds all of the polygon but what the frame cuts off."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    edges, at = _cuts(start, end, width, height)
    points = start[edges] + at[:, None] * (end - start)[edges]
    same_edge = edges[1:] == edges[:-1]
    first, last = points[:-1][same_edge], points[1:][same_edge]

    middle = (first + last) / 2
    row = np.floor(middle[:, 1]).astype(np.int64)
    rise = last[:, 1] - first[:, 1]
    visible = (row >= 0) & (row < height) & (middle[:, 0] < width)
    middle_x, row, rise = np.maximum(middle[visible, 0], 0), row[visible], rise[visible]
    column = np.floor(middle_x).astype(np.int64)
    right_part = rise * (column + 1 - middle_x)

    place = row * (width + 1) + column
    area = np.bincount(
        np.concatenate([place, place + 1]),
        weights=np.concatenate([right_part, rise - right_part]),
        minlength=height * (width + 1),
    ).reshape(height, width + 1)
    np.cumsum(area, axis=1, out=area)
    covered = np.abs(area[:, :width], dtype=np.float32)
    # Sums of opposite edges cancel only to rounding: what is outside must be exactly 0.
    covered[covered < 1e-9] = 0
    return np.minimum(covered, 1, out=covered)


def _cuts(start: np.ndarray, end: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each edge is cut, as (edge index, position along it from 0 to 1), sorted; only pixel borders that show."""
    count = len(start)
    edges = [np.repeat(np.arange(count), 2)]
    positions = [np.tile([0.0, 1.0], count)]
    for axis, side in enumerate((width, height)):
        low, high = np.minimum(start[:, axis], end[:, axis]), np.maximum(start[:, axis], end[:, axis])
        first = np.clip(np.ceil(low), 0, side + 1).astype(np.int64)
        crossings = np.maximum(np.clip(np.floor(high), -1, side).astype(np.int64) - first + 1, 0)
        edge = np.repeat(np.arange(count), crossings)
        order = np.arange(len(edge)) - np.repeat(np.cumsum(crossings) - crossings, crossings)
        span = (end - start)[edge, axis]
        crossing = span != 0  # an edge along a border crosses nothing there
        edge, border = edge[crossing], (first[edge] + order)[crossing]
        edges.append(edge)
        positions.append(np.clip((border - start[edge, axis]) / span[crossing], 0, 1))
    all_edges, all_positions = np.concatenate(edges), np.concatenate(positions)
    order = np.lexsort((all_positions, all_edges))
    return all_edges[order], all_positions[order]
