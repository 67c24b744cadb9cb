# SPDX-License-Identifier: GPL-3.0-or-later
"""What a codec changes, measured while it writes: each packet is decoded at once and held against its frame."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import av
import numpy as np
from av.codec import CodecContext

from maskedit.media.colour import PlateColour
from maskedit.media.containers import plate_from_frame
from maskedit.media.pixels import ColourModel
from maskedit.media.plate import PlateFrame

CODE_BITS = 10
_NAMES = {ColourModel.YUV: ("luma", "chroma", "chroma"), ColourModel.RGB: ("colour",) * 3, ColourModel.GRAY: ("luma",)}


@dataclass(frozen=True)
class CodecError:
    """Largest and mean absolute error, in codes of 10 bits, of each kind of sample: luma, chroma (or colour), alpha."""

    max: dict[str, float]
    mean: dict[str, float]


class Fidelity:
    """Compares the packets of an encoder, one for each frame and in their order, with the frames that went in.

    `decoder`: FFmpeg's name of a codec without prediction between frames; `tag`: four letters by which it knows its
    kind. Frames that the encoder still holds are held here too, no others.
    """

    def __init__(self, decoder: str, *, tag: str, width: int, height: int) -> None:
        context = CodecContext.create(decoder, "r")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.codec_tag = width, height, tag
        context.thread_type = "SLICE"  # threads over frames would answer late
        self._decoder = context
        self._expected: deque[PlateFrame] = deque()
        self._worst: dict[str, float] = {}
        self._sums: dict[str, tuple[float, int]] = {}

    @property
    def error(self) -> CodecError:
        """That of all frames compared so far."""
        means = {name: total / max(count, 1) for name, (total, count) in self._sums.items()}
        return CodecError(max=dict(self._worst), mean=means)

    def expect(self, plate: PlateFrame) -> None:
        """The frame that goes into the encoder next."""
        self._expected.append(plate)

    def compare(self, packet: av.Packet) -> None:
        """Decode the next packet, and add its error."""
        for frame in self._decoder.decode(packet):
            plate = self._expected.popleft()
            decoded = plate_from_frame(frame, plate.number, colour=PlateColour(), pts=0, time_base=plate.time_base)
            names = (*_NAMES[plate.layout.model], "alpha")
            shifts = CODE_BITS - plate.layout.depth, CODE_BITS - decoded.layout.depth
            for name, before, after in zip(names, plate.planes, decoded.planes, strict=False):
                error = np.abs(
                    np.ldexp(before.astype(np.float32), shifts[0]) - np.ldexp(after.astype(np.float32), shifts[1])
                )
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + float(error.sum(dtype=np.float64)), count + error.size
                self._worst[name] = max(self._worst.get(name, 0.0), float(error.max()))
