# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes by purpose on the whole way through real files: what is held out, what is shown, frames without a region."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskedit.checking import check_edit
from maskedit.compositing import composite
from maskedit.drafting import run_draft
from maskedit.errors import InputError
from maskedit.geometry import Rect
from maskedit.locking import ParentTake
from maskedit.mattes import purpose_mattes, reach_of, region_mattes
from maskedit.media import ClipReader, PlateFrame, write_picture
from maskedit.pasting import Fill, fills
from maskedit.progress import SilentReporter
from maskedit.request import (
    CompositeMatte,
    EditRequest,
    FrameRange,
    Keyframe,
    Matte,
    MattePurpose,
    MediaReference,
    Preset,
    Region,
)

WIDTH, HEIGHT, FRAMES = 96, 64, 9
SHOWN = (0, 1, 2, 5, 6, 7)  # the region leaves, and comes back
DRAWN = slice(20, 44), slice(30, 60)


def reference(path: Path | str) -> MediaReference:
    return MediaReference(locations=(str(path),))


@pytest.fixture
def matte_file(write_clip):  # type: ignore[no-untyped-def]
    def make(name: str, mattes: np.ndarray, purpose: MattePurpose = MattePurpose.EDIT) -> Matte:
        codes = np.rint(np.broadcast_to(mattes, (FRAMES, HEIGHT, WIDTH)) * 255).astype(np.uint8)
        return Matte(media=reference(write_clip(name, np.repeat(codes[..., None], 3, axis=-1))), purpose=purpose)

    return make


@pytest.fixture
def request_for(write_clip, matte_file, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A still ground with grain; frame 0 is repainted inside and, a little, around the drawn matte."""

    def make(*more: Matte, pixel_format: str = "bgr0", **region: object) -> EditRequest:
        generator = np.random.default_rng(4)
        coarse = generator.integers(60, 190, (HEIGHT // 8, WIDTH // 8, 3))
        ground = np.kron(coarse, np.ones((8, 8, 1)))
        clip = (ground + generator.normal(0, 1, (FRAMES, HEIGHT, WIDTH, 3))).clip(0, 255).astype(np.uint8)
        path = write_clip("clip.mkv", clip, pixel_format=pixel_format)
        with ClipReader(str(path)) as reader:
            picture = next(reader.frames(0, 0)).rgb().copy()
        picture[DRAWN] = 1 - picture[DRAWN]
        write_picture(tmp_path / "painted.png", picture)
        drawn = np.zeros((FRAMES, HEIGHT, WIDTH), np.float32)
        for number in SHOWN:
            drawn[(number, *DRAWN)] = 1
        edges = {"grow_px": 8, "feather_px": 2, **region}
        return EditRequest(
            target=reference(path),
            regions=(Region(mattes=(matte_file("drawn.mkv", drawn), *more), **edges),),
            keyframes=(Keyframe(frame=0, image=reference(tmp_path / "painted.png")),),
            preset=Preset.DRAFT,
        )

    return make


def frames_of(path: Path | str) -> list[PlateFrame]:
    with ClipReader(str(path)) as clip:
        return list(clip.frames(0, clip.facts.frame_count - 1))


def drafted(request: EditRequest, tmp_path: Path, *, name: str = "out") -> list[PlateFrame]:
    return frames_of(run_draft(request, output=tmp_path / name, reporter=SilentReporter()).result)


def filled(request: EditRequest, made=lambda plate: plate.rgb()) -> list[Fill]:
    """The fills of a render that makes `made` of each plate; the generated picture covers the whole frame."""
    checked, plates = check_edit(request), frames_of(request.target.path)
    found = fills(
        request,
        plates=iter(plates),
        facts=checked.facts,
        parent=ParentTake(checked.frames),
        generated=lambda number: (made(plates[number]).astype(np.float32), Rect(0, 0, WIDTH, HEIGHT)),
        reach=reach_of(request.regions, drawn=checked.bounds, facts=checked.facts),
    )
    return list(found)


@pytest.mark.parametrize("pixel_format", ["bgr0", "yuv420p", "yuv422p10le"])
def test_what_is_held_out_keeps_every_sample(request_for, matte_file, tmp_path: Path, pixel_format: str) -> None:
    cover = np.zeros((HEIGHT, WIDTH), np.float32)
    cover[:, 40:50], cover[:, 38:40], cover[:, 50:52] = 1, 0.5, 0.5
    request = request_for(matte_file("cover.mkv", cover, MattePurpose.HOLDOUT), pixel_format=pixel_format)
    before, after = frames_of(request.target.path), drafted(request, tmp_path)
    plain = drafted(request_for(pixel_format=pixel_format), tmp_path, name="plain")
    for plate, result, free in zip(before, after, plain, strict=True):
        for a, b in zip(plate.planes, result.planes, strict=True):
            step = WIDTH // a.shape[1]
            assert np.array_equal(a[:, 40 // step : 50 // step], b[:, 40 // step : 50 // step])
        if plate.number in SHOWN:
            # Without it they would have changed.
            assert not np.array_equal(plate.planes[0][24:40, 40:50], free.planes[0][24:40, 40:50])
    for fill in filled(request, lambda plate: 1 - plate.rgb()):
        soft = fill.matte[DRAWN][:, 8:10]
        np.testing.assert_allclose(soft, 0.5 * (fill.plate.number in SHOWN), atol=1 / 255)


def test_the_model_leaves_out_what_is_held_out(request_for, matte_file) -> None:
    cover = np.zeros((HEIGHT, WIDTH), np.float32)
    cover[:, 40:50] = 1
    request = request_for(matte_file("cover.mkv", cover, MattePurpose.HOLDOUT))
    checked = check_edit(request)
    for number, matte in region_mattes(request.regions, facts=checked.facts, frames=checked.frames):
        assert not matte[:, 40:50].any()
        assert (matte[DRAWN][:, :8] == (number in SHOWN)).all()


def test_a_composite_matte_says_what_is_shown(request_for, matte_file, tmp_path: Path) -> None:
    shown = np.zeros((HEIGHT, WIDTH), np.float32)
    shown[24:40, 34:50] = 1
    shown[24:40, 50:56] = 0.5
    request = request_for(matte_file("shown.mkv", shown, MattePurpose.COMPOSITE))
    checked = check_edit(request)
    for number, mattes in purpose_mattes(request.regions, facts=checked.facts, frames=checked.frames):
        expected = shown if number in SHOWN else np.zeros_like(shown)
        np.testing.assert_allclose(mattes.paste, expected, atol=1 / 255)
        # The model is free to make all of the loosened region.
        assert (mattes.edit[DRAWN] == 1).all() == (number in SHOWN)
    before, after = frames_of(request.target.path), drafted(request, tmp_path)
    for plate, result in zip(before, after, strict=True):
        changed = np.any([a != b for a, b in zip(plate.planes, result.planes, strict=True)], axis=0)
        assert not changed[shown == 0].any()
        assert changed[shown == 1].mean() > 0.9 or plate.number not in SHOWN


def test_frames_without_the_region_pass_through(request_for, tmp_path: Path) -> None:
    request = request_for()
    pairs = zip(frames_of(request.target.path), drafted(request, tmp_path), strict=True)
    same = [all(map(np.array_equal, plate.planes, result.planes)) for plate, result in pairs]
    assert [number for number in range(FRAMES) if not same[number]] == [*SHOWN]


def test_ground_that_a_model_only_redrew_is_given_back(request_for) -> None:
    def redrawn(plate: PlateFrame) -> np.ndarray:
        picture = plate.rgb() + 1.5 / 255
        picture[DRAWN] = 1 - picture[DRAWN]
        return picture

    found, drawn = (filled(request_for(composite=how), redrawn) for how in (CompositeMatte.FOUND, CompositeMatte.DRAWN))
    for narrow, wide in zip(found, drawn, strict=True):
        assert (narrow.matte <= wide.matte).all()
        inside = np.zeros((HEIGHT, WIDTH), bool)
        inside[DRAWN] = narrow.plate.number in SHOWN
        assert (narrow.matte[inside] == 1).all()
        near = np.zeros((HEIGHT, WIDTH), bool)
        near[16:48, 26:64] = narrow.plate.number in SHOWN
        assert not narrow.matte[~near].any()
        assert wide.matte[~near].any() == (narrow.plate.number in SHOWN)


def test_what_grows_out_of_the_drawn_matte_is_shown(request_for) -> None:
    def grown(plate: PlateFrame) -> np.ndarray:
        picture = plate.rgb()
        picture[16:48, 26:64] *= 0.2
        return picture

    for fill in filled(request_for(), grown):
        assert (fill.matte[16:48, 26:64] == 1).all() == (fill.plate.number in SHOWN)


def test_a_drop_out_of_a_single_frame_is_closed(request_for) -> None:
    def flickering(plate: PlateFrame) -> np.ndarray:
        picture = plate.rgb()
        if plate.number != 6:
            picture[16:48, 26:64] *= 0.2
        return picture

    (fill,) = (fill for fill in filled(request_for(), flickering) if fill.plate.number == 6)
    assert (fill.matte[16:48, 26:64] == 1).all()


def test_a_region_that_is_not_loosened_is_pasted_as_drawn(request_for) -> None:
    request = request_for(grow_px=0, feather_px=0)
    checked = check_edit(request)
    mattes = region_mattes(request.regions, facts=checked.facts, frames=checked.frames)
    for fill, (_, matte) in zip(filled(request), mattes, strict=True):
        np.testing.assert_array_equal(fill.matte, matte)


def test_regions_are_pasted_each_in_its_own_way(request_for, matte_file) -> None:
    request = request_for()
    other = np.zeros((HEIGHT, WIDTH), np.float32)
    other[4:12, 70:90] = 1
    fixed = Region(mattes=(matte_file("other.mkv", other),), grow_px=4, composite=CompositeMatte.DRAWN)
    request = replace(request, regions=(*request.regions, fixed))
    checked = check_edit(request)
    whole = region_mattes([fixed], facts=checked.facts, frames=checked.frames)
    alone = filled(replace(request, regions=request.regions[:1]))
    for both, first, (_, second) in zip(filled(request), alone, whole, strict=True):
        np.testing.assert_array_equal(both.matte, np.maximum(first.matte, second))


def test_the_paste_holds_what_the_fill_says(request_for) -> None:
    (fill, *_) = filled(request_for(), lambda plate: 1 - plate.rgb())
    result = composite(fill.plate, fill.picture, x=0, y=0, paste_matte=fill.matte)
    untouched = fill.matte == 0
    assert all(
        np.array_equal(a[untouched], b[untouched]) for a, b in zip(fill.plate.planes, result.planes, strict=True)
    )


def test_mattes_that_do_not_fit_are_refused_whatever_they_are_for(request_for, write_clip) -> None:
    short = write_clip("short.mkv", np.zeros((3, HEIGHT, WIDTH, 3), np.uint8))
    for purpose in (MattePurpose.HOLDOUT, MattePurpose.COMPOSITE, MattePurpose.IGNORE):
        with pytest.raises(InputError, match=r"short\.mkv has 3 frames but the clip has 9"):
            check_edit(request_for(Matte(media=reference(short), purpose=purpose)))
        alone = Matte(media=reference(short), purpose=purpose, subtract=True)
        with pytest.raises(InputError, match=r"short\.mkv is subtracted from nothing"):
            check_edit(request_for(alone))


def test_what_is_ignored_comes_with_the_mattes(request_for, matte_file) -> None:
    other = np.zeros((HEIGHT, WIDTH), np.float32)
    other[4:12, 70:90] = 1
    request = request_for(matte_file("other.mkv", other, MattePurpose.IGNORE))
    with ClipReader(request.target.path) as clip:
        facts = clip.facts
    frames = FrameRange(first=0, last=FRAMES - 1)
    for _, mattes in purpose_mattes(request.regions, facts=facts, frames=frames):
        np.testing.assert_array_equal(mattes.ignore, other)
        assert not mattes.edit[4:12, 70:90].any()
    for _, mattes in purpose_mattes(request_for().regions, facts=facts, frames=frames):
        assert mattes.ignore is None
