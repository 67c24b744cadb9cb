# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole recipe with every family's real classes at tiny size, from a folder on disk to the written clip."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from maskedit.catalogue import Catalogue
from maskedit.edit import EditResult, run_edit
from maskedit.media import ClipReader, probe, write_picture
from maskedit.progress import SilentReporter, Stage
from maskedit.request import EditRequest, Finish, Keyframe, Matte, MediaReference, Region, Settings

FRAMES, SIDE = 5, 64
# Drawn with the sampler's shift, two steps of two meet both experts.
QUICK = Settings(motion_steps=4, appearance_steps=2, render_steps=3, rank=2, guidance=2.0, timestep_shift=3.0)


@pytest.fixture
def edit(write_clip, tmp_path: Path):  # type: ignore[no-untyped-def]
    frames = np.random.default_rng(0).integers(30, 220, (FRAMES, SIDE, SIDE, 3), dtype=np.uint8)
    clip = write_clip("clip.mkv", frames)
    matte = np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8)
    matte[:, 24:40, 24:40] = 255
    edited = tmp_path / "edited.png"
    write_picture(str(edited), (frames[0] / 255 * np.float32([1, 0.4, 0.4])).astype(np.float32))

    def reference(path: Path) -> MediaReference:
        return MediaReference(locations=(str(path),))

    return EditRequest(
        target=reference(clip),
        regions=(Region(mattes=(Matte(media=reference(write_clip("matte.mkv", matte))),), grow_px=1, feather_px=1),),
        keyframes=(Keyframe(frame=0, image=reference(edited)),),
        prompt="a red hat",
        settings=QUICK,
        # The clip is nothing but noise, which would count as its grain.
        finish=Finish(grain=0, sharpness=0, steady=0),
    )


class Stages(SilentReporter):
    def __init__(self) -> None:
        self.seen: list[Stage] = []

    def report(self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None) -> None:
        self.seen.append(stage)


def run(edit: EditRequest, folder: Path, tmp_path: Path, *, name: str, reporter: SilentReporter) -> EditResult:
    return run_edit(
        replace(edit, model=str(folder)),
        output=tmp_path / name,
        cache=tmp_path / "cache",
        reporter=reporter,
        models=Catalogue(tmp_path / "data"),
    )


def frames_of(path: Path) -> np.ndarray:
    with ClipReader(str(path)) as clip:
        return np.stack([frame.rgb() for frame in clip.frames(0, FRAMES - 1)])


@pytest.mark.parametrize(
    ("model", "cell_px", "experts"),
    [
        ("whole_wan_folder", 8, {"transformer"}),
        ("two_experts_folder", 8, {"transformer", "transformer_2"}),
        ("ti2v_folder", 32, {"transformer"}),
        ("hunyuan_concat_folder", 8, {"transformer"}),
        ("hunyuan_replace_folder", 8, {"transformer"}),
    ],
)
def test_an_edit_goes_the_whole_way(
    edit: EditRequest, tmp_path: Path, request: pytest.FixtureRequest, model: str, cell_px: int, experts: set[str]
) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(model), tmp_path / "model"))
    grid_px = max(16, cell_px)
    limits = {"grid_px": grid_px, "cell_px": cell_px, "temporal_factor": 4, "budget_px": 64 * 64, "max_frames": 9}
    (folder / "maskedit.json").write_text(json.dumps({"limits": limits}))
    first = run(edit, folder, tmp_path, name="first", reporter=SilentReporter())

    source, result = frames_of(Path(edit.target.path)), frames_of(first.result)
    assert probe(str(first.result)).frame_count == FRAMES
    inside = np.zeros((SIDE, SIDE), bool)
    inside[20:44, 20:44] = True
    assert np.array_equal(source[:, ~inside], result[:, ~inside])
    changed = np.abs(source - result)[:, 26:38, 26:38].mean(axis=(1, 2, 3))
    assert (changed > 0.01).all()
    painted = source[0] * [1, 0.4, 0.4]
    assert np.abs(result[0] - painted)[26:38, 26:38].max() < 0.02

    (adapter, *_) = sorted((tmp_path / "cache" / "adapters").rglob("*.safetensors"))
    assert {key.partition(".")[0] for key in load_file(adapter)} == experts

    # Again with another keyframe: stage 1 is the clip's and is not tuned a second time.
    write_picture(edit.keyframes[0].image.path, np.full((SIDE, SIDE, 3), 0.25, np.float32))
    seen = Stages()
    assert run(edit, folder, tmp_path, name="second", reporter=seen).adapter_reused
    assert Stage.TUNE_MOTION not in seen.seen
