# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip of a timeline edited by the real command, server, worker and bundled weights, and laid above itself."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime, TimeRange

from plugin_client.timelines.finding import find_clip
from plugin_client.timelines.opening import open_timeline

pytestmark = pytest.mark.e2e

schema = otio.schema
NTSC = 23.976
RATE = Fraction(24000, 1001)
FIRST, COUNT, LENGTH, SIZE, GAP = 2, 5, 9, 64, 7
QUICK = ("--set", "motion_steps=2", "--set", "appearance_steps=2", "--set", "render_steps=2")


def plates() -> np.ndarray:
    """(LENGTH, SIZE, SIZE, 3) uint8: a pattern that drifts, so that each frame is only like itself."""
    time, y, x = np.mgrid[:LENGTH, :SIZE, :SIZE].astype(np.float64)
    return np.stack([127 + 90 * np.sin((x + 3 * time) / k + y / 9) for k in (5, 7, 9)], axis=-1).astype(np.uint8)


@pytest.fixture
def files(write_clip, tmp_path: Path) -> dict[str, Path]:
    """A clip, a matte of the frames that the timeline shows of it, the first of these painted red, the timeline."""
    frames = plates()
    clip = write_clip("A 003.mkv", frames, rate=RATE)
    drawn = np.zeros((COUNT, SIZE, SIZE, 3), np.uint8)
    drawn[:, 20:44, 20:44] = 255
    painted = frames[FIRST].copy()
    painted[24:40, 24:40] = (230, 20, 20)
    av.VideoFrame.from_ndarray(painted, format="rgb24").to_image().save(tmp_path / "key.png")
    timeline = schema.Timeline("cut", global_start_time=RationalTime(86400, NTSC))
    line = schema.Track("plates", kind="Video")
    media = schema.ExternalReference(clip.as_uri(), TimeRange(RationalTime(0, NTSC), RationalTime(LENGTH, NTSC)))
    shown = TimeRange(RationalTime(FIRST, NTSC), RationalTime(COUNT, NTSC))
    line.extend([schema.Gap(duration=RationalTime(GAP, NTSC)), schema.Clip("A003", media, shown)])
    timeline.tracks.append(line)
    otio.adapters.write_to_file(timeline, str(tmp_path / "cut.otio"))
    matte = write_clip("matte.mkv", drawn, rate=RATE)
    return {"clip": clip, "matte": matte, "key": tmp_path / "key.png", "cut": tmp_path / "cut.otio"}


def decoded(path: str | Path, pixel_format: str) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format=pixel_format) for frame in container.decode(video=0)])


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_result_lies_above_its_clip_frame_by_frame(maskedit, files, tmp_path):
    arguments = ["timeline", files["cut"], "--clip", "A003", "--from-clip", "--matte", files["matte"], "--json"]
    arguments += ["--keyframe", f"0={files['key']}", "--feather", "0", "--composite", "drawn", "--grow", "0"]
    wanted = ("--deliver", "patch", "--deliver", "full", "--format", "mov", "--format", "mkv")
    done = maskedit(*arguments, *wanted, *QUICK)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert (facts["track"], facts["frames"], facts["record_frames"]) == (2, COUNT, [GAP, GAP + COUNT - 1])
    written = tmp_path / "cut-maskedit.otio"
    assert facts["timeline"] == str(written) and json.loads(files["cut"].read_text())["name"] == "cut"
    timeline = open_timeline(written)
    clip = find_clip(timeline.clips(), "A003")
    take = find_clip(timeline.clips(), facts["clip"])
    assert take.record == clip.record and take.media == facts["result"]
    patch = decoded(take.media, "rgba")
    assert len(patch) == COUNT
    alpha = patch[..., 3]
    inside = np.zeros((SIZE, SIZE), bool)
    inside[20:44, 20:44] = True
    assert not alpha[:, ~inside].any() and (alpha[:, inside] > 250).all()
    assert patch[0, 30, 30, 0] > patch[0, 30, 30, 1] + 60, "the painted frame is not the take's first"

    (full,) = [each["path"] for each in facts["deliverables"] if each["kind"] == "full"]
    result, source = decoded(full, "rgb24"), plates()[FIRST : FIRST + COUNT]
    assert np.array_equal(result[:, ~inside], source[:, ~inside]), "the frames are not those that the clip shows"
