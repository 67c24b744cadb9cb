# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame cache from the command line: real client, server and worker make it, a fix makes another, `frames` checks."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from maskedit.media.frame_cache_reader import FrameCache

pytestmark = pytest.mark.e2e

SIZE, FRAMES = 64, 5
INSIDE = np.s_[20:44, 20:44]


def write_png(path: Path, picture: np.ndarray) -> Path:
    av.VideoFrame.from_ndarray(picture, format="rgb24").to_image().save(path)
    return path


def samples(path: Path) -> list[bytes]:
    with FrameCache(path) as cache:
        entries = [cache.entry(slot) for slot in range(cache.header.slot_count)]
        return [b"" if each is None else cache.samples(each).tobytes() for each in entries]


def test_a_draft_and_its_correction_as_frame_caches(maskedit, write_clip, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(30, 220, (SIZE // 8, SIZE // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    drawn = np.zeros((FRAMES, SIZE, SIZE, 3), np.uint8)
    drawn[:, *INSIDE] = 255
    painted = frames.copy()
    painted[..., 2] //= 2
    clip, matte = write_clip("clip.mkv", np.stack([frames] * FRAMES)), write_clip("matte.mkv", drawn)
    key, other = write_png(tmp_path / "key.png", painted), write_png(tmp_path / "other.png", painted[..., ::-1].copy())
    given = ("edit", clip, "--matte", matte, "--keyframe", f"1={key}", "--preset", "draft", "--frames", "1-4")
    out, fixed = tmp_path / "take.mefc", tmp_path / "fixed.mefc"

    refused = maskedit(*given, "--out", out)
    assert refused.returncode == 2 and "add --deliver patch" in refused.stderr and not out.exists()
    done = maskedit(*given, "--deliver", "patch", "--out", out, "--grow", "2", "--feather", "2", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert [(each["kind"], each["format"]) for each in facts["deliverables"]] == [("patch", "cache")]

    checked = maskedit("frames", "check", out, "--json")
    assert checked.returncode == 0, checked.stderr
    report = json.loads(checked.stdout)
    assert (report["first_frame"], report["frames"], report["published"], report["rate"]) == (1, 4, "1-4", "25/1")
    assert report["largest"][0] <= 24 + 8 and report["damage"] == []
    with FrameCache(out) as cache:
        entry = cache.entry(0)
        assert entry is not None
        middle = cache.samples(entry)[32 - entry.y, 32 - entry.x].astype(float)
    assert middle[3] == 1 and np.abs(middle[:3] - painted[32, 32] / 255).max() < 0.02

    corrected = ("fix", facts["job_id"], "--keyframe", f"3={other}", "--frames", "3-3", "--out", fixed)
    done = maskedit(*corrected)
    assert done.returncode == 0, done.stderr
    assert [a == b for a, b in zip(samples(out), samples(fixed), strict=True)] == [True, True, False, True]
    done = maskedit("score", "--source", clip, "--result", fixed, "--matte", matte, "--frames", "1-4", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["equal"]["rate"], done.stderr
