# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a child process: what reads foreign files is big, can be crashed by them, and shall not be the server."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress

from maskedit.errors import InputError


async def ask_child(command: Sequence[str], text: str, *, seconds: float) -> bytes:
    """What the child says on stdout to `text` on its stdin; it never outlives the call.

    Raises InputError with the sentence of `{"ok": false, "error": sentence}`, or TimeoutError.
    """
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
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
