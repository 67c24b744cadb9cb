# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters between our own form and other tools', in a child process: it takes torch, and the files are foreign."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge_server.children import ask_child, share_of_memory
from maskedit.errors import InputError
from maskedit.request import AdapterFormat

CONVERTER = (sys.executable, "-P", "-m", "maskedit.exchange")
_PATIENCE_SECONDS = 600
_SHARE_OF_MEMORY = 0.75


class Converter:
    """One conversion at a time: each holds a file whole in memory. `command` is as `maskedit.exchange`."""

    def __init__(self, data_dir: Path, command: Sequence[str] = CONVERTER) -> None:
        self._data_dir = data_dir
        self._command = tuple(command)
        self._turn = asyncio.Lock()

    async def to_ours(self, file: Path, out: Path, *, model: str, expert: str, name: str) -> None:
        """Check the LoRA in `file` against the model and write it to `out`. Raises InputError, one sentence."""
        await self._convert(file, out, data_dir=str(self._data_dir), model=model, expert=expert, name=name)

    async def to_theirs(self, file: Path, out: Path, *, form: AdapterFormat, expert: str) -> None:
        """Write the adapter in `file` to `out` as another tool reads it. Raises InputError, one sentence."""
        await self._convert(file, out, format=form, expert=expert)

    async def _convert(self, file: Path, out: Path, **asked: str) -> None:
        text = json.dumps({"file": str(file), "out": str(out), **asked})
        async with self._turn:
            try:
                await ask_child(
                    self._command, text, seconds=_PATIENCE_SECONDS, memory_bytes=share_of_memory(_SHARE_OF_MEMORY)
                )
            except TimeoutError as error:
                raise InputError("Converting the LoRA took over ten minutes: give a smaller one.") from error
        if not await asyncio.to_thread(out.exists):
            raise InputError("The LoRA crashed its reader: it is damaged, or too big for the memory of this machine.")
