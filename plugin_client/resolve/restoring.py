# SPDX-License-Identifier: GPL-3.0-or-later
"""Away from where the user is in Resolve, and back: page, timeline, playhead, in and out, tracks.

Each change notes its step back before it is made. The steps are taken whatever happens, the last first and twice where
Resolve refuses; what stays changed nevertheless is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plugin_client.core.errors import BadInput
from plugin_client.resolve.api import ask, has, id_of, insist


class WayBack:
    """The steps back. `left`: after them, what they did not put back, in words."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], Any]]] = []
        self.left: list[str] = []

    def note(self, what: str, step: Callable[[], Any]) -> None:
        """`step` puts `what` back and answers something true if it did."""
        self._steps.append((what, step))

    def call(self, what: str, thing: Any, name: str, *values: Any) -> None:
        """The step is this call, made twice if it fails."""
        self.note(what, lambda: insist(thing, name, *values))

    def go(self) -> None:
        """Take the steps."""
        while self._steps:
            what, step = self._steps.pop()
            if not step():
                self.left.append(what)

    @property
    def words(self) -> str:
        """A sentence about `left`, "" if all is as it was."""
        return f"Resolve did not put back {', '.join(self.left)}: do so by hand." if self.left else ""


@contextmanager
def going_back() -> Iterator[WayBack]:
    """Work away from where the user is; the way back is gone in the end, and an error says what stayed changed."""
    back = WayBack()
    try:
        yield back
    except BadInput as error:
        back.go()
        if back.left:
            raise BadInput(f"{error} {back.words}") from error
        raise
    finally:
        back.go()


def to_page(resolve: Any, page: str, back: WayBack) -> None:
    """Open `page`. Raises BadInput if Resolve does not."""
    before = ask(resolve, "GetCurrentPage")
    if before != page:
        back.call(f"the {before} page", resolve, "OpenPage", before)
        ask(resolve, "OpenPage", page, trouble=f"Resolve does not open its {page} page: open it by hand and try again.")


def to_timeline(project: Any, timeline: Any, back: WayBack) -> None:
    """Make `timeline` the current one. Raises BadInput if Resolve does not."""
    before = ask(project, "GetCurrentTimeline")
    if id_of(before) != id_of(timeline):
        back.call("the timeline that was open", project, "SetCurrentTimeline", before)
        trouble = "Resolve does not open the clip's timeline: open it by hand, then try again."
        ask(project, "SetCurrentTimeline", timeline, trouble=trouble)


def keep_playhead(timeline: Any, back: WayBack) -> str:
    """The current timeline's playhead may be moved, and its in and out points: rendering does both.

    Returns a sentence where this Resolve (before 19.1) does not tell the latter, else "".
    """
    back.call("the playhead", timeline, "SetCurrentTimecode", ask(timeline, "GetCurrentTimecode"))
    if not has(timeline, "GetMarkInOut"):
        return "Rendering set the timeline's in and out points: set yours again if there were any."
    marks = ask(timeline, "GetMarkInOut")
    back.note("the in and out points", lambda: _put_marks_back(timeline, marks))
    return ""


def _put_marks_back(timeline: Any, marks: dict[str, Any]) -> bool:
    if timeline.GetMarkInOut() != marks:
        insist(timeline, "ClearMarkInOut", "all")
        for kind, ends in marks.items():
            if {"in", "out"} <= ends.keys():
                insist(timeline, "SetMarkInOut", ends["in"], ends["out"], kind)
    return any(timeline.GetMarkInOut() == marks for _ in range(2))


def show_only(timeline: Any, track: int, back: WayBack) -> None:
    """Of the picture, only video track `track`. Raises BadInput for a track that cannot be switched."""
    for kind in ("video", "subtitle"):
        for number in range(1, int(ask(timeline, "GetTrackCount", kind)) + 1):
            # A call that fails says no as well: only two say that it is off.
            is_on = any(timeline.GetIsTrackEnabled(kind, number) for _ in range(2))
            wanted = (kind, number) == ("video", track)
            if is_on != wanted:
                words = f"{kind} track {number}"
                back.call(words, timeline, "SetTrackEnable", kind, number, is_on)
                trouble = f"Resolve does not switch {words} {'on' if wanted else 'off'}: do so by hand and try again."
                ask(timeline, "SetTrackEnable", kind, number, wanted, trouble=trouble)
