# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit keeps for the next one is a convenience: where it does not fit, the edit is done all the same."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskedit.progress import Ask, Stage
from maskedit.request import EditRequest
from tests.faults.disks import Disk, disk
from tests.unit.test_edit import QUICK, planes_of, run
from tests.unit.test_edit import request_for as request_for

RequestFor = Callable[..., EditRequest]


class Listener:
    """Keeps what is said, and may ask once for the adapter to be saved."""

    def __init__(self, *, ask: bool = True) -> None:
        self.said: list[str] = []
        self._asks: list[Ask] = [Ask.SAVE] if ask else []

    def report(
        self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None
    ) -> Ask | None:
        self.said.append(message)
        return self._asks.pop() if stage is Stage.TUNE_MOTION and done and self._asks else None

    def heard(self, words: str) -> bool:
        return any(words in message for message in self.said)


@pytest.fixture(autouse=True)
def checkpoints_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskedit.tuning._CHECKPOINT_STEPS", 2)


@pytest.fixture
def cache_disk(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path / "of the cache", megabytes=64) as made:
        (tmp_path / "cache").symlink_to(made.path)
        yield made


def test_an_edit_is_done_though_nothing_of_it_can_be_kept(
    request_for: RequestFor, tmp_path: Path, cache_disk: Disk
) -> None:
    """On a real full disk: latents, checkpoints, both stages' adapters, the prior, and an adapter asked for."""
    request = replace(request_for(), settings=replace(QUICK, motion_steps=2))
    cache_disk.fill(leaving=0)
    listener = Listener()
    done = run(request, tmp_path, reporter=listener)  # type: ignore[arg-type]
    assert done.result.exists() and done.record.exists()
    for words in (
        "What was encoded could not be kept (No space left on device): free some space.",
        "the checkpoint of step 2 could not be written (No space left on device): free some space",
        "The adapter could not be kept (No space left on device): free some space.",
    ):
        assert listener.heard(words), listener.said
    assert [path.name for path in cache_disk.path.rglob("*") if path.is_file() and path.stat().st_size] == ["ballast"]
    cache_disk.make_room()
    again = run(request, tmp_path, name="again", reporter=Listener())  # type: ignore[arg-type]
    assert not again.adapter_reused
    for before, after in zip(planes_of(done.result), planes_of(again.result), strict=True):
        assert all(map(np.array_equal, before, after))
    assert any((cache_disk.path / "adapters").iterdir())


def test_an_adapter_that_cannot_be_kept_leaves_the_checkpoint_for_the_next_edit(
    request_for: RequestFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    request = replace(request_for(), settings=replace(QUICK, motion_steps=2, appearance_steps=0))
    listener = Listener(ask=False)
    with monkeypatch.context() as patched:
        patched.setattr("maskedit.adapting.adapters.save", full)
        run(request, tmp_path, reporter=listener)  # type: ignore[arg-type]
    assert listener.heard("The adapter could not be kept (No space left on device): free some space.")
    assert len(list((tmp_path / "cache" / "checkpoints").iterdir())) == 1
