# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawn edits with the draft that optical flow makes of them: what a model that mends drafts learns from.

A draft takes about a second of one processor core, so the edits are made once, by all cores, and kept in the run's
folder. Which edit has which number follows from the seed alone.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskedit.draft import draft
from maskedit.pretraining.config import DraftedClips
from maskedit.synthetic import edited_clips, vary_matte
from maskedit.whole import written_whole

# Half of what an edit's guides have: clips this small show no more, and it takes a third of the time.
_GUIDE_SIDE = 128
_AT_ONCE = 4  # edits that one task draws together


@dataclass(frozen=True)
class DraftedBatch:
    """Edits with their drafts: `truth` and `draft` (B, 3, T, H, W) in [-1, 1]; `confidence` (B, 1, T, H, W) in [0, 1];
    `edit_matte` (B, 1, T, H, W) 0/1; `given` (B, T) bool: the keyframes."""

    truth: Tensor
    draft: Tensor
    confidence: Tensor
    edit_matte: Tensor
    given: Tensor

    def excerpt(self, frames: int, *, side: int, generator: torch.Generator) -> "DraftedBatch":
        """The first `frames` frames, a square of `side` pixels by chance, mirrored and recoloured by chance."""
        y, x = (int(torch.randint(self.truth.shape[-1] - side + 1, (), generator=generator)) for _ in range(2))
        flags = (torch.rand(3, generator=generator) < 0.5).tolist()
        flips = [axis for axis, flag in zip((3, 4), flags, strict=False) if flag]
        colours = torch.randperm(3, generator=generator)

        def seen(clip: Tensor) -> Tensor:
            part = clip[:, :, :frames, y : y + side, x : x + side].flip(flips)
            return part.transpose(3, 4) if flags[2] else part

        return DraftedBatch(
            truth=seen(self.truth)[:, colours],
            draft=seen(self.draft)[:, colours],
            confidence=seen(self.confidence),
            edit_matte=seen(self.edit_matte),
            given=self.given[:, :frames],
        )

    def to(self, device: torch.device) -> "DraftedBatch":
        return DraftedBatch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def make_drafted_clips(
    folder: Path, drafted: DraftedClips, *, seed: int, say: Callable[[str], None], workers: int | None = None
) -> None:
    """Make what is missing of the edits 0 … `drafted.count` - 1 in `folder`, on all cores.

    Raises OSError where they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    starts = [
        start
        for start in range(0, drafted.count, _AT_ONCE)
        if not all(_path(folder, number).exists() for number in range(start, start + _AT_ONCE))
    ]
    if not starts:
        return
    say(f"Drawing {len(starts) * _AT_ONCE} edits and their drafts in {folder}: about a second each and core.")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_make, *zip(*((folder, drafted, seed, start) for start in starts), strict=True)):
            pass


def load_drafted_clips(folder: Path, numbers: list[int]) -> DraftedBatch:
    """The edits of these numbers, which must have been made."""
    loaded = [dict(np.load(_path(folder, number))) for number in numbers]

    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([edit[name] for edit in loaded])).float()

    return DraftedBatch(
        truth=stacked("truth") / 127.5 - 1,
        draft=stacked("draft") / 127.5 - 1,
        confidence=stacked("confidence") / 255,
        edit_matte=stacked("edit_matte"),
        given=stacked("given") > 0,
    )


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:06}.npz"


def _make(folder: Path, drafted: DraftedClips, seed: int, start: int) -> None:
    # One process per core: more threads would only get into each other's way.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for number, edit in enumerate(draw_edits(drafted, seed=seed, start=start), start=start):
        with written_whole(_path(folder, number)) as unfinished, unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **edit)


def draw_edits(drafted: DraftedClips, *, seed: int, start: int) -> Iterator[dict[str, NDArray[np.uint8]]]:
    """The four edits from number `start` on: `truth` and `draft` (3, T, H, W) and `confidence` (1, T, H, W) as 8-bit
    codes, `edit_matte` (1, T, H, W) and `given` (T,) as 0 or 1."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + start)
    frames, side = drafted.frames, drafted.side
    source, truth, coverage = edited_clips(_AT_ONCE, frames, height=side, width=side, generator=generator)
    edit_matte = vary_matte(coverage, generator=generator, lifelike=True)
    truth = torch.where(edit_matte > 0, truth, source)
    for clip in range(_AT_ONCE):
        keyframes = _keyframes(frames, generator=generator)
        plates, edited = (_pictures(video[clip]) for video in (source, truth))
        made = draft(
            plates,
            list(edit_matte[clip, 0].numpy()),
            edited={frame: edited[frame] for frame in keyframes},
            guide_side=_GUIDE_SIDE,
        )
        yield {
            "truth": _codes(np.stack(edited)).transpose(3, 0, 1, 2),
            "draft": _codes(np.stack([frame.picture for frame in made])).transpose(3, 0, 1, 2),
            "confidence": _codes(np.stack([frame.confidence for frame in made]))[None],
            "edit_matte": edit_matte[clip].numpy().astype(np.uint8),
            "given": np.isin(np.arange(frames), keyframes).astype(np.uint8),
        }


def _keyframes(frames: int, *, generator: torch.Generator) -> list[int]:
    """Mostly the first alone, at times the last as well, or any other."""
    draw = float(torch.rand((), generator=generator))
    other = int(torch.randint(1, frames, (), generator=generator))
    return [0] if draw < 0.7 else [0, frames - 1] if draw < 0.85 else [0, other]


def _pictures(video: Tensor) -> list[NDArray[np.float32]]:
    """(3, T, H, W) in [-1, 1] → T pictures (H, W, 3) in [0, 1]."""
    return [np.ascontiguousarray(frame) for frame in ((video + 1) / 2).permute(1, 2, 3, 0).numpy()]


def _codes(signal: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (signal * 255).round().clip(0, 255).astype(np.uint8)
