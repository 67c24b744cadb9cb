# SPDX-License-Identifier: GPL-3.0-or-later
"""How the viewer shows things: matte overlay, onion skin, comparison. Remembered from session to session."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from plugin_client.panel.model.preferences import Preferences


class Overlay(StrEnum):
    """How the matte lies over the picture."""

    COLOUR = "colour"
    OUTLINE = "outline"
    CUTOUT = "cutout"
    MATTE = "matte"


class Onion(StrEnum):
    """What shines through the picture: the frames beside it, or the nearest keyframes as they were painted."""

    OFF = "off"
    FRAMES = "frames"
    KEYFRAMES = "keyframes"


class Compare(StrEnum):
    """How plate and result are shown together; OFF shows one of them."""

    OFF = "off"
    WIPE = "wipe"
    SIDE = "side"
    DIFFERENCE = "difference"
    BLINK = "blink"


@dataclass(frozen=True, kw_only=True)
class Look:
    """`plate`: show the plate although there is a result. `wipe`: where the line stands, 0 left to 1 right of the
    picture. `gain`: of the difference. Opacities from 0 to 1."""

    overlay_on: bool = True
    overlay: Overlay = Overlay.COLOUR
    overlay_colour: str = "#e5484d"
    overlay_opacity: float = 0.45
    onion: Onion = Onion.OFF
    onion_opacity: float = 0.35
    compare: Compare = Compare.OFF
    plate: bool = False
    wipe: float = 0.5
    gain: int = 4
    loop: bool = True


class Looks(QObject):
    """The look as it is now."""

    changed = pyqtSignal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._look = _read(preferences.look)

    @property
    def look(self) -> Look:
        """How things are shown."""
        return self._look

    def change(self, **how: Any) -> None:
        """Show some things differently from now on."""
        look = replace(self._look, **how)
        if look != self._look:
            self._look = look
            self._preferences.look = json.dumps(asdict(look))
            self.changed.emit()


def _read(words: str) -> Look:
    """What an earlier session kept; the default for all that is missing or no longer understood."""
    look = Look()
    try:
        kept = json.loads(words or "{}")
    except ValueError:
        return look
    for field in fields(Look):
        kind = type(getattr(look, field.name))
        try:
            look = replace(look, **{field.name: kind(kept[field.name])})
        except (KeyError, TypeError, ValueError):
            continue
    return look
