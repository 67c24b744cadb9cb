# SPDX-License-Identifier: GPL-3.0-or-later
"""A long take whose perfect edit is known: the camera walks, the thing to repaint comes nearer and grows.

Frames are drawn one by one, whatever their size: nothing of the clip is held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.media import ClipWriter, PlateFrame, write_picture
from maskedit.media.colour import PlateColour
from maskedit.request import (
    ColourTag,
    CompositeMatte,
    Deliverable,
    EditRequest,
    FrameRange,
    Keyframe,
    Matte,
    MediaFacts,
    MediaReference,
    Origin,
    Preset,
    Region,
)

Codes = NDArray[np.uint8]

# Shares of the picture's height: the thing's side at first, how far the camera goes each way, and the thing with it.
_SIDE, _WALK, _SWAY = 0.3, 0.25, 0.1
# By how much the thing grows over the whole take.
_GROWTH = 1.8


@dataclass(frozen=True)
class LongTake:
    """`frames` frames of `width` x `height`, 8-bit R'G'B'."""

    width: int
    height: int
    frames: int

    def shown(self, frame: int) -> tuple[Codes, Codes, Codes]:
        """The plate, its perfect edit (H, W, 3) and the matte (H, W), white inside, of one frame."""
        ground, plain, painted = self._sheets
        along = frame / (self.frames - 1)
        walk = _WALK * self.height * np.array([1 + along, 1 + math.sin(2 * math.pi * along) / 2])
        plate = self._placed(ground, shift=-walk, scale=self._enlarged)
        scale = self._enlarged * (1 + (_GROWTH - 1) * along)
        centre = np.array([self.width, self.height]) / 2 + _SWAY * self.height * np.array(
            [math.sin(3 * math.pi * along), math.cos(2 * math.pi * along)]
        )
        corner = centre - scale * len(plain) / 2
        whole = np.full(plain.shape[:2], 255, np.uint8)
        matte = self._placed(whole, shift=corner, scale=scale, beyond=cv2.BORDER_CONSTANT)
        looks = (self._placed(look, shift=corner, scale=scale) for look in (plain, painted))
        before, after = (np.where(matte[..., None] > 127, look, plate) for look in looks)
        return before, after, np.where(matte > 127, 255, 0).astype(np.uint8)

    def request(self, folder: Path, *, preset: Preset = Preset.DRAFT) -> EditRequest:
        """The edit of the take, its first frame painted; clip, matte and keyframe are written to `folder`."""
        clip, matte, key = folder / "clip.mkv", folder / "matte.mkv", folder / "key.png"
        self._write(clip, (before for before, _, _ in self._drawn()), pixel_format="gbrp")
        self._write(matte, (drawn for _, _, drawn in self._drawn()), pixel_format="gray")
        write_picture(key, self.shown(0)[1].astype(np.float32) / 255)

        def reference(path: Path) -> MediaReference:
            return MediaReference(locations=(str(path),))

        region = Region(
            mattes=(Matte(media=reference(matte)),), grow_px=2, feather_px=2, composite=CompositeMatte.DRAWN
        )
        return EditRequest(
            target=reference(clip),
            regions=(region,),
            keyframes=(Keyframe(frame=0, image=reference(key)),),
            preset=preset,
        )

    def _drawn(self) -> Iterator[tuple[Codes, Codes, Codes]]:
        return map(self.shown, range(self.frames))

    @property
    def _enlarged(self) -> int:
        """How many pixels one of a drawn sheet covers: its detail is so coarse that more would show nothing."""
        return max(1, self.height // 540)

    @cached_property
    def _sheets(self) -> tuple[Codes, Codes, Codes]:
        """The ground, as far as the camera sees it, and the thing before and after it is painted."""
        width, height = self.width // self._enlarged, self.height // self._enlarged
        side, reach = round(_SIDE * height), 2 * round(2 * _WALK * height)
        finest = max(2, side // 60)
        return (
            _texture(width + reach, height + reach, finest=max(2, height // 120), seed=0),
            _texture(side, side, finest=finest, seed=1),
            _texture(side, side, finest=finest, seed=2, tint=(1.0, 0.6, 0.35)),
        )

    def _placed(
        self, sheet: Codes, *, shift: NDArray[np.float64], scale: float, beyond: int = cv2.BORDER_REFLECT
    ) -> Codes:
        way = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        placed = cv2.warpAffine(sheet, way, (self.width, self.height), flags=cv2.INTER_LINEAR, borderMode=beyond)
        return np.asarray(placed, np.uint8)

    def _write(self, path: Path, pictures: Iterator[Codes], *, pixel_format: str) -> None:
        full = ColourTag(name="pc", origin=Origin.TAGGED)
        facts = MediaFacts(
            frame_count=self.frames,
            width=self.width,
            height=self.height,
            rate=Fraction(24),
            pixel_format=pixel_format,
            range=full,
        )
        frames = FrameRange(first=0, last=self.frames - 1)
        matrix = "gbr" if pixel_format == "gbrp" else "bt709"
        with ClipWriter(path, facts=facts, deliverable=Deliverable(), source="%d.png", frames=frames) as writer:
            for number, picture in enumerate(pictures):
                planes = (picture,) if picture.ndim == 2 else tuple(picture[..., channel] for channel in (1, 2, 0))
                colour = PlateColour(matrix=matrix, range="pc")
                writer.write(PlateFrame(number=number, planes=planes, pixel_format=pixel_format, colour=colour))


def _texture(
    width: int, height: int, *, finest: int, seed: int, tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Codes:
    """(height, width, 3): soft noise of three sizes, the finest detail `finest` pixels wide."""
    generator = np.random.default_rng(seed)
    sheet = np.zeros((height, width, 3), np.float32)
    colours = np.array(tint, np.float32)
    for octave, share in enumerate((0.3, 0.35, 0.35)):
        step = max(1, finest * 3**octave)
        coarse = generator.random((height // step + 2, width // step + 2, 3), np.float32)
        sheet += np.float32(share) * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.rint(np.clip(sheet * colours, 0, 1) * 220 + 15).astype(np.uint8)
