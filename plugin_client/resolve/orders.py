# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a result go where on the timeline, from its shot alone: Resolve is asked nothing here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, Shot
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve.spots import Spot, spot_from


@dataclass(frozen=True, kw_only=True)
class Order:
    """What goes where. `room`: the frames of the timeline that it takes up, of `spot` or of a part of it.

    `skip`: frames of the media before the first that shows. `used`: frames of the media that show. `is_part`: of what a
    retimed clip shows, which has no place of its own on the timeline.
    """

    media: str
    shot: Shot
    spot: Spot
    room: Spot
    skip: int
    used: int
    marks: Marks
    has_alpha: bool
    is_part: bool = False

    @property
    def length(self) -> int:
        """On the timeline: Resolve rounds down."""
        return self.used * self.spot.rate // self.shot.rate


def order_of(media: str, shot: Shot, *, marks: Marks, has_alpha: bool) -> Order:
    """The order for `media` over `shot`, whose frames may be a part of those that were read.

    Raises BadInput for a shot from elsewhere, and for frames that its clip does not show.
    """
    spot = spot_from(shot.place)
    order = Order(media=media, shot=shot, spot=spot, room=spot, skip=0, used=1, marks=marks, has_alpha=has_alpha)
    trouble = f"The result has other frames than {spot.item_name} shows: render the part that it shows."
    if spot.retimed:
        shown = FrameRange(spot.first, spot.first + spot.retimed - 1)
        part = shown.intersection(shot.frames)
        if part is None:
            raise BadInput(trouble)
        order = replace(order, skip=part.first - shot.frames.first, used=len(part), is_part=part != shown)
        return replace(order, room=replace(spot, length=max(order.length, 1)))
    per_frame = spot.rate / shot.rate
    before = math.ceil((shot.frames.first - spot.first) * per_frame)
    length = min(spot.length - before, math.ceil(len(shot.frames) * per_frame))
    if before < 0 or length < 1:
        raise BadInput(trouble)
    # The most frames that do not reach past the source, rounded down.
    used = next(n for n in range(len(shot.frames), 0, -1) if n == 1 or n * spot.rate // shot.rate <= length)
    return replace(order, room=replace(spot, frame=spot.frame + before, length=length), used=used)
