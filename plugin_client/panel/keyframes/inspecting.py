# SPDX-License-Identifier: GPL-3.0-or-later
"""Each keyframe held against its plate in the background, as a run will do it, and what was found in words."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from maskedit.cleaning import Look, findings_of
from maskedit.colour import view_of
from maskedit.errors import MaskEditError
from maskedit.findings import Finding, Severity
from maskedit.geometry import resized
from maskedit.hygiene import inspect
from maskedit.mattes import paste_mattes
from maskedit.media import ClipReader
from maskedit.request import Keyframe, KeyframeCare, MediaReference, Origin, WorkingColour
from plugin_client.panel.keyframes.edges import edges_of
from plugin_client.panel.keyframes.sizes import misfit
from plugin_client.panel.mattes.scene import Scene
from plugin_client.panel.model.document import KeyframePicture
from plugin_client.panel.model.working import in_background
from plugin_client.panel.running.remedies import Remedy, remedy_for
from plugin_client.panel.running.wording import in_words, plain

if TYPE_CHECKING:
    from plugin_client.panel.model.desk import Desk

_log = logging.getLogger(__name__)
_SETTLED_MS = 700


@dataclass(frozen=True)
class Observation:
    """One thing that was found on a keyframe. `severity`: "note", "warning" or "error"; `remedy`: what a click does."""

    severity: str
    sentence: str
    remedy: Remedy | None = None


class Inspection(QObject):
    """What is found on each keyframe of the document as it is. `changed`: something is known now, or no more."""

    changed = pyqtSignal()

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._found: dict[Hashable, tuple[Finding, ...]] = {}
        self._keys: dict[KeyframePicture, Hashable] = {}
        self._busy = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLED_MS)
        self._timer.timeout.connect(self._look)
        for signal in (desk.project.changed, desk.project.facts_changed, desk.mattes.changed):
            signal.connect(self._timer.start)
        desk.project.opened.connect(self._found.clear)
        self._timer.start()

    def on(self, frame: int) -> tuple[Observation, ...] | None:
        """What was found on the keyframe of `frame`; None while it is looked at."""
        document = self._desk.project.document
        keyframe = document.keyframe_at(frame)
        found = self._found.get(self._keys.get(keyframe)) if keyframe else None
        if found is None:
            return None
        return tuple(_observed(finding, remedy_for(finding.flag, document)) for finding in found)

    def _look(self) -> None:
        """Look at the first keyframe that is not known as it is; at the next one when that is done."""
        project = self._desk.project
        document, facts = project.document, project.facts
        if facts is None:
            self._keys = {}
            return
        scene = Scene(document, facts, facts, Path(project.workspace))
        self._keys = {each: _key(each, scene) for each in document.keyframes}
        self.changed.emit()
        unknown = next((each for each in document.keyframes if self._keys[each] not in self._found), None)
        if unknown is None or self._busy:
            return
        self._busy = True
        key = self._keys[unknown]

        def keep(found: tuple[Finding, ...]) -> None:
            self._busy = False
            self._found[key] = found
            self._look()

        def failed(error: Exception) -> None:
            if not isinstance(error, MaskEditError | OSError):
                _log.error("a keyframe could not be looked at", exc_info=error)
            keep((Finding(severity=Severity.ERROR, what=in_words(error).rstrip(".")),))

        in_background(lambda: tuple(looked_at(unknown, scene)), owner=self, done=keep, failed=failed)


def looked_at(keyframe: KeyframePicture, scene: Scene) -> list[Finding]:
    """What a run would find on a keyframe of `scene.document`, at the clip's size. Blocks.

    Raises InputError for a clip or picture that cannot be read, and for one of another shape.
    """
    document, facts = scene.document, scene.source
    choices, care = document.choices, document.choices.care
    path = scene.workspace / keyframe.path
    view = view_of(facts, WorkingColour(name=choices.colour, origin=Origin.USER if choices.colour else Origin.TAGGED))
    given = view.painted(path)
    size = given.shape[1], given.shape[0]
    wrong = misfit(size, clip=(facts.width, facts.height))
    if wrong is not None and not wrong.fits_scaled:
        raise wrong.error(keyframe.frame)
    if wrong is not None and not care.fit:
        what = str(wrong.error(keyframe.frame)).rstrip(".")
        return [Finding(severity=Severity.ERROR, what=what, flag="--fit-keyframes")]
    with ClipReader(document.clip) as clip:
        (source,) = clip.frames(keyframe.frame, keyframe.frame)
    plate = view.shown(source)
    matte = _paste_matte(keyframe.frame, scene)
    picture = np.clip(given if given.shape == plate.shape else resized(given, facts.width, facts.height), 0, 1)
    inspected = inspect(
        picture,
        plate,
        outside=matte == 0,
        care=KeyframeCare(register=care.register, match_colour=care.match_colour, fit=care.fit),
    )
    wire = Keyframe(frame=keyframe.frame, image=MediaReference(locations=(str(path),)))
    return list(findings_of(Look(wire, plate, matte, care.take_changes, picture, size, inspected)))


def _observed(finding: Finding, remedy: Remedy | None) -> Observation:
    # A button says what to do; without one the sentence does.
    sentence = f"{finding.what}." if remedy is not None else finding.sentence
    return Observation(finding.severity, plain(sentence), remedy)


def _paste_matte(frame: int, scene: Scene) -> np.ndarray:
    """Where the paste may show on one frame; nowhere while no matte is drawn: it is found from the keyframes then."""
    facts = scene.source
    if not scene.pile:
        return np.zeros((facts.height, facts.width), np.float32)
    edges = edges_of(scene.document, frame_height=facts.height)
    first = max(0, frame - edges.smooth_frames)
    last = min(facts.frame_count - 1, frame + edges.smooth_frames)
    pastes = list(paste_mattes((matte for _, matte in scene.mattes(first, last)), edges))
    return pastes[frame - first]


def _key(keyframe: KeyframePicture, scene: Scene) -> Hashable:
    """All that the findings on a keyframe depend on."""
    choices = scene.document.choices
    edges = (choices.grow_px, choices.feather_px, choices.loosening)
    near = range(max(0, keyframe.frame - 1), min(scene.source.frame_count, keyframe.frame + 2))
    drawn = tuple(scene.look(frame) for frame in near)
    return keyframe, scene.document.clip, choices.colour, choices.care, edges, drawn
