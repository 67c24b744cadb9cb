# SPDX-License-Identifier: GPL-3.0-or-later
"""A result's files as the server hears of them: on the disk, measured and hashed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from maskedit.whole import sync_folder


def describe_results(files: Iterable[Path], output: Path) -> list[dict[str, Any]]:
    """Name below `output`, size and SHA-256 of each. All is synced first: SUCCEEDED promises that it survives."""
    described = []
    folders = {output.parent: None, output: None}
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        described.append(
            {"name": path.relative_to(output).as_posix(), "size_bytes": path.stat().st_size, "sha256": digest}
        )
        folders[path.parent] = None
    for folder in folders:
        sync_folder(folder)
    return described
