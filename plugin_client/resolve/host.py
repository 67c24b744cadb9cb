# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve as a `core.host.Host`: the rooms of this package behind the calls that every host has."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin_client.core.errors import BadInput
from plugin_client.core.host import Marks, PlacedResult, Prepared, Progress, Shot
from plugin_client.core.timeline import FrameRange
from plugin_client.resolve import mattes, placing
from plugin_client.resolve.api import open_project
from plugin_client.resolve.reading import read_selected
from plugin_client.resolve.remote import hang_up
from plugin_client.resolve.rendering import Patience, render_item
from plugin_client.resolve.spots import spot_from

if TYPE_CHECKING:
    from plugin_client.core.requests import MatteFile


class ResolveHost:
    """The Resolve behind `resolve`, its own object or a `remote.Remote`.

    Any call may take minutes and may be made on any thread, one at a time: Resolve answers one after the other, and
    moving between its pages and timelines is undone before the next. `patience`: of renders.
    """

    def __init__(self, resolve: Any, *, patience: Patience | None = None) -> None:
        self._resolve, self._patience = resolve, patience
        self._notes: list[str] = []
        product = resolve.GetProductName() or "DaVinci Resolve"
        self._name = f"{product} {resolve.GetVersionString() or ''}".rstrip()

    @property
    def name(self) -> str:
        """Such as "DaVinci Resolve Studio 21.0.4.7"; asked for once."""
        return self._name

    @property
    def application(self) -> str:
        """What people call it."""
        return "Resolve"

    def where(self, shot: Shot) -> str:
        """Such as "Cut 3 in Resolve"; asks nobody."""
        return f"{spot_from(shot.place).timeline_name} in {self.application}"

    def notes(self) -> tuple[str, ...]:
        """What the calls since the last time have found or left otherwise than one would expect, as sentences."""
        notes, self._notes = tuple(self._notes), []
        return notes

    def close(self) -> None:
        """Let go of Resolve: the script in its menu ends."""
        hang_up(self._resolve)

    def selected_shot(self) -> Shot:
        """The selected clip, where Resolve tells, else the one under the playhead."""
        shots = read_selected(self._resolve)
        if len(shots) > 1:
            raise BadInput(f"{len(shots)} clips are selected in Resolve: select the one to edit, then try again.")
        self._note(shots[0].notes)
        return shots[0].shot

    def prepare_clip(self, shot: Shot, folder: Path) -> Prepared[str]:
        """The clip's file, or what has none rendered into `folder` by Resolve."""
        return lambda progress: shot.media or self._render(shot, folder, progress)

    def mattes(self, shot: Shot) -> tuple[str, ...]:
        """What `prepare_matte` can be asked for here."""
        return mattes.offered(self._resolve, shot)

    def prepare_matte(self, shot: Shot, choice: str, folder: Path) -> Prepared[MatteFile]:
        """The matte that `choice`, one of `mattes`, names."""

        def matte(progress: Progress) -> MatteFile:
            wanted = {"progress": progress, "patience": self._patience}
            taken = mattes.matte_of(self._resolve, shot, choice, folder, **wanted)
            self._note(taken.notes)
            return taken.matte

        return matte

    def prepare_picture(self, shot: Shot, frame: int, target: Path) -> Prepared[Path]:
        """Frame `frame` of the clip's own file; of what Resolve renders, that frame rendered."""

        def picture(progress: Progress) -> Path:
            if shot.media:
                return _write_frame(shot.media, frame, target)
            with tempfile.TemporaryDirectory(prefix="maskedit-still-") as folder:
                media = self._render(shot, Path(folder), progress, frames=FrameRange(frame, frame))
                return _write_frame(media, 0, target)

        return picture

    def may_place(self) -> bool:
        """False while Resolve renders."""
        return not open_project(self._resolve).IsRenderingInProgress()

    def put_result(self, media: str, shot: Shot, *, marks: Marks, has_alpha: bool) -> PlacedResult:
        """On a track named MaskEdit above the clip, where it was when it was read."""
        if not self.may_place():
            raise BadInput(f"Resolve is rendering: wait until it has finished, then try again; the result is {media}.")
        placed = placing.put_result(self._resolve, media, shot, marks=marks, has_alpha=has_alpha)
        self._note(placed.notes)
        return placed.result

    def _render(self, shot: Shot, folder: Path, progress: Progress, frames: FrameRange | None = None) -> str:
        spot = spot_from(shot.place)
        rendered = render_item(self._resolve, spot, folder, progress=progress, frames=frames, patience=self._patience)
        self._note(rendered.notes)
        return rendered.media

    def _note(self, sentences: Iterable[str]) -> None:
        self._notes.extend(sentences)


def _write_frame(media: str, frame: int, target: Path) -> Path:
    """In a process of its own: Resolve's client decodes nothing."""
    command = [sys.executable, "-P", "-m", "maskedit.colour", media, str(frame), "--out", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise BadInput(f"Frame {frame} of {Path(media).name} cannot be read: {words[-1]}")
    return target
