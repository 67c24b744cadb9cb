# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters are listed from their headers, and only adapters."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from bridge_server.adapters import AdapterShelf
from bridge_server.errors import ChecksumError, NotFoundError, QuotaError, WrongStateError
from maskedit.errors import InputError

FIRST, SECOND = "a" * 64, "b" * 64


@pytest.fixture
def shelf(tmp_path: Path) -> AdapterShelf:
    for age, name in ((100, FIRST), (50, SECOND)):
        path = tmp_path / f"{name}.safetensors"
        save_file({"x": torch.zeros(3)}, path, metadata={"model": "bundled", "rank": "8"})
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    (tmp_path / ".unfinished.safetensors").touch()
    (tmp_path / "notes.txt").touch()
    return AdapterShelf(tmp_path, quota_bytes=10_000)


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


def test_one_that_is_deleted_meanwhile_is_missed_by_nobody(
    shelf: AdapterShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's own tidying, while a client lists them, looks at it or deletes it too."""
    gone, glob, is_file = shelf.path(FIRST), Path.glob, Path.is_file
    gone.unlink()
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: [*glob(folder, pattern), gone])
    monkeypatch.setattr(Path, "is_file", lambda path: path == gone or is_file(path))
    assert [adapter.adapter_id for adapter in shelf.list()] == [SECOND]
    for call in (shelf.get, shelf.delete):
        with pytest.raises(NotFoundError):
            call(FIRST)
    with shelf.receive(sha256="0" * 64, size_bytes=1):
        pass


@pytest.mark.parametrize("name", ["", "c" * 64, "../notes", ".unfinished", "notes.txt", "a" * 63 + "/"])
def test_what_is_no_adapter_is_not_found(shelf: AdapterShelf, name: str) -> None:
    for call in (shelf.path, shelf.delete):
        with pytest.raises(NotFoundError):
            call(name)


def test_no_folder_means_no_adapters(tmp_path: Path) -> None:
    assert AdapterShelf(tmp_path / "none yet", quota_bytes=0).list() == []


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_comes_in_is_kept_under_its_new_name_and_nothing_else(shelf: AdapterShelf, tmp_path: Path) -> None:
    before, third = files(tmp_path), "c" * 64
    content = b"x" * 100
    with shelf.receive(sha256=hashlib.sha256(content).hexdigest(), size_bytes=100) as incoming:
        incoming.upload.write(content[:40])
        incoming.upload.write(content[40:])
        incoming.upload.finish()
        assert incoming.whole.read_bytes() == content
        save_file({"x": torch.zeros(2)}, incoming.converted, metadata={"model": "wan"})
        kept = shelf.keep(incoming.converted, third)
    assert (kept.adapter_id, kept.metadata) == (third, {"model": "wan"})
    assert files(tmp_path) == before | {f"{third}.safetensors"}
    assert shelf.get(third) == kept


@pytest.mark.parametrize(
    ("sent", "size", "error"),
    [(b"y" * 10, 10, ChecksumError), (b"x" * 9, 10, WrongStateError), (b"x" * 11, 10, InputError)],
)
def test_an_import_that_goes_wrong_leaves_nothing(
    shelf: AdapterShelf, tmp_path: Path, sent: bytes, size: int, error: type[Exception]
) -> None:
    before = files(tmp_path)
    sha256 = hashlib.sha256(b"x" * size).hexdigest()
    with pytest.raises(error), shelf.receive(sha256=sha256, size_bytes=size) as incoming:
        incoming.upload.write(sent)
        incoming.upload.finish()
    assert files(tmp_path) == before


def test_the_quota_counts_what_is_here_and_what_is_coming(shelf: AdapterShelf) -> None:
    left = 10_000 - sum(adapter.size_bytes for adapter in shelf.list())
    sha256 = "0" * 64
    with shelf.receive(sha256=sha256, size_bytes=left - 100):
        with pytest.raises(QuotaError, match="adapter quota"), shelf.receive(sha256=sha256, size_bytes=101):
            pass
        with shelf.receive(sha256=sha256, size_bytes=100):
            pass
    with shelf.receive(sha256=sha256, size_bytes=left):
        pass


def test_the_disk_has_room_for_the_file_and_for_our_form_of_it(
    shelf: AdapterShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = SimpleNamespace(free=(1 << 30) + 3000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: left)
    with pytest.raises(QuotaError), shelf.receive(sha256="0" * 64, size_bytes=1001):
        pass
    with shelf.receive(sha256="0" * 64, size_bytes=600):
        with pytest.raises(QuotaError), shelf.receive(sha256="1" * 64, size_bytes=600):
            pass
        with shelf.receive(sha256="1" * 64, size_bytes=400):
            pass


@pytest.mark.parametrize(("sha256", "size"), [("", 1), ("../x", 1), ("0" * 64, 0), ("0" * 64, 1 << 40)])
def test_what_no_adapter_can_be_is_refused(shelf: AdapterShelf, sha256: str, size: int) -> None:
    with pytest.raises(InputError), shelf.receive(sha256=sha256, size_bytes=size):
        pass
