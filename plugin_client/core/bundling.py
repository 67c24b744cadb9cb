# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics as one zip: values as JSON and the ends of logs, each scrubbed on its way in."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from plugin_client.core.scrubbing import Scrubber

TAIL_BYTES = 200_000


def write_bundle(
    path: Path,
    *,
    sections: Mapping[str, Any],
    logs: Iterable[Path],
    scrubber: Scrubber,
    tail_bytes: int = TAIL_BYTES,
) -> None:
    """Write the zip, readable to its owner only: `sections` as NAME.json, the last `tail_bytes` of each log.

    Raises OSError; then `path` is as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, ZipFile(file, "w", ZIP_DEFLATED) as archive:
            for name, values in sections.items():
                said = json.dumps(scrubber.value(values), indent=1, ensure_ascii=False, default=str)
                archive.writestr(f"{name}.json", said)
            for log in logs:
                archive.writestr(f"logs/{log.name}", scrubber.text(_tail(log, tail_bytes)))
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """What runs here: the packages by name, the interpreter, the system."""
    return {
        **{name: _version(name) for name in packages},
        "interpreter": sys.version,
        "system": platform.platform(),
        "processor": platform.machine(),
    }


def _tail(path: Path, most: int) -> str:
    """The end of a log. Where it is cut, it starts with a whole line: half a secret would not be known for one."""
    with path.open("rb") as file:
        begin = max(0, path.stat().st_size - most)
        file.seek(begin)
        content = file.read(most)
    return content[content.find(b"\n") + 1 if begin else 0 :].decode(errors="replace")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
