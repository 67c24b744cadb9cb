# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawn matte of a document, frame by frame, as a server makes it of the same files (no Qt)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.mattes import open_matte
from maskedit.mattes.combining import combine
from maskedit.mattes.readers import MatteReader, RotoMatte
from maskedit.mattes.roto import RotoFile, Shape, Stroke
from maskedit.request import Matte, MatteChannel, MediaFacts, MediaReference
from plugin_client.core.requests import MatteFile
from plugin_client.panel.mattes.files import Laid, pile
from plugin_client.panel.model.document import Document

Codes = NDArray[np.uint8]
Picture = NDArray[np.float32]


def reduced(facts: MediaFacts, *, most_px: int) -> MediaFacts:
    """The facts of the same clip in a size of at most `most_px` pixels; unchanged if it has no more."""
    scale = sqrt(most_px / (facts.width * facts.height))
    if scale >= 1:
        return facts
    return replace(facts, width=max(1, int(facts.width * scale)), height=max(1, int(facts.height * scale)))


def reader_of(matte: RotoFile | MatteFile, facts: MediaFacts, *, workspace: Path) -> MatteReader:
    """What yields one matte of the pile at the size of `facts`. Raises InputError as `open_matte` does."""
    if isinstance(matte, RotoFile):
        return RotoMatte(roto=matte, width=facts.width, height=facts.height)
    media = MediaReference(locations=(str(workspace / matte.path),))
    told = Matte(media=media, channel=MatteChannel(matte.channel), invert=matte.invert, first_frame=matte.first_frame)
    return open_matte(told, facts=facts)


@dataclass(frozen=True)
class Scene:
    """The edit mattes of `document` over a clip with these `facts`, whose size they are made in.

    The roto's coordinates refer to the clip's own size, `source`.
    """

    document: Document
    source: MediaFacts
    facts: MediaFacts
    workspace: Path

    @cached_property
    def pile(self) -> tuple[Laid, ...]:
        return pile(self.document, self.source)

    def look(self, frame: int) -> Hashable:
        """Equal for two frames, or two documents, whose mattes are drawn alike there."""
        place = (self.workspace, self.facts.width, self.facts.height)
        return (*place, *(_look(laid, frame) for laid in self.pile))

    def mattes(self, first: int, last: int) -> Iterator[tuple[int, Picture]]:
        """(number, (H, W) float32 in [0, 1]) of frames `first` to `last`, in order. Raises InputError."""
        readers = [reader_of(laid.matte, self.facts, workspace=self.workspace) for laid in self.pile]
        streams = [reader.frames(first, last) for reader in readers]
        for frame in range(first, last + 1):
            yield frame, self.combined([next(stream)[1] for stream in streams])

    def combined(self, mattes: list[Picture | None]) -> Picture:
        """The mattes of the whole pile, from the bottom to the top, as one; None counts as empty."""
        if len(mattes) == 1 and mattes[0] is not None and not self.pile[0].subtract:
            return mattes[0]
        laid = ((matte, use.subtract) for matte, use in zip(mattes, self.pile, strict=True) if matte is not None)
        return combine(laid, onto=np.zeros((self.facts.height, self.facts.width), np.float32))


def to_codes(matte: Picture) -> Codes:
    """[0, 1] as 8-bit codes, read-only."""
    codes = np.asarray(cv2.convertScaleAbs(matte, alpha=255), np.uint8)
    codes.flags.writeable = False
    return codes


def _look(laid: Laid, frame: int) -> Hashable:
    if isinstance(laid.matte, MatteFile):
        return laid, frame
    return laid.subtract, *(_layer_look(layer, frame) for layer in laid.matte.layers() if layer.is_visible(frame))


def _layer_look(layer: Shape | Stroke, frame: int) -> Hashable:
    """All that `rasterise` takes from a layer for one frame."""
    if isinstance(layer, Shape) and layer.shutter:  # it takes from the frames around too
        return frame, layer.model_dump_json()
    moved = None if layer.transform is None else layer.transform.track.at(frame).tobytes()
    common = (layer.blend, layer.opacity, moved)
    if isinstance(layer, Shape):
        return *common, layer.outline(frame).tobytes(), layer.feathers(frame).tobytes()
    return *common, layer.hardness, layer.width, layer.path(frame).tobytes()
