# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rooms of the Resolve client hand to each other: plain values that outlive Resolve's own objects."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Shot


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where a result goes: frozen when an edit is submitted, whatever becomes of the timeline meanwhile.

    `project`, `timeline`, `item`: Resolve's unique ids; the names are for messages. `track`: the source's video track,
    from 1. `frame` and `length`: the source on the timeline, in the timeline's frames, counted from midnight as
    `GetStart` counts. `first`: the media's frame that lies at `frame`. `retimed`: how many of the media's frames a
    retimed source shows; 0 at 100 %. `rate`: of the timeline.
    """

    project: str
    project_name: str
    timeline: str
    timeline_name: str
    item: str
    item_name: str
    track: int
    frame: int
    length: int
    rate: Fraction
    first: int = 0
    retimed: int = 0

    @property
    def end(self) -> int:
        """The frame after the last one."""
        return self.frame + self.length

    def as_text(self) -> str:
        """One line of JSON, for `Shot.place` and for files."""
        return json.dumps(asdict(self) | {"rate": str(self.rate)}, ensure_ascii=False)


def spot_from(text: str) -> Spot:
    """The inverse of `Spot.as_text`. Raises BadInput for anything else."""
    try:
        values = json.loads(text)
        return Spot(**values | {"rate": Fraction(values["rate"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(
            "This shot does not say where it lies in Resolve: select the clip there and open it again."
        ) from (error)


@dataclass(frozen=True, kw_only=True)
class ItemShot:
    """One timeline item as a clip. `shot.media` is its file, "" where `is_rendered`: a compound clip, a Fusion clip, a
    generator, whose pictures Resolve has to render first, numbered from 0 at the item's first frame.

    `shot.place` is `spot` as text. `size`: of the media in pixels, (0, 0) if Resolve does not say. `notes`: sentences
    that the user should see before editing.
    """

    shot: Shot
    spot: Spot
    size: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()

    @property
    def is_rendered(self) -> bool:
        return not self.shot.media

    @property
    def is_retimed(self) -> bool:
        """Then `shot.frames` is the part of the media that it shows at any speed, with handles."""
        return self.spot.retimed > 0
