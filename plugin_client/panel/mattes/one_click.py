# SPDX-License-Identifier: GPL-3.0-or-later
"""The helpers that draw by themselves: cut a thing out of a box, and follow a shape through the clip."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import QObject, QRectF

from maskedit.mattes.outlining import Outline
from maskedit.mattes.roto import Shape
from maskedit.mattes.roto_keys import Key
from maskedit.request import MediaFacts
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.mattes.cutting import cut_out
from plugin_client.panel.mattes.following import Followed, follow_shape, stretch
from plugin_client.panel.mattes.plates import lumas
from plugin_client.panel.mattes.stopping import Going, part
from plugin_client.panel.mattes.task import Task
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.roto.drawing import drawing_of
from plugin_client.panel.roto.layers import LayerRef, free_name, with_layer, with_new

BACKWARD, FORWARD = -1, 1
BOTH = (BACKWARD, FORWARD)


class OneClick(QObject):
    """Does both by `task`, one after the other is asked for; each result is one step that can be undone."""

    def __init__(self, desk: Desk, task: Task, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._task = desk, task
        self._drawing = drawing_of(desk)

    def cut_out(self, box: QRectF) -> None:
        """Make shapes, keyed at this frame, of what stands out in `box` (source pixels)."""
        document, frame = self._desk.project.document, self._desk.playhead.frame
        footage = self._desk.footage.open(document.clip, colour=document.choices.colour)
        corners = (box.left(), box.top(), box.right(), box.bottom())

        def cut(going: Going) -> Sequence[Outline]:
            return cut_out(footage.exact(frame), corners, going=going)

        self._task.run("Cutting out", cut, done=partial(self._lay, frame))

    def followed_shape(self) -> LayerRef | None:
        """The shape that would be followed: the selected one, or the only one there is."""
        chosen = self._drawing.selection.active
        if chosen is not None and chosen.kind == "shape":
            return chosen
        return LayerRef("shape", 0) if len(self._desk.project.document.shapes) == 1 else None

    def follow(self, *directions: int) -> None:
        """Carry the selected shape along from its key at or before the playhead, in each of `directions` (±1)."""
        document, facts, ref = self._desk.project.document, self._desk.project.facts, self.followed_shape()
        if facts is None or ref is None:
            self._desk.notices.say("No shape is selected: select the shape that is to be followed.", severity="warning")
            return
        shape, frame = document.shapes[ref.index], self._desk.playhead.frame
        within = document.frames or FrameRange(0, facts.frame_count - 1)
        ways = [(step, frames) for step in directions if (frames := stretch(shape, frame, step=step, within=within))]
        if not ways:
            self._desk.notices.say("There are no frames to follow the shape on: choose a key further inside the range.")
            return
        call = partial(_followed, shape, ways, facts, document.clip)
        self._task.run("Following the shape", call, done=partial(self._put, shape))

    def _lay(self, frame: int, found: Sequence[Outline]) -> None:
        document = self._desk.project.document
        parts: list[LayerRef] = []
        for outline in found:
            keys = (Key(frame=frame, points=outline.points),)
            name = free_name(document, "Hole 1" if outline.is_hole else "Cutout 1")
            shape = Shape(name=name, blend="subtract" if outline.is_hole else "add", keys=keys)
            document, ref = with_new(document, shape)
            parts.append(ref)
        self._desk.project.change("Cut out", document)
        self._drawing.selection.choose(parts)

    def _put(self, shape: Shape, found: Sequence[Followed]) -> None:
        document = self._desk.project.document
        index = next((number for number, each in enumerate(document.shapes) if each is shape), None)
        if index is None:
            self._desk.notices.say("The shape was changed while it was followed: follow it again.", severity="warning")
            return
        followed = found[-1].shape
        self._desk.project.change("Follow shape", with_layer(document, LayerRef("shape", index), followed))
        lost = [each.lost for each in found if each.lost]
        if lost:
            self._desk.notices.say(" ".join(lost), severity="warning")


def _followed(
    shape: Shape, ways: Sequence[tuple[int, FrameRange]], facts: MediaFacts, clip: str, going: Going
) -> Sequence[Followed]:
    """The shape followed one way after the other, each on from what the one before made."""
    found: list[Followed] = []
    for number, (step, frames) in enumerate(ways):
        before = found[-1].shape if found else shape
        share = part(going, number / len(ways), (number + 1) / len(ways))
        found.append(follow_shape(before, frames, step=step, facts=facts, lumas=partial(lumas, clip), going=share))
    return found
