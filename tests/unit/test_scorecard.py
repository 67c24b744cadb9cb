# SPDX-License-Identifier: GPL-3.0-or-later
"""Scorecards of clips whose scores are known because of how they were made."""

import json
import math
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.compositing import composite
from maskedit.errors import InputError
from maskedit.mattes import paste_matte
from maskedit.measures import inner_ring, psnr, samples_changed, similarity
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.colour import PlateColour
from maskedit.media.pixels import layout_of
from maskedit.media.plate import enlarge_chroma
from maskedit.presets import Edges
from maskedit.request import FrameRange, Matte, MediaReference
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


def matte_at(path: str) -> Matte:
    return Matte(media=MediaReference(locations=(path,)))


def scored(source: str, result: str, matte: str, *, edges: Edges = EDGES, **more):
    frames = FrameRange(first=0, last=FRAMES - 1)
    return score(Subject(source=source, result=result, matte=matte_at(matte), frames=frames, edges=edges, **more))


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


@pytest.mark.parametrize(("row", "column", "count"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (1, 2, 1)])
def test_a_chroma_sample_is_outside_as_soon_as_one_pixel_that_it_serves_is(row, column, count):
    """4:2:0, chroma sited left and halfway down: sample (r, c) serves rows 2r-1…2r+2 and columns 2c-1…2c+1."""
    planes = tuple(np.zeros(shape, np.uint8) for shape in ((8, 8), (4, 4), (4, 4)))
    source = PlateFrame(number=0, planes=planes, pixel_format="yuv420p")
    changed = planes[1].copy()
    changed[row, column] = 1
    result = PlateFrame(number=0, planes=(planes[0], changed, planes[2]), pixel_format="yuv420p")
    outside = np.ones((8, 8), bool)
    outside[:5, :4] = False  # rows 0-4 and columns 0-3 may change
    assert samples_changed(source, result, outside) == count
    assert samples_changed(source, source, outside) == 0


@given(
    pixel_format=st.sampled_from(["yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv440p"]),
    siting=st.tuples(st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.5])),
    width=st.integers(5, 12),
    height=st.integers(5, 12),
    data=st.data(),
)
def test_what_a_chroma_sample_serves_is_what_its_enlargement_reaches(pixel_format, siting, width, height, data):
    layout, colour = layout_of(pixel_format), PlateColour(siting=siting)
    shapes = [layout.plane_shape(plane, width=width, height=height) for plane in range(3)]
    planes = tuple(np.zeros(shape, np.uint8) for shape in shapes)
    row, column = (data.draw(st.integers(0, side - 1)) for side in shapes[1])
    touched = planes[1].copy()
    touched[row, column] = 1
    outside = np.zeros((height, width), bool)
    outside[data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))] = True
    reached = enlarge_chroma(touched.astype(np.float32), layout, colour, width=width, height=height) > 0
    source, result = (
        PlateFrame(number=0, planes=(planes[0], chroma, planes[2]), pixel_format=pixel_format, colour=colour)
        for chroma in (planes[1], touched)
    )
    assert samples_changed(source, result, outside) == int((reached & outside).any())


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuva444p10le", "gbrp12le", "gray16le"])
def test_what_the_compositor_touches_lies_inside_the_paste_matte(pixel_format):
    generator = np.random.default_rng(5)
    layout = layout_of(pixel_format)
    shapes = [layout.plane_shape(plane, width=45, height=31) for plane in range(layout.plane_count)]
    planes = tuple(generator.integers(0, 1 << layout.depth, shape).astype(layout.dtype) for shape in shapes)
    plate = PlateFrame(number=0, planes=planes, pixel_format=pixel_format)
    drawn = np.zeros((31, 45), np.float32)
    drawn[7:20, 9:30] = 1
    paste = paste_matte(drawn, feather_px=3)
    painted = generator.random((31, 45, 3), np.float32)
    edited = composite(plate, painted, x=0, y=0, paste_matte=paste)
    assert samples_changed(plate, edited, paste == 0) == 0
    assert samples_changed(plate, edited, paste < 1) > 0


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
        "paste_matte": {"grow_px": 3, "feather_px": 0, "smooth_frames": 2},
    }  # fmt: skip
    record_beside(result).write_text(json.dumps(record))
    subject = subject_of(source, result, matte=matte)
    assert subject.frames == FrameRange(first=2, last=4)
    assert subject.keyframes == {2: "key.png"}
    assert subject.edges == Edges(grow_px=3, feather_px=0, smooth_frames=2)
    record_beside(result).write_text("{}")
    with pytest.raises(InputError, match="move it away"):
        subject_of(source, result, matte=matte)


def test_a_range_is_compared_with_the_frames_it_was_made_from(moving, matte, clip):
    source = clip("source.mkv", moving)
    result = clip("result.mkv", moving[2:5])
    subject = Subject(
        source=source, result=result, matte=matte_at(matte), frames=FrameRange(first=2, last=4), edges=EDGES
    )
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


def test_decibels_of_nothing_and_of_identity():
    assert psnr(None) is None
    assert psnr(0.0) == math.inf
    assert psnr(0.01) == pytest.approx(20)


def test_similarity_of_a_region_ignores_what_lies_outside():
    generator = np.random.default_rng(1)
    picture = generator.random((40, 40, 3), np.float32)
    other = generator.random((40, 40, 3), np.float32)
    inside = np.zeros((40, 40), bool)
    inside[12:24, 12:24] = True
    other[8:28, 8:28] = picture[8:28, 8:28]
    assert similarity(picture, other, inside) == pytest.approx(np.ones(144))
    assert similarity(picture, other, np.roll(inside, 16, axis=1)).mean() < 0.5
    assert similarity(picture, other, np.zeros_like(inside)).size == 0


def test_the_ring_lies_just_inside_the_paste_and_not_at_the_frames_border():
    paste = np.zeros((32, 32), np.float32)
    paste[0:16, 8:24] = 0.5
    ring = inner_ring(paste)
    assert ring[:16, 8].all() and ring[15, 8:24].all()
    assert not ring[0, 14:18].any() and not ring[paste == 0].any()
    assert not inner_ring(np.ones((8, 8), np.float32)).any()


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
