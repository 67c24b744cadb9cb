# SPDX-License-Identifier: GPL-3.0-or-later
"""The preset "draft" on real files: at source size, without a model, without torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskedit.catalogue import Catalogue
from maskedit.checking import check_edit
from maskedit.drafting import run_draft, source_drafts
from maskedit.edit import run_edit
from maskedit.errors import InputError
from maskedit.mattes import region_mattes
from maskedit.media import ClipReader, probe, read_picture, write_picture
from maskedit.progress import Cancelled, SilentReporter, Stage
from maskedit.record import EditResult
from maskedit.request import (
    Deliverable,
    DeliverableFormat,
    EditRequest,
    Extent,
    FrameRange,
    Keyframe,
    Matte,
    MediaReference,
    Preset,
    Region,
    to_json,
)
from maskedit.scorecard import subject_of
from maskedit.scoring import score

HEIGHT, WIDTH, FRAMES, STEP = 90, 121, 6, 2
BOX = (slice(30, 60), slice(40, 80))
RECOLOUR = np.array([1.0, 0.5, 0.2], np.float32)


def panning() -> np.ndarray:
    """(T, H, W, 3) uint8: a window that moves over a smooth texture."""
    noise = np.random.default_rng(1).random((HEIGHT, WIDTH + STEP * FRAMES, 3)).astype(np.float32)
    wide = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), np.empty(()), 20, 230, cv2.NORM_MINMAX).astype(np.uint8)
    return np.stack([wide[:, STEP * n : STEP * n + WIDTH] for n in range(FRAMES)])


def boxes(*empty: int) -> np.ndarray:
    drawn = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    drawn[:, *BOX] = 255
    drawn[list(empty)] = 0
    return drawn


def reference(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),))


@pytest.fixture
def request_for(write_clip, tmp_path: Path):  # type: ignore[no-untyped-def]
    def make(
        *keyframes: int, pixel_format: str = "bgr0", empty: tuple[int, ...] = (), **changes: object
    ) -> EditRequest:
        clip = write_clip("clip.mkv", panning(), pixel_format=pixel_format, rate=Fraction(24000, 1001))
        matte = write_clip("matte.mkv", boxes(*empty))
        painted = []
        for number in keyframes or (0,):
            write_picture(tmp_path / f"{number}.png", truth(clip, number))
            painted.append(Keyframe(frame=number, image=reference(tmp_path / f"{number}.png")))
        request = EditRequest(
            target=reference(clip),
            regions=(Region(mattes=(Matte(media=reference(matte)),), grow_px=4, feather_px=4),),
            keyframes=tuple(painted),
            preset=Preset.DRAFT,
        )
        return replace(request, **changes)

    return make


def rgb(path: Path | str, number: int) -> np.ndarray:
    with ClipReader(str(path)) as clip:
        (plate,) = clip.frames(number, number)
        return plate.rgb()


def planes(path: Path | str) -> list[tuple[np.ndarray, ...]]:
    with ClipReader(str(path)) as clip:
        return [plate.planes for plate in clip.frames(0, clip.facts.frame_count - 1)]


def truth(clip: Path | str, number: int) -> np.ndarray:
    return rgb(clip, number) * RECOLOUR


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) + 1e-12))


def drafted(request: EditRequest, tmp_path: Path, *, reporter: SilentReporter | None = None) -> EditResult:
    return run_draft(request, output=tmp_path / "out", reporter=reporter or SilentReporter())


@pytest.mark.parametrize("pixel_format", ["bgr0", "yuv422p10le"])
def test_the_edit_follows_the_motion_and_nothing_else_changes(request_for, tmp_path: Path, pixel_format: str) -> None:
    request = request_for(pixel_format=pixel_format)
    result = drafted(request, tmp_path)
    delivered = probe(str(result.result))
    assert (delivered.frame_count, delivered.rate) == (FRAMES, Fraction(24000, 1001))
    assert (delivered.width, delivered.height) == (WIDTH, HEIGHT)
    for number in range(1, FRAMES):
        inside, expected = rgb(result.result, number)[BOX], truth(request.target.path, number)[BOX]
        assert psnr(inside, expected) > max(30, psnr(truth(request.target.path, 0)[BOX], expected) + 8)
    (matte,) = request.regions[0].mattes
    subject = subject_of(request.target.path, str(result.result), matte=matte.media.path)
    assert score(subject).scores["samples_changed_outside"] == 0


def test_keyframes_are_delivered_as_painted(request_for, tmp_path: Path) -> None:
    request = request_for(2, pixel_format="gbrp16le")
    result = drafted(request, tmp_path)
    painted = read_picture(request.keyframes[0].image.path)[..., :3]
    np.testing.assert_allclose(rgb(result.result, 2)[BOX], painted[BOX], atol=2 / 65535)


def test_a_second_keyframe_raises_the_frames_near_it(request_for, tmp_path: Path) -> None:
    # The second one is painted otherwise: what comes near it has to come from it.
    request = request_for(0, FRAMES - 1)
    other = rgb(request.target.path, FRAMES - 1) * RECOLOUR[::-1]
    write_picture(request.keyframes[1].image.path, other)
    one = replace(request, keyframes=request.keyframes[:1])
    expected = (rgb(request.target.path, FRAMES - 2) * RECOLOUR[::-1])[BOX]
    near = {}
    for name, asked in (("one", one), ("two", request)):
        near[name] = psnr(rgb(drafted(asked, tmp_path / name).result, FRAMES - 2)[BOX], expected)
    assert near["two"] > near["one"] + 1


def test_a_cropped_keyframe_and_a_range_are_understood(request_for, tmp_path: Path) -> None:
    request = request_for(3, frames=FrameRange(first=2, last=5))
    extent = Extent(x=30, y=20, width=60, height=50)
    write_picture(tmp_path / "crop.png", truth(request.target.path, 3)[20:70, 30:90])
    cropped = Keyframe(frame=3, image=reference(tmp_path / "crop.png"), extent=extent)
    result = drafted(replace(request, keyframes=(cropped,)), tmp_path)
    assert probe(str(result.result)).frame_count == 4
    for place, number in enumerate(range(2, 6)):
        assert psnr(rgb(result.result, place)[BOX], truth(request.target.path, number)[BOX]) > 30


def test_where_the_region_has_left_the_source_passes_through(request_for, tmp_path: Path) -> None:
    request = request_for(empty=(3, 4))
    result = drafted(request, tmp_path)
    equal = [
        all(map(np.array_equal, a, b)) for a, b in zip(planes(request.target.path), planes(result.result), strict=True)
    ]
    assert equal == [False, False, False, True, True, False]


def test_a_region_at_the_frames_edge_is_drafted(request_for, write_clip, tmp_path: Path) -> None:
    request = request_for()
    drawn = 0 * boxes()
    drawn[:, :20, :30] = 255
    write_clip("matte.mkv", drawn)
    result = drafted(request, tmp_path)
    corner = (slice(0, 20), slice(0, 20))
    assert psnr(rgb(result.result, 2)[corner], truth(request.target.path, 2)[corner]) > 25


def test_the_record_says_that_no_model_was_asked(request_for, tmp_path: Path) -> None:
    request = request_for()
    result = drafted(request, tmp_path)
    record = json.loads(result.record.read_text())
    assert (record["format"], record["version"]) == ("maskedit-take", 1)
    assert [record[name] for name in ("recipe", "model", "adapter", "scorecard")] == [None] * 4
    assert record["request"]["preset"] == "draft"
    checked = check_edit(request)
    pasted = np.maximum.reduce(
        [matte for _, matte in region_mattes(request.regions, facts=checked.facts, frames=checked.frames)]
    )
    crop = record["crop"]
    ((x, y),) = crop["places"]
    outside = pasted.copy()
    outside[y : y + crop["height"], x : x + crop["width"]] = 0
    assert pasted.any() and not outside.any()
    assert set(result.stage_seconds) == {Stage.PREPARE, Stage.COMPOSITE, Stage.WRITE}


def test_drafts_at_source_size_say_how_sure_they_are(request_for) -> None:
    request = request_for(0, 4)
    seen: list[int] = []
    with source_drafts(request, check_edit(request), tick=seen.append) as (rect, drafts):
        found = list(drafts)
    assert [tick for tick in seen if tick] == list(range(1, FRAMES + 1))
    assert len(found) == FRAMES
    for number, (at, each) in enumerate(found):
        assert rect.covers(at)
        assert each.picture.shape == (at.height, at.width, 3)
        assert each.confidence.shape == (at.height, at.width)
        assert each.confidence.min() >= 0 and each.confidence.max() <= 1
        assert (each.confidence.min() == 1) == (number in (0, 4))


def test_any_deliverable_can_be_drafted(request_for, tmp_path: Path) -> None:
    asked = Deliverable(format=DeliverableFormat.PNG)
    result = drafted(request_for(deliverables=(asked,)), tmp_path)
    assert len(list(result.result.glob("*.png"))) == FRAMES


@pytest.mark.parametrize("stage", [Stage.PREPARE, Stage.COMPOSITE])
def test_a_draft_can_be_stopped(request_for, tmp_path: Path, stage: Stage) -> None:
    class Stop(SilentReporter):
        def report(self, stage_: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None):  # type: ignore[no-untyped-def]
            if (stage_, done) == (stage, 2):
                raise Cancelled

    with pytest.raises(Cancelled):
        drafted(request_for(), tmp_path, reporter=Stop())


def test_what_cannot_be_drafted_is_refused(request_for, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Keyframe 7 lies outside"):
        drafted(replace(request_for(), keyframes=(Keyframe(frame=7, image=reference(tmp_path / "0.png")),)), tmp_path)
    assert not (tmp_path / "out").exists()


def test_the_recipe_hands_a_draft_on_and_asks_for_no_model(request_for, tmp_path: Path) -> None:
    request = request_for(model="not-there")
    done = run_edit(
        request,
        output=tmp_path / "edit",
        cache=tmp_path / "cache",
        reporter=SilentReporter(),
        models=Catalogue(tmp_path / "data"),
    )
    alone = drafted(request, tmp_path)
    for a, b in zip(planes(done.result), planes(alone.result), strict=True):
        assert all(map(np.array_equal, a, b))
    assert not done.adapter_reused and not (tmp_path / "cache").exists()


def test_a_draft_needs_no_torch(request_for, tmp_path: Path) -> None:
    """In a process of its own, where importing torch is an error."""
    (tmp_path / "request.json").write_text(to_json(request_for()))
    (tmp_path / "torch.py").write_text("raise ImportError('torch is not wanted here')")
    code = (
        "import sys; from pathlib import Path; from maskedit.drafting import run_draft\n"
        "from maskedit.progress import SilentReporter; from maskedit.request import from_json\n"
        "request = from_json(Path('request.json').read_bytes())\n"
        "print(run_draft(request, output=Path('out'), reporter=SilentReporter()).result)\n"
        "sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert probe(str(tmp_path / done.stdout.strip())).frame_count == FRAMES
