# SPDX-License-Identifier: GPL-3.0-or-later
"""What several mattes come to: against a whole-clip twin, and what each way of combining promises."""

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from maskedit.conditioning import cells_to_edit
from maskedit.errors import InputError
from maskedit.geometry import CropPlan, Rect, bounds_of, matte_to_model, union
from maskedit.mattes import drawn_and_paste, drawn_mattes, is_found, open_matte, reach_of, region_mattes, regions, widen
from maskedit.mattes.combining import combine
from maskedit.presets import edges_for
from maskedit.request import (
    CompositeMatte,
    FrameRange,
    Loosening,
    Matte,
    MattePurpose,
    MediaFacts,
    MediaReference,
    Region,
)

WIDTH, HEIGHT, FRAMES = 20, 14, 5
CLIP = MediaFacts(frame_count=FRAMES, width=WIDTH, height=HEIGHT, rate=Fraction(25), pixel_format="yuv420p")
RANGE = FrameRange(first=0, last=FRAMES - 1)

BOXES = st.lists(
    st.tuples(st.integers(0, WIDTH - 2), st.integers(0, HEIGHT - 2), st.integers(1, 7), st.integers(1, 6)),
    min_size=2,
    max_size=2,
)
SHAPES = st.fixed_dictionaries(
    {"boxes": BOXES, "opacity": st.sampled_from([0.25, 1.0, 1.0]), "feather": st.sampled_from([0, 1.5]),
     "visible": st.sampled_from([None, None, [[0, 1]], [[2, 4]], []])},
)  # fmt: skip
EDGES = st.fixed_dictionaries(
    {"loosening": st.sampled_from(Loosening), "grow_px": st.integers(0, 3), "feather_px": st.integers(0, 3),
     "smooth_frames": st.integers(0, 2)},
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mattes")


def corners(x: int, y: int, width: int, height: int) -> list[dict]:
    return [{"co": [x + a * width, y + b * height]} for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]


def drawn_in(folder: Path, shape: dict, *, subtract: bool = False) -> Matte:
    """A roto file with one box that moves from the first frame to the last; its edges fall between pixels."""
    first, last = shape["boxes"]
    keys = [{"frame": 0, "points": corners(*first)}, {"frame": FRAMES - 1, "points": corners(*last)}]
    fields = {name: value for name, value in shape.items() if name != "boxes" and value is not None}
    roto = {"format": "maskedit-roto", "version": 1, "size": [WIDTH, HEIGHT], "shapes": [{"keys": keys, **fields}]}
    path = folder / f"matte{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(roto))
    return Matte(media=MediaReference(locations=(str(path),)), subtract=subtract)


@st.composite
def any_regions(draw, *, most: int = 2) -> list[tuple[list[tuple[dict, bool]], dict]]:
    """Regions as (shapes with whether they are subtracted, edges)."""
    mattes = st.tuples(
        st.tuples(SHAPES, st.just(False)), st.lists(st.tuples(SHAPES, st.booleans()), max_size=2)
    ).map(lambda parts: [parts[0], *parts[1]])  # fmt: skip
    return draw(st.lists(st.tuples(mattes, EDGES), min_size=1, max_size=most))


def regions_of(folder: Path, described) -> tuple[Region, ...]:
    return tuple(
        Region(mattes=tuple(drawn_in(folder, shape, subtract=subtract) for shape, subtract in mattes), **edges)
        for mattes, edges in described
    )


def clip_of(matte: Matte) -> np.ndarray:
    return np.stack([picture for _, picture in open_matte(matte, facts=CLIP).frames(0, FRAMES - 1)])


def read(found: Iterator[tuple[int, np.ndarray]]) -> np.ndarray:
    numbers, pictures = zip(*found, strict=True)
    assert numbers == tuple(range(FRAMES))
    return np.stack(pictures)


def pasted(*regions: Region) -> np.ndarray:
    return read(region_mattes(regions, facts=CLIP, frames=RANGE))


def drawn(region: Region) -> np.ndarray:
    return read(drawn_mattes(region, facts=CLIP, frames=RANGE))


def squared_distances(inside: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(inside.shape)
    found = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in np.argwhere(inside)]
    return np.min(found, axis=0) if found else np.full(inside.shape, 10**6)


def whole_clip_twin(region: Region) -> np.ndarray:
    """The definitions, one after the other, on the whole clip at once."""
    combined, allowed = np.zeros((FRAMES, HEIGHT, WIDTH)), np.ones((FRAMES, HEIGHT, WIDTH))
    for matte in region.mattes:
        picture = clip_of(matte)
        if matte.subtract:
            combined, allowed = combined * (1 - picture), allowed * (1 - picture)
        else:
            combined, allowed = np.maximum(combined, picture), np.maximum(allowed, picture)
    edges = edges_for(region, frame_height=HEIGHT)
    loosened = [widen(frame.astype(np.float32), edges.loosening) for frame in combined]
    if edges.grow_px:
        loosened = [squared_distances(frame > 0) <= edges.grow_px**2 for frame in loosened]
    result = []
    for number in range(FRAMES):
        near = loosened[max(number - edges.smooth_frames, 0) : number + edges.smooth_frames + 1]
        steady = np.max(near, axis=0) if combined[number].any() else combined[number]
        squared = squared_distances(steady >= 0.5)
        ramp = np.where(squared <= edges.feather_px**2, 1 - np.sqrt(squared) / (edges.feather_px + 1), 0)
        result.append(np.maximum(steady, ramp if edges.feather_px else 0))
    return np.minimum(result, allowed)


@settings(deadline=None, max_examples=40)
@given(any_regions())
def test_streaming_gives_what_the_whole_clip_gives(folder, described):
    given_regions = regions_of(folder, described)
    expected = np.max([whole_clip_twin(region) for region in given_regions], axis=0)
    np.testing.assert_allclose(pasted(*given_regions), expected, atol=1e-5)
    assert ((pasted(*given_regions) == 0) == (expected == 0)).all()


@settings(deadline=None, max_examples=40)
@given(any_regions())
def test_the_paste_matte_covers_what_is_drawn_and_leaves_empty_frames_empty(folder, described):
    for number, shown, paste in drawn_and_paste(regions_of(folder, described), facts=CLIP, frames=RANGE):
        assert (shown <= paste).all()
        assert paste.any() == shown.any(), number


@settings(deadline=None, max_examples=40)
@given(any_regions(most=1), SHAPES, SHAPES)
def test_each_purpose_has_its_say(folder, described, front, shown):
    """What is held out takes its share of what may change; what is shown limits the paste, not what is made."""
    (region,) = regions_of(folder, described)
    holdout, composite = (
        replace(drawn_in(folder, shape), purpose=purpose)
        for shape, purpose in ((front, MattePurpose.HOLDOUT), (shown, MattePurpose.COMPOSITE))
    )
    whole = replace(region, mattes=(holdout, *region.mattes, composite))
    expected = whole_clip_twin(region) * (1 - clip_of(holdout))
    np.testing.assert_allclose(pasted(whole), expected, atol=1e-5)
    assert not pasted(whole)[clip_of(holdout) == 1].any()
    for number, before, paste in drawn_and_paste([whole], facts=CLIP, frames=RANGE):
        np.testing.assert_allclose(paste, np.minimum(expected[number], clip_of(composite)[number]), atol=1e-5)
        np.testing.assert_array_equal(before, drawn(region)[number])


@given(st.sampled_from(Loosening), st.integers(0, 1), st.booleans(), st.sampled_from(CompositeMatte))
def test_a_matte_is_found_only_around_a_loosened_region_that_says_so(loosening, grow, has_matte, how):
    shown = Matte(media=MediaReference(), purpose=MattePurpose.COMPOSITE)
    region = Region(mattes=(shown,) * has_matte, loosening=loosening, grow_px=grow, composite=how)
    widened = grow > 0 or loosening is not Loosening.GROWN
    assert is_found(region, frame_height=100) == (widened and how is CompositeMatte.FOUND and not has_matte)


@settings(deadline=None, max_examples=40)
@given(any_regions(most=1), SHAPES, st.booleans())
def test_what_is_subtracted_stays_untouched_however_far_the_rest_grows(folder, described, shape, soft):
    (region,) = regions_of(folder, described)
    taken = drawn_in(folder, shape | ({} if soft else {"opacity": 1.0, "feather": 0}), subtract=True)
    paste, outside = pasted(replace(region, mattes=(*region.mattes, taken))), 1 - clip_of(taken)
    assert (paste <= outside + 1e-6).all()
    assert not paste[outside == 0].any()


@settings(deadline=None, max_examples=30)
@given(any_regions(most=1), st.randoms(use_true_random=False))
def test_added_mattes_may_come_in_any_order(folder, described, random):
    mattes, edges = described[0]
    (region,) = regions_of(folder, [([(shape, False) for shape, _ in mattes], edges)])
    shuffled = list(region.mattes)
    random.shuffle(shuffled)
    np.testing.assert_array_equal(pasted(region), pasted(replace(region, mattes=tuple(shuffled))))
    np.testing.assert_array_equal(pasted(region), pasted(replace(region, mattes=region.mattes * 2)))


@settings(deadline=None, max_examples=30)
@given(any_regions(most=1))
def test_more_room_never_covers_less(folder, described):
    (region,) = regions_of(folder, described)
    paste = pasted(region)
    for more in (
        replace(region, grow_px=region.grow_px + 1),
        replace(region, feather_px=region.feather_px + 1),
        replace(region, smooth_frames=region.smooth_frames + 1),
    ):
        assert (pasted(more) >= paste - 1e-6).all()
    if region.loosening is Loosening.GROWN:
        hull, box = (pasted(replace(region, loosening=how)) for how in (Loosening.HULL, Loosening.BOX))
        assert (paste <= hull).all() and (hull <= box).all()


@settings(deadline=None, max_examples=30)
@given(any_regions(most=1))
def test_smoothing_covers_what_the_frames_beside_cover(folder, described):
    (region,) = regions_of(folder, described)
    added = replace(region, mattes=tuple(replace(matte, subtract=False) for matte in region.mattes))
    shown, alone, smoothed = drawn(added), pasted(replace(added, smooth_frames=0)), pasted(added)
    for number in range(FRAMES):
        near = alone[max(number - added.smooth_frames, 0) : number + added.smooth_frames + 1]
        if shown[number].any():
            assert (smoothed[number] >= near - 1e-6).all()


@settings(deadline=None, max_examples=30)
@given(any_regions(most=3))
def test_several_regions_are_the_maximum_of_theirs(folder, described):
    given_regions = regions_of(folder, described)
    np.testing.assert_array_equal(pasted(*given_regions), np.max([pasted(each) for each in given_regions], axis=0))


@settings(deadline=None, max_examples=30)
@given(any_regions())
def test_all_that_can_be_pasted_is_found_within_its_reach(folder, described):
    given_regions = regions_of(folder, described)
    bounds = union(*(bounds_of(matte) for region in given_regions for matte in drawn(region)))
    assume(bounds is not None)
    reach, whole = reach_of(given_regions, drawn=bounds, facts=CLIP), pasted(*given_regions)
    part = read(region_mattes(given_regions, facts=CLIP, frames=RANGE, within=reach))
    np.testing.assert_array_equal(part, whole[:, *reach.slices])
    assert np.count_nonzero(part) == np.count_nonzero(whole)


@settings(deadline=None, max_examples=30)
@given(any_regions(), st.integers(0, 6), st.integers(0, 4), st.sampled_from([(8, 8), (16, 8), (24, 16)]))
def test_every_pixel_that_the_paste_shows_lies_in_a_cell_that_is_generated(folder, described, x, y, model):
    """Soft edges harden for the model: whatever its scale and grid, a cell with the faintest trace is edited whole."""
    width, height = model
    plan = CropPlan(Rect(x, y, WIDTH - x, HEIGHT - y), width, height)
    for _, paste in region_mattes(regions_of(folder, described), facts=CLIP, frames=RANGE):
        cells = cells_to_edit(torch.from_numpy(matte_to_model(paste, plan))[None, None, None], factor=4)[0, 0, 0]
        assert set(cells.unique().tolist()) <= {0.0, 1.0}
        for row, column in np.argwhere(paste[plan.rect.slices] > 0):
            # Both corners of the pixel, in cells of 4 x 4 model pixels.
            top, bottom = (Fraction((row + d) * height, plan.rect.height * 4) for d in (0, 1))
            left, right = (Fraction((column + d) * width, plan.rect.width * 4) for d in (0, 1))
            touched = cells[int(top) : -int(-bottom // 1), int(left) : -int(-right // 1)]
            assert touched.numel() and touched.all()


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0]), st.booleans()), max_size=5), st.randoms())
def test_soft_values_combine_as_areas_do(values, random):
    """Adding is the maximum, subtracting takes a share of what is there; and what is drawn is always allowed."""
    mattes = [(np.full((1, 1), value, np.float32), subtract) for value, subtract in values]
    expected = 0.0
    for value, subtract in values:
        expected = expected * (1 - value) if subtract else max(expected, value)
    black, white = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    assert combine(mattes, onto=black)[0, 0] == pytest.approx(expected)
    assert combine(mattes, onto=black) <= combine(mattes, onto=white)
    assert black[0, 0] == 0 and white[0, 0] == 1


def test_with_no_grow_and_no_feather_a_subtracted_soft_edge_is_held(folder):
    """Cut by the subtracted matte once, not twice: an edge of one half stays one half."""
    whole = {"boxes": [(0, 0, WIDTH, HEIGHT)] * 2}
    half = {"boxes": [(5, 3, 6, 6)] * 2, "opacity": 0.5}
    mattes = (drawn_in(folder, whole), drawn_in(folder, half, subtract=True))
    region = Region(mattes=mattes, grow_px=0, feather_px=0, smooth_frames=0)
    assert (pasted(region)[:, 3:9, 5:11] == 0.5).all()
    np.testing.assert_array_equal(pasted(region), drawn(region))


def test_a_matte_added_after_a_subtracted_one_shows_again(folder):
    whole, inner = {"boxes": [(0, 0, 12, 12)] * 2}, {"boxes": [(4, 4, 2, 2)] * 2}
    hole = {"boxes": [(2, 2, 8, 8)] * 2}
    mattes = (drawn_in(folder, whole), drawn_in(folder, hole, subtract=True), drawn_in(folder, inner))
    paste = pasted(Region(mattes=mattes, grow_px=3, feather_px=2))
    assert (paste[:, 4:6, 4:6] == 1).all()
    paste[:, 4:6, 4:6] = 0
    assert not paste[:, 2:10, 2:10].any() and (paste[:, :2] > 0)[:, :, :14].all()


def test_frames_are_read_only_as_far_ahead_as_smoothing_looks(folder, monkeypatch):
    opened, read_frames = regions.open_matte, []

    class Noting:
        def __init__(self, inner):
            self.inner = inner

        def frames(self, first, last):
            for number, picture in self.inner.frames(first, last):
                read_frames.append(number)
                yield number, picture

    monkeypatch.setattr(regions, "open_matte", lambda matte, *, facts: Noting(opened(matte, facts=facts)))
    matte = drawn_in(folder, {"boxes": [(0, 0, 5, 5)] * 2})
    stream = region_mattes([Region(mattes=(matte,), smooth_frames=1)], facts=CLIP, frames=RANGE)
    for expected in ([0, 1], [0, 1, 2], [0, 1, 2, 3]):
        next(stream)
        assert read_frames == expected


def test_the_range_counts_from_its_first_frame(folder):
    matte = drawn_in(folder, {"boxes": [(0, 0, 5, 5), (12, 0, 5, 5)]})
    frames = FrameRange(first=2, last=3)
    edges = {"grow_px": 0, "feather_px": 0, "smooth_frames": 0}
    found = dict(region_mattes([Region(mattes=(matte,), **edges)], facts=CLIP, frames=frames))
    assert list(found) == [2, 3]
    np.testing.assert_array_equal(np.stack([found[2], found[3]]), clip_of(matte)[2:4])


def test_a_matte_that_is_missing_is_refused(folder):
    gone = Matte(media=MediaReference(locations=(str(folder / "gone.json"),)), subtract=True)
    region = Region(mattes=(drawn_in(folder, {"boxes": [(0, 0, 5, 5)] * 2}), gone))
    with pytest.raises(InputError, match=r"gone\.json"):
        pasted(region)
