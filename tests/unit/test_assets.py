# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads arrive whole or not at all, in however many pieces, and never take more room than they may."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server import receiving
from bridge_server.assets import AssetStore
from bridge_server.errors import BusyError, ChecksumError, NotFoundError, QuotaError, WrongStateError
from maskedit.errors import InputError
from maskedit.faults import Point, planned

DAY = 24 * 3600


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path, quota_bytes=10_000)


def name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def upload(assets: AssetStore, content: bytes, *, claimed: bytes | None = None, upto: int | None = None) -> str:
    asset_id = name(content if claimed is None else claimed)
    offset = assets.offset(asset_id)
    with assets.receive(asset_id, size_bytes=len(content), offset=offset) as receiving:
        receiving.write(content[offset:upto])
        if upto is None:
            receiving.finish()
    return asset_id


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_any_number_of_cuts_leaves_the_same_file(content: bytes, cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assets = AssetStore(Path(folder), quota_bytes=1000)
        for cut in cuts:
            upload(assets, content, upto=max(cut, assets.offset(name(content))))
        asset_id = upload(assets, content)
        assert assets.has(asset_id)
        assert assets.path(asset_id).read_bytes() == content
        assert assets.offset(asset_id) == len(content)
        assert list((Path(folder) / "partial").iterdir()) == []


def test_bytes_that_are_not_what_they_claim_are_thrown_away(assets: AssetStore) -> None:
    with pytest.raises(ChecksumError):
        upload(assets, b"one thing", claimed=b"another")
    assert not assets.has(name(b"another"))
    assert assets.offset(name(b"another")) == 0
    upload(assets, b"another")


def test_what_could_not_be_synced_is_sent_again(assets: AssetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_SYNC_BYTES", 4)
    content = b"0123456789"
    for failing in (1, 3):
        coming = assets.receive(name(content), size_bytes=10, offset=0)
        with planned(f"{Point.ASSET_SYNC}=EIO@{failing}"), pytest.raises(OSError), coming as incoming:
            for start in range(0, 10, 2):
                incoming.write(content[start : start + 2])
            incoming.finish()
        assert assets.offset(name(content)) == 0
    assert assets.path(upload(assets, content)).read_bytes() == content


def test_pieces_are_taken_while_the_disk_syncs_and_the_end_waits_for_it(
    assets: AssetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_SYNC_BYTES", 4)
    disk, syncing = threading.Event(), threading.Event()
    passed: list[Point] = []

    def reach(point: Point) -> None:
        if point is Point.ASSET_SYNC:
            syncing.set()
            assert disk.wait(10)
        passed.append(point)

    monkeypatch.setattr(receiving, "reach", reach)
    content = b"0123456789"
    with assets.receive(name(content), size_bytes=10, offset=0) as incoming, ThreadPoolExecutor(1) as pool:
        incoming.write(content[:4])
        assert syncing.wait(10)
        incoming.write(content[4:6])
        ending = pool.submit(lambda: (incoming.write(content[6:]), incoming.finish()))
        with pytest.raises(TimeoutError):
            ending.result(0.05)
        assert passed == [] and not assets.has(name(content))
        disk.set()
        ending.result(10)
    assert passed == [Point.ASSET_SYNC] * 3 + [Point.ASSET_RENAME, Point.ASSET_RENAMED]
    assert assets.path(name(content)).read_bytes() == content


def test_a_sync_that_fails_when_nobody_sends_any_more_is_known_to_the_next_upload(
    assets: AssetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_SYNC_BYTES", 4)
    cut = threading.Event()

    def reach(point: Point) -> None:
        assert cut.wait(10)
        raise OSError(errno.EIO, f"{point}: the disk forgets")

    monkeypatch.setattr(receiving, "reach", reach)
    with assets.receive(name(b"0123456789"), size_bytes=10, offset=0) as incoming:
        incoming.write(b"01234")
        cut.set()
    assert assets.offset(name(b"0123456789")) == 0


def test_an_upload_goes_on_where_the_server_is_and_nowhere_else(assets: AssetStore) -> None:
    upload(assets, b"0123456789", upto=4)
    for offset in (0, 3, 5):
        with (
            pytest.raises(WrongStateError, match="holds 4 bytes"),
            assets.receive(name(b"0123456789"), size_bytes=10, offset=offset),
        ):
            pass


def test_an_upload_is_never_smaller_than_what_is_here_of_it(assets: AssetStore) -> None:
    upload(assets, b"0123456789", upto=4)
    with pytest.raises(WrongStateError), assets.receive(name(b"0123456789"), size_bytes=3, offset=4):
        pass


def test_an_upload_that_ends_early_can_go_on(assets: AssetStore) -> None:
    content = b"0123456789"
    with (
        pytest.raises(WrongStateError, match="after 4 bytes"),
        assets.receive(name(content), size_bytes=10, offset=0) as receiving,
    ):
        receiving.write(content[:4])
        receiving.finish()
    assert upload(assets, content)


def test_more_bytes_than_announced_are_refused(assets: AssetStore) -> None:
    with pytest.raises(InputError), assets.receive(name(b"ab"), size_bytes=2, offset=0) as receiving:
        receiving.write(b"abc")


def test_two_uploads_of_one_asset_do_not_mix(assets: AssetStore) -> None:
    with assets.receive(name(b"ab"), size_bytes=2, offset=0):
        with pytest.raises(BusyError), assets.receive(name(b"ab"), size_bytes=2, offset=0):
            pass
        upload(assets, b"something else")
    upload(assets, b"ab")


@pytest.mark.parametrize("asset_id", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n", "/etc/passwd"])
def test_names_that_are_no_hashes_never_become_paths(assets: AssetStore, asset_id: str) -> None:
    for call in (assets.has, assets.path, assets.offset):
        with pytest.raises(InputError):
            call(asset_id)
    with pytest.raises(InputError), assets.receive(asset_id, size_bytes=1, offset=0):
        pass


def test_a_missing_asset_is_not_found(assets: AssetStore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        assets.path("0" * 64)
    with pytest.raises(NotFoundError):
        assets.link("0" * 64, tmp_path / "link")


def test_the_quota_holds_for_what_is_announced(assets: AssetStore) -> None:
    upload(assets, b"a" * 6000)
    with pytest.raises(QuotaError, match="no room"):
        upload(assets, b"b" * 4001)
    with assets.receive(name(b"c" * 3000), size_bytes=3000, offset=0), pytest.raises(QuotaError):
        upload(assets, b"d" * 2000)


def test_room_is_made_from_old_garbage_only(assets: AssetStore, tmp_path: Path) -> None:
    used, unused, fresh = (upload(assets, letter * 3000) for letter in (b"a", b"b", b"c"))
    assets.link(used, tmp_path / "job" / "clip.mov")
    for old in (used, unused):
        os.utime(assets.path(old), (time.time() - 2 * DAY,) * 2)
    upload(assets, b"d" * 3000)
    assert assets.has(used) and assets.has(fresh)
    assert not assets.has(unused)


def test_what_is_asked_for_is_no_garbage(assets: AssetStore) -> None:
    wanted, unused, _ = (upload(assets, letter * 3000) for letter in (b"a", b"b", b"c"))
    for old in (wanted, unused):
        os.utime(assets.path(old), (time.time() - 2 * DAY,) * 2)
    assert assets.has(wanted)
    upload(assets, b"d" * 3000)
    assert assets.path(wanted)
    assert not assets.has(unused)


def test_an_upload_counts_once_however_far_it_is(assets: AssetStore) -> None:
    with assets.receive(name(b"a" * 6000), size_bytes=6000, offset=0) as receiving:
        receiving.write(b"a" * 5900)
        upload(assets, b"b" * 3000)
        with pytest.raises(QuotaError):
            upload(assets, b"c" * 1001)


def test_the_disk_has_room_for_all_uploads_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = SimpleNamespace(free=(1 << 30) + 5000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: left)
    roomy = AssetStore(tmp_path / "roomy", quota_bytes=1 << 62)
    with (
        roomy.receive(name(b"a" * 3000), size_bytes=3000, offset=0),
        pytest.raises(QuotaError),
    ):
        upload(roomy, b"b" * 3000)
    upload(roomy, b"b" * 3000)


def test_the_files_that_are_here_are_not_counted_again_for_each_upload(
    assets: AssetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks, iterdir = [], Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: walks.append(folder) or iterdir(folder))
    for number in range(20):
        upload(assets, b"%d" % number)
    assert len(walks) == 2


def test_a_file_that_goes_while_they_are_counted_is_none(assets: AssetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: (*iterdir(folder), folder / "gone"))
    assert assets.has(upload(assets, b"content"))


def test_a_full_disk_is_noticed_before_the_upload(assets: AssetStore, tmp_path: Path) -> None:
    roomy = AssetStore(tmp_path / "roomy", quota_bytes=1 << 62)
    with (
        pytest.raises(QuotaError),
        roomy.receive("0" * 64, size_bytes=shutil.disk_usage(tmp_path).free, offset=0),
    ):
        pass


def test_assets_are_for_their_owner_only(assets: AssetStore) -> None:
    path = assets.path(upload(assets, b"secret"))
    assert path.stat().st_mode & 0o777 == 0o400
    assert path.parent.stat().st_mode & 0o077 == 0
