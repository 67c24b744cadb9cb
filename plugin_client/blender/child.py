# SPDX-License-Identifier: GPL-3.0-or-later
"""A second Blender in the background, which renders while this one stays free: started, followed and ended.

Runs on any thread but the main one; nothing here touches Blender's data.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import bpy

from plugin_client.blender.child_jobs import MARK, RenderJob, to_line
from plugin_client.core.errors import BadInput
from plugin_client.core.host import Progress

_CODE = "import sys; sys.path.insert(0, {root!r}); from plugin_client.blender import child_render; child_render.main()"
_ROOT = str(Path(__file__).resolve().parents[2])
# How long a cancelled render may go on.
_PATIENCE_SECONDS = 0.1
_NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def render(job: RenderJob, progress: Progress) -> list[Path]:
    """The files that a second Blender makes of `job`, in the order of their frames; `progress` counts frames.

    Whatever `progress` raises ends the other Blender at once. Raises BadInput, one sentence, if it finds nothing to
    render, cannot be started, or ends by itself.
    """
    count = job.last - job.first + 1
    with _started(job) as (process, lines):
        progress(0, count)
        done = 0
        ending: deque[str] = deque(maxlen=1)
        while True:
            try:
                line = lines.get(timeout=_PATIENCE_SECONDS)
            except queue.Empty:
                line = ""
            if line is None:
                raise BadInput(_crash(process.wait(), ending))
            if line.startswith(MARK):
                what, value = json.loads(line[len(MARK) :])
                if what == "made":
                    return [Path(path) for path in value]
                if what == "refused":
                    raise BadInput(value)
                done += 1
            elif line.strip():
                ending.append(line.strip())
            progress(done, count)


def new_folder(folder: str | Path, purpose: str) -> str:
    """A new folder inside `folder`, which is made if need be. Raises BadInput where none can be made."""
    try:
        os.makedirs(folder, exist_ok=True)
        return tempfile.mkdtemp(prefix=f"{purpose}-", dir=folder)
    except OSError as error:
        raise BadInput(
            f"Nothing can be written into {folder} ({error.strerror}): choose another folder in the preferences."
        ) from error


@contextmanager
def gone_on_error(folder: str) -> Iterator[None]:
    """`folder` is gone if the block is left with an error, whatever was written into it."""
    try:
        yield
    except BaseException:
        # On Windows files of a process that was just ended may still be held.
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def gone_after(folder: str) -> Iterator[None]:
    """`folder` is gone when the block is left."""
    with gone_on_error(folder):
        yield
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(job: RenderJob) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[str | None]]]:
    """The process with the lines that it prints, then None; it is ended when the block is left."""
    # What Blender keeps for itself while it runs goes when the folder goes.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), job.folder)
    # A Blender with factory settings has no extensions on, and clears their libraries away: never those of the user.
    environment |= dict.fromkeys(("BLENDER_USER_RESOURCES", "BLENDER_USER_EXTENSIONS"), job.folder)
    try:
        process = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            cwd=job.folder,
            creationflags=_NO_CONSOLE,
        )
    except OSError as error:
        raise BadInput(
            f"A second Blender could not be started to render ({error.strerror}): check that {_command()[0]} may run."
        ) from error
    assert process.stdin is not None and process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        # Where it is gone already the end of its lines says so.
        with suppress(OSError):
            process.stdin.write(to_line(job) + "\n")
            process.stdin.flush()
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdin.close()
        process.stdout.close()


def _command() -> list[str]:
    code = _CODE.format(root=_ROOT)
    if bpy.app.binary_path:
        return [
            bpy.app.binary_path,
            "--background",
            "--factory-startup",
            "--python-exit-code",
            "1",
            "--python-expr",
            code,
        ]
    # Blender as a module of Python.
    return [sys.executable, "-c", code]


def _read(said: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in said:
        lines.put(line)
    lines.put(None)


def _crash(status: int, ending: deque[str]) -> str:
    try:
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
    except ValueError:
        how = f"signal {-status}"
    last = f", its last words {ending[0]!r}" if ending else ""
    return (
        f"The Blender that renders in the background ended by itself ({how}{last}): try again, or give a file instead."
    )
