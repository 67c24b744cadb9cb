# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects on disk come back exactly as they were, and whatever is damaged costs no more than itself."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.errors import InputError, OutputError
from maskedit.mattes.roto import Shape, Stroke
from maskedit.mattes.roto_keys import Key, Point, StrokeKey
from maskedit.media import probe
from plugin_client.core.job import JobState
from plugin_client.core.requests import PRESETS, Care, MatteFile
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.document import Choices, Document, KeyframePicture
from plugin_client.panel.model.takes import Take
from plugin_client.panel.storing import format as stored
from plugin_client.panel.storing.loading import load_project, same_clip
from plugin_client.panel.storing.opened import Opened, View, lay_on
from plugin_client.panel.storing.saving import Snapshot, snapshot, write_as, write_into
from plugin_client.panel.storing.unsaved import UnsavedWorkspace

pairs = st.tuples(*[st.floats(-1e4, 1e4, allow_nan=False)] * 2)
points = st.builds(Point, co=pairs, incoming=pairs, outgoing=pairs, feather=st.none() | st.floats(0, 100))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    frames = draw(st.lists(st.integers(0, 500), min_size=1, max_size=4, unique=True))
    count = draw(st.integers(2, 5))
    keys = tuple(Key(frame=frame, points=tuple(draw(points) for _ in range(count))) for frame in sorted(frames))
    return Shape(name=draw(st.text(max_size=8)), blend=draw(st.sampled_from(("add", "subtract"))), keys=keys)


strokes = st.builds(
    Stroke,
    width=st.floats(0.5, 200),
    keys=st.just((StrokeKey(frame=3, points=((1.0, 2.0, 0.5), (3.0, 4.0, 1.0))),)),
)
choices = st.builds(
    Choices,
    preset=st.sampled_from(PRESETS),
    prompt=st.text(max_size=20),
    seed=st.integers(0, 2**31 - 1),
    seed_locked=st.booleans(),
    grow_px=st.none() | st.integers(0, 50),
    finish=st.just((("grain", 0.5),)),
    settings=st.just((("motion_steps", 20),)),
    care=st.builds(Care, fit=st.booleans()),
)
documents = st.builds(
    Document,
    clip=st.just("/footage/shot.mov"),
    frames=st.none() | st.just(FrameRange(2, 40)),
    shapes=st.lists(shapes(), max_size=3).map(tuple),
    strokes=st.lists(strokes, max_size=2).map(tuple),
    mattes=st.just((MatteFile("/footage/matte.%04d.png", purpose="holdout", invert=True),)),
    keyframes=st.just((KeyframePicture(frame=0, path="keyframes/a.png"), KeyframePicture(frame=9, path="/b.png"))),
    choices=choices,
)


@given(document=documents)
def test_a_document_comes_back_as_it_was(document: Document) -> None:
    plain = json.loads(json.dumps(stored.plain_document(document, workspace=Path("/nowhere"))))
    assert stored.read_document(plain) == (document, [])


@given(document=documents, state=st.sampled_from(JobState), star=st.booleans(), notes=st.text(max_size=20))
def test_a_take_comes_back_as_it_was(document: Document, state: JobState, star: bool, notes: str) -> None:
    take = Take(
        job_id="j1",
        name="Take 1",
        created="2026-01-01T00:00:00+00:00",
        document=document,
        state=state,
        result="takes/j1/result.mkv",
        record={"scorecard": {"seams": 0.25}},
        star=star,
        notes=notes,
    )
    plain = json.loads(json.dumps(stored.plain_take(take, workspace=Path("/nowhere"))))
    assert stored.read_take(plain) == take


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from(list(Document.__dataclass_fields__)), value=junk, document=documents)
def test_a_damaged_field_costs_no_other_field(field: str, value: object, document: Document) -> None:
    plain = stored.plain_document(document, workspace=Path("/nowhere"))
    read, _ = stored.read_document({**plain, field: value})
    for name in Document.__dataclass_fields__:
        if name != field:
            assert getattr(read, name) == getattr(document, name)


def test_a_damaged_shape_is_named_and_costs_only_itself(sample_desk: Desk) -> None:
    plain = stored.plain_document(sample_desk.project.document, workspace=sample_desk.project.workspace)
    plain["shapes"][1]["keys"] = "gone"
    plain["choices"]["preset"] = "enormous"
    document, losses = stored.read_document(plain)
    kept = sample_desk.project.document.shapes
    assert document.shapes == (kept[0], kept[2])
    assert losses == [
        f"The shape “{kept[1].name}” is damaged and was left out.",
        "The setting “preset” is damaged and stands as it was at first.",
    ]


@pytest.fixture
def project(sample_desk: Desk, small_clip: Path, tmp_path: Path) -> Callable[[], Opened]:
    """A saved project in p.maskedit with a clip beside it, two takes with files, and a look at frame 7 of take b."""
    desk = sample_desk
    clip = tmp_path / "footage" / "clip.mp4"
    clip.parent.mkdir()
    shutil.copyfile(small_clip, clip)
    document = replace(desk.project.document, clip=str(clip), frames=FrameRange(1, 10))
    lay_on(
        desk,
        Opened(document=document, facts=probe(clip), scratch=_scratch_with_keyframe(desk)),
    )
    for job in ("a", "b"):
        folder = desk.project.workspace / "takes" / job
        folder.mkdir(parents=True)
        (folder / "result.mkv").write_bytes(b"frames of " + job.encode())
        made = f"2026-01-0{1 + (job == 'b')}T00:00:00+00:00"
        take = Take(job_id=job, name=f"Take {job}", created=made, document=document, state=JobState.SUCCEEDED)
        desk.takes.add(replace(take, result=f"takes/{job}/result.mkv"))
    desk.takes.choose("b")
    desk.playhead.seek(7)
    write_as(tmp_path / "p.maskedit", snapshot(desk))
    return lambda: load_project(tmp_path / "p.maskedit")


def _scratch_with_keyframe(desk: Desk) -> UnsavedWorkspace:
    scratch = UnsavedWorkspace()
    shutil.copytree(desk.project.workspace / "keyframes", Path(scratch.name) / "keyframes")
    return scratch


def test_a_project_reopens_exactly(project: Callable[[], Opened], sample_desk: Desk, tmp_path: Path) -> None:
    before = snapshot(sample_desk)
    opened = project()
    assert opened.losses == ()
    assert (opened.document, opened.facts, opened.takes) == (before.document, before.facts, before.takes)
    assert opened.view == View(frame=7, take="b")
    assert (tmp_path / "p.maskedit/takes/a/result.mkv").read_bytes() == b"frames of a"
    lay_on(sample_desk, opened)
    assert (sample_desk.playhead.frame, sample_desk.takes.current) == (7, "b")
    assert sample_desk.project.document == before.document
    assert not sample_desk.project.dirty


def test_a_folder_that_is_moved_with_its_clip_finds_it(project: Callable[[], Opened], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name in ("p.maskedit", "footage"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    opened = load_project(tmp_path / "elsewhere" / "p.maskedit")
    assert opened.losses == ()
    assert opened.document.clip == str(tmp_path / "elsewhere/footage/clip.mp4")


def test_a_missing_clip_is_said_and_the_rest_is_there(project: Callable[[], Opened], tmp_path: Path) -> None:
    kept = project()
    shutil.rmtree(tmp_path / "footage")
    opened = project()
    assert opened.facts is None
    assert opened.document == kept.document
    assert "clip cannot be opened" in opened.losses[0]
    assert len(opened.losses) == 1


def test_another_clip_than_the_one_that_was_edited_is_noticed(project: Callable[[], Opened], tmp_path: Path) -> None:
    facts = project().facts
    assert facts is not None
    assert same_clip(facts, tmp_path / "p.maskedit")
    assert not same_clip(replace(facts, frame_count=3), tmp_path / "p.maskedit")


def test_a_torn_document_falls_back_to_the_save_before(
    project: Callable[[], Opened], sample_desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "p.maskedit"
    before = project().document
    now = snapshot(sample_desk)
    write_into(folder, replace(now, document=replace(now.document, clip=now.document.clip, shapes=())))
    (folder / stored.DOCUMENT).write_text('{"format": "maskedit-pro')
    opened = project()
    assert opened.document == before
    assert opened.losses == ("The last save is damaged: what you see is the one before it.",)
    assert (folder / stored.DAMAGED).exists()
    # The next save does not put the damaged one in the place of the good one.
    write_into(folder, now)
    assert json.loads((folder / stored.PREVIOUS).read_text())["format"] == stored.PROJECT_FORMAT


def test_without_any_document_the_last_run_is_what_is_left(project: Callable[[], Opened], tmp_path: Path) -> None:
    kept = project()
    for name in (stored.DOCUMENT, stored.PREVIOUS):
        (tmp_path / "p.maskedit" / name).unlink(missing_ok=True)
    opened = project()
    assert opened.document == kept.document
    assert opened.takes == kept.takes
    assert any("as it was at the last run" in loss for loss in opened.losses)


def test_takes_survive_the_loss_of_their_list(project: Callable[[], Opened], tmp_path: Path) -> None:
    kept = project()
    (tmp_path / "p.maskedit" / stored.TAKES).write_bytes(b"\0" * 20)
    opened = project()
    assert opened.takes == kept.takes
    assert opened.losses == ("The list of takes was lost and has been put together again from their folders.",)


def test_half_a_folder_opens_with_every_loss_named(project: Callable[[], Opened], tmp_path: Path) -> None:
    folder = tmp_path / "p.maskedit"
    (folder / "takes/a/take.json").write_text("[]")
    (folder / "takes/b/result.mkv").unlink()
    shutil.rmtree(folder / "keyframes")
    opened = project()
    assert [take.job_id for take in opened.takes] == ["b"]
    assert opened.takes[0].result == ""
    assert opened.document.keyframes == ()
    said = " ".join(opened.losses)
    assert "takes/a is damaged" in said
    assert "result of the take “Take b” is missing" in said
    assert "keyframe on frame 0 is missing" in said


def test_a_take_that_was_removed_stays_removed(
    project: Callable[[], Opened], sample_desk: Desk, tmp_path: Path
) -> None:
    now = snapshot(sample_desk)
    write_into(tmp_path / "p.maskedit", replace(now, takes=now.takes[1:]))
    opened = project()
    assert [take.job_id for take in opened.takes] == ["b"]
    assert opened.losses == ()


def test_what_is_no_project_is_refused_in_a_sentence(tmp_path: Path, project: Callable[[], Opened]) -> None:
    (tmp_path / "holiday").mkdir()
    with pytest.raises(InputError, match=r"holds nothing of a MaskEdit project"):
        load_project(tmp_path / "holiday")
    with pytest.raises(InputError, match=r"check whether it was moved"):
        load_project(tmp_path / "gone.maskedit")
    document = tmp_path / "p.maskedit" / stored.DOCUMENT
    document.write_text(json.dumps({**json.loads(document.read_text()), "version": 99}))
    with pytest.raises(InputError, match=r"newer MaskEdit"):
        project()


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "may not write")])
def test_a_save_that_fails_leaves_the_last_one(
    project: Callable[[], Opened],
    sample_desk: Desk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    words: str,
) -> None:
    kept = project()
    now: Snapshot = snapshot(sample_desk)
    changed = replace(now, document=replace(now.document, shapes=()))

    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    for write in (write_into, write_as):
        with pytest.raises(OutputError, match=words):
            write(tmp_path / "p.maskedit", changed)
    monkeypatch.undo()
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(tmp_path / "data"))
    assert project().document == kept.document
    assert sorted(path.name for path in tmp_path.iterdir() if "maskedit" in path.name) == ["p.maskedit"]
    assert not [path for path in (tmp_path / "p.maskedit").rglob(".*")]


def test_save_as_takes_everything_along_and_replaces_a_project_whole(
    project: Callable[[], Opened], sample_desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "q.maskedit"
    write_as(folder, snapshot(sample_desk))
    (folder / "stray.txt").write_text("of the project that is replaced")
    write_as(folder, snapshot(sample_desk))
    assert not (folder / "stray.txt").exists()
    opened = load_project(folder)
    assert opened.losses == ()
    assert opened.document == project().document
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"keyframes/frame-0000.png", "takes/a/result.mkv", "takes/b/take.json"} <= names
