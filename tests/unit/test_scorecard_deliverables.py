# SPDX-License-Identifier: GPL-3.0-or-later
"""Scorecards of patches and sequences: they score what the whole frame scores that they stand for. And FLIP."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flip_evaluator import evaluate

from maskedit.compositing import composite, patch_frame
from maskedit.errors import InputError
from maskedit.mattes import paste_mattes
from maskedit.measures import flip
from maskedit.media import ClipReader, ClipWriter, write_picture
from maskedit.presets import Edges
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, FrameRange, Matte, MediaReference, Region
from maskedit.scorecard import main
from maskedit.scoring import Subject, score

WIDTH, HEIGHT, FRAMES = 64, 48, 4
EDGES = {"grow_px": 2, "feather_px": 2, "smooth_frames": 0}
RED = np.full((HEIGHT, WIDTH, 3), (0.8, 0.2, 0.1), np.float32)


@pytest.fixture
def clips(write_clip, tmp_path: Path):
    """Paths of a noisy source clip in YUV, its matte, and a truth whose region is red; the paste matte."""
    generator = np.random.default_rng(3)
    frames = generator.integers(40, 210, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    drawn = np.zeros((HEIGHT, WIDTH), np.float32)
    drawn[12:36, 16:48] = 1
    matte = np.repeat((drawn[None, ..., None] * 255).astype(np.uint8), 3, axis=-1).repeat(FRAMES, axis=0)
    source = write_clip("source.mkv", frames, pixel_format="yuv444p", rate=Fraction(30))
    paste = next(iter(paste_mattes(iter([drawn]), Edges(**EDGES))))
    truth = deliver(source, tmp_path / "truth.mkv", paste=paste)
    return source, write_clip("matte.mkv", matte), truth, paste


def deliver(source: Path, result: Path, *, paste: np.ndarray, kind=DeliverableKind.FULL, form="mkv") -> Path:
    """The source with red pasted into its region, as that deliverable."""
    deliverable = Deliverable(kind=kind, format=DeliverableFormat(form))
    with ClipReader(source) as clip:
        frames = FrameRange(first=0, last=clip.facts.frame_count - 1)
        how = {"facts": clip.facts, "deliverable": deliverable, "source": str(source), "frames": frames}
        lay = patch_frame if kind is DeliverableKind.PATCH else composite
        with ClipWriter(result, **how) as writer:
            for plate in clip.frames(frames.first, frames.last):
                writer.write(lay(plate, RED, x=0, y=0, paste_matte=paste))
    return result


def subject(clips, result: Path, **more) -> Subject:
    source, matte, truth, _ = clips
    regions = (Region(mattes=(Matte(media=MediaReference(locations=(str(matte),))),), **EDGES),)
    frames = FrameRange(first=0, last=FRAMES - 1)
    return Subject(source=str(source), result=str(result), regions=regions, frames=frames, truth=str(truth), **more)


@pytest.mark.parametrize(("name", "form"), [("p.mkv", "mkv"), ("p.mov", "mov"), ("patch", "png"), ("patch", "exr")])
def test_a_patch_scores_as_it_looks_over_the_source(clips, tmp_path, name, form):
    patch = deliver(clips[0], tmp_path / name, paste=clips[3], kind=DeliverableKind.PATCH, form=form)
    card = score(subject(clips, patch, patch=True))
    assert card.scores["samples_changed_outside"] == 0
    assert card.scores["background_psnr"] == float("inf")
    # ProRes alone is lossy; half floats and 16 bits land on the truth's own 8-bit codes, or one beside them.
    assert card.scores["result_psnr"] > (38 if form == "mov" else 48)
    assert card.scores["source_psnr"] < 15
    assert "audio" not in card.equal and all(card.equal.values())
    assert ("rate" in card.equal) == (form in ("mkv", "mov"))


def test_a_patch_that_reaches_beyond_its_region_is_caught(clips, tmp_path):
    wide = clips[3].copy()
    wide[0, 0] = 1
    patch = deliver(clips[0], tmp_path / "wide.mkv", paste=wide, kind=DeliverableKind.PATCH)
    assert score(subject(clips, patch, patch=True)).scores["samples_changed_outside"] in range(FRAMES, 3 * FRAMES + 1)


def test_a_whole_frame_is_no_patch(clips):
    with pytest.raises(InputError, match="no alpha, so it is no patch"):
        score(subject(clips, clips[2], patch=True))


@pytest.mark.parametrize("form", ["png", "exr"])
def test_a_folder_stands_for_the_sequence_in_it(clips, tmp_path, form):
    folder = deliver(clips[0], tmp_path / "result", paste=clips[3], form=form)
    card = score(subject(clips, folder))
    assert card.scores["result_psnr"] > 45
    assert set(card.equal) == {"frame_count", "size"} and all(card.equal.values())
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no result"):
        score(subject(clips, empty))


def test_a_sequence_as_source_begins_where_it_is_said_to(clips, tmp_path):
    source, truth = clips[0], clips[2]
    with ClipReader(source) as clip:
        for plate in clip.frames(0, FRAMES - 1):
            write_picture(tmp_path / f"shot.{plate.number + 7:04d}.png", plate.rgb(), bit_depth=16)
    write_picture(tmp_path / "shot.0006.png", RED, bit_depth=16)
    sequence = Subject(**{**vars(subject(clips, truth)), "source": str(tmp_path / "shot.%04d.png")})
    assert score(Subject(**{**vars(sequence), "first_number": 7})).scores["background_psnr"] > 60
    with pytest.raises(InputError, match="has 4 frames but the clip has 5"):
        score(sequence)


def test_the_record_and_the_command_line_say_that_it_is_a_patch(clips, tmp_path, capsys):
    source, matte, truth, paste = clips
    patch = deliver(source, tmp_path / "patch.mkv", paste=paste, kind=DeliverableKind.PATCH)
    arguments = [
        "--source",
        str(source),
        "--result",
        str(patch),
        "--matte",
        str(matte),
        "--truth",
        str(truth),
        "--json",
    ]
    arguments += ["--grow", "2", "--feather", "2"]
    assert main([*arguments, "--patch"]) == 0
    said = json.loads(capsys.readouterr().out)
    region = {"mattes": [{"media": {"locations": [str(matte)]}}]}
    request = {
        "target": {"locations": [str(source)]},
        "regions": [region],
        "keyframes": [],
        "deliverables": [{"kind": "patch"}],
    }
    edges = {**EDGES, "loosening": "grown"}
    (tmp_path / "patch.maskedit.json").write_text(json.dumps({"request": request, "paste_matte": [edges]}))
    assert main(arguments) == 0
    recorded = json.loads(capsys.readouterr().out)
    assert recorded["scores"] == said["scores"] and recorded["scores"]["samples_changed_outside"] == 0
    # Taken for a whole frame, it would be black all around.
    (tmp_path / "patch.maskedit.json").unlink()
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["samples_changed_outside"] > 1000


def test_flip_of_a_region_is_that_of_the_whole_picture_there():
    generator = np.random.default_rng(8)
    truth = generator.random((96, 120, 3), np.float32)
    picture = np.clip(truth + generator.normal(0, 0.1, truth.shape), 0, 1).astype(np.float32)
    inside = np.zeros((96, 120), bool)
    inside[40:60, 30:70] = True
    whole, _, _ = evaluate(truth, picture, "LDR", applyMagma=False)
    assert flip(picture, truth, inside) == pytest.approx(whole[..., 0][inside], abs=1e-5)
    assert flip(truth, truth, inside).max() == 0
    assert flip(picture, truth, np.zeros_like(inside)).size == 0


def test_flip_grows_with_what_the_eye_sees():
    grey = np.full((48, 48, 3), 0.5, np.float32)
    inside = np.ones((48, 48), bool)
    slight, strong = (flip(grey + np.float32((shift, 0, 0)), grey, inside).mean() for shift in (0.05, 0.4))
    assert 0 < slight < 0.2 < strong < 1


def test_flip_stands_in_the_card_beside_both_baselines(clips):
    scores = score(subject(clips, clips[2])).scores
    assert scores["result_flip"] == 0 < scores["source_flip"]
    # The truth's region stands still, so its first frame held on is nearly as good.
    assert scores["frozen_flip"] < 0.05 < scores["source_flip"] / 4
