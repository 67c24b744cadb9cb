# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of the jobs: JOB_ID/request.json, inputs/ (links to assets), output/ (the result); and their logs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Container
from pathlib import Path

from bridge_server.errors import NotFoundError
from bridge_server.jobs.rows import JobRow
from maskedit import faults
from maskedit.faults import Point, reach
from maskedit.whole import sync_folder


class JobFolders:
    """`root` holds a folder per job, `logs` a worker's log per job. Methods block on the disk."""

    def __init__(self, root: Path, *, logs: Path) -> None:
        self.root = root
        self.logs = logs
        for folder in (root, logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def make(self) -> Path:
        """A new job's folder; its name, which nobody can guess, is the job's id."""
        folder = self.root / secrets.token_hex(16)
        reach(Point.FOLDER_MAKE)
        folder.mkdir(mode=0o700)
        return folder

    def describe(self, folder: Path, request: str) -> None:
        """Write the job's `request.json`, on the disk before its row says that the job is there."""
        with (folder / "request.json").open("wb") as file:
            faults.write(file, request.encode(), Point.REQUEST_WRITE)
            file.flush()
            os.fsync(file.fileno())
        inner = (path for path in folder.rglob("*") if path.is_dir())
        for path in (*inner, folder, self.root):
            sync_folder(path)

    def result_file(self, job: JobRow, name: str) -> Path:
        """Where a result file lies. Raises NotFoundError for any name that the worker did not report."""
        if name not in _result_names(job):
            raise NotFoundError(f"The job has no result file {name!r}: list its files to see their names.")
        return self.root / job.job_id / "output" / name

    def link_results(self, job: JobRow, target: Path) -> None:
        """Give the job's result files second names in `target`, so that they are there even if the job is deleted.

        Raises NotFoundError if it has been.
        """
        for name in _result_names(job):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(self.root / job.job_id / "output" / name, target / name)
            except FileNotFoundError as error:
                raise NotFoundError(
                    f"The file {name} of the take {job.job_id} was removed from the server: do that edit again."
                ) from error

    def remove(self, job_id: str) -> None:
        reach(Point.FOLDER_REMOVE)
        shutil.rmtree(self.root / job_id, ignore_errors=True)
        (self.logs / f"{job_id}.log").unlink(missing_ok=True)

    def sweep(self, known: Container[str]) -> None:
        """Remove what a server left that died between writing a folder and its row, or the other way round."""
        for folder in self.root.iterdir():
            if folder.name not in known:
                self.remove(folder.name)


def _result_names(job: JobRow) -> list[str]:
    """The files that the worker reported, relative to the job's output folder."""
    return [file["name"] for file in json.loads(job.result)["files"]] if job.result else []
