# SPDX-License-Identifier: GPL-3.0-or-later
"""What has returned is on the disk, for each thing that is written; and what has not is the old or the new, whole.

Shown by a power cut right afterwards, or in between, on a file system of its own (disks.py).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge_server.adapters import AdapterShelf
from bridge_server.assets import AssetStore
from bridge_server.folders import JobFolders
from bridge_server.jobs.rows import NewJob
from bridge_server.jobs.store import JobStore
from bridge_server.runtime import announced
from bridge_server.worker.results import describe_results
from maskedit import whole
from maskedit.caching import save_atomically
from maskedit.catalogue import Catalogue
from maskedit.drafting import run_draft
from maskedit.media import write_picture
from maskedit.models import bundled
from maskedit.progress import SilentReporter
from maskedit.request import (
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    EditRequest,
    Keyframe,
    Matte,
    MediaReference,
    Region,
)
from plugin_client.core import placing
from plugin_client.core.download import fetch_file
from plugin_client.core.job import ResultFile
from plugin_client.core.keeping import kept_picture
from plugin_client.core.ledger import Ledger
from tests.faults.disks import Disk, disk, remounted

CONTENT = bytes(range(256)) * 300
HASH = hashlib.sha256(CONTENT).hexdigest()
# Closed after the power cut only: to close a store syncs it.
STILL_OPEN: list[JobStore] = []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with disk(tmp_path_factory.mktemp("whole")) as one:
        yield one


@pytest.fixture
def folder(made: Disk, request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty folder on the disk, which is on the disk already."""
    path = made.path / hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    path.mkdir()
    whole.sync_folder(made.path)
    yield path
    while STILL_OPEN:
        STILL_OPEN.pop().close()
    shutil.rmtree(path)


def held(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` that means anything to anybody."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("lock", "-shm")))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def after_a_cut(made: Disk, folder: Path, tmp_path: Path) -> dict[str, bytes]:
    """What the folder holds once the power is back."""
    image = made.cut(tmp_path / "cut")
    with remounted(image, tmp_path / "after") as after:
        found = held(after.path / folder.name)
    image.unlink()
    return found


def a_checkpoint(folder: Path, aside: Path) -> None:
    save_atomically({"weights": torch.arange(5000.0)}, folder / "new folder" / "checkpoint.safetensors")


def a_model_by_name(folder: Path, aside: Path) -> None:
    Catalogue(folder).add(Path(bundled.__file__).parent / "weights", name="mine")


def a_request(folder: Path, aside: Path) -> None:
    folders = JobFolders(folder / "jobs", logs=folder / "logs")
    folders.describe(folders.make(), "{}" * 5000)


def an_upload(folder: Path, aside: Path) -> None:
    assets = AssetStore(folder, quota_bytes=1 << 30)
    with assets.receive(HASH, size_bytes=len(CONTENT), offset=0) as upload:
        upload.write(CONTENT)
        upload.finish()


def an_imported_adapter(folder: Path, aside: Path) -> None:
    # On the shelf's disk, as a conversion leaves it.
    (folder / "converted").write_bytes(CONTENT)
    AdapterShelf(folder, quota_bytes=1 << 30).keep(folder / "converted", HASH)


def a_job(folder: Path, aside: Path) -> None:
    store = JobStore(folder / "jobs.sqlite")
    store.add(NewJob(job_id="a", idempotency_key="a", request=CONTENT, report="{}"))
    STILL_OPEN.append(store)


def a_runs_entry(folder: Path, aside: Path) -> None:
    ledger = Ledger(folder)
    ledger.note(ledger.new_run(), job="a" * 5000)
    ledger.close()


def a_kept_keyframe(folder: Path, aside: Path) -> None:
    (aside / "painted.png").write_bytes(CONTENT)
    kept_picture(aside / "painted.png", folder / "kept")


def a_fetched_result(folder: Path, aside: Path) -> None:
    (aside / "result.mkv").write_bytes(CONTENT)
    file = ResultFile(name="result.mkv", size_bytes=len(CONTENT), sha256=HASH, path=str(aside / "result.mkv"))
    fetch_file(None, "job", file, folder / "result.mkv")  # type: ignore[arg-type]  # a copy needs no connection


def a_project_saved_elsewhere(folder: Path, aside: Path) -> None:
    for name in ("old/keyframe.png", "new/keyframe.png", "new/takes/1/take.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENT)
    shutil.rmtree(folder / "old")
    placing.put_in_place(folder / "new", folder / "old")


@pytest.mark.parametrize(
    "write",
    [
        a_checkpoint,
        a_model_by_name,
        a_request,
        an_upload,
        an_imported_adapter,
        a_job,
        a_runs_entry,
        a_kept_keyframe,
        a_fetched_result,
        a_project_saved_elsewhere,
    ],
)
def test_what_has_returned_survives_a_power_cut(
    made: Disk, folder: Path, tmp_path: Path, write: Callable[[Path, Path], None]
) -> None:
    write(folder, tmp_path)
    before = held(folder)
    assert before and all(before.values())
    assert after_a_cut(made, folder, tmp_path) == before


def test_a_runtime_file_that_a_power_cut_leaves_is_whole(made: Disk, folder: Path, tmp_path: Path) -> None:
    with announced(folder, address="a", token="t", certificate=""):
        before = held(folder)
        assert after_a_cut(made, folder, tmp_path) == before != {}


def test_a_described_take_survives_a_power_cut(
    made: Disk, folder: Path, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    """A real draft in three formats, through the real writers, with its record."""
    frames = np.random.default_rng(1).integers(0, 255, (3, 48, 64, 3)).astype(np.uint8)
    drawn = np.zeros_like(frames)
    drawn[:, 16:32, 16:48] = 255
    clip, matte, picture = write_clip("clip.mkv", frames), write_clip("matte.mkv", drawn), tmp_path / "key.png"
    write_picture(picture, frames[0][..., ::-1].astype(np.float32) / 255)
    formats = ((DeliverableKind.FULL, "MKV"), (DeliverableKind.PATCH, "PNG"), (DeliverableKind.PATCH, "CACHE"))
    request = EditRequest(
        target=MediaReference(locations=(str(clip),)),
        regions=(Region(mattes=(Matte(media=MediaReference(locations=(str(matte),))),)),),
        keyframes=(Keyframe(frame=0, image=MediaReference(locations=(str(picture),))),),
        deliverables=tuple(Deliverable(kind=kind, format=DeliverableFormat[name]) for kind, name in formats),
    )
    output = folder / "output"
    output.mkdir()
    done = run_draft(request, output=output, reporter=SilentReporter())
    paths = [*(path for each in done.delivered for path in _files(each.path)), done.record]
    described = describe_results(paths, output)
    found = after_a_cut(made, folder, tmp_path)
    assert len(described) == 3 + 1 + 1 + 1
    for file in described:
        assert hashlib.sha256(found[f"output/{file['name']}"]).hexdigest() == file["sha256"]


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def renewed(path: Path, text: str) -> None:
    with whole.written_whole(path) as unfinished:
        unfinished.write_text(text)


def put(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    placing.put_in_place(part, path)


@pytest.mark.parametrize("write", [renewed, put])
@pytest.mark.parametrize("before", ["", "the one before " * 600])
def test_a_power_cut_in_the_middle_leaves_the_old_or_the_new(
    made: Disk,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path, str], None],
    before: str,
) -> None:
    path, after = folder / "file", "the new one " * 700
    if before:
        write(path, before)
    found: list[dict[str, bytes]] = []

    def with_a_cut_before(step: Callable[..., None]) -> Callable[..., None]:
        def cut_and_go_on(*arguments: object) -> None:
            found.append(after_a_cut(made, folder, tmp_path))
            step(*arguments)

        return cut_and_go_on

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, with_a_cut_before(getattr(os, name)))
    write(path, after)
    monkeypatch.undo()
    found.append(after_a_cut(made, folder, tmp_path))
    seen = [one["file"].decode() if "file" in one else "" for one in found]
    assert seen == [before] * 3 + [after]
