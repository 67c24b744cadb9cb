# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on from exported weights, on a device, through the command line; and what comes out, used in an edit."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from maskedit.catalogue import Catalogue
from maskedit.edit import run_edit
from maskedit.errors import InputError, ModelError
from maskedit.media import ClipReader, write_picture
from maskedit.models.bundled.codec import DctCodec
from maskedit.pretraining.__main__ import main
from maskedit.pretraining.config import load_config
from maskedit.pretraining.export import export
from maskedit.pretraining.loop import pretrain
from maskedit.pretraining.probe import measure, probe_clips
from maskedit.pretraining.starting import (
    check_same_shape,
    compile_blocks,
    inherited_settings,
    load_weights,
    training_device,
)
from maskedit.pretraining.state import build_state
from maskedit.progress import SilentReporter
from maskedit.request import EditRequest, Keyframe, Matte, Region, Settings
from tests.unit.test_edit import reference, write_clip, write_roto
from tests.unit.tiny_run import RUN, STEPS, TINY, drifting_texture, same_weights, tiny_config, write_film

BUNDLED = Path(__file__).parents[2] / "maskedit" / "models" / "bundled"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "mine"
    config = tiny_config(flow_shift=6.0, budget_px=1024, max_frames=9, recipe={"all": {"render_steps": 3}})
    export(build_state(config).average, folder, config=config, facts={"steps": 1})
    return folder


class TestWeights:
    def test_a_run_takes_over_what_the_model_says_of_itself(self, exported: Path, tmp_path: Path) -> None:
        (tmp_path / "run.toml").write_text("flow_shift = 4.0\n" + STEPS)
        inherited = inherited_settings(exported, load_weights(exported))
        config = load_config(tmp_path / "run.toml", inherited=inherited)
        assert {name: config.transformer[name] for name in TINY} == TINY | {
            "patch_size": config.transformer["patch_size"]
        }
        assert tuple(config.transformer["patch_size"]) == (1, 2, 2)
        assert (config.budget_px, config.max_frames) == (1024, 9)
        assert config.recipe == {"all": {"render_steps": 3}}
        assert config.flow_shift == 4.0, "the run's own word counts"

    def test_shipped_files_go_together(self) -> None:
        weights = load_weights(BUNDLED / "weights")
        config = load_config(BUNDLED / "finetune.toml", inherited=inherited_settings(BUNDLED / "weights", weights))
        shipped = load_config(BUNDLED / "pretrain.toml")
        assert config.learning_rate < shipped.learning_rate / 3 and config.warmup_steps >= 100
        assert config.recipe and config.total_steps > config.decay_steps
        assert same_weights(build_state(config, start=weights).average, weights)

    def test_training_goes_on_from_the_weights_without_forgetting_them(self, exported: Path, tmp_path: Path) -> None:
        start = load_weights(exported)
        before = [parameter.clone() for parameter in start.parameters()]
        config = tiny_config(ema_decay=0.9, stages=(replace(tiny_config().stages[0], steps=1),))
        seen: list[dict] = []
        state = pretrain(config, tmp_path, start=start, report=seen.append)
        for old, now, mean in zip(before, state.transformer.parameters(), state.average.parameters(), strict=True):
            torch.testing.assert_close(mean, 0.9 * old + 0.1 * now)
        assert all(torch.equal(a, b) for a, b in zip(before, start.parameters(), strict=True))
        figures, _ = measure(start, DctCodec(), probe_clips(config.probe, DctCodec()), steps=2, flow_shift=3.0)
        assert seen[0]["render_db"] == figures["render_db"], "the first figures are those of the weights"

    def test_a_resumed_fine_tuning_is_still_one(self, exported: Path, tmp_path: Path) -> None:
        config, start = tiny_config(ema_decay=0.9), load_weights(exported)
        whole = pretrain(config, tmp_path / "whole", start=start)
        pretrain(replace(config, stages=(replace(config.stages[0], steps=3),)), tmp_path / "parts", start=start)
        with pytest.raises(InputError, match="same --from"):
            pretrain(config, tmp_path / "parts", resume=True)
        resumed = pretrain(config, tmp_path / "parts", resume=True, start=start)
        assert not resumed.fresh
        assert same_weights(resumed.average, whole.average)

    def test_checkpoints_of_before_and_of_others(self, tmp_path: Path) -> None:
        state = pretrain(tiny_config(), tmp_path)
        content = torch.load(tmp_path / "checkpoint.pt")
        del content["fresh"]
        torch.save(content, tmp_path / "old.pt")
        loaded = build_state(tiny_config())
        loaded.load(tmp_path / "old.pt")
        assert loaded.step == 6 and loaded.fresh and same_weights(loaded.average, state.average)
        wider = build_state(tiny_config(transformer=TINY | {"ffn_dim": 64}))
        with pytest.raises(InputError, match="unlike the run's"):
            wider.load(tmp_path / "old.pt")
        (tmp_path / "torn.pt").write_bytes((tmp_path / "old.pt").read_bytes()[:1000])
        with pytest.raises(InputError, match="damaged"):
            loaded.load(tmp_path / "torn.pt")

    def test_other_models_are_refused(self, exported: Path, plain_wan_folder: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="not a model of the bundled kind"):
            load_weights(plain_wan_folder)
        with pytest.raises(ModelError, match="not there"):
            load_weights(tmp_path / "nowhere")
        with pytest.raises(InputError, match="ffn_dim"):
            check_same_shape(load_weights(exported), TINY | {"ffn_dim": 64}, folder=exported)


class TestDevice:
    def test_names(self) -> None:
        assert training_device("cpu").type == "cpu"
        assert training_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_gpu_that_is_not_there_is_said(self) -> None:
        with pytest.raises(InputError, match="--device cpu"):
            training_device("cuda")

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    def test_a_gpu_trains_and_its_checkpoint_goes_on_anywhere(self, tmp_path: Path) -> None:
        config = tiny_config()
        shorter = replace(config, stages=(replace(config.stages[0], steps=3),))
        assert pretrain(shorter, tmp_path, device="cuda").average.device.type == "cuda"
        assert pretrain(config, tmp_path, resume=True).step == 6

    def test_without_a_compiler_training_goes_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from torch._inductor import config as inductor
        from torch._inductor.utils import fresh_cache

        monkeypatch.setattr(inductor.cpp, "cxx", (str(tmp_path / "no-compiler"),))
        state, said = build_state(tiny_config()), []
        with fresh_cache():
            compile_blocks(state.transformer, torch.device("cpu"), say=said.append)
        assert len(said) == 1 and said[0].startswith("Going on without --compile") and "\n" not in said[0]
        assert all(block._compiled_call_impl is None for block in state.transformer.blocks)


class TestCommand:
    def test_fine_tunes_on_own_footage_and_exports(self, exported: Path, tmp_path: Path, capsys) -> None:
        (tmp_path / "run.toml").write_text(STEPS)
        (tmp_path / "clips").mkdir()
        write_film(tmp_path / "clips" / "shot.mkv", drifting_texture(8))
        (tmp_path / "clips" / "broken.mov").write_bytes(b"no film")
        run = ["--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
        run += ["--from", str(exported), "--clips", str(tmp_path / "clips"), "--export", str(tmp_path / "new")]
        assert main(run) == 0
        told = capsys.readouterr()
        assert "broken.mov" in told.err and len(told.err.strip().splitlines()) == 1
        before, after = (json.loads((folder / "maskedit.json").read_text()) for folder in (exported, tmp_path / "new"))
        assert after["fingerprint"] != before["fingerprint"]
        assert all(after[name] == before[name] for name in ("limits", "recipe", "flow_shift", "prediction"))
        assert main(run) == 2, "a run is not written over"
        assert "--resume" in capsys.readouterr().err
        assert main([*run, "--resume"]) == 0

    @pytest.mark.parametrize(
        ("options", "word"),
        [
            (["--clips", "elsewhere"], "no folder"),
            (["--from", "elsewhere"], "not there"),
            (["--config", "elsewhere.toml"], "cannot be read"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(self, tmp_path, capsys, options: list[str], word: str) -> None:
        (tmp_path / "run.toml").write_text(RUN)
        arguments = ["--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
        assert main([*arguments, *options]) == 2
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1 and word in said[0]
        assert not (tmp_path / "out").exists()

    def test_a_loss_that_is_no_number_is_one_sentence(self, tmp_path, capsys) -> None:
        (tmp_path / "run.toml").write_text("learning_rate = nan\n" + RUN)
        run = ["--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
        assert main(run) == 2
        assert "lower learning_rate" in capsys.readouterr().err
        assert not (tmp_path / "out" / "checkpoint.pt").exists()

    def test_a_missing_extra_is_named_and_help_needs_none(self, tmp_path: Path) -> None:
        bare = (
            "import sys; sys.modules['torch'] = None; from maskedit.pretraining.__main__ import main; sys.exit(main())"
        )

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([sys.executable, "-c", bare, *arguments], capture_output=True, text=True, timeout=25)

        done = run("--out", str(tmp_path / "out"))
        assert done.returncode == 2 and "install maskedit[server]" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert run("--help").returncode == 0


def test_exported_weights_can_be_added_and_edit_a_clip(exported: Path, tmp_path: Path) -> None:
    clip, roto, edited = tmp_path / "clip.mkv", tmp_path / "matte.json", tmp_path / "edited.png"
    write_clip(clip, "yuv420p")
    write_roto(roto)
    with ClipReader(clip) as reader:
        plate = next(iter(reader.frames(0, 0))).rgb()
    write_picture(str(edited), np.clip(plate * np.float32([1.3, 0.5, 0.4]), 0, 1).astype(np.float32))
    shelf = Catalogue(tmp_path / "data")
    assert shelf.add(exported, name="mine").prediction == "clean"
    request = EditRequest(
        target=reference(clip),
        regions=(Region(mattes=(Matte(media=reference(roto)),), grow_px=2, feather_px=2),),
        keyframes=(Keyframe(frame=0, image=reference(edited)),),
        model="mine",
        settings=Settings(motion_steps=1, appearance_steps=1, render_steps=2, rank=2, guidance=1.0),
    )
    result = run_edit(
        request, output=tmp_path / "out", cache=tmp_path / "cache", reporter=SilentReporter(), models=shelf
    )
    with ClipReader(clip) as before, ClipReader(result.result) as after:
        assert after.facts.frame_count == before.facts.frame_count
        pairs = zip(before.frames(0, 6), after.frames(0, 6), strict=True)
        assert all((a.planes[0] != b.planes[0]).any() for a, b in pairs)
