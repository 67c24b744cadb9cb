# SPDX-License-Identifier: GPL-3.0-or-later
"""The example with the bundled model and its own settings: does the edit follow the motion?

Figures are those that `maskedit score` prints: PSNR inside the drawn matte against a truth that is known.
"""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from maskedit.demo import ROTO

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def example(maskedit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `maskedit demo` leaves, everything at its defaults."""
    maskedit.patience_seconds = 800
    maskedit.environment.pop("OMP_NUM_THREADS")
    out = tmp_path_factory.mktemp("example") / "demo"
    done = maskedit("demo", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_a_recolour_beats_the_unedited_clip_and_the_frozen_keyframe(example: Path) -> None:
    card = json.loads((example / "scorecard.json").read_text())
    scores = card["scores"]
    assert scores["source_psnr"] <= 12, "the example must be an edit that shows"
    assert scores["result_psnr"] > scores["source_psnr"] + 1
    assert scores["result_psnr"] > scores["frozen_psnr"] + 1
    assert scores["samples_changed_outside"] == 0
    assert all(card["equal"].values())


def test_an_identity_edit_beats_the_frozen_frame(maskedit, example: Path, tmp_path: Path) -> None:
    source, result = example / "source.mp4", tmp_path / "identity.mkv"
    with av.open(str(source)) as container:
        next(container.decode(video=0)).to_image().save(tmp_path / "frame.png")
    keyframe = f"0={tmp_path / 'frame.png'}"
    edited = maskedit("edit", source, "--matte", ROTO, "--keyframe", keyframe, "--out", result, "--json")
    assert edited.returncode == 0, edited.stderr
    assert json.loads(edited.stdout)["adapter_reused"], "the clip's motion was learnt for the first edit"
    scored = maskedit("score", "--source", source, "--result", result, "--matte", ROTO, "--truth", source, "--json")
    scores = json.loads(scored.stdout)["scores"]
    assert scores["result_psnr"] > scores["frozen_psnr"] + 1
