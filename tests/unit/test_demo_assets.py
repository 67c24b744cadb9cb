# SPDX-License-Identifier: GPL-3.0-or-later
"""The example that ships is whole, small, fits together, and what is made from it is what it says."""

import json
from fractions import Fraction

import numpy as np
import pytest

from maskedit import demo
from maskedit.checking import CheckedEdit, check_edit
from maskedit.demo.__main__ import main
from maskedit.demo.clips import plates_with_mattes
from maskedit.mattes import read_roto
from maskedit.mattes.roto import dump_roto
from maskedit.media import ClipReader, probe, read_picture, write_picture
from maskedit.recolour import FOX, recolour
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Origin, Region


def reference(path) -> MediaReference:
    return MediaReference(locations=(str(path),))


@pytest.fixture(scope="module")
def checked() -> CheckedEdit:
    return check_edit(
        EditRequest(
            target=reference(demo.SOURCE),
            regions=(Region(mattes=(Matte(media=reference(demo.ROTO)),)),),
            keyframes=(Keyframe(frame=0, image=reference(demo.KEYFRAME)),),
        )
    )


@pytest.fixture(scope="module")
def frames() -> list[tuple[np.ndarray, np.ndarray]]:
    """(RGB, matte) of every frame."""
    return [(plate.rgb(), drawn) for plate, drawn in plates_with_mattes(demo.SOURCE, demo.ROTO)]


def mean_square(first: np.ndarray, second: np.ndarray, inside: np.ndarray) -> float:
    return float(np.mean((first[inside].astype(np.float64) - second[inside]) ** 2))


def decibels(errors: list[float]) -> float:
    return float(-10 * np.log10(np.mean(errors)))


def test_the_clip_is_small_and_fully_tagged(checked):
    facts = checked.facts
    assert (facts.frame_count, facts.width, facts.height, facts.rate) == (25, 640, 360, Fraction(25))
    assert facts.has_audio
    for tag in (facts.primaries, facts.transfer, facts.matrix):
        assert tag.name == "bt709" and tag.origin is Origin.TAGGED
    assert sum(path.stat().st_size for path in (demo.SOURCE, demo.ROTO, demo.KEYFRAME)) < 2_000_000


def test_the_region_shows_on_every_frame_and_is_moderate(checked):
    assert checked.region_frames == tuple(range(25))
    assert 100 <= checked.bounds.width <= 220 and 100 <= checked.bounds.height <= 220


def test_the_roto_is_animated_by_hand_set_keys():
    roto = read_roto(str(demo.ROTO))
    assert [shape.name for shape in roto.shapes] == ["head", "left ear", "right ear"]
    assert json.loads(dump_roto(roto)) == json.loads(demo.ROTO.read_text())
    for shape in roto.shapes:
        gaps = np.diff([key.frame for key in shape.keys])
        assert shape.keys[0].frame == 0 and shape.keys[-1].frame == 24
        assert gaps.max() <= 4


def test_the_roto_follows_the_rabbit(frames):
    """Fur is grey, the meadow behind it is not: inside the matte the picture is nearly colourless on every frame."""
    for rgb, drawn in frames:
        chroma = rgb.max(axis=-1) - rgb.min(axis=-1)
        assert np.mean(chroma[drawn == 1] < 0.25) > 0.93


def test_the_region_moves(frames):
    """Holding the first frame must not be nearly right already, or the example would show nothing."""
    still = frames[0][0]
    assert decibels([mean_square(rgb, still, drawn >= 0.5) for rgb, drawn in frames[1:]]) < 16


def test_the_keyframe_is_frame_0_recoloured(frames):
    rgb, drawn = frames[0]
    keyframe = read_picture(demo.KEYFRAME)
    codes = np.rint(rgb * 255)
    np.testing.assert_array_equal(np.rint(keyframe * 255)[drawn == 0], codes[drawn == 0])
    assert np.abs(keyframe - recolour(rgb, drawn, ramp=FOX)).max() < 0.6 / 255
    assert decibels([mean_square(keyframe, rgb, drawn >= 0.5)]) < 12


def test_the_truth_is_far_from_the_source_inside_and_equal_outside(tmp_path, frames):
    out = tmp_path / "truth.mkv"
    assert main(["truth", "--out", str(out)]) == 0
    facts = probe(str(out))
    assert (facts.frame_count, facts.rate, facts.has_audio) == (25, Fraction(25), True)
    errors = []
    with ClipReader(str(out)) as truth, ClipReader(str(demo.SOURCE)) as source:
        pairs = zip(truth.frames(0, 24), source.frames(0, 24), strict=True)
        for (edited, plate), (rgb, drawn) in zip(pairs, frames, strict=True):
            np.testing.assert_array_equal(edited.planes[0][drawn == 0], plate.planes[0][drawn == 0])
            errors.append(mean_square(edited.rgb(), rgb, drawn >= 0.5))
    assert decibels(errors) < 12


def test_the_matte_video_is_the_roto(tmp_path, frames):
    out = tmp_path / "matte.mkv"
    assert main(["matte", "--out", str(out)]) == 0
    facts = probe(str(out))
    assert (facts.frame_count, facts.rate, facts.width, facts.height) == (25, Fraction(25), 640, 360)
    for (_, drawn), (_, again) in zip(frames, plates_with_mattes(demo.SOURCE, out), strict=True):
        assert np.abs(drawn - again).max() < 0.51 / 255 + 1 / 32
        np.testing.assert_array_equal(again[(drawn == 0) | (drawn == 1)], drawn[(drawn == 0) | (drawn == 1)])


def test_the_keyframe_can_be_made_again(tmp_path):
    out = tmp_path / "keyframe.png"
    assert main(["keyframe", "--out", str(out)]) == 0
    np.testing.assert_array_equal(read_picture(out), read_picture(demo.KEYFRAME))


def test_the_comparison_shows_the_given_pictures(tmp_path, frames):
    out = tmp_path / "compare.png"
    assert main(["compare", "--result", str(demo.SOURCE), "--out", str(out)]) == 0
    sheet = read_picture(out)
    assert sheet.shape[1] > 4 * 640 and sheet.shape[0] > 4 * 360
    for number, row, column, picture in (
        (0, 0, 0, frames[0][0]),
        (24, 3, 2, frames[24][0]),
        (0, 0, 2, read_picture(demo.KEYFRAME)),
    ):
        y, x = 8 + row * (360 + 38) + 30, 8 + column * 648
        assert np.abs(sheet[y : y + 360, x : x + 640] - picture).max() < 1 / 255, (number, column)


def test_files_that_do_not_fit_are_refused_in_one_sentence(tmp_path, capsys):
    assert main(["matte", "--source", str(tmp_path / "gone.mp4"), "--out", str(tmp_path / "m.mkv")]) == 2
    picture = tmp_path / "still.png"
    write_picture(picture, np.zeros((4, 4, 3), np.float32))
    assert main(["truth", "--matte", str(tmp_path / "gone.json"), "--out", str(tmp_path / "t.mkv")]) == 2
    sentences = capsys.readouterr().err.strip().splitlines()
    assert len(sentences) == 2 and "gone.mp4" in sentences[0] and "gone.json" in sentences[1]
    assert not (tmp_path / "t.mkv").exists()
