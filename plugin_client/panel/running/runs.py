# SPDX-License-Identifier: GPL-3.0-or-later
"""From a document to a take: submitted, followed through every loss of the server, and fetched into the project."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from PyQt6.QtCore import QObject, pyqtSignal

from plugin_client.core.connection import Connection
from plugin_client.core.course import Course
from plugin_client.core.errors import BadInput
from plugin_client.core.job import Event, Job, JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.requests import Picture, WireEdit
from plugin_client.panel.model.document import Document, KeyframePicture
from plugin_client.panel.model.notices import Notices
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.takes import Take, Takes
from plugin_client.panel.running import remaking
from plugin_client.panel.running.fetching import Fetched, fetch
from plugin_client.panel.running.following import Follower
from plugin_client.panel.running.session import Session
from plugin_client.panel.running.submitting import Order, edit_of, frozen, send
from plugin_client.panel.running.wording import in_words, plain

LARGEST_SEED = 2**31 - 1
_NUMBERED = re.compile(r"Take (\d+)")

Prepare = Callable[[Connection, Order], tuple[Document, str]]
"""Submits what is ordered; returns the document as it was submitted, and the job's id."""


def draw_seed() -> int:
    """A seed that nobody has chosen."""
    return random.SystemRandom().randint(1, LARGEST_SEED)


class Runs(QObject):
    """Starts runs, and fills `takes` with what becomes of them; takes up unfinished ones of a reopened project.

    `progressed(job_id)`: its `course` is further; `changed`: a run is being sent, has begun or has ended; `sending`:
    what is being sent, in words, "" if nothing.
    """

    changed = pyqtSignal()
    progressed = pyqtSignal(str)
    _sent_bytes = pyqtSignal(int, int)

    def __init__(
        self, project: Project, takes: Takes, session: Session, notices: Notices, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._project, self._takes, self._session, self._notices = project, takes, session, notices
        self.sending = ""
        self._courses: dict[str, Course] = {}
        self._stopping: set[str] = set()
        self._fetching: set[str] = set()
        self._follower = Follower(session, self)
        self._follower.happened.connect(self._happened)
        self._follower.ended.connect(self._ended)
        self._follower.gone.connect(self._gone)
        # How many projects have been laid on the desk: a run belongs to one of them, wherever it is saved meanwhile.
        self._laid = 0
        project.opened.connect(self._count)
        takes.changed.connect(self._take_up)
        session.failed.connect(lambda sentence: notices.say(sentence, severity="error"))
        self._sent_bytes.connect(self._uploaded)

    # What runs.

    @property
    def running(self) -> tuple[Take, ...]:
        """The project's takes that have not ended, the one submitted first first."""
        return tuple(take for take in reversed(self._takes.takes) if not take.state.is_final)

    @property
    def foremost(self) -> Take | None:
        """The run that has come furthest: the first that is being worked on, else the first that waits."""
        running = self.running
        worked_on = (take for take in running if take.state is not JobState.QUEUED)
        return next(worked_on, running[0] if running else None)

    def course(self, job_id: str) -> Course | None:
        """How far the job has come; None before anything was heard of it here."""
        return self._courses.get(job_id)

    def words(self, take: Take) -> str:
        """What becomes of a run, in one line: "Learning your edit, 40 %, 0:45 left"; "" before anything was heard."""
        course, system = self.course(take.job_id), self._session.system
        if take.state is JobState.CANCELLING:
            return "Stopping …"
        if take.state is JobState.QUEUED and system is not None and system.queue_paused:
            return "Waiting, the queue is paused"
        return course.line if course is not None else ""

    def is_fetching(self, job_id: str) -> bool:
        """Whether the job's result is on its way into the project."""
        return job_id in self._fetching

    # What starts runs.

    def run(self, *, priority: str = "normal") -> None:
        """Run the project as it stands. A seed that is not locked is drawn anew where the take would be the same.

        `priority`: one of PRIORITIES.
        """
        earlier = [take.document for take in self._takes.takes]

        def prepare(connection: Connection, order: Order) -> tuple[Document, str]:
            kept = frozen(order.document, order.workspace)
            if not kept.choices.seed_locked and kept in earlier:
                kept = replace(kept, choices=replace(kept.choices, seed=draw_seed()))
            return kept, self._send(connection, edit_of(replace(order, document=kept)), priority=priority)

        self._submit(self._project.document, prepare)

    def again(self, take: Take, seed: int | None = None) -> None:
        """The take's edit with another seed: rendered from what was tuned for it while the server has that."""
        choices = replace(take.document.choices, seed=draw_seed() if seed is None else seed)

        def prepare(connection: Connection, order: Order) -> tuple[Document, str]:
            return order.document, self._send(connection, edit_of(remaking.from_adapter(connection, take, order)))

        self._submit(replace(take.document, choices=choices), prepare)

    def fix(self, take: Take, pictures: Sequence[Picture]) -> None:
        """The take with `pictures` as further keyframes: only the frames that they reach are rendered."""
        document = take.document
        for picture in pictures:
            document = document.with_keyframe(KeyframePicture(frame=picture.frame, path=picture.path))

        def prepare(connection: Connection, order: Order) -> tuple[Document, str]:
            kept = frozen(order.document, order.workspace)
            edit = remaking.fixed(connection, take, replace(order, document=kept), pictures=pictures)
            return kept, self._send(connection, edit)

        self._submit(document, prepare, parent=take.job_id)

    def retry(self, take: Take, *, place: int | None = None) -> None:
        """The same edit once more, which goes on from what the failed one left; anew if the server forgot it.

        `place`: how many jobs shall go before it; None = all of its priority.
        """

        def prepare(connection: Connection, order: Order) -> tuple[Document, str]:
            try:
                return order.document, Jobs(connection).retry(take.job_id, place=place)
            except BadInput:
                return order.document, self._send(connection, edit_of(order))

        self._submit(take.document, prepare, parent=take.parent)

    # What ends them.

    def stop(self, job_id: str = "") -> None:
        """Cancel the job, or without one the run of this project that has come furthest. Answers at once."""
        take = self._takes.get(job_id) if job_id else self.foremost
        if take is None or take.state.is_final or take.job_id in self._stopping:
            return
        before, job_id = take.state, take.job_id
        self._stopping.add(job_id)
        self._takes.update(job_id, state=JobState.CANCELLING)
        self.progressed.emit(job_id)

        def failed(error: Exception) -> None:
            self._stopping.discard(job_id)
            self._takes.update(job_id, state=before)
            self._notices.say(f"The run could not be stopped. {in_words(error)}", severity="error")

        self._session.call(lambda connection: Jobs(connection).cancel(job_id), None, failed, owner=self)

    def sample_now(self, job_id: str) -> None:
        """Have a picture rendered with what was tuned so far; it comes as the course's preview."""
        self._session.call(lambda connection: Jobs(connection).sample_now(job_id), owner=self)

    def save_now(self, job_id: str) -> None:
        """Have the server keep what was tuned so far as an adapter; the course's note says that it has."""
        self._session.call(lambda connection: Jobs(connection).save_now(job_id), owner=self)

    def delete(self, take: Take) -> None:
        """Take it out of the project with its files; a run that goes on is stopped."""
        self._takes.remove(take.job_id)
        folder = self._project.workspace / take.folder

        def forget(connection: Connection) -> None:
            jobs = Jobs(connection)
            jobs.cancel(take.job_id)
            for _ in jobs.watch(take.job_id):
                pass
            jobs.delete(take.job_id)

        shutil.rmtree(folder, ignore_errors=True)
        # What the server does not know any more is as good as deleted.
        self._session.call(forget, None, lambda error: None, owner=self)

    def fetch_again(self, take: Take) -> None:
        """Bring a finished take's files once more: they did not arrive, or were removed."""
        self._session.call(lambda connection: Jobs(connection).get(take.job_id), self._fetch, self._not_fetched(take))

    def _count(self) -> None:
        self._laid += 1

    # How a run is sent.

    def _submit(self, document: Document, prepare: Prepare, *, parent: str = "") -> None:
        facts, workspace, name, laid = self._project.facts, self._project.workspace, self._next_name(), self._laid
        if facts is None:
            self._notices.say("There is no clip yet: open one first.", severity="error")
            return
        order = Order(document=document, facts=facts, workspace=workspace, name=name)
        self._say_sending("Sending the edit to the server …")

        def do(connection: Connection) -> Take:
            connection.system()
            submitted, job_id = prepare(connection, order)
            made = datetime.now(UTC).isoformat(timespec="seconds")
            return Take(job_id=job_id, name=name, created=made, document=submitted, parent=parent)

        def done(take: Take) -> None:
            self._say_sending("")
            if laid == self._laid:  # else another project lies on the desk: the job goes on
                self._takes.add(take)

        def failed(error: Exception) -> None:
            self._say_sending("")
            self._notices.say(in_words(error), severity="error")

        self._session.call(do, done, failed, owner=self)

    def _send(self, connection: Connection, edit: WireEdit, *, priority: str = "normal") -> str:
        return send(connection, edit, on_bytes=self._sent_bytes.emit, priority=priority)

    def _next_name(self) -> str:
        numbers = (_NUMBERED.fullmatch(take.name) for take in self._takes.takes)
        return f"Take {max((int(number[1]) for number in numbers if number), default=0) + 1}"

    def _uploaded(self, done: int, total: int) -> None:
        self._say_sending(f"Sending the clip to the server, {100 * done // max(1, total)} % …")

    def _say_sending(self, words: str) -> None:
        self.sending = words
        self.changed.emit()

    # What is heard of them.

    def _take_up(self) -> None:
        """Follow what is unfinished, and what is finished but was never fetched."""
        known = {take.job_id for take in self._takes.takes}
        for job_id in self._courses.keys() - known:
            self._follower.leave(job_id)
            del self._courses[job_id]
        for take in self._takes.takes:
            unfetched = take.state is JobState.SUCCEEDED and not take.result and not take.error
            if take.job_id not in self._courses and (unfetched or not take.state.is_final):
                self._courses[take.job_id] = Course()
                self._follower.follow(take.job_id)
        self.changed.emit()

    def _happened(self, job_id: str, event: Event) -> None:
        course = self._courses.get(job_id)
        if course is None:
            return
        course.take(event)
        stopping = job_id in self._stopping and event.state in (JobState.QUEUED, JobState.RUNNING)
        if not event.state.is_final:
            self._takes.update(job_id, state=JobState.CANCELLING if stopping else event.state)
        self.progressed.emit(job_id)

    def _ended(self, job_id: str, job: Job) -> None:
        self._stopping.discard(job_id)
        take = self._takes.get(job_id)
        if take is None:
            return
        error = plain(job.error) if job.state is JobState.FAILED else ""
        self._takes.update(job_id, state=job.state, error=error)
        if error:
            self._notices.say(f"{take.name} failed. {error}", severity="error")
        if job.state is JobState.SUCCEEDED:
            self._fetch(job)
        self.progressed.emit(job_id)
        self.changed.emit()

    def _gone(self, job_id: str) -> None:
        words = "The server does not know this run any more: choose Retry to run it anew."
        self._takes.update(job_id, state=JobState.FAILED, error=words)
        self.changed.emit()

    def _fetch(self, job: Job) -> None:
        take = self._takes.get(job.job_id)
        if take is None or job.job_id in self._fetching:
            return
        self._fetching.add(job.job_id)
        workspace = self._project.workspace
        keyframes = take.document.keyframes
        shown = keyframes[0].frame if keyframes else None

        def done(fetched: Fetched) -> None:
            self._fetching.discard(job.job_id)
            if workspace != self._project.workspace:  # saved under another name meanwhile: it belongs there too
                self._fetch(job)
                return
            within = {name: name and f"{take.folder}/{name}" for name in (fetched.result, fetched.thumbnail)}
            self._takes.update(
                job.job_id,
                error="",
                result=within[fetched.result],
                thumbnail=within[fetched.thumbnail],
                record=fetched.record,
            )
            self.changed.emit()
            if not self._takes.current:
                self._takes.choose(job.job_id)
            else:
                show = job.job_id
                self._notices.say(f"{take.name} is done.", action="Show", do=lambda: self._takes.choose(show))

        self._session.call(
            lambda connection: fetch(connection, job, workspace / take.folder, shown=shown),
            done,
            self._not_fetched(take),
            owner=self,
        )

    def _not_fetched(self, take: Take) -> Callable[[Exception], None]:
        def failed(error: Exception) -> None:
            self._fetching.discard(take.job_id)
            self._takes.update(take.job_id, error=in_words(error))
            self._notices.say(in_words(error), severity="error")
            self.changed.emit()

        return failed
