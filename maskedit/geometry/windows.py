# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths that a model takes: padding to 4n + 1 frames, and windows over a longer clip (torch-free)."""

from __future__ import annotations


def padded_length(frames: int, *, temporal_factor: int = 4) -> int:
    """The least length of the form temporal_factor * n + 1 that holds `frames` >= 1 frames."""
    return -(-(frames - 1) // temporal_factor) * temporal_factor + 1


def pad_indices(frames: int, *, temporal_factor: int = 4) -> tuple[int, ...]:
    """Which of `frames` frames to show at each place of the padded clip: all in order, the last one repeated."""
    return tuple(min(index, frames - 1) for index in range(padded_length(frames, temporal_factor=temporal_factor)))


def windows(frames: int, *, length: int, overlap: int) -> tuple[range, ...]:
    """Windows of `length` frames, in order, that cover 0 … frames - 1; neighbours share at least `overlap` frames.

    The last window is moved back to stay inside the clip, so every window is full; a clip shorter than `length` is
    one window of its own length. Raises ValueError unless 0 <= overlap < length and frames >= 1.
    """
    if frames < 1 or not 0 <= overlap < length:
        raise ValueError(f"{frames} frames cannot be cut into windows of {length} that overlap by {overlap}")
    if frames <= length:
        return (range(frames),)
    starts = [*range(0, frames - length, length - overlap), frames - length]
    return tuple(range(start, start + length) for start in starts)
