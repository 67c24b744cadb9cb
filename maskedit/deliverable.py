# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit can deliver, and what the files are called (torch-free)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class DeliverableKind(StrEnum):
    """full: the whole frame with audio; patch: straight-alpha RGBA of the region, transparent outside.

    fill: the region's colours alone, held on beyond its edge over the whole frame; matte: the matte that pastes them.
    Only the whole frame has audio.
    """

    FULL = "full"
    PATCH = "patch"
    FILL = "fill"
    MATTE = "matte"


class DeliverableFormat(StrEnum):
    """mkv: FFV1; mov: ProRes 4444; mp4: H.264; png: 16 bits; exr: half floats; v210: 10-bit 4:2:2 in a mov.

    cache: half floats in one file that the OpenFX plugin maps (docs/frame-cache.md).
    """

    MKV = "mkv"
    MOV = "mov"
    MP4 = "mp4"
    PNG = "png"
    EXR = "exr"
    V210 = "v210"
    CACHE = "cache"

    @property
    def is_sequence(self) -> bool:
        """Whether it is a folder of pictures rather than one file."""
        return self in (DeliverableFormat.PNG, DeliverableFormat.EXR)

    @property
    def has_alpha(self) -> bool:
        return self not in (DeliverableFormat.MP4, DeliverableFormat.V210)

    @property
    def suffix(self) -> str:
        """How a file of it, or each picture of a sequence, ends."""
        return {DeliverableFormat.V210: ".mov", DeliverableFormat.CACHE: ".mefc"}.get(self, f".{self}")

    def holds(self, kind: DeliverableKind) -> bool:
        """Whether a deliverable of that kind can be had in it."""
        if self is DeliverableFormat.CACHE:
            return kind is DeliverableKind.PATCH
        return self.has_alpha or kind is not DeliverableKind.PATCH


@dataclass(frozen=True, kw_only=True)
class Deliverable:
    kind: DeliverableKind = DeliverableKind.FULL
    format: DeliverableFormat = DeliverableFormat.MKV


def result_names(deliverables: Sequence[Deliverable]) -> tuple[str, ...]:
    """The names of an edit's result files, or folders of sequences: `result.mkv`, `result-patch.mov`, `result-fill`.

    The first is the result itself; every other says its kind, and its format too where one of its kind is before it.
    """
    names: list[str] = []
    for place, each in enumerate(deliverables):
        again = any(before.kind is each.kind for before in deliverables[1:place])
        words = ["result", *([each.kind] if place else []), *([each.format] if again else [])]
        names.append("-".join(words) + ("" if each.format.is_sequence else each.format.suffix))
    return tuple(names)
