# SPDX-License-Identifier: GPL-3.0-or-later
"""A range of a clip at proxy size, with its mattes and guides: what a live draft is made of (no Qt)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.colour import View, view_of
from maskedit.draft import Guide, guide
from maskedit.mattes import paste_mattes
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.pixels import ColourModel
from maskedit.presets import Edges
from maskedit.request import MediaFacts, Origin, WorkingColour
from plugin_client.core.timeline import FrameRange

Picture = NDArray[np.float32]
Codes = NDArray[np.uint8]

WIDEST = 640
_NARROWEST = 160
# What plates and drafts of the whole range may take.
_MOST_BYTES = 512 << 20
# Going back in time, so many frames are read at once: seeking costs more than a few that are not needed yet.
_BLOCK = 16


def proxy_size(width: int, height: int, *, frames: int) -> tuple[int, int]:
    """(width, height) of the proxies of a clip: at most 640 px wide, less for long ranges."""
    wide = min(width, WIDEST, max(_NARROWEST, int(math.sqrt(_MOST_BYTES / (6 * frames) * width / height))))
    return wide, max(1, round(wide * height / width))


def reduced(plate: PlateFrame, width: int, height: int) -> PlateFrame:
    """`plate` averaged down to that size, without its alpha; itself where it has that size already.

    Chroma gets the full size, and is off by half a pixel of the source at most.
    """
    if (plate.width, plate.height) == (width, height):
        return plate
    layout = plate.layout
    planes = tuple(
        np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))
        for plane in plate.planes[: layout.colour_planes]
    )
    family = {ColourModel.YUV: "yuv444p", ColourModel.RGB: "gbrp", ColourModel.GRAY: "gray"}[layout.model]
    ending = "f32le" if layout.is_float else "" if layout.depth == 8 else f"{layout.depth}le"
    return replace(plate, planes=planes, pixel_format=f"{family}{ending}")


@dataclass(frozen=True)
class Source:
    """What the proxies are read from. `colour` as in `Choices.colour`; `size` (width, height) of a proxy."""

    clip: str
    colour: str
    frames: FrameRange
    size: tuple[int, int]


Mattes = Callable[[int, int], Iterator[tuple[int, Picture]]]
"""First and last clip frame → (frame, drawn matte (h, w) in [0, 1] at proxy size) of each, in order."""


class Proxies:
    """The frames of a range by their index in it, read when they are first asked for.

    Not for two threads at once.
    """

    def __init__(self, source: Source, drawn: Mattes, edges: Edges) -> None:
        """`edges` in source pixels."""
        self.source, self._drawn, self._edges = source, drawn, edges
        self._plates: dict[int, Codes] = {}
        self._pastes: dict[int, Codes] = {}
        self._guides: dict[int, Guide] = {}

    def __len__(self) -> int:
        return len(self.source.frames)

    def with_mattes(self, drawn: Mattes, edges: Edges) -> Proxies:
        """The same frames under other mattes; what was read of the clip is kept."""
        other = Proxies(self.source, drawn, edges)
        other._plates = self._plates
        return other

    @property
    def facts(self) -> MediaFacts:
        """What the clip is."""
        return self._reader.facts

    @cached_property
    def view(self) -> View:
        """How the clip is seen. Raises InputError where its tags do not say enough."""
        origin = Origin.USER if self.source.colour else Origin.TAGGED
        return view_of(self.facts, WorkingColour(name=self.source.colour, origin=origin))

    def plate(self, index: int) -> Picture:
        """(h, w, 3) in [0, 1]: the frame as displayed, in steps of 8 bits. Raises InputError."""
        return _signal(self._shown.get(index))

    def paste(self, index: int) -> Picture:
        """(h, w) in [0, 1]: how much of the edit the paste shows."""
        return _signal(self._pasted.get(index))

    def edit_matte(self, index: int) -> Picture:
        """(h, w), 0 or 1: wherever the paste shows anything at all."""
        return (self.paste(index) > 0).astype(np.float32)

    def guide(self, index: int) -> Guide:
        """What the motion is found on."""
        if index not in self._guides:
            self._guides[index] = guide(self.plate(index), self.edit_matte(index))
        return self._guides[index]

    @cached_property
    def _reader(self) -> ClipReader:
        return ClipReader(self.source.clip)

    @cached_property
    def _shown(self) -> _Stream:
        """The clip's frames as codes."""

        def read(first: int, last: int) -> Iterator[Codes]:
            for plate in self._reader.frames(first, last):
                yield _codes(self.view.shown(reduced(self.view.understood(plate), *self.source.size)))

        return _Stream(read, self.source.frames, self._plates)

    @cached_property
    def _pasted(self) -> _Stream:
        """The paste mattes as codes."""
        # Steadying over time would need the neighbours' mattes, for an edge that a proxy hardly shows.
        scale = self.source.size[1] / self.facts.height
        grow, feather = round(self._edges.grow_px * scale), round(self._edges.feather_px * scale)
        edges = replace(self._edges, grow_px=grow, feather_px=feather, smooth_frames=0)

        def draw(first: int, last: int) -> Iterator[Codes]:
            return map(_codes, paste_mattes((matte for _, matte in self._drawn(first, last)), edges))

        return _Stream(draw, self.source.frames, self._pastes)


class _Stream:
    """What comes frame after frame, kept in `held` by its index; a frame that lies apart is a new beginning."""

    def __init__(
        self, begin: Callable[[int, int], Iterator[Codes]], frames: FrameRange, held: dict[int, Codes]
    ) -> None:
        self._begin, self._frames, self._held = begin, frames, held
        self._running: Iterator[Codes] = iter(())
        self._next = -1

    def get(self, index: int) -> Codes:
        """What lies at `index` of the range."""
        if index not in self._held:
            if index != self._next:
                self._next = index if index > max(self._held, default=-1) else index - index % _BLOCK
                self._running = self._begin(self._frames.first + self._next, self._frames.last)
            for codes in self._running:
                self._held[self._next] = codes
                self._next += 1
                if self._next > index:
                    break
        return self._held[index]


def _signal(codes: Codes) -> Picture:
    return codes.astype(np.float32) / np.float32(255)


def _codes(signal: Picture) -> Codes:
    return np.rint(signal * np.float32(255)).astype(np.uint8)
