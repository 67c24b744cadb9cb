# SPDX-License-Identifier: GPL-3.0-or-later
"""All that can be done to keyframes: painted in an image editor, taken from files and pictures, moved, removed."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QImage

from maskedit.colour.__main__ import export_frame
from maskedit.errors import MaskEditError, OutputError
from plugin_client.core.errors import ClientError
from plugin_client.panel.keyframes.editors import editor_name, open_picture
from plugin_client.panel.keyframes.inspecting import Inspection
from plugin_client.panel.keyframes.pictures import Work, export_work, kept, resume_work, whole_size
from plugin_client.panel.keyframes.sizes import misfit
from plugin_client.panel.keyframes.thumbnails import Thumbnails
from plugin_client.panel.keyframes.watching import SaveWatcher
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import KeyframePicture
from plugin_client.panel.model.working import Answer, in_background
from plugin_client.panel.running.wording import in_words

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Arrival:
    """A picture that has come for `frame`; `source`: where from, as the undo step names it."""

    frame: int
    picture: Path
    size: tuple[int, int]
    source: str


class Keyframing(QObject):
    """One for each desk, with its `thumbnails` and `inspection`: `keyframing_of(desk)`.

    `picked_up(frame)`: a picture has arrived and is the keyframe of that frame. `changed`: another set of frames is
    with the image editor.
    """

    picked_up = pyqtSignal(int)
    changed = pyqtSignal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.project)
        self._desk = desk
        self._watcher = SaveWatcher(self)
        self._watcher.given_up.connect(lambda sentence: desk.notices.say(sentence, severity="warning"))
        self._works: dict[int, Work] = {}
        self.thumbnails = Thumbnails(desk, self)
        self.inspection = Inspection(desk, self)
        desk.project.opened.connect(self._begin_anew)

    @property
    def painting(self) -> frozenset[int]:
        """The frames whose saves are picked up."""
        return frozenset(self._works)

    @property
    def editor_name(self) -> str:
        """The program that `edit` opens, as buttons call it."""
        return editor_name(self._desk.preferences.image_editor)

    def edit(self, frame: int) -> None:
        """Open `frame` in the image editor, the keyframe as it is or the plate, and pick up each save."""
        project = self._desk.project
        if project.facts is None:
            self._say("There is no clip to paint on yet: open one first.")
            return
        if (work := self._works.get(frame)) is not None:
            self._open(work)
            return
        document, workspace = project.document, project.workspace
        keyframe = document.keyframe_at(frame)

        def export() -> Work:
            work = export_work(document.clip, frame, workspace=workspace, colour=document.choices.colour)
            is_layered = work.opened != work.picture
            return work if keyframe is None or is_layered else resume_work(work, workspace / keyframe.path)

        self.do(export, lambda work: self._follow(work))

    def stop_painting(self, frame: int) -> None:
        """Pick up no more saves of `frame`."""
        if (work := self._works.pop(frame, None)) is not None:
            self._watcher.forget(work)
            self.changed.emit()

    def export(self, frame: int, path: Path) -> None:
        """Write the plate of `frame`, as the model sees it, to `path`: .png or .tif of 16 bits, or .exr."""
        document = self._desk.project.document

        def done(view: str) -> None:
            self._desk.notices.say(f"Frame {frame} lies in {path.name}, seen as {view}.")

        self.do(lambda: export_frame(document.clip, frame, out=path, colour=document.choices.colour), done)

    def take_file(self, frame: int, picture: Path, *, source: str = "") -> None:
        """Make a picture the keyframe of `frame`; the project keeps a copy."""
        self.do(
            lambda: whole_size(picture),
            lambda size: self._arrive(_Arrival(frame, picture, size, source or picture.name)),
        )

    def take_image(self, frame: int, image: QImage, *, source: str = "the clipboard") -> None:
        """As `take_file`, of a picture that is no file."""
        workspace = self._desk.project.workspace

        def keep() -> tuple[Path, tuple[int, int]]:
            with tempfile.TemporaryDirectory(prefix="maskedit-image-") as folder:
                picture = Path(folder) / "image.png"
                if not image.save(str(picture)):
                    raise OutputError(f"The picture from {source} cannot be kept: make room on the disk.")
                size = whole_size(picture)
                return workspace / kept(picture, frame, workspace=workspace), size

        self.do(keep, lambda found: self._arrive(_Arrival(frame, *found, source)))

    def take_frame(self, frame: int, clip: Callable[[], str], index: int, *, source: str, colour: str = "") -> None:
        """As `take_file`, of a clip's own frame `index`: one of a take. `clip`: finds its path, and may block."""
        workspace = self._desk.project.workspace

        def keep() -> tuple[Path, tuple[int, int]]:
            with tempfile.TemporaryDirectory(prefix="maskedit-frame-") as folder:
                picture = Path(folder) / "frame.png"
                export_frame(clip(), index, out=picture, colour=colour)
                return workspace / kept(picture, frame, workspace=workspace), whole_size(picture)

        self.do(keep, lambda found: self._arrive(_Arrival(frame, *found, source)))

    def move(self, frame: int, to: int) -> None:
        """Let the keyframe of `frame` stand for `to`, in place of one that is there."""
        project = self._desk.project
        document = project.document
        keyframe = document.keyframe_at(frame)
        if keyframe is None or frame == to:
            return
        name = f"Move keyframe {frame} to {to}"
        replaced = " in place of the one there" if document.keyframe_at(to) else ""
        project.change(name, document.without_keyframe(frame).with_keyframe(replace(keyframe, frame=to)))
        self._desk.notices.say(
            f"The picture painted on frame {frame} now stands for frame {to}{replaced}: "
            "where the shot moves it does not lie on its plate any more.",
            severity="warning",
            action="Move back",
            do=lambda: project.undo() if project.undo_name == name else None,
        )

    def remove(self, frame: int) -> None:
        """Take the keyframe out; undo brings it back."""
        project = self._desk.project
        self.stop_painting(frame)
        if project.document.keyframe_at(frame) is not None:
            project.change(f"Remove keyframe {frame}", project.document.without_keyframe(frame))

    def paint_elsewhere(self, work: Callable[[], Work], saved: Callable[[Work, Path, tuple[int, int]], None]) -> None:
        """Make a work of another kind, open it, and tell of its saves: frames of takes are painted too."""

        def follow(made: Work) -> None:
            self._watcher.watch(made, lambda file, size: saved(made, file, size))
            self._open(made)

        self.do(work, follow)

    def do(self, call: Callable[[], Answer], done: Callable[[Answer], None]) -> None:
        """Call off the UI thread, then `done(answer)` on it; what goes wrong is said in one sentence."""

        def failed(error: Exception) -> None:
            if not isinstance(error, MaskEditError | ClientError | OSError):
                _log.error("a keyframe could not be dealt with", exc_info=error)
            self._say(in_words(error))

        in_background(call, owner=self, done=done, failed=failed)

    def _follow(self, work: Work) -> None:
        name = self.editor_name
        self._works[work.frame] = work
        self._watcher.watch(work, lambda file, size: self._arrive(_Arrival(work.frame, file, size, name)))
        self.changed.emit()
        self._open(work)

    def _open(self, work: Work) -> None:
        try:
            open_picture(work.opened, self._desk.preferences.image_editor)
        except MaskEditError as error:
            self._say(str(error))
            return
        self._desk.notices.say(
            f"Frame {work.frame} opens in {self.editor_name}: save over {work.picture.name} or export to it, and what "
            "you painted comes back here."
        )

    def _arrive(self, arrival: _Arrival, *, fit: bool = False) -> None:
        """Take a picture of the right size; ask about one of the same shape; refuse any other."""
        project = self._desk.project
        if (facts := project.facts) is None:
            return
        wrong = misfit(arrival.size, clip=(facts.width, facts.height))
        fit = fit or project.document.choices.care.fit
        if wrong is not None and not wrong.fits_scaled:
            self._say(str(wrong.error(arrival.frame)))
        elif wrong is not None and not fit:
            self._desk.notices.say(
                f"{wrong.words}, of the same shape: it can be scaled, which costs some sharpness.",
                severity="warning",
                action="Scale to fit",
                do=lambda: self._arrive(arrival, fit=True),
            )
        else:
            self._keep(arrival, fit=wrong is not None)

    def _keep(self, arrival: _Arrival, *, fit: bool) -> None:
        project = self._desk.project
        workspace, clip, frame = project.workspace, project.document.clip, arrival.frame

        def done(path: str) -> None:
            if project.document.clip != clip:
                return
            if project.workspace != workspace:  # saved elsewhere meanwhile
                self._keep(arrival, fit=fit)
                return
            document = project.document.with_keyframe(KeyframePicture(frame=frame, path=path))
            if fit:
                choices = document.choices
                document = replace(document, choices=replace(choices, care=replace(choices.care, fit=True)))
            if document != project.document:
                project.change(f"Keyframe {frame} from {arrival.source}", document)
                self.picked_up.emit(frame)

        self.do(lambda: kept(arrival.picture, frame, workspace=workspace), done)

    def _begin_anew(self) -> None:
        self._watcher.clear()
        self._works.clear()
        self.changed.emit()

    def _say(self, sentence: str) -> None:
        self._desk.notices.say(sentence, severity="error")


def keyframing_of(desk: Desk) -> Keyframing:
    """The one of this desk, made when it is first asked for."""
    return desk.project.findChild(Keyframing) or Keyframing(desk)
