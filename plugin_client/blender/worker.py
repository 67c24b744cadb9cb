# SPDX-License-Identifier: GPL-3.0-or-later
"""One run's thread: makes what the order needs, sends it, follows the job and brings its result.

Each step is noted in the ledger before the next: a worker for the same run goes on from there, in another Blender too.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from plugin_client.blender.folders import PREVIEW, result_path
from plugin_client.blender.orders import Order
from plugin_client.blender.runs import Prepares, Run, RunState, Tell
from plugin_client.blender.session import Session, is_away
from plugin_client.blender.wording import in_words, plain
from plugin_client.core.errors import BadInput, ClientError, ServerUnreachable
from plugin_client.core.job import Event, Job, JobState
from plugin_client.core.ledger import Ledger

if TYPE_CHECKING:
    # Imported where they are used: gRPC takes longer than Blender's start-up may wait.
    from plugin_client.core.connection import Connection
    from plugin_client.core.following import Following
    from plugin_client.core.requests import WireEdit

_PAUSE_SECONDS = 1.0
_LONG_PAUSE_SECONDS = 5.0
_POLL_SECONDS = 0.05
_AWAY = "The server does not answer: the run goes on when it is back"
_UNPREPARED = "Blender was closed before this edit was ready to be sent: run it again."
_GONE = "The server does not know this run any more: run it again."
# One run at a time renders: two would both be slower, and memory is not for two.
_preparing = threading.Lock()
_log = logging.getLogger(__name__)


class _Over(Exception):
    """Nobody wants this run any more, or this Blender ends."""


class Worker:
    """Works on the run from the making on, until it is fetched, has failed, is cancelled or `stop` is called.

    `prepares`: None for a run that was prepared before.
    """

    def __init__(
        self, run_id: str, order: Order, *, ledger: Ledger, session: Session, tell: Tell, prepares: Prepares | None
    ) -> None:
        self._run_id, self._order, self._prepares = run_id, order, prepares
        self._ledger, self._session, self._tell = ledger, session, tell
        self._folder = ledger.folder(run_id)
        self._cancelled, self._stopped, self._woken = threading.Event(), threading.Event(), threading.Event()
        self._lock = threading.Lock()
        # What a cancel may break off: a transfer, but never the call that makes the job.
        self._transfer: Connection | None = None
        self._following: Following | None = None
        self._noted: tuple[JobState, str] | None = None
        if ledger.entry(run_id).get("cancelled"):
            self._cancelled.set()
        self._thread = threading.Thread(target=self._run, name=f"maskedit-run-{run_id[:8]}", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End the run; a job that the server has is cancelled as soon as it answers."""
        self._cancelled.set()
        threading.Thread(target=self._cancel, name="maskedit-cancel", daemon=True).start()

    def stop(self) -> None:
        """Leave the run as it is noted; what it has begun on the server goes on."""
        self._stopped.set()
        self._break_off()
        if self._following is not None:
            self._following.stop()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended, at most that long."""
        self._thread.join(seconds)

    def _break_off(self) -> None:
        self._woken.set()
        with self._lock:
            if self._transfer is not None:
                self._transfer.close()

    # What follows runs in the worker's thread.

    def _run(self) -> None:
        try:
            self._go()
        except Exception as error:
            if self._stopped.is_set():
                return
            if self._cancelled.is_set():
                self._finish_cancel()
                return
            if not isinstance(error, ClientError):
                _log.exception("run %s", self._run_id)
            self._fail(in_words(error))

    def _go(self) -> None:
        from plugin_client.blender.sending import kept_edit

        def prepared(run: Run) -> None:
            run.is_prepared = True

        entry = self._ledger.entry(self._run_id)
        job_id = entry.get("job_id", "")
        if not job_id and kept_edit(self._folder) is None:
            self._prepare()
        self._tell(prepared)
        if not job_id:
            if not entry.get("key"):
                self._offer()
            job_id = self._submit()
        job = self._follow(job_id, after=max(0, entry.get("sequence", 0) - 1))
        if job.state is JobState.CANCELLED:
            self._cancelled.set()
        self._check()
        if job.state is JobState.FAILED:
            self._fail(plain(job.error))
            return
        self._fetch(job)

    def _check(self, *_: int) -> None:
        if self._cancelled.is_set() or self._stopped.is_set():
            raise _Over

    def _progress(self, done: int, total: int) -> None:
        self._check()
        self._say_done(done, total)

    def _say_done(self, done: int, total: int) -> None:
        def change(run: Run) -> None:
            run.done, run.total = done, total

        self._tell(change)

    def _say(self, state: RunState, doing: str = "") -> None:
        self._tell(lambda run: run.go(state, doing))

    def _prepare(self) -> None:
        """Make what the order needs, and keep the edit."""
        from plugin_client.blender.sending import edit_of, keep_edit, pictures_of

        if self._prepares is None:
            raise BadInput(_UNPREPARED)
        # First of all: they are painted on while mattes are rendered.
        pictures = pictures_of(self._order, self._prepares.folder)
        while not _preparing.acquire(timeout=_POLL_SECONDS):
            self._say(RunState.PREPARING, "Waiting for another run's matte")
            self._check()
        try:
            clip = self._order.strip_shot.shot.media
            if self._prepares.clip is not None:
                self._say(RunState.PREPARING, "Rendering the strip")
                clip = self._prepares.clip(self._progress)
            self._say(RunState.PREPARING, "Rendering the matte")
            matte = self._prepares.matte(self._progress)
        finally:
            _preparing.release()
        self._check()
        edit = edit_of(self._order, clip=clip, matte=matte, pictures=pictures)
        keep_edit(edit, self._folder)

    def _offer(self) -> None:
        """Give the server the files of the edit, and keep that as it is sent then: with one key it must be one edit."""
        from plugin_client.blender.sending import keep_edit
        from plugin_client.core.jobs import new_key
        from plugin_client.core.requests import references_of
        from plugin_client.core.upload import make_available

        self._say(RunState.SENDING, "Looking for the server")
        edit = self._edit()
        with self._transferring() as connection:
            connection.system()
            self._check()
            self._say(RunState.SENDING, "Sending the edit to the server")
            make_available(connection, references_of(edit), on_bytes=self._say_done)
        self._check()
        keep_edit(edit, self._folder)
        # Before the first try: who finds it here does not know whether the server has the edit.
        self._ledger.note(self._run_id, key=new_key())

    def _submit(self) -> str:
        """The job's id: the same however often it is asked for, see `Jobs.submit`."""
        from plugin_client.core.jobs import Jobs

        self._say(RunState.SENDING, "Sending the edit to the server")
        entry, edit = self._ledger.entry(self._run_id), self._edit()
        with self._session.connection() as connection:
            connection.system()
            jobs, job_id = Jobs(connection), ""
            if parent := entry.get("retry_of"):
                try:
                    job_id = jobs.retry(parent, key=entry["key"])
                except BadInput:
                    _log.info("job %s is gone, its edit is sent again", parent)
            job_id = job_id or jobs.submit(edit, key=entry["key"], priority=self._order.priority)
        self._ledger.note(self._run_id, job_id=job_id)
        return job_id

    def _edit(self) -> WireEdit:
        from plugin_client.blender.sending import kept_edit

        edit = kept_edit(self._folder)
        if edit is None:
            raise BadInput(_UNPREPARED)
        return edit

    def _follow(self, job_id: str, *, after: int) -> Job:
        from plugin_client.core.following import Following

        def began(run: Run) -> None:
            run.job_id = job_id
            run.go(RunState.RUNNING)

        self._tell(began)
        following = self._following = Following(self._session.connection, job_id, after_sequence=after)
        if self._stopped.is_set():
            raise _Over
        if self._cancelled.is_set():  # while it was being submitted, or in another Blender
            self.cancel()
        try:
            job = following.run(self._heard, on_lost=self._lost)
        except BadInput as error:
            raise BadInput(_GONE) from error
        if job is None:
            raise _Over
        return job

    def _heard(self, event: Event) -> None:
        picture = ""
        # A full disk costs no run: without these it is only followed from further back, and shown without a picture.
        with suppress(OSError, ClientError):
            picture = self._keep_preview(event) if event.preview else ""
            if self._noted != (event.state, event.stage):
                self._noted = event.state, event.stage
                self._ledger.note(self._run_id, sequence=event.sequence)

        def change(run: Run) -> None:
            run.trouble = ""
            run.course.take(event)
            run.preview = picture or run.preview

        self._tell(change)

    def _keep_preview(self, event: Event) -> str:
        ending = "png" if event.preview.startswith(b"\x89PNG") else "jpg"
        earlier = sorted(self._folder.glob("preview-*"))
        # Under a name of its own, so that nobody takes it for the one before; which may just be read.
        path = self._folder / f"preview-{event.sequence:09}.{ending}"
        path.write_bytes(event.preview)
        for old in earlier[:-1]:
            old.unlink(missing_ok=True)
        return str(path)

    def _lost(self, error: ClientError) -> None:
        words = _AWAY if is_away(error) else in_words(error)

        def change(run: Run) -> None:
            run.trouble = words

        self._tell(change)

    def _fetch(self, job: Job) -> None:
        from plugin_client.core.download import fetch_result

        self._say(RunState.FETCHING, "Fetching the result")
        assert job.result is not None, "a job that has succeeded has a result"
        out = self._ledger.entry(self._run_id).get("out", "")
        if not out:
            format = job.result.files[0].name.rpartition(".")[2]
            out = str(result_path(self._order.folder, name=self._order.name, format=format))
            self._ledger.note(self._run_id, out=out)
        while True:
            self._check()
            try:
                with self._transferring() as connection:
                    fetch_result(connection, job, Path(out))
                break
            except ServerUnreachable as error:
                self._check()
                self._lost(error)
                self._woken.wait(_PAUSE_SECONDS)
        self._check()
        self._leave_picture(Path(out))
        self._ledger.note(self._run_id, media=out)

        def change(run: Run) -> None:
            run.media = out
            run.go(RunState.WAITING)

        self._tell(change)

    def _leave_picture(self, out: Path) -> None:
        """Beside the result, what was seen of it last: the list of takes shows it."""
        with suppress(OSError, IndexError):
            shutil.copyfile(sorted(self._folder.glob("preview-*.jpg"))[-1], out.with_name(PREVIEW))

    def _fail(self, words: str) -> None:
        def change(run: Run) -> None:
            run.go(RunState.FAILED)
            run.error = words if run.state is RunState.FAILED else ""

        self._tell(change)

    # Cancelling, in a thread of its own.

    def _cancel(self) -> None:
        """Break off what goes on; ask until the server has heard it, or the job has ended."""
        self._break_off()
        # A full disk costs only this: a Blender that crashes before the server has heard of it does not know.
        with suppress(ClientError):
            self._ledger.note(self._run_id, cancelled=True)
        if self._following is None:
            return
        from plugin_client.core.jobs import Jobs

        while not self._stopped.is_set() and self._thread.is_alive():
            try:
                with self._session.connection() as connection:
                    Jobs(connection).cancel(self._following.job_id)
                return
            except BadInput:  # it is gone
                return
            except ClientError:
                self._stopped.wait(_PAUSE_SECONDS)

    def _finish_cancel(self) -> None:
        """See to it that the server has no job of a cancelled run, then forget the run."""
        from plugin_client.core.jobs import Jobs

        def change(run: Run) -> None:
            run.state = RunState.CANCELLED

        self._tell(change)
        entry = self._ledger.entry(self._run_id)
        while entry.get("key") and not self._stopped.is_set():
            try:
                # It may have been sent without an answer. With its key no other job is made.
                job_id = entry.get("job_id") or self._submit()
                with self._session.connection() as connection:
                    Jobs(connection).cancel(job_id)
                break
            except BadInput:  # it was refused, or is gone
                break
            except ClientError:
                self._stopped.wait(_LONG_PAUSE_SECONDS)
        if not self._stopped.is_set():
            self._ledger.forget(self._run_id)

    @contextmanager
    def _transferring(self) -> Iterator[Connection]:
        """A connection that `cancel` and `stop` close."""
        with self._session.connection() as connection:
            with self._lock:
                self._transfer = connection
            try:
                self._check()
                yield connection
            finally:
                with self._lock:
                    self._transfer = None
