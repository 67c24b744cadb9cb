# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters are listed from their headers, and only adapters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bridge_server.adapters import AdapterShelf
from bridge_server.errors import NotFoundError

FIRST, SECOND = "a" * 64, "b" * 64


@pytest.fixture
def shelf(tmp_path: Path) -> AdapterShelf:
    for age, name in ((100, FIRST), (50, SECOND)):
        path = tmp_path / f"{name}.safetensors"
        save_file({"x": torch.zeros(3)}, path, metadata={"model": "bundled", "rank": "8"})
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    (tmp_path / ".unfinished.safetensors").touch()
    (tmp_path / "notes.txt").touch()
    return AdapterShelf(tmp_path)


def test_the_newest_come_first_with_their_metadata(shelf: AdapterShelf) -> None:
    listed = shelf.list()
    assert [adapter.adapter_id for adapter in listed] == [SECOND, FIRST]
    assert listed[0].metadata == {"model": "bundled", "rank": "8"}
    assert listed[0].size_bytes == listed[0].path.stat().st_size


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, b"\xff" * 100, b"\x02" + b"\0" * 7 + b"[]", b"\x01" + b"\0" * 8])
def test_a_damaged_file_is_listed_without_metadata(shelf: AdapterShelf, content: bytes) -> None:
    shelf.path(FIRST).write_bytes(content)
    assert [adapter.metadata for adapter in shelf.list() if adapter.adapter_id == FIRST] == [{}]


def test_deleting_removes_one(shelf: AdapterShelf) -> None:
    shelf.delete(FIRST)
    assert [adapter.adapter_id for adapter in shelf.list()] == [SECOND]


@pytest.mark.parametrize("name", ["", "c" * 64, "../notes", ".unfinished", "notes.txt", "a" * 63 + "/"])
def test_what_is_no_adapter_is_not_found(shelf: AdapterShelf, name: str) -> None:
    for call in (shelf.path, shelf.delete):
        with pytest.raises(NotFoundError):
            call(name)


def test_no_folder_means_no_adapters(tmp_path: Path) -> None:
    assert AdapterShelf(tmp_path / "none yet").list() == []
