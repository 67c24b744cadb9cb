# SPDX-License-Identifier: GPL-3.0-or-later
"""The mattes that are shown are those that a server makes of the same document's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.mattes import drawn_mattes, read_roto
from maskedit.mattes.roto import Shape, Stroke
from maskedit.request import FrameRange, Matte, MatteChannel, MediaFacts, MediaReference, Region
from plugin_client.core.requests import MatteFile
from plugin_client.panel.mattes.cache import MatteCache
from plugin_client.panel.mattes.files import matte_files, roto_of, write_roto
from plugin_client.panel.mattes.scene import Scene, reduced
from plugin_client.panel.model.document import Document
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.working import end_work

WIDTH, HEIGHT, COUNT = 64, 48, 6
FACTS = MediaFacts(frame_count=COUNT, width=WIDTH, height=HEIGHT, rate=Fraction(24), pixel_format="yuv420p")
HERE = Path()


def box(left: float, top: float, right: float, bottom: float, *, moved: float = 0, **fields: object) -> Shape:
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    keys = [
        {"frame": frame, "points": [{"co": (x + way, y)} for x, y in corners]} for frame, way in ((0, 0), (5, moved))
    ]
    return Shape.model_validate({"name": "box", "keys": keys[: 2 if moved else 1], **fields})


def stroke(*points: tuple[float, float], **fields: object) -> Stroke:
    keys = [{"frame": 0, "points": [(x, y, 1.0) for x, y in points]}]
    return Stroke.model_validate({"width": 6, "hardness": 0.7, "keys": keys, **fields})


@pytest.fixture
def imported(write_clip: Callable[..., Path]) -> Path:
    """A luma matte as long as the clip: a soft bar that moves to the right."""
    frames = np.zeros((COUNT, HEIGHT, WIDTH, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[:, 8 + 4 * number : 28 + 4 * number] = 255
        frame[:, 28 + 4 * number] = 120
    return write_clip("bar.mkv", frames)


@pytest.fixture
def project(qapp: object) -> Project:
    return Project()


@pytest.fixture
def cache(project: Project) -> Iterator[MatteCache]:
    cache = MatteCache(project)
    yield cache
    assert end_work(cache), "work in the background does not end"


def by_the_server(files: tuple[MatteFile, ...], facts: MediaFacts = FACTS) -> list[np.ndarray]:
    """What the method makes of files as the server is given them."""
    mattes = tuple(
        Matte(
            media=MediaReference(locations=(file.path,)),
            channel=MatteChannel(file.channel),
            invert=file.invert,
            subtract=file.subtract,
        )
        for file in files
    )
    frames = FrameRange(first=0, last=facts.frame_count - 1)
    return [matte for _, matte in drawn_mattes(Region(mattes=mattes), facts=facts, frames=frames)]


def shown(cache: MatteCache, qtbot: object, frame: int) -> np.ndarray:
    qtbot.waitUntil(lambda: cache.picture(frame) is not None)  # type: ignore[attr-defined]
    found = cache.picture(frame)
    assert found is not None
    return found


boxes = st.tuples(
    st.integers(0, 40), st.integers(0, 30), st.integers(5, 30), st.integers(5, 30), st.sampled_from([0, 7.5])
)


@given(
    places=st.lists(st.tuples(boxes, st.booleans(), st.sampled_from([0.0, 3.0])), min_size=1, max_size=4),
    with_stroke=st.booleans(),
)
def test_a_scene_is_what_the_server_makes_of_its_files(
    tmp_path_factory: pytest.TempPathFactory,
    places: list[tuple[tuple[float, float, float, float, float], bool, float]],
    with_stroke: bool,
) -> None:
    shapes = tuple(
        box(x, y, x + w, y + h, moved=moved, feather=feather, blend="subtract" if number and taken else "add")
        for number, ((x, y, w, h, moved), taken, feather) in enumerate(places)
    )
    strokes = (stroke((5, 5), (50, 40)), stroke((60, 5), (5, 40), blend="subtract")) if with_stroke else ()
    document = Document(clip="plate", shapes=shapes, strokes=strokes)
    files = matte_files(document, FACTS, tmp_path_factory.mktemp("files"))
    ours = [matte for _, matte in Scene(document, FACTS, FACTS, HERE).mattes(0, COUNT - 1)]
    for made, wanted in zip(ours, by_the_server(files), strict=True):
        np.testing.assert_array_equal(made, wanted)


def test_drawn_over_an_imported_matte_is_what_the_server_makes_of_the_files(tmp_path: Path, imported: Path) -> None:
    document = Document(
        clip="plate",
        shapes=(box(2, 2, 30, 20, moved=6), box(10, 5, 40, 30, blend="subtract", feather=2), box(50, 30, 60, 40)),
        strokes=(stroke((12, 10), (30, 12)), stroke((0, 30), (60, 30), blend="subtract")),
        mattes=(MatteFile(str(imported), subtract=True, invert=True), MatteFile(str(imported))),
    )
    files = matte_files(document, FACTS, tmp_path / "files")
    ours = [matte for _, matte in Scene(document, FACTS, FACTS, HERE).mattes(0, COUNT - 1)]
    for made, wanted in zip(ours, by_the_server(files), strict=True):
        np.testing.assert_array_equal(made, wanted)
    assert [file.subtract for file in files] == [False, False, True, False, True, True]


def test_a_subtracted_shape_cuts_into_an_imported_matte(imported: Path) -> None:
    shapes = (box(0, 0, WIDTH, 10, blend="subtract"),)
    document = Document(clip="plate", shapes=shapes, mattes=(MatteFile(str(imported)),))
    ((_, matte),) = Scene(document, FACTS, FACTS, HERE).mattes(0, 0)
    assert matte[:10].max() == 0
    assert matte[10:, 10:26].min() == 1


def test_a_file_of_another_purpose_is_handed_on_but_not_shown(tmp_path: Path, imported: Path) -> None:
    held_out = MatteFile(str(imported), purpose="holdout")
    document = Document(clip="plate", shapes=(box(2, 2, 30, 20),), mattes=(held_out,))
    assert matte_files(document, FACTS, tmp_path)[1:] == (held_out,)
    alone = replace(document, mattes=())
    ((_, with_it),) = Scene(document, FACTS, FACTS, HERE).mattes(0, 0)
    ((_, without),) = Scene(alone, FACTS, FACTS, HERE).mattes(0, 0)
    np.testing.assert_array_equal(with_it, without)


def test_a_written_roto_reads_back_as_it_was(tmp_path: Path) -> None:
    shapes = (box(2, 2, 30, 20, moved=6, feather=1.5), box(10, 5, 40, 30, blend="subtract", name="hole"))
    document = Document(clip="plate", shapes=shapes, strokes=(stroke((1, 2), (3, 4), under="hole"),))
    write_roto(document, FACTS, tmp_path / "new" / "roto.json")
    found = read_roto(str(tmp_path / "new" / "roto.json"))
    assert found.size == (WIDTH, HEIGHT)
    assert (found.shapes, found.strokes) == (document.shapes, document.strokes)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["roto.json"]


def test_a_changed_drawing_gets_a_file_of_its_own(tmp_path: Path) -> None:
    document = Document(clip="plate", shapes=(box(2, 2, 30, 20),))
    (before,) = matte_files(document, FACTS, tmp_path)
    (again,) = matte_files(document, FACTS, tmp_path)
    (after,) = matte_files(replace(document, shapes=(box(2, 2, 30, 21),)), FACTS, tmp_path)
    assert before == again
    assert read_roto(before.path).shapes == document.shapes
    assert after.path != before.path


def test_a_stroke_whose_shape_is_gone_lies_on_top(tmp_path: Path) -> None:
    document = Document(clip="plate", shapes=(box(2, 2, 30, 20),), strokes=(stroke((1, 2), (3, 4), under="gone"),))
    assert roto_of(document, FACTS).strokes[0].under == ""


def test_nothing_drawn_and_nothing_left_are_said_in_words(tmp_path: Path) -> None:
    empty = Document(clip="plate")
    assert matte_files(empty, FACTS, tmp_path) == ()
    with pytest.raises(InputError, match="draw a shape around"):
        roto_of(empty, FACTS)
    taken = replace(empty, shapes=(box(2, 2, 30, 20, blend="subtract"),))
    for write in (lambda: roto_of(taken, FACTS), lambda: matte_files(taken, FACTS, tmp_path)):
        with pytest.raises(InputError, match="subtracted, so nothing is left"):
            write()


def test_large_clips_are_shown_smaller_in_the_same_shape() -> None:
    small = reduced(replace(FACTS, width=3840, height=2160), most_px=1920 * 1088)
    assert small.width * small.height <= 1920 * 1088
    assert abs(small.width / small.height - 16 / 9) < 0.002
    assert reduced(FACTS, most_px=1920 * 1088) is FACTS


def test_pictures_come_in_the_background_and_are_the_exact_ones(
    project: Project, cache: MatteCache, imported: Path, qtbot: object
) -> None:
    assert cache.picture(0) is None
    document = Document(clip="plate", shapes=(box(2.3, 2, 30, 20, moved=6),), mattes=(MatteFile(str(imported)),))
    project.replace(document, FACTS)
    for frame in (3, 0, 1, 5):
        np.testing.assert_array_equal(shown(cache, qtbot, frame), cache.exact(frame))


def test_the_frame_asked_for_last_is_made_first(project: Project, cache: MatteCache, qtbot: object) -> None:
    project.replace(Document(clip="plate", shapes=(box(2, 2, 30, 20, moved=20),)), FACTS)
    order: list[int] = []
    cache.ready.connect(order.append)
    for frame in (0, 3, 5):
        cache.picture(frame)
    qtbot.waitUntil(lambda: 5 in order)  # type: ignore[attr-defined]
    assert order.index(5) <= 1, "at most the one that was being made already comes before"
    assert 3 not in order, "nobody waits for a frame that was scrubbed over"


def test_only_what_changed_is_made_again(project: Project, cache: MatteCache, qtbot: object) -> None:
    far = box(40, 30, 60, 45)
    document = Document(clip="plate", shapes=(box(2, 2, 30, 20, moved=20, visible=((0, 1),)), far))
    project.replace(document, FACTS)
    before = [shown(cache, qtbot, frame) for frame in range(COUNT)]
    assert before[2] is before[5], "two frames that look alike are one picture"
    moved = box(3, 3, 30, 20, moved=20, visible=((0, 1),))
    project.change("Move", replace(document, shapes=(moved, far)))
    assert cache.picture(4) is before[4]
    stale = cache.picture(0)
    assert stale is before[0], "what was there stays until the new one is made, so that nothing flickers"
    qtbot.waitUntil(lambda: cache.picture(0) is not before[0])  # type: ignore[attr-defined]
    project.undo()
    assert cache.picture(0) is before[0]


def test_changes_that_are_no_matte_s_leave_it_alone(project: Project, cache: MatteCache, qtbot: object) -> None:
    document = Document(clip="plate", shapes=(box(2, 2, 30, 20),))
    project.replace(document, FACTS)
    told: list[None] = []
    cache.changed.connect(lambda: told.append(None))
    project.change("Prompt", replace(document, choices=replace(document.choices, prompt="red")))
    assert not told
    project.change("Draw", replace(document, shapes=()))
    assert len(told) == 1
    assert cache.is_empty
    assert shown(cache, qtbot, 0).max() == 0


def test_a_file_that_cannot_be_read_counts_as_empty_and_says_why(
    project: Project, cache: MatteCache, tmp_path: Path, qtbot: object
) -> None:
    gone = str(tmp_path / "gone.mkv")
    project.replace(Document(clip="plate", shapes=(box(2, 2, 30, 20),), mattes=(MatteFile(gone),)), FACTS)
    assert shown(cache, qtbot, 0)[10, 10] == 255
    assert "gone.mkv" in cache.faults[gone]
    with pytest.raises(InputError, match=r"gone\.mkv"):
        cache.exact(0)


def test_a_file_that_is_found_again_is_no_fault_any_more(
    project: Project, cache: MatteCache, write_clip: Callable[..., Path], tmp_path: Path, qtbot: object
) -> None:
    path = str(tmp_path / "late.mkv")
    project.replace(Document(clip="plate", mattes=(MatteFile(path),)), FACTS)
    assert shown(cache, qtbot, 0).max() == 0
    assert path in cache.faults
    write_clip("late.mkv", np.full((COUNT, HEIGHT, WIDTH, 3), 255, np.uint8))
    cache.forget(path)
    assert shown(cache, qtbot, 0).min() == 255
    assert path not in cache.faults


def test_a_file_written_anew_is_read_anew(
    project: Project, cache: MatteCache, imported: Path, write_clip: Callable[..., Path], qtbot: object
) -> None:
    project.replace(Document(clip="plate", mattes=(MatteFile(str(imported)),)), FACTS)
    assert shown(cache, qtbot, 0)[0, 0] == 0
    write_clip("bar.mkv", np.full((COUNT, HEIGHT, WIDTH, 3), 255, np.uint8))
    cache.forget(str(imported))
    assert shown(cache, qtbot, 0)[0, 0] == 255
