# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a submission goes through, in this process: what goes wrong in it is an exception here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge_server.app import build_parts
from bridge_server.checks import Report, report_from_json
from bridge_server.settings import Settings
from bridge_server.submission import Submission
from maskedit.catalogue import Catalogue
from maskedit.errors import InputError
from maskedit.preflight.__main__ import report
from maskedit.request import EditRequest, from_json, to_json


class HandOver:
    """What the server's checker does in this process: the request goes to the child and back; its media are read
    for one request in `every`."""

    def __init__(self, models: Catalogue, every: int) -> None:
        self._models = models
        self._every = every
        self.come = self.read = 0

    async def check(self, request: EditRequest) -> Report:
        text = to_json(request)
        assert from_json(text) == request
        self.come += 1
        if self.come % self._every:
            raise InputError("Its media are not looked at.")
        self.read += 1
        said = report(text, models=self._models, seconds=0)
        if not said["ok"]:
            raise InputError(said["error"])
        return report_from_json(json.dumps(said))


async def called_here(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
    """In place of asyncio.to_thread: a million messages take ten million changes of thread otherwise."""
    return function(*arguments, **named)


@pytest.fixture
def submission(tmp_path: Path, fuzz: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Submission]:
    monkeypatch.setattr(asyncio, "to_thread", called_here)
    settings = Settings(data_dir=tmp_path / "data", media_roots=(tmp_path,))
    settings.data_dir.mkdir()
    parts = build_parts(settings, worker=("false",), checker=("false",), home=settings.data_dir)
    object.__setattr__(parts.submission, "checker", HandOver(parts.models, every=max(25, fuzz["messages"] // 1_000)))
    yield parts.submission
    parts.store.close()
