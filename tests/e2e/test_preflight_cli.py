# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit preflight` from the command line, and the edit that does what it announced."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import shift

pytestmark = pytest.mark.e2e

HEIGHT, WIDTH, FRAMES = 72, 104, 6
INSIDE = np.s_[24:48, 36:68]


def texture(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    size = (HEIGHT, WIDTH + 2 * FRAMES, 3)
    layers = [cv2.GaussianBlur(generator.random(size).astype(np.float32), (0, 0), sigma) for sigma in (1.5, 4, 12)]
    mixed = 0.45 + 0.1 * sum((layer - layer.mean()) / layer.std() for layer in layers)
    return np.rint(np.clip(mixed, 0.05, 0.95) * 255).astype(np.uint8)


@pytest.fixture
def files(write_clip, tmp_path: Path) -> dict[str, Path]:
    """A pan with a cut before its last two frames, its matte, and a keyframe that came back shifted."""
    wide, other = texture(1), texture(2)
    frames = np.stack([(wide if n < 4 else other)[:, 2 * n : 2 * n + WIDTH] for n in range(FRAMES)])
    drawn = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    drawn[:, *INSIDE] = 255
    painted = frames[0].astype(np.float32)
    painted[INSIDE] = painted[INSIDE][:, ::-1] * np.float32([1.0, 0.6, 0.4])
    moved = np.stack([shift(painted[..., n], (-0.7, 1.4), order=5, mode="mirror") for n in range(3)], axis=-1)
    key = np.rint(np.clip(moved, 0, 255)).astype(np.uint8)[None]
    return {
        "clip": write_clip("clip.mkv", frames),
        "matte": write_clip("matte.mkv", drawn),
        "keyframe": write_clip("key.png", key, codec="png", pixel_format="rgb24"),
        "out": tmp_path / "out.mkv",
    }


def test_what_the_preflight_announces_is_what_the_edit_does(maskedit, files):
    asked = [files["clip"], "--matte", files["matte"], "--keyframe", f"0={files['keyframe']}", "--grow", "4"]
    asked += ["--feather", "3", "--preset", "draft"]
    looked = maskedit("preflight", *asked, "--json")
    assert looked.returncode == 0, looked.stderr
    said = json.loads(looked.stdout.splitlines()[-1])
    assert said["ok"] and said["frames"] == {"first": 0, "last": FRAMES - 1}
    by_flag = {finding["flag"]: finding for finding in said["findings"]}
    assert by_flag["--frames 0-3"]["severity"] == "warning"
    assert "moved by +1.4" in by_flag["--keyframes-as-given"]["sentence"]

    # One flag each: the shot by itself, with the keyframe as it was given or laid back.
    done = maskedit("edit", *asked, "--frames", "0-3", "--out", files["out"])
    assert done.returncode == 0, done.stderr
    assert "does not lie on its plate" in done.stdout
    record = json.loads(files["out"].with_suffix(".maskedit.json").read_text())
    assert record["keyframes"]["0"]["registered"]["moved_px"] == pytest.approx(np.hypot(1.4, 0.7), abs=0.05)
    as_given = files["out"].with_name("given.mkv")
    done = maskedit("edit", *asked, "--frames", "0-3", "--keyframes-as-given", "--out", as_given)
    assert done.returncode == 0, done.stderr
    assert json.loads(as_given.with_suffix(".maskedit.json").read_text())["keyframes"] == {}


def test_a_keyframe_of_another_size_is_refused_with_the_flag_that_fits_it(maskedit, files, write_clip):
    half = write_clip(
        "half.png", np.full((1, HEIGHT // 2, WIDTH // 2, 3), 128, np.uint8), codec="png", pixel_format="rgb24"
    )
    asked = ["preflight", files["clip"], "--matte", files["matte"], "--keyframe", f"0={half}", "--preset", "draft"]
    refused = maskedit(*asked)
    assert refused.returncode == 2 and "--fit-keyframes" in refused.stderr
    assert maskedit(*asked, "--fit-keyframes").returncode == 0
