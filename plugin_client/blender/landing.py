# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results land: in the file that they belong to, once, whenever that is open and may be touched.

A result that lies on a timeline is only safe when that is saved. Until then the run stays in the ledger: if Blender
crashes, or the file is opened anew as it was, the result is placed there again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from plugin_client.blender.orders_json import order_to_json
from plugin_client.blender.runs import Run, RunState
from plugin_client.blender.wording import in_words
from plugin_client.core.errors import ClientError
from plugin_client.core.host import Marks, PlacedResult, Shot
from plugin_client.core.ledger import Ledger

_BUSY = "Waiting until Blender has rendered or saved, and nothing is being edited"
_UNSAVED = "The file that it was made in was never saved: the result is {media}"
_log = logging.getLogger(__name__)


class Timeline(Protocol):
    """What landing needs of Blender; of the main thread."""

    def blend(self) -> str:
        """The path of the open file, "" for one that was never saved."""
        ...

    def may_place(self) -> bool:
        """False while Blender renders or saves."""
        ...

    def is_placed(self, job_id: str) -> bool:
        """Whether a strip of the open file is that job's result."""
        ...

    def put_result(self, media: str, shot: Shot, *, marks: Marks, has_alpha: bool) -> PlacedResult:
        """Place it. Raises BadInput where there is no room or no such scene."""
        ...


class Landing:
    """Places the results of runs on `timeline`, and notes that in the ledger."""

    def __init__(self, timeline: Timeline, ledger: Ledger) -> None:
        self._timeline, self._ledger = timeline, ledger
        self.document: object = object()
        """The open file: another object for each that is opened, whatever its name."""

    def belongs(self, run: Run, **facts: Any) -> None:
        """The run is the open file's; that is noted with `facts`. Raises ClientError."""
        run.document, run.blend = self.document, self._timeline.blend()
        self._ledger.note(run.run_id, blend=run.blend, **facts)

    def land(self, runs: Iterable[Run]) -> bool:
        """Place one result that waits, if there is one for the open file; True if anything has changed."""
        for run in runs:
            if run.state is not RunState.WAITING or run.error:
                continue
            if self._is_open(run):
                if self._place(run):
                    return True
                continue
            doing = f"Waiting for {Path(run.blend).name}" if run.blend else _UNSAVED.format(media=run.media)
            # Another Blender may have that file open, and take it from here.
            self._ledger.release(run.run_id)
            if run.doing != doing:
                run.doing = doing
                return True
        return False

    def loaded(self, runs: Iterable[Run]) -> None:
        """Another file is open now, or the same one as it was saved."""
        closed, self.document = self.document, object()
        for run in runs:
            if run.document is closed and run.state is RunState.PLACED and self._ledger.entry(run.run_id):
                if run.blend:
                    run.state, run.placed = RunState.WAITING, None
                else:  # the user has thrown the timeline away
                    self._ledger.forget(run.run_id)
            run.document = None
            run.error = "" if run.state is RunState.WAITING else run.error

    def saved(self, runs: Iterable[Run]) -> None:
        """The open file was saved: what lies in it is safe, and what is under way belongs to its name."""
        blend = self._timeline.blend()
        for run in runs:
            if run.document is not self.document:
                continue
            run.blend = blend
            if run.state is RunState.PLACED:
                self._ledger.forget(run.run_id)
            elif self._ledger.entry(run.run_id):
                # A full disk costs only this: after a crash the run looks for its file under the old name.
                with suppress(ClientError):
                    self._ledger.note(run.run_id, blend=blend)

    def _is_open(self, run: Run) -> bool:
        blend = self._timeline.blend()
        return run.document is self.document or bool(run.blend and blend and _same(run.blend, blend))

    def _place(self, run: Run) -> bool:
        if not self._timeline.may_place():
            was, run.doing = run.doing, _BUSY
            return was != _BUSY
        if not self._ledger.hold(run.run_id) and self._ledger.entry(run.run_id):  # another Blender is at it
            return False
        order = run.order
        run.document = self.document
        if not self._ledger.entry(run.run_id) or self._timeline.is_placed(run.job_id):
            run.state = RunState.PLACED
            return True
        marks = Marks(
            job_id=run.job_id, name=order.name, prompt=order.prompt, seed=order.seed, settings=order_to_json(order)
        )
        shot, has_alpha = order.strip_shot.shot, order.deliver == "patch"
        try:
            run.placed = self._timeline.put_result(run.media, shot, marks=marks, has_alpha=has_alpha)
            run.state = RunState.PLACED
            self._ledger.note(run.run_id, placed=True)
        except Exception as error:
            if not isinstance(error, ClientError):
                _log.exception("run %s", run.run_id)
            # Where only the note has failed, `is_placed` knows.
            run.error = "" if run.state is RunState.PLACED else in_words(error)
        return True


def _same(one: str, other: str) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))
