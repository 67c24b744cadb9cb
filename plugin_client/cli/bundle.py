# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit doctor --bundle`: everything that helps to mend a defect in one zip, and nothing that is private."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plugin_client.core.bundling import versions_of, write_bundle
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.job import Job
from plugin_client.core.jobs import Jobs
from plugin_client.core.private_words import paths_of, prompts_of
from plugin_client.core.results import RECORD_SUFFIX
from plugin_client.core.scrubbing import Scrubber
from plugin_client.core.system import system_of

_PACKAGES = (
    "maskedit", "grpcio", "protobuf", "rich", "torch", "diffusers", "peft", "transformers", "numpy", "av",
    "opencv-python-headless", "OpenImageIO", "structlog", "pydantic", "PyQt6",
)  # fmt: skip
_MOST_JOBS = 50
_MOST_LOGS = 30
_LONGEST_RECORD_BYTES = 4 << 20


def path_of(given: str) -> Path:
    """Where the zip goes: `given`, or for "" a name by the time, here. Raises BadInput for a path that is taken."""
    path = Path(given or time.strftime("maskedit-diagnostics-%Y%m%d-%H%M%S.zip")).absolute()
    if path.exists():
        raise BadInput(f"{path} exists already: give --bundle another path.")
    return path


def collect(
    path: Path,
    *,
    data_dir: Path,
    checks: Sequence[Mapping[str, Any]],
    connection: Connection | None,
    secrets: frozenset[str] = frozenset(),
    with_paths: bool = False,
) -> None:
    """Write the zip to `path`. `connection` None: there is no server to ask.

    `secrets`: tokens that this client was given; the server's own is known from its runtime file. Raises BadInput.
    """
    server, jobs, prompts, paths = _asked(connection)
    scrubber = Scrubber(
        secrets=secrets | _tokens(data_dir),
        prompts=prompts,
        paths=paths,
        folders={str(data_dir): "DATA_DIR"},
        with_paths=with_paths,
    )
    sections = {
        "versions": versions_of(_PACKAGES),
        "checks": checks,
        "settings": _settings(data_dir),
        "server": server,
        "jobs": [asdict(job) for job in jobs],
        "records": dict(_records(jobs)),
    }
    try:
        write_bundle(path, sections=sections, logs=_newest_logs(data_dir / "logs"), scrubber=scrubber)
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror}): give --bundle another path.") from error


def _asked(connection: Connection | None) -> tuple[dict[str, Any], Sequence[Job], frozenset[str], frozenset[str]]:
    """The server's state, its newest jobs, and what of their edits is private."""
    if connection is None:
        return {"problem": "no server answered"}, (), frozenset(), frozenset()
    calls, prompts, paths = Jobs(connection), set[str](), set[str]()
    try:
        server = asdict(system_of(connection.system(), address=connection.endpoint.address))
        jobs = calls.list(limit=_MOST_JOBS)
        for job in jobs:
            edit = calls.edit_of(job.job_id)
            prompts |= prompts_of(edit)
            paths |= paths_of(edit)
    except ClientError as error:
        return {"problem": str(error)}, (), frozenset(prompts), frozenset(paths)
    return server, jobs, frozenset(prompts), frozenset(paths)


def _tokens(data_dir: Path) -> frozenset[str]:
    found = {os.environ.get("MASKEDIT_TOKEN", ""), os.environ.get("HF_TOKEN", "")}
    with suppress(OSError, ValueError, KeyError, TypeError):
        found.add(str(json.loads((data_dir / "server.json").read_text())["token"]))
    return frozenset(filter(None, found))


def _settings(data_dir: Path) -> dict[str, Any]:
    """What the environment and the settings file say; the scrubber knows secrets by their names."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(("MASKEDIT_", "CUDA_VISIBLE"))}
    file = data_dir / "server.toml"
    with suppress(OSError):
        return {"environment": environment, "server.toml": file.read_text(errors="replace").splitlines()}
    return {"environment": environment, "server.toml": "there is none"}


def _records(jobs: Sequence[Job]) -> Iterator[tuple[str, Any]]:
    """The takes' records that lie on this machine, by job."""
    for job in jobs:
        for file in job.result.files if job.result else ():
            if file.name.endswith(RECORD_SUFFIX) and file.path and file.size_bytes <= _LONGEST_RECORD_BYTES:
                with suppress(OSError, ValueError):
                    yield job.job_id, json.loads(Path(file.path).read_text(encoding="utf-8"))


def _newest_logs(folder: Path) -> list[Path]:
    logs = sorted(folder.glob("*.log*"), key=lambda path: path.stat().st_mtime, reverse=True)
    return logs[:_MOST_LOGS]
