# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's runs leave on the disk, so that they outlive the host: a folder for each, with an entry that says how
far it has come, and the files that it needs.

An entry is replaced in one step. Several processes may share a ledger: whoever works on a run holds it.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
import uuid
from pathlib import Path
from typing import IO, Any

from plugin_client.core.errors import ClientError
from plugin_client.core.locks import hold
from plugin_client.core.placing import put_in_place

_ENTRY = "entry.json"
_SWEPT_SECONDS = 24 * 3600


class Ledger:
    """The runs under `folder`, which need not exist yet. Methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._held: dict[str, IO[bytes]] = {}

    def new_run(self) -> str:
        """The id of a run that nobody knows yet, with a folder of its own, held. Raises ClientError."""
        run_id = uuid.uuid4().hex
        try:
            self.folder(run_id).mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise _cannot(self._folder, error) from error
        self.hold(run_id)
        return run_id

    def folder(self, run_id: str) -> Path:
        """Where the run's files lie; they go with it."""
        return self._folder / run_id

    def runs(self) -> tuple[str, ...]:
        """The runs that have an entry, by the time of its last change."""
        entries = [(path.stat().st_mtime_ns, path.parent.name) for path in self._folder.glob(f"*/{_ENTRY}")]
        return tuple(run_id for _, run_id in sorted(entries))

    def entry(self, run_id: str) -> dict[str, Any]:
        """What is known of the run; empty where it has no entry, or a damaged one."""
        try:
            entry = json.loads((self.folder(run_id) / _ENTRY).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return entry if isinstance(entry, dict) else {}

    def note(self, run_id: str, **facts: Any) -> None:
        """Add `facts`, plain JSON values, to the run's entry, or replace them there. Raises ClientError."""
        with self._lock:
            path = self.folder(run_id) / _ENTRY
            part = path.with_suffix(".part")
            try:
                with part.open("w", encoding="utf-8") as file:
                    json.dump(self.entry(run_id) | facts, file)
                put_in_place(part, path)
            except OSError as error:
                raise _cannot(self._folder, error) from error

    def hold(self, run_id: str) -> bool:
        """Take the run for this ledger until `release`, or its process's end; False while another one has it."""
        with self._lock:
            if run_id not in self._held:
                try:
                    file = hold(self.folder(run_id) / "lock")
                except OSError:  # gone meanwhile
                    return False
                if file is None:
                    return False
                self._held[run_id] = file
            return True

    def release(self, run_id: str) -> None:
        """Leave the run to whoever takes it next."""
        with self._lock:
            if file := self._held.pop(run_id, None):
                file.close()

    def forget(self, run_id: str) -> None:
        """Remove the run with its files."""
        with self._lock:
            # First of all the entry: a run without one is none.
            (self.folder(run_id) / _ENTRY).unlink(missing_ok=True)
            self.release(run_id)
            shutil.rmtree(self.folder(run_id), ignore_errors=True)

    def sweep(self) -> None:
        """Remove what was begun long ago and never became a run."""
        for folder in self._folder.glob("*"):
            is_old = time.time() - folder.stat().st_mtime > _SWEPT_SECONDS
            if is_old and not (folder / _ENTRY).exists() and self.hold(folder.name):
                self.forget(folder.name)

    def close(self) -> None:
        """Release every run."""
        for run_id in tuple(self._held):
            self.release(run_id)


def _cannot(folder: Path, error: OSError) -> ClientError:
    return ClientError(
        f"MaskEdit's data folder {folder} cannot be written to ({error.strerror}): make room, or choose another with "
        f"MASKEDIT_DATA_DIR."
    )
