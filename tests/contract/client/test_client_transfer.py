# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads and downloads through a wire that is cut, against the real server."""

import hashlib
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_api.v1 import asset_pb2
from plugin_client.core.download import fetch_file, fetch_result
from plugin_client.core.errors import BadInput, TransferError
from plugin_client.core.jobs import Jobs
from plugin_client.core.media import full_hash, reference
from plugin_client.core.requests import build_edit, references_of
from plugin_client.core.upload import make_available, upload_file

MEGABYTE = 1024 * 1024


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    """12 MB that the server has never seen."""
    path = tmp_path / "big.mov"
    path.write_bytes(random.randbytes(12 * MEGABYTE))
    return path


def offset_of(connection, asset_id: str) -> asset_pb2.GetUploadResponse:
    return connection.assets.GetUpload(asset_pb2.GetUploadRequest(asset_id=asset_id))


@pytest.mark.parametrize("cut_after", [0, 1, 100_000, 3 * MEGABYTE, 11 * MEGABYTE])
def test_a_cut_upload_goes_on_where_it_was(over_wire, wire, big_file, cut_after):
    asset_id = full_hash(big_file)
    wire.cut_after = cut_after or None
    upload_file(over_wire, big_file, asset_id)
    assert wire.cuts == bool(cut_after)
    held = offset_of(over_wire, asset_id)
    assert held.complete and held.offset == big_file.stat().st_size
    assert wire.sent < big_file.stat().st_size + min(cut_after, 5 * MEGABYTE) + MEGABYTE


def test_an_upload_survives_many_cuts(over_wire, wire, big_file):
    asset_id = full_hash(big_file)

    def cut_every_three_megabytes(done: int) -> None:
        if wire.cut_after is None and wire.cuts < 3:
            wire.cut_after = 3 * MEGABYTE

    upload_file(over_wire, big_file, asset_id, on_bytes=cut_every_three_megabytes)
    assert wire.cuts == 3 and offset_of(over_wire, asset_id).complete


def test_what_the_server_has_is_not_sent_again(over_wire, wire, big_file, tmp_path):
    asset_id = full_hash(big_file)
    upload_file(over_wire, big_file, asset_id)
    copy = tmp_path / "copy.mov"
    copy.write_bytes(big_file.read_bytes())
    before = wire.sent
    one = reference(str(copy))
    make_available(over_wire, [one])
    assert list(one.asset_ids) == [asset_id] and wire.sent - before < 10_000


def test_a_file_that_changes_meanwhile_is_refused(over_wire, big_file):
    other = hashlib.sha256(b"another content").hexdigest()
    with pytest.raises(TransferError, match="changed while it was uploaded"):
        upload_file(over_wire, big_file, other)
    assert offset_of(over_wire, other).offset == 0


def test_every_frame_of_a_sequence_is_uploaded_once_and_progress_adds_up(connection, tmp_path):
    for number in range(1001, 1005):
        (tmp_path / f"s.{number}.png").write_bytes(random.randbytes(50_000 if number != 1003 else 70_000))
    (tmp_path / "s.1004.png").write_bytes((tmp_path / "s.1002.png").read_bytes())
    one = reference(str(tmp_path / "s.%04d.png"))
    seen: list[tuple[int, int]] = []
    make_available(connection, [one], on_bytes=lambda done, total: seen.append((done, total)))
    assert [full_hash(tmp_path / f"s.{number}.png") for number in range(1001, 1005)] == list(one.asset_ids)
    assert {total for _, total in seen} == {170_000} and seen[-1][0] == 170_000
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not one.locations and one.first_number == 1001
    assert all(offset_of(connection, asset_id).complete for asset_id in one.asset_ids)


def test_an_empty_file_is_an_asset_too(connection, tmp_path):
    empty = tmp_path / "empty.mov"
    empty.touch()
    upload_file(connection, empty, full_hash(empty))
    assert offset_of(connection, full_hash(empty)).complete


@pytest.fixture
def finished(connection, shot, tmp_path):
    """A job that has ended, whose result is 2 MB of the clip followed by noise."""
    with open(shot.clip, "ab") as clip:
        clip.write(random.randbytes(2 * MEGABYTE))
    edit = build_edit(shot)
    make_available(connection, references_of(edit))
    jobs = Jobs(connection)
    job_id = jobs.submit(edit)
    for _ in jobs.watch(job_id):
        pass
    return jobs.get(job_id), Path(shot.clip).read_bytes()


def test_a_result_lands_where_it_shall_with_its_record(connection, finished, tmp_path):
    job, content = finished
    out = tmp_path / "out" / "edited.mkv"
    files: list[tuple[int, int]] = []
    fetch_result(connection, job, out, on_file=lambda done, total: files.append((done, total)))
    assert out.read_bytes() == content and files == [(1, 2), (2, 2)]
    assert sorted(path.name for path in out.parent.iterdir()) == ["edited.maskedit.json", "edited.mkv"]
    out.write_bytes(b"an earlier result")
    fetch_result(connection, job, out)
    assert out.read_bytes() == content


def remote(job):
    """The result's main file as a client on another machine sees it: without its path."""
    (main,) = [file for file in job.result.files if file.name == "result.mkv"]
    assert main.path
    return replace(main, path="")


def test_a_download_goes_on_where_an_earlier_one_was_cut(over_wire, wire, finished, tmp_path):
    job, content = finished
    file, out = remote(job), tmp_path / "edited.mkv"
    part = tmp_path / f".edited.mkv.{file.sha256[:12]}.part"
    part.write_bytes(content[: len(content) - 1000])
    received = wire.received
    fetch_file(over_wire, job.job_id, file, out)
    assert out.read_bytes() == content and not part.exists()
    assert wire.received - received < 100_000


def test_a_download_survives_cuts(over_wire, wire, finished, tmp_path):
    job, content = finished
    wire.cut_after_received = MEGABYTE // 2
    fetch_file(over_wire, job.job_id, remote(job), tmp_path / "edited.mkv")
    assert (tmp_path / "edited.mkv").read_bytes() == content and wire.cuts == 1


def test_bytes_that_come_over_the_wire_add_up(over_wire, finished, tmp_path):
    job, _ = finished
    files = tuple(replace(file, path="") for file in job.result.files)
    seen: list[tuple[int, int]] = []
    there = replace(job, result=replace(job.result, files=files))
    fetch_result(over_wire, there, tmp_path / "edited.mkv", on_bytes=lambda done, total: seen.append((done, total)))
    total = sum(file.size_bytes for file in files)
    assert seen == sorted(seen) and len(seen) >= 3 and seen[-1] == (total, total)


def test_a_damaged_download_never_takes_the_results_name(over_wire, finished, tmp_path):
    job, content = finished
    file, out = remote(job), tmp_path / "edited.mkv"
    part = tmp_path / f".edited.mkv.{file.sha256[:12]}.part"
    part.write_bytes(b"x" * 1000)
    with pytest.raises(TransferError, match="damaged"):
        fetch_file(over_wire, job.job_id, file, out)
    assert not out.exists() and not part.exists()
    part.write_bytes(content + b"longer than the file")
    fetch_file(over_wire, job.job_id, file, out)
    assert out.read_bytes() == content


def test_a_place_that_cannot_be_written_is_a_sentence(connection, finished, tmp_path):
    job, _ = finished
    (tmp_path / "file").touch()
    with pytest.raises(TransferError, match=rf"jobs watch {job.job_id}"):
        fetch_result(connection, job, tmp_path / "file" / "edited.mkv")
    with pytest.raises(TransferError, match="no result"):
        fetch_result(connection, replace(job, result=None), tmp_path / "edited.mkv")


def test_files_under_the_servers_roots_are_not_sent(own_server, shot, monkeypatch, tmp_path):
    from plugin_client.core.connection import Connection

    monkeypatch.setenv("HOME", str(tmp_path))
    edit = build_edit(shot)
    with Connection(own_server.start) as connection:
        make_available(connection, references_of(edit), on_bytes=lambda done, total: pytest.fail("bytes were sent"))
        assert [list(one.locations) for one in references_of(edit)] == [
            [shot.clip],
            [shot.mattes[0].path],
            [shot.keyframes[0].path],
        ]
        assert not any(one.asset_ids for one in references_of(edit))
        os.utime(shot.mattes[0].path, ns=(1, 1))
        make_available(connection, references_of(edit))
        assert references_of(edit)[1].asset_ids


def test_a_file_that_is_gone_before_the_upload_is_bad_input(connection, tmp_path):
    path = tmp_path / "short.mov"
    path.write_bytes(random.randbytes(100))
    one = reference(str(path))
    path.unlink()
    with pytest.raises(BadInput, match="There is no file"):
        make_available(connection, [one])
