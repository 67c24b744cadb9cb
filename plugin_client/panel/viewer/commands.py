# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done in the viewer, as actions with their shortcuts: for its buttons, its keys and the window's menus."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TypeVar

import qtawesome
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QWidget

from plugin_client.panel.model.desk import Desk
from plugin_client.panel.shell import theme
from plugin_client.panel.viewer.canvas import Canvas
from plugin_client.panel.viewer.look import Compare, Onion, Overlay
from plugin_client.panel.viewer.ranges import with_in, with_out

_Kind = TypeVar("_Kind", bound=StrEnum)
_FAR = 10
_MOST_DIGITS = 9


class Commands:
    """`play`, `range`, `view`, `matte`, `compare`: the actions of one menu each, by name, on `owner` and its window."""

    def __init__(self, desk: Desk, canvas: Canvas, owner: QWidget) -> None:
        self._desk, self._canvas, self._owner = desk, canvas, owner
        playhead, looks = desk.playhead, canvas.looks
        add = self._add
        self.play = {
            "start": add("Go to start", "mdi6.skip-backward", ["Home"], lambda: self._go(0)),
            "far_back": add("Back 10 frames", "mdi6.rewind-10", ["Shift+Left"], partial(playhead.step, -_FAR)),
            "back": add("Back one frame", "mdi6.step-backward", ["Left"], partial(playhead.step, -1)),
            "reverse": add("Play back, again: faster", "mdi6.play", ["J"], lambda: playhead.play(-1), mirrored=True),
            "stop": add("Stop", "mdi6.stop", ["K"], playhead.stop),
            "forward": add("Play, again: faster", "mdi6.play", ["L"], partial(playhead.play, 1)),
            "on": add("On one frame", "mdi6.step-forward", ["Right"], partial(playhead.step, 1)),
            "far_on": add("On 10 frames", "mdi6.fast-forward-10", ["Shift+Right"], partial(playhead.step, _FAR)),
            "end": add("Go to end", "mdi6.skip-forward", ["End"], lambda: self._go(playhead.last)),
            "loop": add("Loop", "mdi6.repeat", ["Ctrl+L"], lambda: looks.change(loop=not looks.look.loop)),
        }
        self.range = {
            "in": add("Set in here", "mdi6.contain-start", ["I"], self._set_in),
            "out": add("Set out here", "mdi6.contain-end", ["O"], self._set_out),
            "clear": add("Clear in and out", "mdi6.arrow-expand-horizontal", ["Alt+X"], self._clear_range),
        }
        self.view = {
            "fit": add("Fit to window", "mdi6.fit-to-page-outline", ["Ctrl+0"], canvas.fit),
            "whole": add(
                "Actual pixels (100 %)", "mdi6.numeric-1-box-outline", ["Ctrl+1"], partial(canvas.zoom_to, 1.0)
            ),
            "in": add("Zoom in", "mdi6.magnify-plus-outline", ["Ctrl++", "Ctrl+="], partial(canvas.zoom_by, 2.0)),
            "out": add("Zoom out", "mdi6.magnify-minus-outline", ["Ctrl+-"], partial(canvas.zoom_by, -2.0)),
        }
        self.matte = {
            "overlay": add("Matte overlay", "mdi6.texture-box", ["M"], self._toggle_overlay),
            "overlay_next": add("Next kind of overlay", "mdi6.texture", ["Shift+M"], self._next_overlay),
            "onion": add("Onion skin", "mdi6.layers-outline", ["Shift+O"], self._next_onion),
        }
        self.compare = {
            "plate": add("Plate", "mdi6.movie-outline", ["0"], lambda: looks.change(plate=not looks.look.plate)),
            "next": add("Next way to compare", "mdi6.compare", ["C"], self._next_compare),
            "newer": add("Newer take", "mdi6.chevron-left", ["["], partial(self._flip, -1)),
            "older": add("Older take", "mdi6.chevron-right", ["]"], partial(self._flip, 1)),
        }
        self.takes = [
            add(f"Take {number}", "mdi6.numeric", [str(number)], partial(self._choose, number - 1))
            for number in range(1, _MOST_DIGITS + 1)
        ]
        for action in (self.play["loop"], self.matte["overlay"], self.matte["onion"], self.compare["plate"]):
            action.setCheckable(True)
        self.compare["plate"].setToolTip("Show the plate rather than the result (0)")
        looks.changed.connect(self._show)
        desk.project.facts_changed.connect(self._show)
        self._show()

    def _add(
        self, text: str, icon: str, keys: list[str], do: Callable[..., object], *, mirrored: bool = False
    ) -> QAction:
        drawn = qtawesome.icon(icon, color=theme.TEXT, color_disabled=theme.FAINT, hflip=mirrored)
        action = QAction(drawn, text, self._owner)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setToolTip(f"{text} ({', '.join(keys)})")
        action.triggered.connect(lambda _checked=False: do())
        self._owner.addAction(action)
        return action

    def _show(self) -> None:
        look, has_clip = self._canvas.looks.look, self._desk.project.facts is not None
        for action in (*self.play.values(), *self.range.values(), *self.view.values()):
            action.setEnabled(has_clip)
        self.play["loop"].setChecked(look.loop)
        self.matte["overlay"].setChecked(look.overlay_on)
        self.matte["onion"].setChecked(look.onion is not Onion.OFF)
        self.compare["plate"].setChecked(look.plate)

    def _go(self, frame: int) -> None:
        self._desk.playhead.stop()
        self._desk.playhead.seek(frame)

    def _set_in(self) -> None:
        project, playhead = self._desk.project, self._desk.playhead
        if project.facts is not None:
            project.change("Set in", with_in(project.document, playhead.frame, last=playhead.last))

    def _set_out(self) -> None:
        project, playhead = self._desk.project, self._desk.playhead
        if project.facts is not None:
            project.change("Set out", with_out(project.document, playhead.frame, last=playhead.last))

    def _clear_range(self) -> None:
        project, playhead = self._desk.project, self._desk.playhead
        cleared = with_out(with_in(project.document, 0, last=playhead.last), playhead.last, last=playhead.last)
        project.change("Clear in and out", cleared)

    def _toggle_overlay(self) -> None:
        looks = self._canvas.looks
        looks.change(overlay_on=not looks.look.overlay_on)

    def _next_overlay(self) -> None:
        looks = self._canvas.looks
        looks.change(overlay_on=True, overlay=_after(looks.look.overlay, Overlay))

    def _next_onion(self) -> None:
        looks = self._canvas.looks
        looks.change(onion=_after(looks.look.onion, Onion))

    def _next_compare(self) -> None:
        looks = self._canvas.looks
        looks.change(compare=_after(looks.look.compare, Compare))

    def _flip(self, by: int) -> None:
        """To the take beside the current one, newest first; before the newest comes the draft."""
        takes = [take.job_id for take in self._desk.takes.takes if take.result]
        line = ["", *takes]
        current = self._desk.takes.current
        at = line.index(current) if current in line else 0
        self._show_take(line[min(max(0, at + by), len(line) - 1)])

    def _choose(self, place: int) -> None:
        takes = [take.job_id for take in self._desk.takes.takes if take.result]
        if place < len(takes):
            self._show_take(takes[place])

    def _show_take(self, job_id: str) -> None:
        self._desk.takes.choose(job_id)
        self._canvas.looks.change(plate=False)


def _after(kind: _Kind, kinds: type[_Kind]) -> _Kind:
    line = list(kinds)
    return line[(line.index(kind) + 1) % len(line)]
