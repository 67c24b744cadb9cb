# SPDX-License-Identifier: GPL-3.0-or-later
"""The region of a clip as a model sees it, and the order in which it is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from maskedit.draft import drafts
from maskedit.geometry import CropTrack, pad_indices, windows
from maskedit.painting import Picture
from maskedit.request import FrameRange


def to_picture(video: Tensor) -> Picture:
    """One frame (1, 3, 1, H, W) in [-1, 1] → (H, W, 3) in [0, 1]."""
    return np.ascontiguousarray(video[0, :, 0].permute(1, 2, 0).add(1).div(2).clamp(0, 1).numpy())


def to_video(picture: Picture) -> Tensor:
    """(H, W, 3) in [0, 1] → one frame (1, 3, 1, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None, :, None].mul(2).sub(1)


@dataclass(frozen=True)
class Window:
    """A stretch of the clip in the order in which it is rendered, already padded to 4n+1.

    `frames`: clip frame numbers (descending when rendered backwards in time), without the padding. `video`
    (1, 3, T, H, W) in [-1, 1] and `edit_matte` (1, 1, T, H, W) hold those frames, the last one repeated. `given`: the
    places in the window, from 0, of the frames that are given whole. `draft` as `video` and `confidence` as
    `edit_matte`: the shot's, where it has them.
    """

    frames: tuple[int, ...]
    video: Tensor
    edit_matte: Tensor
    given: tuple[int, ...] = (0,)
    draft: Tensor | None = None
    confidence: Tensor | None = None


@dataclass(frozen=True)
class Shot:
    """The crop around the region at model size.

    `track`: where in the source each frame's crop lies. `video` (1, 3, T, H, W) in [-1, 1] and `edit_matte`
    (1, 1, T, H, W) 0/1 hold frames `frames.first` … `.last`;
    `edited` holds the keyframes at the same crop, frame number → (1, 3, 1, H, W), the plate outside the region.
    `configuration` and `given_keyframes`: what a window tells the model (see `presets.Recipe`). `draft` as `video`:
    the keyframes carried along by optical flow; `confidence` as `edit_matte`, in [0, 1]: how sure it is.
    """

    frames: FrameRange
    track: CropTrack
    video: Tensor
    edit_matte: Tensor
    edited: dict[int, Tensor]
    configuration: str = "masked"
    given_keyframes: str = "first"
    draft: Tensor | None = None
    confidence: Tensor | None = None

    def at(self, frame: int) -> tuple[Tensor, Tensor]:
        """Plate (1, 3, 1, H, W) and edit matte (1, 1, 1, H, W) of one clip frame."""
        index = frame - self.frames.first
        return self.video[:, :, index : index + 1], self.edit_matte[:, :, index : index + 1]

    def window(self, frames: tuple[int, ...]) -> Window:
        """Those clip frames as one window, its first frame given whole, and the keyframes in it if all are to be."""
        index = torch.tensor([frames[i] - self.frames.first for i in pad_indices(len(frames))])
        edit_matte = self.edit_matte[:, :, index]
        if self.configuration == "naive":
            edit_matte = torch.ones_like(edit_matte)
        also = self.edited if self.given_keyframes == "all" else ()
        given = tuple(i for i, frame in enumerate(frames) if i == 0 or frame in also)
        return Window(
            frames=frames,
            video=self.video[:, :, index],
            edit_matte=edit_matte,
            given=given,
            draft=None if self.draft is None else self.draft[:, :, index],
            confidence=None if self.confidence is None else self.confidence[:, :, index],
        )

    def drafted(self) -> Shot:
        """This shot with its keyframes carried along by optical flow."""
        return self.carrying([self.edited])[0]

    def carrying(self, looks: Sequence[Mapping[int, Tensor]]) -> list[Shot]:
        """This shot with the draft that its motion makes of each of the `looks`: frame number → (1, 3, 1, H, W).

        All looks are of the same frames.
        """
        found = drafts(
            [to_picture(frame) for frame in self.video.split(1, dim=2)],
            list(self.edit_matte[0, 0].numpy()),
            looks=[
                {frame - self.frames.first: to_picture(picture) for frame, picture in look.items()} for look in looks
            ],
        )
        return [
            replace(
                self,
                draft=torch.cat([to_video(drafted.picture) for drafted in clip], dim=2),
                confidence=torch.from_numpy(np.stack([drafted.confidence for drafted in clip]))[None, None],
            )
            for clip in found
        ]

    def stretches(self, *, length: int, overlap: int) -> tuple[tuple[int, ...], ...]:
        """The clip frame numbers of every window, in the order of rendering.

        From the first keyframe forwards to the end, then backwards in time to the start if frames lie before it.
        Each window begins with at least `overlap` frames of the one before (the keyframe alone in a pass's first).
        """
        start = min(self.edited)
        forwards = tuple(range(start, self.frames.last + 1))
        backwards = tuple(range(start, self.frames.first - 1, -1))
        return tuple(
            tuple(frames[i] for i in window)
            for frames in (forwards, backwards)
            if len(frames) > 1
            for window in windows(len(frames), length=length, overlap=min(overlap, length - 1))
        )
