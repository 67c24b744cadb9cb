# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit without a matte: what the keyframes change becomes one, beside the result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskedit.checking import check_edit
from maskedit.drafting import run_draft
from maskedit.errors import InputError
from maskedit.mattes import open_matte
from maskedit.media import ClipReader, probe, read_picture, write_picture
from maskedit.progress import SilentReporter
from maskedit.request import (
    EditRequest,
    FrameRange,
    Keyframe,
    Matte,
    MattePurpose,
    MediaReference,
    Preset,
    Region,
)
from maskedit.tracing import TRACED, traced

WIDTH, HEIGHT, FRAMES = 120, 96, 8


def reference(path: Path | str) -> MediaReference:
    return MediaReference(locations=(str(path),))


def box_at(number: int) -> tuple[slice, slice]:
    return slice(30, 62), slice(20 + 3 * number, 52 + 3 * number)


@pytest.fixture
def clip(write_clip) -> Path:  # type: ignore[no-untyped-def]
    """A textured box that crosses a textured ground, which moves the other way."""
    generator = np.random.default_rng(3)
    ground = np.kron(generator.integers(40, 160, (40, 60, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    thing = np.kron(generator.integers(90, 220, (8, 8, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    frames = np.stack([ground[20 : 20 + HEIGHT, 60 - n : 60 - n + WIDTH] for n in range(FRAMES)])
    for number in range(FRAMES):
        frames[(number, *box_at(number))] = thing
    return write_clip("clip.mkv", frames)


@pytest.fixture
def request_for(clip: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    def make(*keyframes: int, drift: float = 1.0, edit=lambda picture, box: 1 - picture[box], **changes) -> EditRequest:
        used = []
        for number in keyframes:
            with ClipReader(str(clip)) as reader:
                picture = next(reader.frames(number, number)).rgb().copy()
            picture[box_at(number)] = edit(picture, box_at(number))
            write_picture(tmp_path / f"{number}.png", np.clip(picture * np.float32(drift), 0, 1))
            used.append(Keyframe(frame=number, image=reference(tmp_path / f"{number}.png")))
        request = EditRequest(
            target=reference(clip), regions=(Region(mattes=()),), keyframes=tuple(used), preset=Preset.DRAFT
        )
        return replace(request, **changes)

    return make


def matte_of(request: EditRequest, tmp_path: Path) -> np.ndarray:
    done, _ = traced(request, check_edit(request), output=tmp_path / "out", reporter=SilentReporter())
    facts = probe(request.target.path)
    return np.stack([matte for _, matte in open_matte(done.regions[0].mattes[0], facts=facts).frames(0, FRAMES - 1)])


@pytest.mark.parametrize("keyframes", [(0,), (3,), (1, 6)])
def test_the_matte_follows_what_was_painted(request_for, tmp_path: Path, keyframes: tuple[int, ...]) -> None:
    mattes = matte_of(request_for(*keyframes, drift=1.03), tmp_path)
    for number, matte in enumerate(mattes):
        inside = np.zeros((HEIGHT, WIDTH), bool)
        inside[box_at(number)] = True
        assert (matte[inside] >= 0.5).mean() > 0.99, number
        assert (matte >= 0.5).sum() < 1.6 * inside.sum(), number


def test_frames_outside_the_range_stay_empty(request_for, tmp_path: Path) -> None:
    mattes = matte_of(request_for(3, frames=FrameRange(first=2, last=5)), tmp_path)
    assert [bool(matte.any()) for matte in mattes] == [False] * 2 + [True] * 4 + [False] * 2


def test_an_edit_without_a_matte_leaves_one_beside_its_result(request_for, clip: Path, tmp_path: Path) -> None:
    request = request_for(0)
    assert check_edit(request).region_frames == (0,)
    done = run_draft(request, output=tmp_path / "out", reporter=SilentReporter())
    assert done.traced == tmp_path / "out" / TRACED
    record = json.loads(done.record.read_text())
    (matte,) = record["request"]["regions"][0]["mattes"]
    assert matte["media"]["display_name"] == TRACED
    with ClipReader(str(clip)) as before, ClipReader(str(done.result)) as after:
        pairs = list(zip(before.frames(0, FRAMES - 1), after.frames(0, FRAMES - 1), strict=True))
    for number, (plate, result) in enumerate(pairs):
        there = result.rgb()[box_at(number)][6:-6, 6:-6]
        wanted = 1 - plate.rgb()[box_at(number)][6:-6, 6:-6]
        assert np.abs(there - wanted).mean() < 0.03, number
        # Far from what was painted nothing is touched.
        assert all(np.array_equal(a[:16], b[:16]) for a, b in zip(plate.planes, result.planes, strict=True))


def test_an_edit_with_a_matte_is_left_alone(request_for, tmp_path: Path) -> None:
    roto = tmp_path / "box.json"
    corners = [{"co": corner} for corner in ([20, 30], [60, 30], [60, 62], [20, 62])]
    shapes = [{"keys": [{"frame": 0, "points": corners}]}]
    roto.write_text(json.dumps({"format": "maskedit-roto", "version": 1, "size": [WIDTH, HEIGHT], "shapes": shapes}))
    request = replace(request_for(0), regions=(Region(mattes=(Matte(media=reference(roto)),)),))
    checked = check_edit(request)
    assert traced(request, checked, output=tmp_path / "out", reporter=SilentReporter()) == (request, checked)
    assert not (tmp_path / "out").exists()
    # A holdout says what is in front, not what is to change.
    holdout = Region(mattes=(Matte(media=reference(roto), purpose=MattePurpose.HOLDOUT),))
    done, _ = traced(replace(request, regions=(holdout,)), checked, output=tmp_path / "out", reporter=SilentReporter())
    assert [matte.purpose for matte in done.regions[0].mattes] == [MattePurpose.EDIT, MattePurpose.HOLDOUT]


def test_keyframes_that_say_nothing_are_refused(request_for, tmp_path: Path) -> None:
    same = request_for(0, edit=lambda picture, box: picture[box], drift=1.02)
    with pytest.raises(InputError, match="Keyframe 0 shows what the clip shows"):
        check_edit(same)
    whole = request_for(2)
    noise = np.random.default_rng(0).random(read_picture(whole.keyframes[0].image.path).shape, np.float32)
    write_picture(whole.keyframes[0].image.path, noise)
    with pytest.raises(InputError, match="Keyframe 2 differs from the clip nearly everywhere"):
        check_edit(whole)


def test_only_one_region_can_be_what_the_keyframes_change(request_for) -> None:
    with pytest.raises(InputError, match="Several regions have no matte"):
        check_edit(request_for(0, regions=(Region(mattes=()), Region(mattes=()))))
