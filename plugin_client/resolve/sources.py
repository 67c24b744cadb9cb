# SPDX-License-Identifier: GPL-3.0-or-later
"""The clip that a result was made from, as it is on the timeline now: people go on cutting while we render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.api import ask, item_by_id
from plugin_client.resolve.orders import Order
from plugin_client.resolve.reading import read_item


@dataclass(frozen=True, kw_only=True)
class Source:
    """`track`: its video track now, or the one that it lay on. `item`: None once it is deleted. `is_rendered`: it has
    no file of its own. `notes`: sentences about what has become of it.
    """

    track: int
    item: Any | None
    is_rendered: bool
    notes: tuple[str, ...] = ()

    @property
    def clip(self) -> Any | None:
        """Of the media pool, if it is still there and what was edited is its file."""
        return None if self.item is None or self.is_rendered else self.item.GetMediaPoolItem()


def source_now(project: Any, timeline: Any, order: Order) -> Source:
    """The source, and what has become of it since it was read. Raises BadInput if Resolve does not answer."""
    spot, is_rendered = order.spot, not order.shot.media
    found = item_by_id(timeline, spot.item, track=spot.track)
    if found is None:
        gone = f"{spot.item_name} is not on the timeline any more: the result lies where it was, without its looks."
        return Source(is_rendered=is_rendered, track=spot.track, item=None, notes=(gone,))
    track, item = found
    if (ask(item, "GetStart"), ask(item, "GetDuration")) != (spot.frame, spot.length):
        moved = f"{spot.item_name} was moved or trimmed since the edit began: the result lies where it was then."
        return Source(is_rendered=is_rendered, track=track, item=item, notes=(moved,))
    try:
        now = read_item(project, timeline, item)
        is_same = (now.shot.media, now.spot.first, now.spot.retimed) == (order.shot.media, spot.first, spot.retimed)
    except BadInput:
        is_same = False
    # Of what Resolve renders, nobody knows the first frame.
    if is_same or is_rendered:
        return Source(is_rendered=is_rendered, track=track, item=item)
    other = (
        f"{spot.item_name} was slipped, retimed or replaced since the edit began: the result shows it as it was then."
    )
    return Source(is_rendered=is_rendered, track=track, item=item, notes=(other,))
