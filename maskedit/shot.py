# SPDX-License-Identifier: GPL-3.0-or-later
"""The region of a clip as a model sees it, and the order in which it is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from maskedit.draft import Doubts, doubts, drafts, guide
from maskedit.geometry import CropTrack, pad_indices, windows
from maskedit.locking import locked_stretches
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
    places in the window, from 0, of the frames that are given whole. `draft` as `video`, `confidence` and `ignore` as
    `edit_matte`: the shot's, where it has them.
    """

    frames: tuple[int, ...]
    video: Tensor
    edit_matte: Tensor
    given: tuple[int, ...] = (0,)
    draft: Tensor | None = None
    confidence: Tensor | None = None
    ignore: Tensor | None = None


@dataclass(frozen=True)
class Shot:
    """The crop around the region at model size.

    `track`: where in the source each frame's crop lies. `video` (1, 3, T, H, W) in [-1, 1] and `edit_matte`
    (1, 1, T, H, W) 0/1 hold frames `frames.first` … `.last`;
    `edited` holds the keyframes at the same crop, frame number → (1, 3, 1, H, W), the plate outside the region.
    `configuration` and `given_keyframes`: what a window tells the model (see `presets.Recipe`). `draft` as `video`:
    the keyframes carried along by optical flow; `confidence` as `edit_matte`, in [0, 1]: how sure it is. `locked`, as
    `edited`: finished frames of an earlier take, which stay as they are. `ignore`, as `edit_matte`: 1 where the plate
    shows what is not to be learnt.
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
    locked: dict[int, Tensor] = field(default_factory=dict)
    ignore: Tensor | None = None

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
            ignore=None if self.ignore is None else self.ignore[:, :, index],
        )

    def taught_around(self, keyframes: Sequence[int]) -> Shot:
        """This shot as stage 1 learns it, with nothing locked: as if those were its keyframes; () leaves it its own."""
        edited = {frame: self.at(frame)[0] for frame in keyframes} or self.edited
        return replace(self, edited=edited, locked={})

    def doubts(self, *, guessed: Sequence[float] = ()) -> Doubts:
        """What the keyframes do not show of each frame; `guessed` as `draft.doubts` takes it."""
        pictures = [to_picture(frame) for frame in self.video.split(1, dim=2)]
        guides = [guide(picture, matte) for picture, matte in zip(pictures, self.edit_matte[0, 0].numpy(), strict=True)]
        return doubts(guides, {frame - self.frames.first for frame in self.edited}, guessed=guessed)

    def drafted(self) -> Shot:
        """This shot with its keyframes, and its locked frames, carried along by optical flow."""
        return self.carrying([self.edited | self.locked])[0]

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

        From the first keyframe forwards to the end, then backwards in time to the start if frames lie before it; where
        frames are locked, from those into what lies between them. Each window begins with at least `overlap` frames of
        the one before (the keyframe alone in a pass's first).
        """
        if self.locked:
            return locked_stretches(self.frames, self.locked, length=length, overlap=min(max(1, overlap), length - 1))
        start = min(self.edited)
        forwards = tuple(range(start, self.frames.last + 1))
        backwards = tuple(range(start, self.frames.first - 1, -1))
        return tuple(
            tuple(frames[i] for i in window)
            for frames in (forwards, backwards)
            if len(frames) > 1
            for window in windows(len(frames), length=length, overlap=min(overlap, length - 1))
        )
