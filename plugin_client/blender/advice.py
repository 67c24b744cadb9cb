# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server said of the strips' edits before they are run, for as long as that holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plugin_client.blender import settings, watching
from plugin_client.blender.checking import Looked
from plugin_client.blender.orders import MatteChoice, PaintedFrame


@dataclass(frozen=True)
class About:
    """What an answer holds for: with another matte or other pictures it is worth nothing."""

    strip: str
    matte: MatteChoice
    keyframes: tuple[PaintedFrame, ...]
    stamps: tuple[str, ...]


_answers: dict[str, tuple[About, Looked]] = {}
_asked: About | None = None


def begin(strip: Any) -> About:
    """Note that the server is asked; returns what to give to `take`."""
    global _asked
    _asked = _about(strip, stamp=watching.stamp_of)
    return _asked


def take(asked: About, looked: Looked | None, problem: str) -> None:
    """The server's answer, or why there is none, a sentence. On the main thread."""
    global _asked
    if _asked == asked:
        _asked = None
    said = looked or Looked(findings=(("error", problem),), times={}, problems={})
    _answers[asked.strip] = asked, said
    watching.redraw()


def is_busy(strip: Any) -> bool:
    """Whether the server is being asked about `strip`."""
    return _asked is not None and _asked.strip == strip.name


def advice_on(strip: Any) -> Looked | None:
    """What the server said of the strip's edit as it is set now; None before it was asked."""
    about, looked = _answers.get(strip.name, (None, None))
    return looked if about is not None and about == _about(strip, stamp=watching.stamp_known) else None


def forget() -> None:
    """Forget everything."""
    global _asked
    _answers.clear()
    _asked = None


def _about(strip: Any, *, stamp: Callable[[str], str]) -> About:
    edit = settings.edit_of(strip)
    keyframes = settings.painted_frames(edit)
    stamps = tuple(stamp(each.path) for each in keyframes)
    return About(strip.name, settings.matte_choice(edit), keyframes, stamps)
