# SPDX-License-Identifier: GPL-3.0-or-later
"""From a client's edit to a queued job: locate the media, check them, write the job's folder, then its row."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge_server.adapters import AdapterShelf
from bridge_server.checks import Checker, Report, report_to_json
from bridge_server.errors import NotFoundError
from bridge_server.folders import JobFolders
from bridge_server.jobs.rows import JobRow, NewJob
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.states import JobState, Priority
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Lane
from bridge_server.references import References, in_clients_words
from bridge_server.room import find_room
from maskedit.catalogue import Catalogue, ModelEntry
from maskedit.errors import InputError
from maskedit.faults import Point, reach
from maskedit.findings import Severity
from maskedit.presets import recipe_for
from maskedit.refusals import refuse_unsupported
from maskedit.request import EditRequest, Preset, to_json

_KEY = re.compile(r"[\x21-\x7e]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What it takes to queue a job."""

    store: JobStore
    scheduler: Scheduler
    references: References
    checker: Checker
    models: Catalogue
    shelf: AdapterShelf
    folders: JobFolders

    async def check(self, request: EditRequest, *, same_machine: bool) -> Report:
        """Raises InputError, one sentence, for an edit that cannot be done, QuotaError where the disk has no room."""
        async with self._new_folder() as folder:
            _, report = await self._prepare(request, folder, same_machine=same_machine)
            return report

    async def submit(
        self,
        request: EditRequest,
        *,
        sent: bytes,
        idempotency_key: str,
        same_machine: bool,
        retry_of: str = "",
        priority: Priority = Priority.NORMAL,
    ) -> JobRow:
        """Queue an edit and return its job, or the one that this key has made before.

        `sent`: the edit as it came, kept for the client. Raises InputError or AlreadyUsedError.
        """
        if not _KEY.fullmatch(idempotency_key):
            raise InputError("A submission needs an idempotency key of 1 to 64 printable ASCII characters.")
        known = await asyncio.to_thread(self.store.find_submitted, idempotency_key, sent)
        if known is not None:
            return known
        async with self._new_folder() as folder:
            resolved, report = await self._prepare(request, folder, same_machine=same_machine)
            await asyncio.to_thread(self._describe, folder, resolved)
            job = NewJob(
                job_id=folder.name,
                idempotency_key=idempotency_key,
                request=sent,
                report=report_to_json(report),
                retry_of=retry_of,
                message="\n".join(finding.sentence for finding in report.findings),
                lane=_lane(request),
                priority=priority,
                memory_bytes=_least_memory(request, report),
                model="" if _lane(request) is Lane.DRAFT else request.model,
            )
            adding = asyncio.create_task(self._add(job))
            try:
                return await asyncio.shield(adding)
            finally:
                # A client that goes away now has a job all the same, and its folder stays with its row.
                await asyncio.wait({adding})

    def _describe(self, folder: Path, request: EditRequest) -> None:
        self.folders.describe(folder, to_json(request))

    async def _add(self, job: NewJob) -> JobRow:
        row = await asyncio.to_thread(self.store.add, job)
        reach(Point.SUBMITTED)
        self.scheduler.wake()
        return row

    @asynccontextmanager
    async def _new_folder(self) -> AsyncIterator[Path]:
        """A folder for a job, which stays only if the job's row was written in the block."""
        folder = await asyncio.to_thread(self.folders.make)
        try:
            yield folder
        finally:
            await asyncio.to_thread(self._remove_unless_queued, folder)

    def _remove_unless_queued(self, folder: Path) -> None:
        try:
            self.store.get(folder.name)
        except NotFoundError:
            self.folders.remove(folder.name)

    async def _prepare(self, request: EditRequest, folder: Path, *, same_machine: bool) -> tuple[EditRequest, Report]:
        refuse_unsupported(request)
        await asyncio.to_thread(self._check_model, request, same_machine)
        inputs = folder / "inputs"
        request = await asyncio.to_thread(self._with_parent, request, inputs / "parent")
        resolved = await asyncio.to_thread(self.references.resolve, request, inputs, same_machine=same_machine)
        try:
            report = await self.checker.check(resolved)
        except InputError as error:
            raise InputError(in_clients_words(str(error), inputs)) from error
        for finding in report.findings:
            if finding.severity is Severity.ERROR:
                raise InputError(finding.sentence)
        self.scheduler.refuse_too_large(_lane(request), memory_bytes=_least_memory(request, report))
        tight = await asyncio.to_thread(find_room, resolved.deliverables, report, folder)
        return resolved, replace(report, findings=(*report.findings, tight)) if tight else report

    def _with_parent(self, request: EditRequest, folder: Path) -> EditRequest:
        """The request with its parent take's results linked into `folder`, so that they outlive the parent's job."""
        if request.rerender is None:
            return request
        try:
            parent = self.store.get(request.rerender.parent_take)
            if parent.state is not JobState.SUCCEEDED:
                reason = f"The job {parent.job_id} is {parent.state}: only a finished take can be gone on from."
                raise InputError(reason)
            self.folders.link_results(parent, folder)
        except NotFoundError as error:
            raise InputError(str(error)) from error
        return replace(request, rerender=replace(request.rerender, folder=str(folder)))

    def _check_model(self, request: EditRequest, same_machine: bool) -> None:
        """Raises InputError for a model or an adapter that cannot be used."""
        model = usable_model(self.models, request.model, same_machine=same_machine)
        recipe_for(request, recommended=model.recipe)
        for use in request.adapters:
            try:
                about = self.shelf.get(use.adapter_id).metadata
            except NotFoundError as error:
                raise InputError(str(error)) from error
            if about.get("model_fingerprint") != model.fingerprint:
                raise InputError(
                    f"The adapter {use.adapter_id[:12]}… was made for {about.get('model', 'another model')}, not for "
                    f"{request.model}: choose that model, or leave the adapter out."
                )


def _lane(request: EditRequest) -> Lane:
    return Lane.DRAFT if request.preset is Preset.DRAFT else Lane.GENERATE


def _least_memory(request: EditRequest, report: Report) -> int:
    """Bytes that the job's device has to have; 0 where nobody knows."""
    return next((each.least_memory_bytes for each in report.estimates if each.preset is request.preset), 0)


def usable_model(models: Catalogue, name: str, *, same_machine: bool) -> ModelEntry:
    """The model of that name. Raises InputError for one that is not there or has problems.

    Folders in place of names are for clients on this machine only.
    """
    names = [model.name for model in models.list()]
    if not same_machine and name not in names:
        raise InputError(f"There is no model {name!r} on the server: choose {', '.join(names)}.")
    model = models.find(name)
    if model.problems:
        raise InputError(f"The model {name} cannot be used: {model.problems[0]}")
    return model
