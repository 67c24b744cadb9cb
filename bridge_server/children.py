# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a child process: what reads foreign files is big, can be crashed by them, and shall not be the server."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress

from maskedit.errors import InputError

try:
    from resource import RLIMIT_DATA, prlimit
except ImportError:  # Linux alone can set another process's limits
    prlimit = None


def share_of_memory(share: float, *, most: float = float("inf")) -> int:
    """That share of the machine's memory in bytes, `most` of them at most."""
    return int(min(most, share * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))


async def ask_child(command: Sequence[str], text: str, *, seconds: float, memory_bytes: int | None = None) -> bytes:
    """What the child says on stdout to `text` on its stdin; it never outlives the call.

    `memory_bytes`: of its own data, threads' stacks among it; beyond that it gets none (on Linux; None: no limit).
    Raises InputError with the sentence of `{"ok": false, "error": sentence}`, or TimeoutError.
    """
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        if prlimit is not None and memory_bytes is not None:
            # It has ended, or has a tighter limit from outside.
            with suppress(ProcessLookupError, PermissionError, ValueError):
                # Not RLIMIT_AS, which counts libraries and what is only reserved. It has read nothing foreign yet.
                prlimit(process.pid, RLIMIT_DATA, (memory_bytes, memory_bytes))
        output, _ = await asyncio.wait_for(process.communicate(text.encode()), seconds)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    if refusal := _refusal(output):
        raise InputError(refusal)
    return output


def _refusal(output: bytes) -> str:
    try:
        said = json.loads(output)
        return "" if said["ok"] else str(said["error"])
    except (ValueError, TypeError, KeyError):
        return ""
