# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in parts: every frame is either locked or rendered, and locked ones come back sample for sample."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.checking import check_edit
from maskedit.drafting import run_draft
from maskedit.errors import InputError
from maskedit.locking import Lineage, lineage_of, locked_stretches, rendered_frames
from maskedit.media import ClipReader, probe, read_picture, write_picture
from maskedit.media.pictures import read_samples
from maskedit.progress import SilentReporter
from maskedit.record import EditResult
from maskedit.request import (
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    EditRequest,
    FrameRange,
    Keyframe,
    Matte,
    MediaReference,
    Preset,
    Region,
    Rerender,
)

HEIGHT, WIDTH, FRAMES, STEP = 48, 65, 9, 2
BOX = (slice(14, 34), slice(20, 44))
PATCH = DeliverableKind.PATCH


@st.composite
def ranges(draw: st.DrawFn) -> tuple[FrameRange, tuple[FrameRange, ...]]:
    """A take's frames, and ranges of it, which may meet and overlap."""
    first = draw(st.integers(0, 200))
    frames = FrameRange(first=first, last=first + draw(st.integers(1, 90)))
    inside = st.integers(frames.first, frames.last)
    pairs = draw(st.lists(st.tuples(inside, inside), min_size=1, max_size=4))
    return frames, tuple(FrameRange(first=min(pair), last=max(pair)) for pair in pairs)


@given(ranges(), st.integers(2, 20), st.integers(1, 6))
def test_every_frame_is_either_locked_or_rendered_once(
    asked: tuple[FrameRange, tuple[FrameRange, ...]], length: int, overlap: int
) -> None:
    frames, wanted = asked
    overlap = min(overlap, length - 1)
    rendered = rendered_frames(Rerender(parent_take="a", frames=wanted), frames)
    assert rendered == {n for each in wanted for n in range(each.first, each.last + 1)}
    numbers = set(range(frames.first, frames.last + 1))
    locked = numbers - rendered
    if not locked:
        with pytest.raises(ValueError, match="0 locked frames"):
            locked_stretches(frames, locked, length=length, overlap=overlap)
        return
    there = set(locked)
    for stretch in locked_stretches(frames, locked, length=length, overlap=overlap):
        assert len(stretch) <= length and set(stretch) <= numbers
        assert {abs(b - a) for a, b in pairwise(stretch)} <= {1}
        # It has something to go on from and something to do.
        assert stretch[0] in there and not there.issuperset(stretch)
        there |= set(stretch)
    assert there == numbers


@given(ranges(), st.integers(1, 4))
def test_a_range_that_fits_into_a_window_sees_the_locked_frames_on_both_sides(
    asked: tuple[FrameRange, tuple[FrameRange, ...]], overlap: int
) -> None:
    frames, (wanted, *_) = asked
    rendered = set(range(wanted.first, wanted.last + 1))
    locked = set(range(frames.first, frames.last + 1)) - rendered
    if locked:
        (stretch,) = locked_stretches(frames, locked, length=len(rendered) + 2 * overlap, overlap=overlap)
        edges = {wanted.first - 1, wanted.last + 1} & locked
        assert edges <= set(stretch) and rendered <= set(stretch)


@given(st.integers(18, 120), st.integers(1, 5))
def test_the_last_window_of_a_long_range_renders_into_the_locked_end(rendered: int, overlap: int) -> None:
    frames = FrameRange(first=0, last=rendered + 19)
    locked = {*range(10), *range(rendered + 10, rendered + 20)}
    stretches = locked_stretches(frames, locked, length=17, overlap=overlap)
    earlier = {frame for stretch in stretches[:-1] for frame in stretch}
    assert rendered + 10 in stretches[-1] and rendered + 9 in stretches[-1]
    assert not set(stretches[-1]) <= earlier | locked


def test_nothing_beyond_the_take_can_be_rendered_again() -> None:
    with pytest.raises(InputError, match="Frames 3-12 cannot"):
        rendered_frames(Rerender(parent_take="a", frames=(FrameRange(first=3, last=12),)), FrameRange(first=2, last=10))


def test_the_frames_are_told_by_whose_they_are() -> None:
    lineage = Lineage("b", {2: "a", 3: "a", 4: "b", 7: "b"})
    assert [(run["first"], run["last"], run["take"]) for run in lineage.runs(FrameRange(first=2, last=7))] == [
        (2, 3, "a"), (4, 4, "b"), (5, 6, ""), (7, 7, "b"),
    ]  # fmt: skip
    assert lineage_of(None, FrameRange(first=0, last=1)) == Lineage()


def reference(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),), quick_fingerprint=path.name)


@pytest.fixture
def request_for(write_clip, tmp_path: Path):  # type: ignore[no-untyped-def]
    """An edit by flow alone of a window that moves over a soft texture; frame 0 is painted red."""
    noise = np.random.default_rng(1).random((HEIGHT, WIDTH + STEP * FRAMES, 3)).astype(np.float32)
    wide = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), np.empty(()), 20, 230, cv2.NORM_MINMAX).astype(np.uint8)
    drawn = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    drawn[:, *BOX] = 255

    def make(pixel_format: str = "yuv422p10le", **changes: object) -> EditRequest:
        panning = np.stack([wide[:, STEP * n : STEP * n + WIDTH] for n in range(FRAMES)])
        clip, matte = write_clip("clip.mkv", panning, pixel_format=pixel_format), write_clip("matte.mkv", drawn)
        request = EditRequest(
            target=reference(clip),
            regions=(Region(mattes=(Matte(media=reference(matte)),), grow_px=3, feather_px=3),),
            keyframes=(painted(tmp_path, clip, 0, (1.0, 0.5, 0.2)),),
            preset=Preset.DRAFT,
        )
        return replace(request, **changes)

    return make


def painted(folder: Path, clip: Path | str, number: int, colours: tuple[float, float, float]) -> Keyframe:
    with ClipReader(str(clip)) as reader:
        (plate,) = reader.frames(number, number)
    path = folder / f"{number}-{colours}.png"
    write_picture(path, plate.rgb() * np.float32(colours))
    return Keyframe(frame=number, image=reference(path))


def drafted(request: EditRequest, folder: Path) -> EditResult:
    return run_draft(request, output=folder, reporter=SilentReporter())


def again(request: EditRequest, parent: EditResult, *wanted: tuple[int, int], name: str = "first") -> EditRequest:
    frames = tuple(FrameRange(first=a, last=b) for a, b in wanted)
    return replace(request, rerender=Rerender(parent_take=name, frames=frames, folder=str(parent.result.parent)))


def planes(path: Path) -> list[tuple[np.ndarray, ...]]:
    with ClipReader(str(path)) as clip:
        return [plate.planes for plate in clip.frames(0, clip.facts.frame_count - 1)]


def same(first: EditResult, second: EditResult) -> list[bool]:
    """Per frame, whether every sample is the same."""
    if first.result.is_dir():
        pairs = zip(sorted(first.result.iterdir()), sorted(second.result.iterdir()), strict=True)
        return [np.array_equal(read_samples(a)[1], read_samples(b)[1]) for a, b in pairs]
    pairs = zip(planes(first.result), planes(second.result), strict=True)
    return [all(map(np.array_equal, a, b)) for a, b in pairs]


LOSSLESS = [
    (Deliverable(), "yuv420p"),
    (Deliverable(), "yuva444p10le"),
    (Deliverable(format=DeliverableFormat.PNG), "yuv422p10le"),
    (Deliverable(format=DeliverableFormat.EXR), "yuv422p10le"),
    (Deliverable(format=DeliverableFormat.EXR), "yuva444p10le"),
    (Deliverable(kind=PATCH), "yuv420p"),
    (Deliverable(kind=PATCH, format=DeliverableFormat.EXR), "yuv420p"),
    (Deliverable(kind=PATCH, format=DeliverableFormat.CACHE), "yuv420p"),
]


@pytest.mark.parametrize(("deliverable", "pixel_format"), LOSSLESS, ids=str)
def test_locked_frames_come_back_sample_for_sample(
    request_for, tmp_path: Path, deliverable: Deliverable, pixel_format: str
) -> None:
    request = request_for(pixel_format, deliverables=(deliverable,))
    parent = drafted(request, tmp_path / "parent")
    corrected = painted(tmp_path, request.target.path, 4, (0.2, 0.5, 1.0))
    request = again(replace(request, keyframes=(*request.keyframes, corrected)), parent, (3, 5))
    assert same(parent, drafted(request, tmp_path / "child")) == [True] * 3 + [False] * 3 + [True] * 3


def test_the_correction_shows_and_its_ends_run_into_the_locked_frames(request_for, tmp_path: Path) -> None:
    request = request_for("bgr0")
    parent = drafted(request, tmp_path / "parent")
    corrected = painted(tmp_path, request.target.path, 4, (0.2, 0.5, 1.0))
    child = drafted(
        again(replace(request, keyframes=(*request.keyframes, corrected)), parent, (2, 6)), tmp_path / "child"
    )
    with ClipReader(str(child.result)) as clip:
        means = [plate.rgb()[BOX].mean(axis=(0, 1)) for plate in clip.frames(0, FRAMES - 1)]
    blue = [mean[2] - mean[0] for mean in means]
    with ClipReader(str(child.result)) as clip:
        (shown,) = clip.frames(4, 4)
    expected = read_picture(corrected.image.path)[..., :3][BOX]
    np.testing.assert_allclose(shown.rgb()[BOX], expected, atol=2 / 255)
    # From locked red to painted blue and back in even steps.
    steps = np.diff(blue[1:8])
    assert (steps[:3] > 0).all() and (steps[3:] < 0).all()
    assert np.abs(steps).max() < 2.5 * np.abs(steps).min()


def test_the_record_tells_whose_frames_they_are_over_generations(request_for, tmp_path: Path) -> None:
    request = request_for()
    first = drafted(request, tmp_path / "first")
    second = drafted(again(request, first, (3, 5)), tmp_path / "second")
    third = drafted(again(request, second, (5, 6), (8, 8), name="second"), tmp_path / "third")
    record = json.loads(third.record.read_text())
    assert record["parent"] == "second" and record["taught"] == [0]
    runs = [(run["first"], run["last"], run["take"]) for run in record["frames"]]
    assert runs == [(0, 2, "first"), (3, 4, "second"), (5, 6, ""), (7, 7, "first"), (8, 8, "")]
    assert json.loads(first.record.read_text())["frames"] == [{"first": 0, "last": FRAMES - 1, "take": ""}]


def test_a_take_of_a_range_is_gone_on_from_by_the_clips_numbers(request_for, tmp_path: Path) -> None:
    request = request_for(frames=FrameRange(first=2, last=7))
    request = replace(request, keyframes=(painted(tmp_path, request.target.path, 3, (1.0, 0.5, 0.2)),))
    parent = drafted(request, tmp_path / "parent")
    corrected = painted(tmp_path, request.target.path, 6, (0.2, 0.5, 1.0))
    request = again(replace(request, keyframes=(*request.keyframes, corrected)), parent, (5, 6))
    assert same(parent, drafted(request, tmp_path / "child")) == [True] * 3 + [False] * 2 + [True]


def test_what_cannot_be_gone_on_from_is_refused(request_for, tmp_path: Path) -> None:
    request = request_for()
    parent = drafted(request, tmp_path / "parent")

    def refused(asked: EditRequest, words: str) -> None:
        with pytest.raises(InputError, match=words) as raised:
            check_edit(asked)
        assert str(raised.value).endswith(".")

    child = again(request, parent, (3, 5))
    corrected = painted(tmp_path, request.target.path, 7, (0.2, 0.5, 1.0))
    refused(replace(child, keyframes=(*child.keyframes, corrected)), "Keyframe 7 lies in a locked frame")
    refused(replace(child, frames=FrameRange(first=0, last=7)), "holds 9 frames and this edit 8")
    refused(replace(child, deliverables=(Deliverable(kind=PATCH),)), "not delivered without loss as patch")
    refused(again(request, parent, (5, 9)), "Frames 5-9 cannot")
    lossy = drafted(replace(request, deliverables=(Deliverable(format=DeliverableFormat.MOV),)), tmp_path / "lossy")
    refused(again(request, lossy, (3, 5)), "not delivered without loss as full")
    lossy.record.unlink()
    refused(again(request, lossy, (3, 5)), "no record")
    assert probe(str(parent.result)).frame_count == FRAMES
