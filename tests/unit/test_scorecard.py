# SPDX-License-Identifier: GPL-3.0-or-later
"""Scorecards of clips whose scores are known because of how they were made."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from maskedit.errors import InputError
from maskedit.mattes import drawn_and_paste
from maskedit.media import ClipReader
from maskedit.presets import Edges
from maskedit.request import FrameRange, Loosening, Matte, MediaReference, Region
from maskedit.scorecard import main, record_beside, subject_of
from maskedit.scoring import Subject, score

WIDTH, HEIGHT, FRAMES = 96, 64, 6
BOX = (slice(16, 48), slice(32, 72))
AROUND = (slice(4, 60), slice(20, 84))  # BOX and the 12 pixels that grow and feather add


@pytest.fixture
def clip(write_clip):
    """clip(name, frames, …): frames (H, W, 3) uint8 as FFV1 (by default decoded again bit for bit); its path."""

    def write(name: str, frames: list[np.ndarray], **more) -> str:
        return str(write_clip(name, np.stack(frames), **{"rate": Fraction(24000, 1001), **more}))

    return write


def with_sound(path: str, samples: bytes) -> str:
    """A copy of the clip with one second of sound, `samples` over and over."""
    heard = path.replace(".mkv", "-heard.mkv")
    with av.open(path) as silent, av.open(heard, "w") as container:
        picture = container.add_stream_from_template(silent.streams.video[0])
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for packet in silent.demux(silent.streams.video[0]):
            if packet.size:
                packet.stream = picture
                container.mux(packet)
        block = av.AudioFrame.from_ndarray(np.frombuffer(samples * 4000, np.int16)[None], format="s16", layout="mono")
        block.sample_rate = 8000
        container.mux(sound.encode(block))
        container.mux(sound.encode())
    return heard


@pytest.fixture(scope="module")
def moving() -> list[np.ndarray]:
    """A smooth random texture that slides right by one pixel a frame."""
    wide = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH + FRAMES, 3)).astype(np.float32)
    wide = cv2.GaussianBlur(wide, (0, 0), 2)
    wide = cv2.normalize(wide, np.empty(()), 40, 215, cv2.NORM_MINMAX).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, FRAMES - number : FRAMES - number + WIDTH]) for number in range(FRAMES)]


@pytest.fixture
def matte(clip) -> str:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[BOX] = 255
    return clip("matte.mkv", [picture] * FRAMES)


def inside_changed(frames: list[np.ndarray], change: int) -> list[np.ndarray]:
    changed = [frame.copy() for frame in frames]
    for frame in changed:
        frame[BOX] = np.clip(frame[BOX].astype(int) + change, 0, 255)
    return changed


EDGES = Edges(grow_px=8, feather_px=4)


def region_at(path: str, *, edges: Edges = EDGES) -> Region:
    return Region(mattes=(Matte(media=MediaReference(locations=(path,))),), **vars(edges))


def scored(source: str, result: str, matte: str, *, edges: Edges = EDGES, **more):
    frames = FrameRange(first=0, last=FRAMES - 1)
    regions = (region_at(matte, edges=edges),)
    return score(Subject(source=source, result=result, regions=regions, frames=frames, **more))


def test_a_result_that_is_the_source_is_perfect(moving, matte, clip):
    clip = clip("source.mkv", moving)
    card = scored(clip, clip, matte, truth=clip)
    assert card.scores["samples_changed_outside"] == 0
    assert card.scores["background_psnr"] == card.scores["result_psnr"] == math.inf
    assert card.scores["background_mean_error"] == card.scores["seam_ring_error"] == 0
    assert card.scores["result_ssim"] == 1
    assert card.scores["added_warp_error"] == 0
    assert set(card.equal.values()) == {True}
    assert [frame["frame"] for frame in card.frames] == list(range(FRAMES))


def test_psnr_inside_is_that_of_the_known_error_beside_both_baselines(moving, matte, clip):
    source = clip("source.mkv", moving)
    truth = clip("truth.mkv", inside_changed(moving, 40))
    result = clip("result.mkv", inside_changed(moving, 30))
    card = scored(source, result, matte, truth=truth)
    decibels = {code: -20 * math.log10(code / 255) for code in (10, 40)}
    assert card.scores["result_psnr"] == pytest.approx(decibels[10], abs=1e-3)
    assert card.scores["source_psnr"] == pytest.approx(decibels[40], abs=1e-3)
    frozen = inside_changed(moving, 40)
    differences = [(frame[BOX] / 255 - frozen[0][BOX] / 255) ** 2 for frame in frozen[1:]]
    assert card.scores["frozen_psnr"] == pytest.approx(-10 * math.log10(np.mean(differences)), abs=1e-3)
    # The frame that the baseline repeats would compare it with itself.
    assert "result_psnr" not in card.frames[0] and "result_psnr" in card.frames[1]
    assert card.scores["background_psnr"] == math.inf


def test_a_slight_drift_outside_shows_in_the_signed_error_and_in_every_sample(moving, matte, clip):
    source = clip("source.mkv", moving)
    result = clip("result.mkv", [frame - 1 for frame in moving])
    card = scored(source, result, matte)
    assert card.scores["background_mean_error"] == pytest.approx(-1, abs=1e-4)
    assert card.scores["background_psnr"] == pytest.approx(-20 * math.log10(1 / 255), abs=1e-3)
    outside = card.scores["samples_changed_outside"]
    assert outside % (3 * FRAMES) == 0
    assert HEIGHT * WIDTH - 56 * 64 <= outside / (3 * FRAMES) <= HEIGHT * WIDTH - 32 * 40


def test_one_changed_sample_is_counted_only_outside_the_paste_matte(moving, matte, clip):
    source = clip("source.mkv", moving)
    for place, count in (((0, 0), 1), ((3, 50), 1), ((32, 50), 0), ((10, 50), 0)):
        frames = [frame.copy() for frame in moving]
        frames[2][(*place, 1)] ^= 1
        result = clip("result.mkv", frames)
        assert scored(source, result, matte).scores["samples_changed_outside"] == count, place


def test_another_pixel_format_is_held_against_the_converted_source(moving, matte, tmp_path, clip):
    source = clip("source.mkv", moving, pixel_format="yuv420p")
    with ClipReader(source) as reader:
        decoded = [np.rint(plate.rgb() * 65535).astype(np.uint16) for plate in reader.frames(0, FRAMES - 1)]
    folder = tmp_path / "result"
    folder.mkdir()
    for number, picture in enumerate(decoded):
        cv2.imwrite(str(folder / f"result.{number:04d}.png"), picture[..., ::-1])
    card = score(subject_of(source, str(folder), matte=matte))
    assert card.scores["samples_changed_outside"] == 0
    assert card.scores["background_psnr"] > 90


def test_a_seam_shows_in_the_ring_and_not_in_the_background(moving, matte, clip):
    source = clip("source.mkv", moving)
    paste = np.zeros((HEIGHT, WIDTH), bool)
    paste[BOX] = True
    frames = [frame.copy() for frame in moving]
    for frame in frames:
        frame[paste] += 20
    result = clip("result.mkv", frames)
    card = scored(source, result, matte, edges=Edges(grow_px=0, feather_px=0))
    assert card.scores["seam_ring_error"] == pytest.approx(20, abs=1e-3)
    assert card.scores["samples_changed_outside"] == 0
    loose = scored(source, result, matte, edges=EDGES)
    assert loose.scores["seam_ring_error"] == 0


def test_an_edit_that_fades_out_or_flickers_is_told_from_a_steady_one(moving, matte, clip):
    source = clip("source.mkv", moving)
    steady = clip("steady.mkv", inside_changed(moving, 30))
    flicker = [inside_changed([frame], 30 * (number % 2))[0] for number, frame in enumerate(moving)]
    card = scored(source, steady, matte)
    shaky = scored(source, clip("flicker.mkv", flicker), matte)
    # At the leading edge alone does the steady edit's paint differ from what the motion brings there.
    assert abs(card.scores["added_warp_error"]) < 3
    assert 25 < shaky.scores["added_warp_error"] < 31
    assert card.scores["source_warp_error"] < 2


def test_given_keyframes_are_measured_and_left_out_of_the_comparison(moving, matte, tmp_path, clip):
    source = clip("source.mkv", moving)
    edited = inside_changed(moving, 40)
    picture = tmp_path / "keyframe.png"
    cv2.imwrite(str(picture), edited[3][..., ::-1])
    result = clip("result.mkv", [*moving[:3], edited[3], *moving[4:]])
    card = scored(source, result, matte, truth=clip("truth.mkv", edited), keyframes={3: str(picture)})
    assert card.frames[3]["keyframe_psnr"] == math.inf
    assert "result_psnr" not in card.frames[3]
    assert card.scores["result_psnr"] == card.scores["source_psnr"]


def test_where_a_subtracted_edge_lets_the_source_through_the_keyframe_is_not_missed(moving, matte, tmp_path, clip):
    source, painted = clip("source.mkv", moving), inside_changed(moving, 40)[0]
    cv2.imwrite(str(tmp_path / "key.png"), painted[..., ::-1])
    soft = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    soft[BOX] = np.linspace(0, 255, soft[BOX].shape[1]).astype(np.uint8)[None, :, None]
    region = region_at(matte, edges=Edges(grow_px=0, feather_px=0))
    taken = replace(
        region.mattes[0], media=MediaReference(locations=(clip("soft.mkv", [soft] * FRAMES),)), subtract=True
    )
    region = replace(region, mattes=(*region.mattes, taken))
    frames = FrameRange(first=0, last=0)
    with ClipReader(source) as reader:
        _, drawn, paste = next(drawn_and_paste([region], facts=reader.facts, frames=frames))
    assert np.count_nonzero((drawn >= 0.5) & (paste < 1)) > 100
    mixed = moving[0] + paste[..., None] * (painted.astype(np.float32) - moving[0])
    result = clip("result.mkv", [np.rint(mixed).astype(np.uint8)])
    keyframes = {0: str(tmp_path / "key.png")}
    card = score(Subject(source=source, result=result, regions=(region,), frames=frames, keyframes=keyframes))
    assert card.scores["keyframe_psnr"] == math.inf
    assert card.scores["samples_changed_outside"] == 0


def test_range_keyframes_and_paste_come_from_the_takes_record(moving, matte, clip):
    source = clip("source.mkv", moving)
    result = clip("result.mkv", moving[2:5])
    media = {"locations": ["key.png"]}
    record = {
        "request": {
            "target": {"locations": [source]},
            "regions": [{"mattes": [{"media": {"locations": [matte]}}]}],
            "keyframes": [{"frame": 2, "image": media}, {"frame": 3, "image": media, "extent": {
                "x": 0, "y": 0, "width": 4, "height": 4}}],
            "frames": {"first": 2, "last": 4},
        },
        "paste_matte": [{"grow_px": 3, "feather_px": 0, "smooth_frames": 2, "loosening": "hull"}],
    }  # fmt: skip
    record_beside(result).write_text(json.dumps(record))
    subject = subject_of(source, result)
    assert subject.frames == FrameRange(first=2, last=4)
    assert subject.keyframes == {2: "key.png"}
    edges = Edges(grow_px=3, feather_px=0, smooth_frames=2, loosening=Loosening.HULL)
    assert subject.regions == (region_at(matte, edges=edges),)
    assert subject_of(source, result, matte="other.mkv").regions == (region_at("other.mkv", edges=edges),)
    record_beside(result).write_text("{}")
    with pytest.raises(InputError, match="move it away"):
        subject_of(source, result, matte=matte)


def test_a_matte_of_its_own_stands_for_one_region_only(moving, matte, clip):
    source = clip("source.mkv", moving)
    region = {"mattes": [{"media": {"locations": [matte]}}]}
    edges = {"grow_px": 3, "feather_px": 0, "smooth_frames": 2, "loosening": "grown"}
    request = {"target": {"locations": [source]}, "regions": [region] * 2, "keyframes": []}
    record_beside(source).write_text(json.dumps({"request": request, "paste_matte": [edges] * 2}))
    assert len(subject_of(source, source).regions) == 2
    with pytest.raises(InputError, match="holds 2 regions: leave --matte out"):
        subject_of(source, source, matte=matte)


def test_without_a_record_the_matte_is_needed(moving, clip):
    source = clip("source.mkv", moving)
    with pytest.raises(InputError, match="has no record beside it: say with --matte"):
        subject_of(source, source)


def test_a_range_is_compared_with_the_frames_it_was_made_from(moving, matte, clip):
    source = clip("source.mkv", moving)
    result = clip("result.mkv", moving[2:5])
    regions, frames = (region_at(matte),), FrameRange(first=2, last=4)
    subject = Subject(source=source, result=result, regions=regions, frames=frames)
    for truth in (source, result):
        card = score(Subject(**{**vars(subject), "truth": truth}))
        assert [frame["frame"] for frame in card.frames] == [2, 3, 4]
        assert card.scores["background_psnr"] == card.scores["result_psnr"] == math.inf


def test_where_the_region_is_absent_nothing_inside_is_compared(moving, clip):
    source = clip("source.mkv", moving)
    box = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    box[BOX] = 255
    matte = clip("matte.mkv", [np.zeros_like(box), np.zeros_like(box), *[box] * (FRAMES - 2)])
    card = scored(source, source, matte, truth=source)
    compared = [frame["frame"] for frame in card.frames if "result_psnr" in frame]
    assert compared == [3, 4, 5]
    assert card.frames[0]["seam_ring_error"] is None


def test_rate_length_and_sound_are_compared(moving, matte, clip):
    silent = clip("silent.mkv", moving)
    source = with_sound(silent, b"abcd")
    same = with_sound(clip("same.mkv", moving), b"abcd")
    assert scored(source, same, matte).equal == {"frame_count": True, "rate": True, "size": True, "audio": True}
    longer = with_sound(clip("other.mkv", [*moving, moving[0]], rate=Fraction(25)), b"abce")
    assert scored(source, longer, matte).equal == {"frame_count": False, "rate": False, "size": True, "audio": False}
    assert scored(source, silent, matte).equal["audio"] is False


def test_clips_that_cannot_be_compared_are_refused_with_a_sentence(moving, matte, clip):
    source = clip("source.mkv", moving)
    small = clip("small.mkv", [frame[:32] for frame in moving])
    short = clip("short.mkv", moving[:3])
    for result, truth, words in (
        (small, "", "of another size"),
        (short, "", "3 frames instead of 6"),
        (source, short, "as many as the source or the result"),
        (source, small, "of another size"),
    ):
        with pytest.raises(InputError, match=words):
            scored(source, result, matte, truth=truth)


def test_frames_in_the_card_add_up_to_the_clip(moving, matte, clip):
    source = clip("source.mkv", moving)
    generator = np.random.default_rng(3)
    noisy = [np.clip(frame + generator.integers(-9, 10, frame.shape), 0, 255).astype(np.uint8) for frame in moving]
    card = scored(source, clip("result.mkv", noisy), matte)
    errors = [10 ** (-frame["background_psnr"] / 10) for frame in card.frames]
    assert card.scores["background_psnr"] == pytest.approx(-10 * math.log10(np.mean(errors)))
    assert sum(frame["samples_changed_outside"] for frame in card.frames) == card.scores["samples_changed_outside"]
    assert all(a["frame"] + 1 == b["frame"] for a, b in pairwise(card.frames))


def test_the_command_line_prints_a_table_or_one_json_object(moving, matte, tmp_path, capsys, clip):
    source = clip("source.mkv", moving)
    arguments = ["--source", source, "--result", source, "--matte", matte]
    assert main([*arguments, "--json"]) == 0
    card = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert card["scores"]["background_psnr"] == "inf"
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "identical" in printed and "Same frame count" in printed
    assert main([*arguments[:2], "--result", str(tmp_path / "none.mkv"), "--matte", matte]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([*arguments, "--frames", "4-9-2"]) == 2


def test_scoring_needs_no_torch():
    code = "import sys, maskedit.scorecard; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
