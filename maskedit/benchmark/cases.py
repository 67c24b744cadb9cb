# SPDX-License-Identifier: GPL-3.0-or-later
"""One case of the benchmark: a clip, what may change in it, what is painted, and the perfect edit (torch-free)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from maskedit.media import write_picture

Clip = NDArray[np.uint8]

RATE = Fraction(25)


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """8-bit clips (T, H, W, 3) `source` and `truth`, and the white `matte` (T, H, W) outside which both are equal.

    `keyframes`: the frames whose truth is painted by hand, the first is 0. `judged`: the frames held against the
    truth, none = all; keyframes never are. `uncovered` (T, H, W), where given: the part of the matte that is judged,
    white where something shows that no keyframe showed. `about` says in a few words what the case asks.
    """

    name: str
    about: str
    source: Clip
    truth: Clip
    matte: Clip
    keyframes: tuple[int, ...] = (0,)
    judged: tuple[int, ...] = ()
    uncovered: Clip | None = None

    @property
    def clip_digest(self) -> str:
        """Names what stage 1 sees: clip and matte, not the edit."""
        return _digest(self.source, self.matte)

    @property
    def digest(self) -> str:
        """Names everything that a result on this case hangs on."""
        judged = b"" if self.uncovered is None else self.uncovered
        return _digest(self.source, self.matte, self.truth, repr((self.keyframes, self.judged)).encode(), judged)


@dataclass(frozen=True, kw_only=True)
class CaseFiles:
    """A case as files that any edit can be asked for with. `keyframes`: frame number → picture."""

    source: Path
    matte: Path
    truth: Path
    keyframes: dict[int, Path]
    uncovered: Path | None


def write_case(case: Case, folder: Path) -> CaseFiles:
    """Write the case as lossless files into `folder`; a picture in it shows every keyframe whole."""
    folder.mkdir(parents=True, exist_ok=True)
    keyframes = {frame: folder / f"keyframe-{frame:04d}.png" for frame in case.keyframes}
    for frame, path in keyframes.items():
        write_picture(path, case.truth[frame].astype(np.float32) / 255)
    clips = {"source": case.source, "truth": case.truth, "matte": _grey(case.matte)}
    if case.uncovered is not None:
        clips["uncovered"] = _grey(case.uncovered)
    for name, frames in clips.items():
        write_clip(folder / f"{name}.mkv", frames)
    return CaseFiles(
        source=folder / "source.mkv",
        matte=folder / "matte.mkv",
        truth=folder / "truth.mkv",
        keyframes=keyframes,
        uncovered=None if case.uncovered is None else folder / "uncovered.mkv",
    )


def write_clip(path: Path, frames: Clip, *, rate: Fraction = RATE) -> None:
    """(T, H, W, 3) as FFV1 in RGB: decoded again bit for bit."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))


def _grey(matte: Clip) -> Clip:
    return matte[..., None].repeat(3, axis=-1)


def _digest(*parts: Clip | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        shape = b"" if isinstance(part, bytes) else repr(part.shape).encode()
        digest.update(shape + (part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes()))
    return digest.hexdigest()
