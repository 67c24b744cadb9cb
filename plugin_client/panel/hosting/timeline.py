# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline that this window was opened from: the clip that was chosen there, and takes laid above it.

What is known of each such clip stays on the disk: the application may be closed while a run goes on, and an edit that
was begun there is gone on with when its clip is chosen again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from PyQt6.QtCore import QObject, QThreadPool, pyqtSignal

from maskedit.errors import MaskEditError
from maskedit.request import DeliverableFormat
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Host, Marks, PlacedResult, Shot
from plugin_client.core.ledger import Ledger
from plugin_client.core.requests import MatteFile
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.hosting.chosen import Chosen, chosen_from, free_folder, shot_to_json
from plugin_client.panel.model.notices import Notices
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.takes import Take
from plugin_client.panel.model.working import in_background
from plugin_client.panel.running.wording import in_words
from plugin_client.panel.takes.exporting import export, export_of

CLIPS, RENDERS = "clips", "timeline"
Answer = TypeVar("Answer")


class EditingHost(Host, Protocol):
    """An application beside this one. Its calls are made on one thread of their own: each may take minutes."""

    @property
    def application(self) -> str:
        """What people call it."""
        ...

    def where(self, shot: Shot) -> str:
        """The timeline that the shot was read from, in words; asks nobody."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What the calls since the last time have found or left otherwise than one would expect, as sentences."""
        ...

    def close(self) -> None:
        """Let go of it; a call under way breaks off."""
        ...


class HostTimeline(QObject):
    """`chosen`: the clip that is on the desk, None before it has been read. `busy`: what is being done there, in words,
    "" if nothing. `placed(job_id)` and `failed(sentence)` say how it ended. The application is asked on one thread, one
    thing after the other.
    """

    changed = pyqtSignal()
    placed = pyqtSignal(str)
    failed = pyqtSignal(str)
    _progressed = pyqtSignal(int, int)

    def __init__(
        self, host: EditingHost, ledger: Ledger, project: Project, notices: Notices, parent: QObject | None
    ) -> None:
        super().__init__(parent)
        self._host, self._ledger, self._project, self._notices = host, ledger, project, notices
        self.chosen: Chosen | None = None
        self.busy = ""
        self._over = False
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._progressed.connect(self._say_progress)
        project.opened.connect(self._follow_project)
        project.folder_changed.connect(self._follow_folder)

    @property
    def name(self) -> str:
        """The application's, as people say it."""
        return self._host.application

    @property
    def where(self) -> str:
        """Which timeline the clip on the desk lies on, in words; "" for a clip of none there."""
        return "" if self.chosen is None else self._host.where(self.chosen.shot)

    # From there to here.

    def choose(self, results: Path, done: Callable[[Chosen], None]) -> None:
        """Read what is selected there, then `done(it)`; the user may try again where that fails.

        `results`: where the project of a clip that was never edited is to be made.
        """

        def read() -> Chosen:
            shot = self._host.selected_shot()
            known = next((clip for clip in self.remembered() if _is_of(shot, clip) and clip.folder.is_dir()), None)
            if known is not None:
                return known
            key = self._ledger.new_run()
            media = self._host.prepare_clip(shot, self._ledger.folder(key) / CLIPS)(self._watch)
            clip = Chosen(key=key, shot=shot, media=media, folder=free_folder(results, Path(media)), placed={})
            self._ledger.note(key, shot=shot_to_json(shot), media=media, folder=str(clip.folder), placed={})
            self._ledger.release(key)
            return clip

        def found(clip: Chosen) -> None:
            self.chosen = clip
            done(clip)

        words = f"Asking {self.name} for the clip …"
        self._ask(words, read, found, again=lambda: self.choose(results, done))

    def remembered(self) -> list[Chosen]:
        """Every clip that was ever chosen, the one that was worked on last at the end."""
        return [clip for key in self._ledger.runs() if (clip := chosen_from(key, self._ledger.entry(key))) is not None]

    def take_matte(self, choice: str, read: Callable[[MatteFile], Answer], done: Callable[[Answer], None]) -> None:
        """The matte of the clip that `choice` names (`Host.prepare_matte`); `done(read(it))`, the latter not here."""
        clip = self.chosen
        if clip is None or self.busy:
            return

        def take() -> Answer:
            folder = clip.folder / RENDERS
            _make(folder)
            return read(self._host.prepare_matte(clip.shot, choice, folder)(self._watch))

        self._ask(f"Asking {self.name} for the matte …", take, done)

    # From here to there.

    def why_not(self, take: Take | None) -> str:
        """Why a take cannot be put on the timeline now, a sentence; "" if it can."""
        if self.chosen is None:
            return f"This project was not opened from {self.name}: choose its clip there first."
        if take is None or not take.result:
            return "Choose a take that is done."
        if self.busy:
            return f"{self.name} is being asked for something else: wait until that is done."
        return _why_not_there(take, self.chosen)

    def put(self, take: Take, *, alpha: bool = True) -> None:
        """Lay the take above its clip: the region alone with straight alpha, or the whole frame."""
        clip = self.chosen
        reason = self.why_not(take)
        if clip is None or reason:
            self._say_failed(reason)
            return
        called = re.sub(r"[^\w. -]", "_", f"{clip.folder.stem} {take.name} {take.job_id[:8]}")
        out = clip.folder / RENDERS / f"{called}{'' if alpha else ' full'}.mov"
        try:
            wanted = export_of(take, self._project, format=DeliverableFormat.MOV, alpha=alpha, out=out)
        except MaskEditError as error:
            self._say_failed(str(error))
            return
        choices, shot = take.document.choices, shown_part(clip.shot, take)
        marks = Marks(
            job_id=take.job_id,
            name=take.name,
            prompt=choices.prompt,
            seed=choices.seed,
            settings={
                "preset": choices.preset,
                "model": choices.model,
                "project": str(clip.folder),
                "application": self._host.name,
            },
        )

        def place() -> PlacedResult:
            if not out.exists():
                _make(out.parent)
                export(wanted)
            placed = self._host.put_result(str(out), shot, marks=marks, has_alpha=alpha)
            there = chosen_from(clip.key, self._ledger.entry(clip.key)) or clip
            self._ledger.note(clip.key, placed={**there.placed, take.job_id: placed.item})
            return placed

        def done(placed: PlacedResult) -> None:
            if self.chosen is not None and self.chosen.key == clip.key:
                self.chosen = replace(self.chosen, placed={**self.chosen.placed, take.job_id: placed.item})
            where = f"on the timeline of {self.name}, above its clip" if placed.frames else "in the media pool alone"
            self._notices.say(f"{take.name} is {where}.")
            self.placed.emit(take.job_id)

        self._ask(f"Putting {take.name} on the timeline …", place, done)

    def finish(self) -> None:
        """Wait for what is being put on the timeline, give up what is being rendered for this window, and let go."""
        self._over = True
        self._pool.waitForDone()
        self._host.close()

    # How it is asked.

    def _ask(
        self,
        words: str,
        call: Callable[[], Answer],
        done: Callable[[Answer], None],
        *,
        again: Callable[[], None] | None = None,
    ) -> None:
        def ask() -> tuple[Answer, tuple[str, ...]]:
            try:
                return call(), self._host.notes()
            except Exception:
                self._host.notes()  # of what did not come about
                raise

        def finish(answered: tuple[Answer, tuple[str, ...]]) -> None:
            answer, notes = answered
            self._say_busy("")
            done(answer)
            if notes:
                self._notices.say(" ".join(notes), severity="warning")

        def give_up(error: Exception) -> None:
            self._say_busy("")
            self._say_failed(in_words(error), again=again)

        self._say_busy(words)
        in_background(ask, owner=self, done=finish, failed=give_up, pool=self._pool)

    def _watch(self, done: int, total: int) -> None:
        if self._over:
            raise BadInput("The window was closed.")
        self._progressed.emit(done, total)

    def _say_progress(self, done: int, total: int) -> None:
        if self.busy:
            self._say_busy(f"{self.name} renders: {100 * done // max(1, total)} % …")

    def _say_busy(self, words: str) -> None:
        self.busy = words
        self.changed.emit()

    def _say_failed(self, sentence: str, *, again: Callable[[], None] | None = None) -> None:
        action = "" if again is None else "Try again"
        self._notices.say(sentence, severity="error", action=action, do=again)
        self.failed.emit(sentence)

    def _follow_project(self) -> None:
        """Another project on the desk is of another clip, or of none there."""
        folder = self._project.folder
        if self.chosen is not None and (folder == self.chosen.folder or (folder is None and self._is_its_clip())):
            return
        known = self.remembered() if folder is not None else []
        self.chosen = next((clip for clip in known if clip.folder == folder), None)
        self.changed.emit()

    def _follow_folder(self) -> None:
        """The project was saved under another name: it is that one now which is gone on with."""
        folder = self._project.folder
        if self.chosen is not None and folder is not None and folder != self.chosen.folder and self._is_its_clip():
            self._ledger.note(self.chosen.key, folder=str(folder))
            self.chosen = replace(self.chosen, folder=folder)

    def _is_its_clip(self) -> bool:
        return self.chosen is not None and self._project.document.clip == str(Path(self.chosen.media).absolute())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder} cannot be made ({error.strerror}): check its disk.") from error


def _is_of(shot: Shot, clip: Chosen) -> bool:
    """Whether what was chosen is that clip; older versions of Resolve name what lies on top, our own result."""
    return clip.shot == shot or Path(shot.media).parent == clip.folder / RENDERS


def shown_part(shot: Shot, take: Take) -> Shot:
    """`shot` with only those of its frames that the take holds. Raises BadInput where it begins before them."""
    frames = take.document.frames
    first, last = (frames.first, frames.last) if frames is not None else (0, shot.frames.last)
    part = shot.frames.intersection(FrameRange(first, last))
    if part is None or first < shot.frames.first:
        raise BadInput(
            f"{take.name} begins at frame {first}, and the timeline shows {shot.frames.first} to {shot.frames.last}: "
            "set In and Out within these and run it again."
        )
    return replace(shot, frames=part)


def _why_not_there(take: Take, clip: Chosen) -> str:
    try:
        shown_part(clip.shot, take)
    except BadInput as error:
        return str(error)
    return ""
