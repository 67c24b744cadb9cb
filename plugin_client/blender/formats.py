# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask the server for, so that Blender shows it right.

Measured in 4.2, 4.5, 5.0 and 5.2: FFV1 in the source's own samples shows the very picture that the source does, while
ProRes differs where colours change abruptly. From 4.5 on a movie with more than 8 bits counts as premultiplied
whatever its strip says, so that straight alpha shines at soft edges; pictures do as their strip says in every version.
"""

from __future__ import annotations

from typing import Any

from plugin_client.core.media import is_sequence


def deliver_for(strip: Any, deliver: str) -> str:
    """What to ask for, "patch" or "full", when the user would have `deliver` for the source `strip`.

    A strip with modifiers gets full frames: modifiers take a patch's colours as multiplied by its alpha, which shows
    at soft edges, and where a patch is clear they add light.
    """
    return "full" if any(not modifier.mute for modifier in strip.modifiers) else deliver


def format_for(deliver: str, media: str) -> str:
    """The format of what is delivered, "patch" or "full", for the clip `media`: a file, or a pattern of pictures.

    EXR stays EXR, its colours go beyond what PNG holds.
    """
    if is_sequence(media):
        return "exr" if media.lower().endswith(".exr") else "png"
    return "png" if deliver == "patch" else "mkv"
