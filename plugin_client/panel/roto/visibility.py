# SPDX-License-Identifier: GPL-3.0-or-later
"""On which frames a shape or stroke counts."""

from __future__ import annotations

import re

from maskedit.errors import InputError
from plugin_client.panel.roto.keying import Layer, LayerT

_RANGES = "visible_when_shown"
_RANGE = re.compile(r"\s*(\d+)(?:\s*[-–]\s*(\d+))?\s*")

Ranges = tuple[tuple[int, int], ...] | None
"""(first, last) frames, both included; None: all frames."""


def is_shown(layer: Layer) -> bool:
    """False for a layer that counts on no frame."""
    return layer.visible != ()


def with_shown(layer: LayerT, shown: bool) -> LayerT:
    """`layer` counting on its frames, or on none; its frames come back when it is shown again."""
    if shown == is_shown(layer):
        return layer
    if shown:
        return layer.model_copy(update={"visible": (layer.model_extra or {}).get(_RANGES), _RANGES: None})
    return layer.model_copy(update={"visible": (), _RANGES: layer.visible})


def starting_at(ranges: Ranges, frame: int, *, last: int) -> Ranges:
    """The ranges with nothing before `frame`; the first that reaches it starts there. `last`: the clip's last frame."""
    kept = [each for each in _whole(ranges, last) if each[1] >= frame] or [(frame, max(frame, last))]
    return ((frame, kept[0][1]), *kept[1:])


def ending_at(ranges: Ranges, frame: int, *, last: int) -> Ranges:
    """The ranges with nothing after `frame`; the last that begins by then ends there."""
    kept = [each for each in _whole(ranges, last) if each[0] <= frame] or [(0, frame)]
    return (*kept[:-1], (kept[-1][0], frame))


def ranges_text(ranges: Ranges) -> str:
    """Frames as one types them: "0-24, 40"; "" for all of them."""
    return ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in ranges or ())


def parse_ranges(text: str) -> Ranges:
    """The inverse of `ranges_text`. Raises InputError."""
    if not text.strip():
        return None
    found = [_RANGE.fullmatch(part) for part in text.split(",")]
    ranges = tuple((int(each[1]), int(each[2] or each[1])) for each in found if each is not None)
    if None in found or any(first > last for first, last in ranges):
        raise InputError(
            f"'{text.strip()}' is no list of frames: write them as 0-24, 40-48, or nothing for all frames."
        )
    return ranges


def _whole(ranges: Ranges, last: int) -> tuple[tuple[int, int], ...]:
    return ((0, last),) if ranges is None else ranges
