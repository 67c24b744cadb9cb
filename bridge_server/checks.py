# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks an edit against its media, and looks for what will spoil it, in a child process.

Media parsers are big, and can be crashed by what they read.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from bridge_server.children import ask_child, share_of_memory
from maskedit.errors import InputError
from maskedit.findings import Finding, PresetEstimate
from maskedit.request import EditRequest, Extent, FrameRange, MediaFacts, to_json

CHECKER = (sys.executable, "-P", "-m", "maskedit.preflight")
_PATIENCE_SECONDS = 300
_AT_ONCE = 2
# The largest picture that is read has 200 million pixels: 3.2 GB as floats with alpha, a few times over.
_MOST_BYTES = 12e9


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the check found: the clip, the range to render, the frames that show the region, what encloses it, the
    preflight's findings, and what each preset would take."""

    facts: MediaFacts
    frames: FrameRange
    region_frames: tuple[int, ...]
    bounds: Extent
    findings: tuple[Finding, ...] = ()
    estimates: tuple[PresetEstimate, ...] = ()


_REPORT = TypeAdapter(Report)


def report_to_json(report: Report) -> str:
    return _REPORT.dump_json(report).decode()


def report_from_json(text: str | bytes) -> Report:
    return _REPORT.validate_json(text)


class Checker:
    """Runs the check, at most two at once. `command` reads a request on stdin, as `maskedit.preflight` does."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._memory_bytes = share_of_memory(1 / _AT_ONCE, most=_MOST_BYTES)

    async def check(self, request: EditRequest) -> Report:
        """Raises InputError with the check's sentence, or one of its own where the media crashed the check."""
        # A large edit takes a second to write down.
        text = await asyncio.to_thread(to_json, request)
        async with self._turn:
            try:
                output = await ask_child(
                    self._command, text, seconds=_PATIENCE_SECONDS, memory_bytes=self._memory_bytes
                )
            except TimeoutError as error:
                raise InputError(
                    "Reading the clip and matte took over five minutes: copy them to a local disk."
                ) from error
        try:
            return report_from_json(output)
        except ValidationError as error:
            raise InputError(
                "The clip, matte or a keyframe crashed its reader: the file is damaged, so export it again."
            ) from error
