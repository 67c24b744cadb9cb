# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes from video, image sequence or roto file, frame by frame at the clip's size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from maskedit.errors import InputError
from maskedit.mattes.rasterise import rasterise
from maskedit.mattes.roto import RotoFile, read_roto
from maskedit.media import ClipReader, PlateFrame, probe
from maskedit.media.colour import luma_weights
from maskedit.media.pixels import ColourModel
from maskedit.media.plate import signal_from_codes
from maskedit.request import AlphaMode, Matte, MatteChannel, MediaFacts

# A lossy codec never leaves black quite black: without a floor the region would be the whole frame. Half-way between
# two 8-bit codes, so that a roto and its own rendering to 8 bits mean the same pixels.
FLOOR = 7.5 / 255
_RED, _BLUE = luma_weights("bt709")
LUMA = np.array([_RED, 1 - _RED - _BLUE, _BLUE], dtype=np.float32)


class MatteReader(Protocol):
    """Anything that yields the edit matte of each frame: (number, (H, W) float32 in [0, 1], 1 = edit)."""

    def frames(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        """The mattes of frames `first` … `last`, both included, in order."""
        ...


def open_matte(matte: Matte, *, facts: MediaFacts) -> MatteReader:
    """Open a matte for a clip with these `facts`; every matte it yields has the clip's size.

    Raises InputError, saying what to do, if the matte is missing, malformed, of another aspect or of another length.
    """
    path = matte.media.path
    if Path(path).suffix.lower() == ".json":
        roto = read_roto(path)
        _check_aspect(path, *roto.size, facts=facts)
        return RotoMatte(roto=roto, width=facts.width, height=facts.height, invert=matte.invert)
    first_number = matte.media.first_number or None
    found = probe(path, first_number=first_number)
    _check_aspect(path, found.width, found.height, facts=facts)
    offset = _first_frame(matte, found, facts=facts)
    use_alpha = found.alpha_mode is not AlphaMode.NONE and matte.channel is not MatteChannel.LUMA
    if matte.channel is MatteChannel.ALPHA and not use_alpha:
        raise InputError(f"The matte {path} has no alpha channel: read its luma instead.")
    if use_alpha and matte.channel is MatteChannel.AUTO:
        use_alpha = _alpha_says_something(path, first_number)
    return PictureMatte(
        path=path,
        first_number=first_number,
        first_frame=offset,
        frame_count=found.frame_count,
        width=facts.width,
        height=facts.height,
        use_alpha=use_alpha,
        invert=matte.invert,
    )


def _first_frame(matte: Matte, found: MediaFacts, *, facts: MediaFacts) -> int:
    """The clip's frame that the matte's frame 0 shows. Refuses a matte that is not as long as it says."""
    path, first = matte.media.path, matte.first_frame
    if first is None and found.frame_count != facts.frame_count:
        raise InputError(
            f"The matte {path} has {found.frame_count} frames but the clip has {facts.frame_count}: "
            "export the matte over the whole clip."
        )
    if first is not None and not 0 <= first <= facts.frame_count - found.frame_count:
        raise InputError(
            f"The matte {path} covers frames {first}-{first + found.frame_count - 1} but the clip has frames "
            f"0-{facts.frame_count - 1}: export the matte over frames of the clip."
        )
    return first or 0


def _check_aspect(path: str, width: int, height: int, *, facts: MediaFacts) -> None:
    """Refuse a matte whose size is not the clip's times one factor, to within a pixel of rounding."""
    if min(abs(height - width * facts.height / facts.width), abs(width - height * facts.width / facts.height)) > 1:
        raise InputError(
            f"The matte {path} is {width}x{height}, which is not the shape of the clip's {facts.width}x{facts.height}: "
            "make the matte in the clip's size."
        )


def _alpha_says_something(path: str, first_number: int | None) -> bool:
    """White-on-black pictures often carry an alpha that is 1 everywhere; then their luma is the matte."""
    with ClipReader(path, first_number=first_number) as clip:
        alpha = next(clip.frames(0, 0)).alpha()
    return alpha is not None and bool((alpha < 1).any())


def _settled(matte: np.ndarray) -> np.ndarray:
    """Almost nothing is nothing and almost everything is everything."""
    settled = matte.astype(np.float32)
    np.copyto(settled, 0, where=matte < FLOOR)
    np.copyto(settled, 1, where=matte > 1 - FLOOR)
    return settled


def _luma(frame: PlateFrame) -> np.ndarray:
    """(H, W) in [0, 1]; YUV and grey plates hold it as it is."""
    if frame.layout.model is ColourModel.RGB:
        return frame.rgb() @ LUMA
    return np.clip(signal_from_codes(frame.planes[0], frame.layout, 0, frame.colour), 0, 1)


@dataclass(frozen=True, kw_only=True)
class RotoMatte:
    """A roto file, rasterised at the clip's size."""

    roto: RotoFile
    width: int
    height: int
    invert: bool = False

    def frames(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        for number in range(first, last + 1):
            matte = _settled(rasterise(self.roto, number, width=self.width, height=self.height))
            yield number, 1 - matte if self.invert else matte


@dataclass(frozen=True, kw_only=True)
class PictureMatte:
    """A video or image sequence whose alpha or luma is the matte, resized to the clip's size.

    Its `frame_count` pictures show the clip's frames from `first_frame` on. Raises InputError for frames beyond them.
    """

    path: str
    first_number: int | None
    first_frame: int
    frame_count: int
    width: int
    height: int
    use_alpha: bool
    invert: bool = False

    def frames(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        end = self.first_frame + self.frame_count
        if not self.first_frame <= first <= last < end:
            raise InputError(
                f"The matte {self.path} covers frames {self.first_frame}-{end - 1} but frames {first}-{last} are to be "
                "edited: export the matte over all of them."
            )
        with ClipReader(self.path, first_number=self.first_number) as clip:
            for frame in clip.frames(first - self.first_frame, last - self.first_frame):
                yield frame.number + self.first_frame, self._matte_of(frame)

    def _matte_of(self, frame: PlateFrame) -> np.ndarray:
        alpha = frame.alpha() if self.use_alpha else None
        matte = _luma(frame) if alpha is None else alpha
        if matte.shape != (self.height, self.width):
            shrinking = matte.size > self.width * self.height
            how = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
            matte = cv2.resize(matte, (self.width, self.height), interpolation=how)
        matte = _settled(matte)
        return 1 - matte if self.invert else matte
