# SPDX-License-Identifier: GPL-3.0-or-later
"""Which channel is free for a result."""

from __future__ import annotations

from typing import Any

from plugin_client.blender import versions
from plugin_client.core.errors import BadInput


def free_channel(holder: Any, *, above: int, start: int, length: int) -> int:
    """The lowest channel above `above` with nothing in it from frame `start` on for `length` frames.

    `holder`: the scene or meta strip to look in. Channels that the user has muted or locked are passed over: a
    result would be unseen there, or could not be touched. Raises BadInput if there is none.
    """
    strips = versions.top_strips(holder)
    closed = versions.closed_channels(holder)
    for channel in range(above + 1, versions.max_channel() + 1):
        if channel not in closed and versions.is_free(strips, channel, start=start, length=length):
            return channel
    raise BadInput(
        f"No channel above {above} is free from frame {start} to {start + length - 1}: make room in one up to "
        f"{versions.max_channel()}."
    )
