# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft that appears by itself: keyframes carried through the clip at proxy size while the user works on."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from maskedit.draft import Doubts, doubts
from maskedit.errors import MaskEditError
from maskedit.geometry import resized
from maskedit.hygiene import inspect
from maskedit.presets import Edges
from maskedit.request import KeyframeCare
from plugin_client.core.requests import Care
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.keyframes.edges import edges_of
from plugin_client.panel.keyframes.progressive import Guides, progressive
from plugin_client.panel.keyframes.proxies import Codes, Mattes, Picture, Proxies, Source, proxy_size
from plugin_client.panel.keyframes.sizes import misfit
from plugin_client.panel.mattes.cache import MatteCache
from plugin_client.panel.mattes.scene import Scene
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.working import in_background

_log = logging.getLogger(__name__)
# A point that is dragged or a stroke that is drawn is over when nothing has changed for so long.
_SETTLED_MS = 300


@dataclass(frozen=True)
class _Plan:
    """All that a draft depends on, but for the mattes themselves. `painted`: clip frame → file and its size in time."""

    source: Source
    edges: Edges
    painted: tuple[tuple[int, Path, int], ...]
    care: Care


class LiveDraft(QObject):
    """As soon as there are a clip, a matte and a keyframe, every frame of the range is drafted in the background.

    `picture(frame)` is there from `ready(frame)` on. `state` is "waiting: WHY", "working N/M" or "ready"; `changed`
    follows whatever is not a single picture. `doubts` says how far the keyframes reach, by index from `first`.
    """

    ready = pyqtSignal(int)
    changed = pyqtSignal()

    def __init__(self, project: Project, mattes: MatteCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project, self._mattes = project, mattes
        self._state = "waiting: open a clip"
        self._plan: _Plan | None = None
        self._proxies: Proxies | None = None
        self._pictures: dict[int, Codes] = {}
        self._fresh: dict[int, Codes] = {}
        self._mended: dict[Hashable, Picture] = {}
        self._doubts: Doubts | None = None
        self._steps: Iterator[int | Doubts] | None = None
        self._stepping = False
        self._focus = 0
        self._mattes_moved = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLED_MS)
        self._timer.timeout.connect(self._begin)
        project.changed.connect(self._follow)
        project.facts_changed.connect(self._timer.start)
        project.opened.connect(self._forget)
        mattes.changed.connect(self._redraw)

    @property
    def state(self) -> str:
        """What it is at."""
        return self._state

    @property
    def first(self) -> int:
        """The clip frame that index 0 of `doubts` stands for."""
        return self._plan.source.frames.first if self._plan else 0

    @property
    def doubts(self) -> Doubts | None:
        """How unsure the frames of the range are, and which to paint next; None until the motion is known."""
        return self._doubts

    @property
    def proxy_scale(self) -> float:
        """Width of a picture over the clip's."""
        facts = self._project.facts
        return self._plan.source.size[0] / facts.width if self._plan and facts else 1.0

    def picture(self, frame: int) -> Codes | None:
        """(h, w, 3) uint8: the whole frame with the edit carried into it, at proxy size; None if it is not there."""
        return self._pictures.get(frame)

    def _follow(self, old: object, new: object) -> None:
        painted = set(self._project.document.keyframes) - set(getattr(old, "keyframes", ()))
        if painted:
            self._focus = min(painted).frame
        self._timer.start()

    def _redraw(self) -> None:
        self._mattes_moved = True
        self._timer.start()

    def _forget(self) -> None:
        self._steps = self._plan = self._proxies = self._doubts = None
        self._pictures.clear()
        self._say("waiting: open a clip")

    def _begin(self) -> None:
        if self._stepping:
            # Its last step comes back first: two would read the same frames at once.
            self._steps = None
            return
        plan = self._planned()
        if isinstance(plan, str):
            self._steps, self._plan = None, None
            self._pictures.clear()
            self._doubts = None
            self._say(f"waiting: {plan}")
            return
        if plan == self._plan and not self._mattes_moved:
            return
        self._prepare(plan)
        self._advance()

    def _planned(self) -> _Plan | str:
        """What is to be done, or why nothing can be."""
        document, facts = self._project.document, self._project.facts
        if not document.clip or facts is None:
            return "open a clip"
        if self._mattes.is_empty:
            return "draw a matte around what is to change"
        frames = document.frames or FrameRange(0, facts.frame_count - 1)
        keyframes = [keyframe for keyframe in document.keyframes if keyframe.frame in frames]
        if not keyframes:
            return "paint a keyframe inside the range" if document.keyframes else "paint a keyframe"
        choices = document.choices
        size = proxy_size(facts.width, facts.height, frames=len(frames))
        painted = []
        for keyframe in keyframes:
            path = self._project.path_of(keyframe.path)
            try:
                painted.append((keyframe.frame, path, path.stat().st_mtime_ns))
            except OSError:
                return f"the picture of keyframe {keyframe.frame} is missing, set it again"
        return _Plan(
            source=Source(document.clip, choices.colour, frames, size),
            edges=edges_of(document, frame_height=facts.height),
            painted=tuple(painted),
            care=choices.care,
        )

    def _prepare(self, plan: _Plan) -> None:
        drawn = self._drawn(plan.source)
        if self._proxies is None or self._proxies.source != plan.source:
            self._proxies, self._mended = Proxies(plan.source, drawn, plan.edges), {}
            self._pictures.clear()
        elif self._mattes_moved or self._plan is None or self._plan.edges != plan.edges:
            self._proxies, self._mended = self._proxies.with_mattes(drawn, plan.edges), {}
        self._plan, self._mattes_moved, self._doubts, self._fresh = plan, False, None, {}
        self._steps = _steps(self._proxies, plan, self._fresh, mended=self._mended, focus=self._focus)
        self._say(f"working 0/{len(plan.source.frames)}")

    def _drawn(self, source: Source) -> Mattes:
        """The mattes as the document has them now, at proxy size."""
        facts = self._project.facts
        assert facts is not None
        width, height = source.size
        small = replace(facts, width=width, height=height)
        return Scene(self._project.document, facts, small, self._project.workspace).mattes

    def _advance(self) -> None:
        steps = self._steps
        if steps is None:
            return
        self._stepping = True
        in_background(
            lambda: next(steps, None),
            owner=self,
            done=lambda step: self._stepped(steps, step),
            failed=lambda error: self._broke(steps, error),
        )

    def _stepped(self, steps: Iterator[int | Doubts], step: int | Doubts | None) -> None:
        self._stepping = False
        if steps is not self._steps:
            self._begin()
            return
        if step is None:
            self._steps = None
            self._say("ready")
            return
        if isinstance(step, Doubts):
            self._doubts = step
            self.changed.emit()
        else:
            self._pictures[step] = self._fresh[step]
            self.ready.emit(step)
            self._say(f"working {len(self._fresh)}/{len(self._proxies or ())}")
        self._advance()

    def _broke(self, steps: Iterator[int | Doubts], error: Exception) -> None:
        self._stepping = False
        if steps is not self._steps:
            self._begin()
            return
        self._steps = None
        self._pictures.clear()
        if isinstance(error, MaskEditError):
            self._say(f"waiting: {error}")
        else:
            _log.error("the live draft failed", exc_info=error)
            self._say("waiting: the draft failed, change the matte or a keyframe to have it tried again")

    def _say(self, state: str) -> None:
        self._state = state
        self.changed.emit()


def _steps(
    proxies: Proxies, plan: _Plan, pictures: dict[int, Codes], *, mended: dict[Hashable, Picture], focus: int
) -> Iterator[int | Doubts]:
    """Draft one frame after the other into `pictures`, each told by its number, then say what is doubtful.

    `mended`: keyframes as they were found to be usable under the same mattes before.
    """
    first = plan.source.frames.first
    files = {frame - first: (frame, path, written) for frame, path, written in plan.painted}

    def edited(index: int) -> Picture:
        key = *files[index], plan.care
        if key not in mended:
            frame, path, _ = files[index]
            mended[key] = _painted(proxies, frame, path, care=plan.care)
        return mended[key]

    for index, draft in progressive(proxies, files.keys(), edited=edited, focus=focus - first):
        plate, paste = proxies.plate(index), proxies.paste(index)[..., None]
        pasted = plate + paste * (draft.picture - plate)
        pictures[first + index] = np.rint(np.clip(pasted, 0, 1) * 255).astype(np.uint8)
        yield first + index
    yield doubts(Guides(proxies, range(len(proxies))), files)


def _painted(proxies: Proxies, frame: int, path: Path, *, care: Care) -> Picture:
    """The keyframe's picture (h, w, 3) in [0, 1] at proxy size, mended as a run will mend it.

    Raises InputError where it does not fit the clip.
    """
    facts, index = proxies.facts, frame - proxies.source.frames.first
    picture = proxies.view.painted(path)
    wrong = misfit((picture.shape[1], picture.shape[0]), clip=(facts.width, facts.height))
    if wrong is not None and not (care.fit and wrong.fits_scaled):
        raise wrong.error(frame)
    small = np.clip(resized(picture, *proxies.source.size), 0, 1)
    care_of = KeyframeCare(register=care.register, match_colour=care.match_colour, fit=care.fit)
    return inspect(small, proxies.plate(index), outside=proxies.paste(index) == 0, care=care_of).picture
