# SPDX-License-Identifier: GPL-3.0-or-later
"""The item that a spot names, on the timeline as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.api import ask, item_by_id, open_project, timeline_by_id
from plugin_client.resolve.spots import Spot


@dataclass(frozen=True, kw_only=True)
class Found:
    """Resolve's own objects, for as long as the user leaves them there. `track`: the item's video track, from 1."""

    project: Any
    timeline: Any
    track: int
    item: Any


def find(resolve: Any, spot: Spot) -> Found:
    """The item at `spot`, wherever it was moved on its timeline.

    Raises BadInput if another project is open, or the timeline or the item is gone.
    """
    project = open_project(resolve)
    if ask(project, "GetUniqueId") != spot.project:
        raise BadInput(f"Another project is open in Resolve: open {spot.project_name}, then try again.")
    timeline = timeline_by_id(project, spot.timeline)
    if timeline is None:
        raise BadInput(f"The timeline {spot.timeline_name} is not in the project any more: choose the clip anew.")
    found = item_by_id(timeline, spot.item, track=spot.track)
    if found is None:
        raise BadInput(f"{spot.item_name} is not on {spot.timeline_name} any more: choose the clip anew.")
    return Found(project=project, timeline=timeline, track=found[0], item=found[1])
