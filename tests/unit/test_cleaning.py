# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes of a real edit, as they come back from an image editor, through the draft's whole way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import shift

from maskedit.checking import check_edit
from maskedit.cleaning import clean_keyframes, findings_of, looks
from maskedit.drafting import run_draft
from maskedit.errors import InputError
from maskedit.media import ClipReader, read_picture, write_picture
from maskedit.progress import SilentReporter, Stage
from maskedit.request import (
    EditRequest,
    Extent,
    Keyframe,
    KeyframeCare,
    Matte,
    MediaReference,
    Preset,
    Region,
)

HEIGHT, WIDTH, FRAMES = 96, 144, 4
BOX = np.s_[34:62, 50:94]


class Hearing(SilentReporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        if message:
            self.said.append(message)


def footage() -> np.ndarray:
    """(T, H, W, 3) uint8: a texture of several scales that drifts by two pixels a frame."""
    generator = np.random.default_rng(2)
    size = (HEIGHT, WIDTH + 2 * FRAMES, 3)
    layers = [cv2.GaussianBlur(generator.random(size).astype(np.float32), (0, 0), sigma) for sigma in (1.5, 4, 12)]
    wide = 0.45 + 0.1 * sum((layer - layer.mean()) / layer.std() for layer in layers)
    codes = np.rint(np.clip(wide, 0.05, 0.95) * 255).astype(np.uint8)
    return np.stack([codes[:, 2 * n : 2 * n + WIDTH] for n in range(FRAMES)])


def reference(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),))


@pytest.fixture
def painted() -> np.ndarray:
    """Frame 0 with another texture in the box, float32 in [0, 1]."""
    picture = footage()[0].astype(np.float32) / np.float32(255)
    picture[BOX] = picture[BOX][:, ::-1] * np.float32([1.0, 0.6, 0.4])
    return picture


@pytest.fixture
def request_for(write_clip, tmp_path: Path):
    clip = write_clip("clip.mkv", footage())
    drawn = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    drawn[:, *BOX] = 255
    matte = write_clip("matte.mkv", drawn)

    def make(picture: np.ndarray, *, care: KeyframeCare | None = None, extent: Extent | None = None) -> EditRequest:
        path = tmp_path / "painted.png"
        write_picture(path, picture, bit_depth=16)
        return EditRequest(
            target=reference(clip),
            regions=(Region(mattes=(Matte(media=reference(matte)),), grow_px=4, feather_px=3),),
            keyframes=(Keyframe(frame=0, image=reference(path), extent=extent),),
            preset=Preset.DRAFT,
            keyframe_care=care or KeyframeCare(),
        )

    return make


def shifted(picture: np.ndarray, across: float, down: float) -> np.ndarray:
    channels = [shift(picture[..., n], (down, across), order=5, mode="mirror") for n in range(3)]
    return np.clip(np.stack(channels, axis=-1), 0, 1, dtype=np.float32)


def checked(request: EditRequest) -> dict:
    found = check_edit(request)
    return {"facts": found.facts, "frames": found.frames, "bounds": found.bounds}


def cleaned(request: EditRequest, folder: Path) -> tuple[EditRequest, dict, list[str]]:
    hearing = Hearing()
    mended, said = clean_keyframes(request, **checked(request), folder=folder, reporter=hearing)
    return mended, said, hearing.said


def test_a_keyframe_that_needs_nothing_stays_the_very_file(request_for, painted, tmp_path):
    request = request_for(painted)
    mended, said, words = cleaned(request, tmp_path / "mended")
    assert mended == request and said == {} and words == []
    assert not (tmp_path / "mended").exists()


def test_a_shifted_and_tinted_keyframe_is_given_on_as_it_was_painted(request_for, painted, tmp_path):
    request = request_for(np.clip(shifted(painted, 1.3, -0.6) * np.float32([1.03, 1, 0.97]), 0, 1))
    mended, said, words = cleaned(request, tmp_path / "mended")
    assert set(said[0]) == {"registered", "colour_matched"}
    assert "moved by +1.30, -0.60 px" in words[0] and "coloured off by" in words[1]
    after, before = (read_picture(each.keyframes[0].image.path)[BOX] for each in (mended, request))
    assert np.abs(after - painted[BOX]).mean() < 0.15 * np.abs(before - painted[BOX]).mean()


def test_a_cropped_keyframe_is_mended_in_its_place(request_for, painted, tmp_path):
    extent = Extent(x=20, y=10, width=110, height=80)
    part = np.s_[10:90, 20:130]
    request = request_for(shifted(painted, 0.8, 0.5)[part], extent=extent)
    mended, said, _ = cleaned(request, tmp_path / "mended")
    assert said[0]["registered"]["moved_px"] == pytest.approx(np.hypot(0.8, 0.5), abs=0.05)
    assert mended.keyframes[0].extent == extent
    inner = np.s_[30:60, 40:70]
    assert np.abs(read_picture(mended.keyframes[0].image.path)[inner] - painted[part][inner]).mean() < 0.01


def test_a_keyframe_of_another_size_is_fitted_where_that_is_wanted(request_for, painted, tmp_path):
    small = cv2.resize(painted, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    request = request_for(small, care=KeyframeCare(fit=True))
    mended, said, words = cleaned(request, tmp_path / "mended")
    assert said[0]["fitted_from"] == [72, 48]
    assert read_picture(mended.keyframes[0].image.path).shape == (HEIGHT, WIDTH, 3)
    assert words[0].startswith("Keyframe 0 is 72x48 and is scaled to 144x96: ")
    for picture, sentence in ((small, "--fit-keyframes"), (painted[:, : WIDTH - 9], "another shape")):
        with pytest.raises(InputError, match=sentence):
            run_draft(request_for(picture), output=tmp_path / "out", reporter=SilentReporter())


def test_what_was_painted_outside_is_said_with_how_to_take_it(request_for, painted, tmp_path):
    painted[70:90, 8:40] = [0.9, 0.1, 0.1]
    request = request_for(painted)
    (look,) = looks(request, **checked(request))
    (finding,) = findings_of(look)
    assert finding.flag == "--take-changes" and "outside the matte as well" in finding.sentence
    taking = replace(request, regions=(*request.regions, Region(mattes=())))
    (look,) = looks(taking, **checked(request))
    assert list(findings_of(look)) == []


def test_the_edit_delivers_the_mended_keyframe_and_records_what_was_done(request_for, painted, tmp_path):
    request = request_for(shifted(painted, 1.3, -0.6))
    done = run_draft(request, output=tmp_path / "out", reporter=SilentReporter())
    record = json.loads(done.record.read_text())
    assert record["keyframes"]["0"]["registered"]["moved_px"] == pytest.approx(np.hypot(1.3, 0.6), abs=0.03)
    assert record["request"]["keyframes"][0]["image"]["locations"] == [request.keyframes[0].image.path]
    with ClipReader(done.result) as clip:
        delivered = next(clip.frames(0, 0)).rgb()
    inner = np.s_[38:58, 54:90]
    assert np.abs(delivered[inner] - painted[inner]).mean() < 0.01
    assert np.abs(delivered[inner] - read_picture(request.keyframes[0].image.path)[inner]).mean() > 0.03
