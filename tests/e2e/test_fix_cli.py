# SPDX-License-Identifier: GPL-3.0-or-later
"""The fix-it loop from the command line: a frame is corrected, the frames around it change, all others stay."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

pytestmark = pytest.mark.e2e

SIZE, FRAMES, TURN_FRAME = 64, 9, 4
INSIDE = np.s_[20:44, 20:44]
QUICK = ("--set", "motion_steps=2", "--set", "appearance_steps=2", "--set", "render_steps=2")


def clip_that_turns() -> np.ndarray:
    """(T, H, W, 3) uint8: a still ground, and in its middle one pattern up to frame 3 and another from 4 on."""
    generator = np.random.default_rng(0)
    sheets = generator.integers(30, 220, (3, SIZE // 4, SIZE // 4, 3)).repeat(4, 1).repeat(4, 2).astype(np.uint8)
    frames = np.stack([sheets[0]] * FRAMES)
    frames[:TURN_FRAME, *INSIDE] = sheets[1][INSIDE]
    frames[TURN_FRAME:, *INSIDE] = sheets[2][INSIDE]
    return frames


def write_png(path: Path, picture: np.ndarray) -> Path:
    av.VideoFrame.from_ndarray(picture, format="rgb24").to_image().save(path)
    return path


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture
def take(maskedit, write_clip, tmp_path: Path):  # type: ignore[no-untyped-def]
    """take(*more): the job's facts and the result's path of an edit whose frame 0 is painted half as blue."""
    frames = clip_that_turns()
    drawn = np.zeros((FRAMES, SIZE, SIZE, 3), np.uint8)
    drawn[:, *INSIDE] = 255
    clip, matte = write_clip("clip.mkv", frames), write_clip("matte.mkv", drawn)
    key = write_png(tmp_path / "key.png", tinted(frames[0]))

    def make(*more: str, name: str = "take.mkv") -> tuple[dict, Path]:
        out = tmp_path / name
        given = ("edit", clip, "--matte", matte, "--grow", "2", "--feather", "2", "--keyframe", f"0={key}")
        done = maskedit(*given, "--out", out, "--json", *more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1]), out

    return make


def tinted(frame: np.ndarray) -> np.ndarray:
    painted = frame.copy()
    painted[..., 2] //= 2
    return painted


def changed(before: Path, after: Path) -> list[bool]:
    return [bool((a != b).any()) for a, b in zip(decoded(before), decoded(after), strict=True)]


def test_a_corrected_frame_changes_what_it_reaches_and_nothing_else(maskedit, take, tmp_path: Path) -> None:
    facts, first = take("--preset", "draft")
    record = json.loads(first.with_suffix(".maskedit.json").read_text())
    hint = facts["next_keyframe"]["frame"]
    assert hint >= TURN_FRAME and record["uncertainty"][str(hint)] > 0.5
    corrected = write_png(tmp_path / "corrected.png", tinted(clip_that_turns()[hint]))
    second = tmp_path / "second.mkv"
    done = maskedit("fix", facts["job_id"], "--keyframe", f"{hint}={corrected}", "--out", second, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["parent"], said["rendered"]) == (facts["job_id"], [[TURN_FRAME, FRAMES - 1]])
    assert not any(changed(first, second)[:TURN_FRAME])
    error = np.abs(decoded(second).astype(int) - np.stack([tinted(frame) for frame in clip_that_turns()]))
    assert error[(slice(None), *INSIDE)].mean() < 4
    record = json.loads(second.with_suffix(".maskedit.json").read_text())
    assert [(run["first"], run["last"], run["take"]) for run in record["frames"]] == [
        (0, TURN_FRAME - 1, facts["job_id"]),
        (TURN_FRAME, FRAMES - 1, ""),
    ]

    # The take outlives its parent, and can be corrected again, where the user says.
    assert maskedit("jobs", "delete", facts["job_id"]).returncode == 0
    third = tmp_path / "third.mkv"
    done = maskedit("fix", said["job_id"], "--keyframe", f"2={corrected}", "--frames", "2-2", "--out", third)
    assert done.returncode == 0, done.stderr
    assert changed(second, third) == [number == 2 for number in range(FRAMES)]
    assert "next_keyframe" in third.with_suffix(".maskedit.json").read_text()


def test_what_cannot_be_fixed_is_said_in_a_sentence(maskedit, take, tmp_path: Path) -> None:
    facts, _ = take("--preset", "draft", "--format", "mp4", name="lossy.mp4")
    picture = write_png(tmp_path / "corrected.png", clip_that_turns()[2])

    def refused(job_id: str, *more: str, out: str = "fixed.mp4", words: str) -> None:
        done = maskedit("fix", job_id, "--keyframe", f"2={picture}", "--out", tmp_path / out, *more)
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        assert words in done.stderr and done.stderr.strip().endswith("."), done.stderr

    refused(facts["job_id"], words="not delivered without loss")
    refused(facts["job_id"], out="fixed.mkv", words="delivered as mp4")
    refused("no-such-job", words="no job no-such-job")
    refused(facts["job_id"], "--frames", "3-99", words="3-99")


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_model_goes_on_from_the_clips_adapter_and_between_locked_frames(maskedit, take, tmp_path: Path) -> None:
    facts, first = take(*QUICK)
    corrected = write_png(tmp_path / "corrected.png", tinted(clip_that_turns()[6]))
    second = tmp_path / "second.mkv"
    given = ("--keyframe", f"6={corrected}", "--frames", "5-7", "--out", second, "--json")
    done = maskedit("fix", facts["job_id"], *given)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["adapter_reused"] and "tune_motion" not in said["stage_seconds"]
    assert changed(first, second) == [5 <= number <= 7 for number in range(FRAMES)]
