# SPDX-License-Identifier: GPL-3.0-or-later
"""Painted keyframes as pictures for the screen, read in the background and read again when they were saved anew."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from maskedit.colour import view_of
from maskedit.errors import MaskEditError
from maskedit.request import MediaFacts, WorkingColour
from plugin_client.panel.model.working import in_background
from plugin_client.panel.viewer.showing import Picture

_MOST = 8
_Key = tuple[str, int, str]


class Stills(QObject):
    """`ready`: a picture that was asked for is there, or it turned out that it cannot be read."""

    ready = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures: OrderedDict[_Key, Picture | None] = OrderedDict()

    def picture(self, path: Path, *, facts: MediaFacts, colour: str) -> Picture | None:
        """uint8 (H, W, 3) RGB of a picture painted for the clip `facts`; None while it is read, or if it cannot be."""
        try:
            key = str(path), path.stat().st_mtime_ns, colour
        except OSError:
            return None
        if key not in self._pictures:
            self._pictures[key] = None
            while len(self._pictures) > _MOST:
                self._pictures.popitem(last=False)
            in_background(
                partial(_read, path, facts, colour),
                owner=self,
                done=partial(self._keep, key),
                failed=self._give_up,
            )
        self._pictures.move_to_end(key)
        return self._pictures[key]

    def _keep(self, key: _Key, picture: Picture) -> None:
        if key in self._pictures:
            self._pictures[key] = picture
            self.ready.emit()

    def _give_up(self, error: Exception) -> None:
        # Half written by an image editor: another time will tell. The keyframe's own pane says what is wrong with it.
        if not isinstance(error, (MaskEditError, OSError)):
            raise error


def _read(path: Path, facts: MediaFacts, colour: str) -> Picture:
    painted = view_of(facts, WorkingColour(name=colour)).painted(path)
    return np.rint(np.clip(painted, 0, 1) * 255).astype(np.uint8)
