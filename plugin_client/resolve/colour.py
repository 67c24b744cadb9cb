# SPDX-License-Identifier: GPL-3.0-or-later
"""The result's clip in the media pool told to be what its source is told to be: then Resolve shows both alike."""

from __future__ import annotations

from typing import Any

from plugin_client.resolve.api import insist

# Some versions refuse a gamma once there is a colour space.
_TAGS = ("Input Gamma", "Input Color Space", "Data Level")
_ALPHA = "Alpha mode"


def copy_tags(source: Any, result: Any, *, has_alpha: bool) -> tuple[str, ...]:
    """Give the media pool's clip `result` the colour tags of `source`, and straight alpha if it `has_alpha`.

    `source`: a clip of the media pool, or None for what has none. Returns a sentence about what Resolve does not take;
    nothing is raised for that, the result is in place all the same.
    """
    wanted = {name: _told(source, name) for name in _TAGS} if source is not None else {}
    if has_alpha:
        wanted[_ALPHA] = "Straight"
    refused = [f"{name} ({value})" for name, value in wanted.items() if value and not _set(result, name, value)]
    if not refused:
        return ()
    return (f"Resolve did not take {', '.join(refused)} for the result: set it in its clip attributes.",)


def _set(clip: Any, name: str, value: str) -> bool:
    """Whether the clip has that value now, whatever setting it was said to do."""
    if _told(clip, name) == value:
        return True
    insist(clip, "SetClipProperty", name, value)
    return _told(clip, name) == value


def _told(clip: Any, name: str) -> str:
    # "" where there is no such property, and None where the call fails: it is asked twice.
    return str(clip.GetClipProperty(name) or clip.GetClipProperty(name) or "")
