# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rooms of the add-on hand to each other: plain values that outlive Blender's own objects.

A reference to a strip does not survive undo, a file load or a script that removes it; names and numbers do.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from plugin_client.core.host import Shot


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where a result goes: frozen when an edit is submitted, whatever becomes of the timeline meanwhile.

    `scene`: the sequencer's scene by name; `meta`: the meta strip that the source lies in, "" = the timeline itself.
    `frame` and `length`: the source's visible part on the timeline, in the scene's frames; `channel`: the source's own.
    """

    scene: str
    strip: str
    frame: int
    length: int
    channel: int
    meta: str = ""

    @property
    def place(self) -> str:
        """The spot as `Shot.place` holds it."""
        return json.dumps(asdict(self))


def spot_at(place: str) -> Spot:
    """The spot that a shot of this add-on lies at."""
    return Spot(**json.loads(place))


@dataclass(frozen=True, kw_only=True)
class StripShot:
    """One strip as a clip. `shot.media` is the file that the strip shows, "" where `is_rendered`: a scene or meta
    strip, whose pictures Blender has to make first, numbered from 0 at the strip's first visible frame.

    `size`: of the media in pixels, (0, 0) if Blender cannot say.
    """

    shot: Shot
    spot: Spot
    is_rendered: bool = False
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class MatteChoice:
    """Where the matte comes from. `kind`: "mask" (a mask datablock), "mask_strip", "luma" or "alpha" (of another
    strip), or "file" (a video, pictures `matte.%04d.png`, a roto file). `name`: of the datablock or strip, or the path.
    """

    kind: str
    name: str
    invert: bool = False


@dataclass(frozen=True, kw_only=True)
class PaintedFrame:
    """An edited picture. `frame`: of the shot's media, from 0."""

    frame: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """One edit as the user has asked for it, frozen: nothing in it changes while the user goes on cutting.

    `deliver`: "patch" (straight alpha) or "full". `folder`: where results go, absolute. `name`: what people call it.
    `priority`: "low", "normal" or "high", of those that wait at the server.
    """

    strip_shot: StripShot
    matte: MatteChoice
    keyframes: tuple[PaintedFrame, ...]
    folder: str
    name: str
    prompt: str = ""
    preset: str = "standard"
    model: str = ""
    seed: int = 0
    deliver: str = "patch"
    settings: dict[str, object] = field(default_factory=dict)
    parent: str = ""
    priority: str = "normal"
