# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's bad frame in the image editor, and back as a keyframe: of a fix of that take, or of the project."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from plugin_client.core.requests import Picture
from plugin_client.panel.keyframes.keyframing import Keyframing, keyframing_of
from plugin_client.panel.keyframes.pictures import Work, export_work, kept
from plugin_client.panel.keyframes.sizes import misfit
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.fetching import readable


class Fixing(QObject):
    """What has been corrected of each take and waits to be rendered. `changed`: something was corrected or sent."""

    changed = pyqtSignal()

    def __init__(self, desk: Desk, keyframing: Keyframing) -> None:
        super().__init__(keyframing)
        self._desk, self._keyframing = desk, keyframing
        self._corrected: dict[str, dict[int, str]] = {}
        desk.project.opened.connect(self._corrected.clear)

    def shows(self, take: Take | None, frame: int) -> bool:
        """Whether the take has a picture of the clip's `frame`."""
        if take is None or not take.result:
            return False
        frames, facts = take.document.frames, self._desk.project.facts
        return frame in frames if frames is not None else facts is not None and frame < facts.frame_count

    def corrected(self, take: Take) -> tuple[int, ...]:
        """The take's frames that were painted and not sent yet."""
        return tuple(sorted(self._corrected.get(take.job_id, ())))

    def fix(self, take: Take, frame: int) -> None:
        """Open the take's picture of `frame` in the image editor; each save corrects it."""
        project = self._desk.project
        result, workspace, colour = project.path_of(take.result), project.workspace, take.document.choices.colour
        index = _index(take, frame)

        def export() -> Work:
            clip = str(readable(result))
            name = f"take-{take.job_id[:8]}-frame-{frame:04d}"
            return export_work(clip, frame, workspace=workspace, colour=colour, name=name, index=index)

        def saved(work: Work, file: Path, size: tuple[int, int]) -> None:
            self._correct(take, frame, file, size)

        self._keyframing.paint_elsewhere(export, saved)

    def use_as_keyframe(self, take: Take, frame: int) -> None:
        """Make the take's picture of `frame` a keyframe of the project."""
        self._keyframing.take_frame(
            frame,
            lambda: str(readable(self._desk.project.path_of(take.result))),
            _index(take, frame),
            source=take.name,
            colour=take.document.choices.colour,
        )

    def send(self, take: Take) -> None:
        """Render the take anew around what was corrected."""
        corrected = self._corrected.pop(take.job_id, {})
        if corrected:
            pictures = [Picture(frame=frame, path=path) for frame, path in sorted(corrected.items())]
            self._desk.runs.fix(take, pictures)
            self.changed.emit()

    def _correct(self, take: Take, frame: int, file: Path, size: tuple[int, int]) -> None:
        project, notices = self._desk.project, self._desk.notices
        facts, workspace = project.facts, project.workspace
        if facts is None:
            return
        wrong = misfit(size, clip=(facts.width, facts.height))
        if wrong is not None:
            notices.say(str(wrong.error(frame)), severity="error")
            return

        def done(path: str) -> None:
            corrected = self._corrected.setdefault(take.job_id, {})
            if corrected.get(frame) == path:
                return
            corrected[frame] = path
            self.changed.emit()
            frames = ", ".join(map(str, sorted(corrected)))
            notices.say(
                f"Corrected of {take.name}: frame {frames}. The frames around it can be rendered anew from that.",
                severity="warning",
                action="Render the fix",
                do=lambda: self.send(take),
            )

        self._keyframing.do(lambda: kept(file, frame, workspace=workspace), done)


def _index(take: Take, frame: int) -> int:
    return frame - (take.document.frames.first if take.document.frames else 0)


def fixing_of(desk: Desk) -> Fixing:
    """The one of this desk, made when it is first asked for."""
    keyframing = keyframing_of(desk)
    return keyframing.findChild(Fixing) or Fixing(desk, keyframing)
