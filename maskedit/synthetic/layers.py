# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lifelike scene is made of: layers, each a look that stays and a path that moves, and the object's shadow."""

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from torch import Tensor

from maskedit.synthetic.scenes import Bend, Motion

INSTANTS = 3  # moments at which the shutter is open; the middle one is the frame's own time


@dataclass(frozen=True)
class Look:
    """What of a layer stays: its picture, outline and build."""

    texture: Tensor  # (B, 3, S, S) in [-1, 1]
    texel: Tensor  # (B,) pixels per pixel of the texture
    outline: Tensor  # (B, 2, K, K), see outlines
    radius: Tensor  # (B,) pixels
    softness: Tensor  # (B,) pixels, of the edge
    tilt_axis: Tensor  # (B,) radians
    joint: Tensor  # (B,) radii from the middle to where a limb hinges
    bend_direction: Tensor  # (B, waves, 2) radians per pixel
    bend_amplitude: Tensor  # (B, waves, 2) pixels
    parallax: Tensor  # (B,) by which the camera's travel is multiplied


@dataclass(frozen=True)
class Path:
    """What of a layer moves, at T instants."""

    motion: Motion
    tilt: Tensor  # (B, T) radians out of the picture's plane
    turn: Tensor  # (B, T) radians of a solid about its own axis
    swing: Tensor  # (B, T) radians of the limb
    bend_phase: Tensor  # (B, T, waves)
    light: Tensor  # (B, T) gain


@dataclass(frozen=True)
class Sheet:
    """One layer of a scene."""

    look: Look
    path: Path

    @property
    def bend(self) -> Bend:
        return Bend(self.look.bend_direction, self.path.bend_phase, self.look.bend_amplitude)


@dataclass(frozen=True)
class Shadow:
    """The soft shadow that the object throws on what is behind it."""

    offset: Tensor  # (B, 2) pixels as x, y
    strength: Tensor  # (B,) share of the light that is lost
    softness: Tensor  # (B,) pixels


@dataclass(frozen=True)
class LifelikeScene:
    """From back to front: background, object, another object where there is one, behind or before, and something near
    the camera where there is."""

    camera: Motion
    background: Sheet
    item: Sheet
    other: Sheet
    foreground: Sheet
    other_behind: Tensor  # (B,) bool
    other_before: Tensor  # (B,) bool
    foreground_there: Tensor  # (B,) bool
    shadow: Shadow


_Whole = TypeVar("_Whole", LifelikeScene, Sheet, Motion)


def excerpt(whole: _Whole, *, members: Tensor, instants: slice | Tensor = slice(None)) -> _Whole:
    """The same for some clips of the batch (indices) and some of the instants."""

    def of(part: Any, timed: bool) -> Any:
        if is_dataclass(part):
            inner = timed or isinstance(part, Motion | Path)
            return replace(part, **{field.name: of(getattr(part, field.name), inner) for field in fields(part)})  # pyright: ignore
        return part[members][:, instants] if timed else part[members]

    return of(whole, False)
