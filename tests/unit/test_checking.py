# SPDX-License-Identifier: GPL-3.0-or-later
"""Every input that cannot work is refused with one helpful sentence; unusual ones that can work do."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.checking import CheckedEdit, check_edit, report
from maskedit.errors import InputError
from maskedit.geometry import Rect
from maskedit.media import write_picture
from maskedit.request import (
    EditRequest,
    Extent,
    FrameRange,
    Keyframe,
    Matte,
    MediaReference,
    Region,
    RegionRole,
    to_json,
)

WIDTH, HEIGHT, FRAMES = 32, 24, 6


def reference(path: Path | str) -> MediaReference:
    return MediaReference(locations=(str(path),))


def footage(*, width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (frames, height, width, channels), dtype=np.uint8)


def region_pictures(*, width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES, shown=range(1, 5)) -> np.ndarray:
    """White boxes (x 8 … 15, y 6 … 11) that move right by a pixel per frame, on the frames `shown`."""
    pictures = np.zeros((frames, height, width, 3), np.uint8)
    for number in shown:
        pictures[number, 6:12, 8 + number : 16 + number] = 255
    return pictures


@pytest.fixture
def request_for(write_clip, tmp_path):
    """An edit that can be done; what is given by name replaces a part of it."""

    def make(*, clip=None, matte=None, picture=None, frame: int = 2, extent=None, frames=None) -> EditRequest:
        clip = clip or write_clip("clip.mkv", footage())
        matte = matte or write_clip("matte.mkv", region_pictures())
        if picture is None:
            picture = tmp_path / "keyframe.png"
            write_picture(str(picture), np.zeros((HEIGHT, WIDTH, 3), np.float32))
        return EditRequest(
            target=reference(clip),
            regions=(Region(mattes=(Matte(media=reference(matte)),)),),
            keyframes=(Keyframe(frame=frame, image=reference(picture), extent=extent),),
            frames=frames,
        )

    return make


def write_roto(path: Path, shapes: list[dict]) -> Path:
    fields = {"format": "maskedit-roto", "version": 1, "size": [WIDTH, HEIGHT], "shapes": shapes}
    path.write_text(json.dumps(fields))
    return path


def refusal(request: EditRequest) -> str:
    with pytest.raises(InputError) as refused:
        check_edit(request)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert ": " in sentence or "," in sentence, f"says what is wrong but not what to do: {sentence}"
    return sentence


def test_a_good_edit_is_described(request_for):
    checked = check_edit(request_for())
    assert checked.frames == FrameRange(first=0, last=FRAMES - 1)
    assert checked.region_frames == (1, 2, 3, 4)
    assert checked.bounds == Rect(9, 6, 11, 6)
    assert (checked.facts.width, checked.facts.height, checked.facts.rate) == (WIDTH, HEIGHT, Fraction(25))


def test_only_the_range_counts(request_for):
    checked = check_edit(request_for(frames=FrameRange(first=2, last=3)))
    assert checked.region_frames == (2, 3)
    assert checked.bounds == Rect(10, 6, 9, 6)


@pytest.mark.parametrize("frame", [1, 4])
def test_keyframes_may_lie_anywhere_in_the_range(request_for, frame):
    assert check_edit(request_for(frame=frame)).region_frames


def test_several_keyframes(request_for):
    request = request_for(frame=1)
    more = replace(request, keyframes=(*request.keyframes, replace(request.keyframes[0], frame=4)))
    assert isinstance(check_edit(more), CheckedEdit)
    outside = replace(request, keyframes=(*request.keyframes, replace(request.keyframes[0], frame=6)))
    assert "Keyframe 6" in refusal(outside)


def test_cropped_keyframes_lie_inside_the_frame_in_their_own_size(request_for, tmp_path):
    picture = tmp_path / "crop.png"
    write_picture(str(picture), np.zeros((10, 12, 3), np.float32))
    fits = Extent(x=20, y=14, width=12, height=10)
    assert check_edit(request_for(picture=picture, extent=fits)).region_frames
    assert "beyond the clip's 32x24" in refusal(request_for(picture=picture, extent=replace(fits, x=21)))
    assert "12x10 but the crop" in refusal(request_for(picture=picture, extent=replace(fits, width=11)))


def test_missing_files(request_for, tmp_path):
    for part in ("clip", "matte", "picture"):
        assert "gone" in refusal(request_for(**{part: tmp_path / f"gone.{'png' if part == 'picture' else 'mkv'}"}))


def test_files_that_are_no_video(request_for, tmp_path):
    text = tmp_path / "notes.mkv"
    text.write_text("not a video")
    assert "notes.mkv" in refusal(request_for(clip=text))
    assert "notes.mkv" in refusal(request_for(matte=text))
    assert "notes.mkv" in refusal(request_for(picture=text))


def test_empty_mattes(request_for, write_clip):
    empty = write_clip("empty.mkv", region_pictures(shown=()))
    assert "empty on all frames 0-5" in refusal(request_for(matte=empty))
    outside = request_for(frames=FrameRange(first=0, last=1), frame=1)
    early = write_clip("late.mkv", region_pictures(shown=(4,)))
    assert "empty on all frames 0-1" in refusal(replace(outside, regions=request_for(matte=early).regions))


def test_mattes_of_another_length_or_aspect(request_for, write_clip):
    long = write_clip("long.mkv", region_pictures(frames=FRAMES + 2))
    assert "8 frames but the clip has 6" in refusal(request_for(matte=long))
    square = write_clip("square.mkv", region_pictures(height=32))
    assert "32x32" in refusal(request_for(matte=square))


def test_keyframes_of_another_size(request_for, tmp_path):
    picture = tmp_path / "small.png"
    write_picture(str(picture), np.zeros((HEIGHT, WIDTH - 1, 3), np.float32))
    assert "31x24 but the clip is 32x24" in refusal(request_for(picture=picture))


def test_keyframes_outside_the_range(request_for):
    assert "Keyframe 6 lies outside frames 0-5" in refusal(request_for(frame=6))
    assert "Keyframe 2 lies outside frames 3-5" in refusal(request_for(frames=FrameRange(first=3, last=5)))
    assert "Keyframe -1" in refusal(request_for(frame=-1))


def test_keyframes_whose_frame_shows_no_region(request_for):
    sentence = refusal(request_for(frame=0))
    assert "empty on keyframe 0" in sentence and "for instance 1" in sentence


def test_ranges_beyond_the_clip(request_for):
    assert "last frame is 5" in refusal(request_for(frames=FrameRange(first=2, last=6)))
    assert "frame 2 only" in refusal(request_for(frames=FrameRange(first=2, last=2)))


def test_ranges_that_run_backwards_cannot_be_made():
    with pytest.raises(InputError, match="backwards"):
        FrameRange(first=4, last=2)


def test_clips_of_one_frame(request_for, write_clip):
    clip = write_clip("still.mkv", footage(frames=1))
    assert "only one frame" in refusal(request_for(clip=clip, frame=0))


def test_interlaced_clips(request_for, write_clip):
    options = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
    clip = write_clip("fields.mp4", footage(), codec="libx264", pixel_format="yuv420p", options=options)
    assert "interlaced" in refusal(request_for(clip=clip)).lower()


def test_malformed_rotos(request_for, tmp_path):
    point = {"co": [1, 2]}
    roto = write_roto(tmp_path / "roto.json", [{"keys": [{"frame": 0, "points": [point, point, {"co": [1]}]}]}])
    sentence = refusal(request_for(matte=roto))
    assert "roto.json" in sentence and "shape 1, key 1, point 3, 'co'" in sentence


def test_rotos_outside_the_picture_are_empty(request_for, tmp_path):
    corners = [{"co": [x, y]} for x, y in ((90, 90), (99, 90), (99, 99))]
    roto = write_roto(tmp_path / "roto.json", [{"keys": [{"frame": 0, "points": corners}]}])
    assert "is empty on all frames" in refusal(request_for(matte=roto))


@pytest.mark.parametrize("name", ["grow_px", "feather_px"])
def test_negative_margins(request_for, name):
    request = request_for()
    regions = (replace(request.regions[0], **{name: -1}),)
    assert "by -1 pixels" in refusal(replace(request, regions=regions))


@pytest.mark.parametrize("frames", [-1, 25])
def test_smoothing_over_too_many_frames(request_for, frames):
    request = request_for()
    regions = (replace(request.regions[0], smooth_frames=frames),)
    assert f"over {frames} frames: give 0 to 24" in refusal(replace(request, regions=regions))


def matte_of(path: Path, *, subtract: bool = False) -> Matte:
    return Matte(media=reference(path), subtract=subtract)


def square_roto(path: Path, x: int, y: int, size: int, *, visible=((0, FRAMES - 1),)) -> Path:
    corners = [{"co": [x + a * size, y + b * size]} for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
    return write_roto(path, [{"visible": list(visible), "keys": [{"frame": 0, "points": corners}]}])


def test_the_region_is_what_its_mattes_come_to(request_for, tmp_path):
    """What is added widens it, what is subtracted takes frames and pixels away; loosening does not count."""
    request = request_for(frame=2)
    added = matte_of(square_roto(tmp_path / "added.json", 20, 14, 4, visible=[(3, 5)]))
    taken = matte_of(square_roto(tmp_path / "taken.json", 0, 0, 24, visible=[(4, 5)]), subtract=True)
    region = replace(request.regions[0], mattes=(*request.regions[0].mattes, added, taken), grow_px=9)
    checked = check_edit(replace(request, regions=(region,)))
    assert checked.region_frames == (1, 2, 3)
    assert checked.bounds == Rect(9, 6, 15, 12)


def test_several_regions_are_seen_together(request_for, tmp_path):
    request = request_for(frame=0)
    second = Region(mattes=(matte_of(square_roto(tmp_path / "second.json", 0, 0, 3, visible=[(0, 1)])),))
    checked = check_edit(replace(request, regions=(*request.regions, second)))
    assert checked.region_frames == (0, 1, 2, 3, 4)
    assert checked.bounds == Rect(0, 0, 20, 12)
    nothing = Region(mattes=(matte_of(square_roto(tmp_path / "nothing.json", 90, 90, 3)),))
    assert "nothing.json is empty on all" in refusal(replace(request, regions=(*request.regions, nothing)))


def test_regions_of_which_nothing_is_left(request_for, tmp_path):
    request = request_for()
    whole = square_roto(tmp_path / "whole.json", 0, 0, 32)
    region = replace(request.regions[0], mattes=(*request.regions[0].mattes, matte_of(whole, subtract=True)))
    assert "empty on all frames 0-5 once the others are subtracted" in refusal(replace(request, regions=(region,)))
    first = replace(region, mattes=region.mattes[::-1])
    assert "whole.json is subtracted from nothing" in refusal(replace(request, regions=(first,)))


def test_what_this_version_does_not_do_is_refused_first(request_for):
    (region,) = request_for(clip="gone.mkv").regions
    assert "Shadow" in refusal(replace(request_for(), regions=(replace(region, role=RegionRole.SHADOW),)))


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("ten-bit.mov", "prores_ks", "yuv422p10le"),
        ("ten-bit.mkv", "ffv1", "yuv420p10le"),
        ("alpha.mov", "prores_ks", "yuva444p10le"),
        ("alpha.mkv", "ffv1", "bgra"),
        ("grey.mkv", "ffv1", "gray"),
        ("rgb16.mkv", "ffv1", "gbrp16le"),
        ("small.mp4", "libx264", "yuv420p"),
    ],
)
def test_every_kind_of_pixel_works(request_for, write_clip, name, codec, pixel_format):
    clip = write_clip(name, footage(channels=4), codec=codec, pixel_format=pixel_format)
    assert check_edit(request_for(clip=clip)).bounds == Rect(9, 6, 11, 6)


def test_odd_sizes_work(request_for, write_clip, tmp_path):
    clip = write_clip("odd.mkv", footage(width=33, height=25))
    matte = write_clip("odd-matte.mkv", region_pictures(width=33, height=25))
    picture = tmp_path / "odd.png"
    write_picture(str(picture), np.zeros((25, 33, 3), np.float32))
    checked = check_edit(request_for(clip=clip, matte=matte, picture=picture))
    assert checked.bounds == Rect(9, 6, 11, 6)


def test_variable_frame_rates_work(request_for, write_clip):
    clip = write_clip("variable.mkv", footage(), pts=[0, 1, 4, 5, 9, 10])
    checked = check_edit(request_for(clip=clip))
    assert checked.facts.variable_rate and checked.facts.frame_count == FRAMES
    assert checked.region_frames == (1, 2, 3, 4)


def test_image_sequences_work(request_for, tmp_path):
    for number, picture in enumerate(footage(), start=1001):
        write_picture(str(tmp_path / f"shot.{number}.png"), picture / np.float32(255))
    checked = check_edit(request_for(clip=tmp_path / "shot.%04d.png"))
    assert checked.facts.frame_count == FRAMES


def run_module(text: str) -> dict:
    command = [sys.executable, "-m", "maskedit.checking"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_the_module_answers_in_json(request_for):
    request = request_for()
    answer = run_module(to_json(request))
    assert answer == report(to_json(request))
    assert answer["ok"] is True
    assert answer["facts"]["frame_count"] == FRAMES and answer["region_frames"] == [1, 2, 3, 4]
    assert answer["bounds"] == {"x": 9, "y": 6, "width": 11, "height": 6}


def test_the_module_answers_refusals_in_json_too(request_for, tmp_path):
    answer = run_module(to_json(request_for(clip=tmp_path / "gone.mkv")))
    assert answer["ok"] is False and "gone.mkv" in answer["error"]
    assert report("{")["ok"] is False
    backwards = to_json(request_for(frames=FrameRange(first=2, last=4))).replace('"last":4', '"last":1')
    answer = report(backwards)
    assert answer["ok"] is False and "backwards" in answer["error"] and "\n" not in answer["error"]


def test_checking_needs_no_torch():
    program = "import sys, maskedit.checking; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
