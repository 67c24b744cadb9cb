# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of a project that is saved and undone, as one frozen tree (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from maskedit.mattes.roto import Shape, Stroke
from plugin_client.core.requests import Care, MatteFile
from plugin_client.core.timeline import FrameRange


@dataclass(frozen=True, kw_only=True, order=True)
class KeyframePicture:
    """The edited picture of one frame. `path`: relative to the project's workspace where it lies in there."""

    frame: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How the edit is to be made: the fields of `core.requests.EditOptions` that are no media.

    `finish` and `settings` are (name, value) pairs of what differs from the preset. `seed_locked`: the seed stays from
    run to run.
    """

    preset: str = "standard"
    model: str = ""
    prompt: str = ""
    seed: int = 0
    seed_locked: bool = False
    grow_px: int | None = None
    feather_px: int | None = None
    loosening: str = "grown"
    composite: str = "found"
    colour: str = ""
    finish: tuple[tuple[str, float], ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()
    care: Care = field(default_factory=Care)

    def with_setting(self, name: str, value: Any | None) -> Choices:
        """These choices with the setting `name` at `value`; None leaves it to the preset again."""
        return replace(self, settings=_with(self.settings, name, value))

    def with_finish(self, name: str, value: float | None) -> Choices:
        """As `with_setting`, of the finish."""
        return replace(self, finish=_with(self.finish, name, value))


def _with(pairs: tuple[tuple[str, Any], ...], name: str, value: Any | None) -> tuple[tuple[str, Any], ...]:
    values: Mapping[str, Any] = dict(pairs) | {name: value}
    return tuple(sorted((key, kept) for key, kept in values.items() if kept is not None))


@dataclass(frozen=True, kw_only=True)
class Document:
    """One clip and what is to be done to it.

    `clip`: a video file or an image sequence pattern, "" before one is opened. `frames`: in and out, None = the whole
    clip. `shapes` and `strokes` are drawn here, in source pixels; `mattes` are files beside them. `keyframes` in the
    order of their frames, one a frame.
    """

    clip: str = ""
    frames: FrameRange | None = None
    shapes: tuple[Shape, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    mattes: tuple[MatteFile, ...] = ()
    keyframes: tuple[KeyframePicture, ...] = ()
    choices: Choices = field(default_factory=Choices)

    def keyframe_at(self, frame: int) -> KeyframePicture | None:
        """The keyframe on that very frame."""
        return next((keyframe for keyframe in self.keyframes if keyframe.frame == frame), None)

    def with_keyframe(self, keyframe: KeyframePicture) -> Document:
        """This document with that keyframe, in place of an earlier one of the same frame."""
        others = (each for each in self.keyframes if each.frame != keyframe.frame)
        return replace(self, keyframes=tuple(sorted([*others, keyframe])))

    def without_keyframe(self, frame: int) -> Document:
        """This document without the keyframe on that frame."""
        return replace(self, keyframes=tuple(each for each in self.keyframes if each.frame != frame))
