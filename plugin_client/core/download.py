# SPDX-License-Identifier: GPL-3.0-or-later
"""Results on their way back: under a temporary name, checked against their SHA-256, then renamed into place."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from bridge_api.v1 import asset_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.errors import TransferError
from plugin_client.core.job import Job, ResultFile
from plugin_client.core.media import full_hash
from plugin_client.core.placing import put_in_place
from plugin_client.core.results import RECORD_SUFFIX, destination_of
from plugin_client.core.retrying import Patience


def fetch_result(
    connection: Connection,
    job: Job,
    out: Path,
    *,
    on_file: Callable[[int, int], None] | None = None,
    on_bytes: Callable[[int, int], None] | None = None,
) -> None:
    """Bring a finished job's files to where `out` says, replacing earlier results of that name.

    `out`: the file to write, or a folder or `%04d` pattern for a sequence; the record lands at `record_path(out)`.
    `on_file(done, total)` after each file, `on_bytes` with those that are here and those in all while files come over
    the wire. Raises TransferError or ServerUnreachable.
    """
    if job.result is None:
        raise TransferError(f"The job {job.job_id} has no result: its state is {job.state}.")
    total, before = sum(file.size_bytes for file in job.result.files), 0
    for done, file in enumerate(job.result.files, start=1):

        def tell(held: int, before: int = before) -> None:
            if on_bytes is not None:
                on_bytes(before + held, total)

        fetch_file(connection, job.job_id, file, destination_of(file.name, out), on_bytes=tell)
        before += file.size_bytes
        if on_file is not None:
            on_file(done, len(job.result.files))


def read_record(connection: Connection, job: Job) -> dict[str, Any]:
    """The record of a finished job's take, from the server. Raises TransferError or ServerUnreachable."""
    with tempfile.TemporaryDirectory(prefix="maskedit-") as folder:
        for file in job.result.files if job.result is not None else ():
            if file.name.endswith(RECORD_SUFFIX):
                fetch_file(connection, job.job_id, file, Path(folder) / "record.json")
                return json.loads((Path(folder) / "record.json").read_text(encoding="utf-8"))
    raise TransferError(f"The job {job.job_id} has no take's record: its state is {job.state}.")


def fetch_file(
    connection: Connection,
    job_id: str,
    file: ResultFile,
    destination: Path,
    *,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Copy or download one result file; what an earlier, cut attempt brought is kept and continued.

    `on_bytes` is told how many are here while they come over the wire. Raises TransferError if it cannot be written or
    arrives damaged.
    """
    part = destination.with_name(f".{destination.name}.{file.sha256[:12]}.part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        if file.path and os.access(file.path, os.R_OK):
            shutil.copyfile(file.path, part)
        else:
            _download(connection, job_id, file, part, on_bytes)
        if full_hash(part) != file.sha256:
            part.unlink()
            raise TransferError(
                f"{file.name} arrived damaged: fetch it again with `maskedit jobs watch {job_id} --out PATH`."
            )
        put_in_place(part, destination)
    except TransferError:
        raise
    except OSError as error:
        raise TransferError(
            f"{destination} cannot be written ({error.strerror}): make room or choose another place, then "
            f"run `maskedit jobs watch {job_id} --out PATH`."
        ) from error


def _download(
    connection: Connection, job_id: str, file: ResultFile, part: Path, on_bytes: Callable[[int], None] | None
) -> None:
    patience = Patience(connection)
    with part.open("ab") as target:
        if target.tell() > file.size_bytes:
            target.seek(0)
            target.truncate()
        while target.tell() < file.size_bytes:
            request = asset_pb2.DownloadResultRequest(job_id=job_id, name=file.name, offset=target.tell())
            try:
                for answer in connection.assets.DownloadResult(request):
                    target.write(answer.data)
                    patience.renew()
                    if on_bytes is not None:
                        on_bytes(target.tell())
                break
            except grpc.RpcError as error:
                patience.wait_after(error)
