# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's figures with a tiny CLIP of the real class, and a judge that comes with its own code, as DeQA does."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from maskedit.benchmark.__main__ import main
from maskedit.benchmark.cases import write_clip
from maskedit.benchmark.i2vedit import judged, requests_in
from maskedit.benchmark.judges import ClipJudge, DeqaJudge
from maskedit.errors import InputError
from maskedit.request import Preset

FRAMES, HEIGHT, WIDTH = 5, 40, 48

# A judge as its authors publish them: a config that names a class, and the file that the class is in.
JUDGE = """
import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel


class JudgeConfig(PretrainedConfig):
    model_type = "tiny_judge"


class Judge(PreTrainedModel):
    config_class = JudgeConfig

    def __init__(self, config):
        super().__init__(config)
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.post_init()

    def score(self, images):
        return torch.stack([1 + 4 * self.weight[0] * float(np.asarray(image).mean()) / 255 for image in images])
"""


def save_clip_model(folder: Path) -> None:
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(5)
    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8,
        projection_dim=8,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}).save_pretrained(folder)


def save_judge(folder: Path) -> None:
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    (folder / "modeling_judge.py").write_text(JUDGE)
    classes = {"AutoConfig": "modeling_judge.JudgeConfig", "AutoModelForCausalLM": "modeling_judge.Judge"}
    config = {"model_type": "tiny_judge", "architectures": ["Judge"], "auto_map": classes}
    (folder / "config.json").write_text(json.dumps(config))
    save_file({"weight": torch.full((1,), 0.5)}, folder / "model.safetensors", metadata={"format": "pt"})


def moving(shade: int) -> np.ndarray:
    frames = np.full((FRAMES, HEIGHT, WIDTH, 3), 60, np.uint8)
    for number, frame in enumerate(frames):
        frame[12:28, 8 + number : 28 + number] = (shade, 90, 255 - shade)
    return frames


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two clips, one with a second keyframe, and CLIP."""
    for name, keyframes in (("bear", (0,)), ("dog", (0, 4))):
        folder = tmp_path / "data" / "clips" / name
        folder.mkdir(parents=True)
        matte = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
        matte[:, 8:32, 4:40] = 255
        write_clip(folder / "source.mkv", moving(40))
        write_clip(folder / "matte.mkv", matte)
        for frame in keyframes:
            cv2.imwrite(str(folder / f"keyframe-{frame:04d}.png"), moving(220)[frame][..., ::-1])
    (tmp_path / "data" / "clips" / "dog" / "prompt.txt").write_text("a red dog\n")
    save_clip_model(tmp_path / "data" / "weights" / "clip")
    return tmp_path / "data"


@pytest.fixture
def model(plain_wan_folder: Path, tmp_path: Path) -> Path:
    """The tiny model, with a recipe of hardly any steps."""
    folder = tmp_path / "model"
    folder.mkdir()
    for part in plain_wan_folder.iterdir():
        (folder / part.name).symlink_to(part)
    sidecar = json.loads((folder / "maskedit.json").read_text())
    (folder / "maskedit.json").unlink()
    sidecar["recipe"] = {"all": {"motion_steps": 1, "appearance_steps": 1, "render_steps": 1}}
    (folder / "maskedit.json").write_text(json.dumps(sidecar))
    return folder


def run(data: Path, model: Path, out: Path, *more: str) -> int:
    arguments = ["--suite", "i2vedit", "--data", str(data), "--model", str(model), "--out", str(out), *more]
    return main(arguments)


def test_clips_are_edited_judged_and_shown_beside_the_published_figures(data, model, tmp_path, capsys):
    assert run(data, model, tmp_path / "out") == 0
    printed = capsys.readouterr().out
    for words in ("bear", "dog", "mean of these clips", "0.9172", "3.8013", "0.7608", "DeQA is not measured"):
        assert words in printed
    report = json.loads((tmp_path / "out" / "i2vedit.json").read_text())
    assert set(report["clips"]) == {"bear", "dog"}
    for name in ("clip_score", "input_similarity"):
        values = [clip[name] for clip in report["clips"].values()]
        assert report["mean"][name] == pytest.approx(sum(values) / 2)
        assert all(-1 <= value <= 1 for value in values)
    assert report["mean"]["deqa"] is None and "weights not found at" in report["missing"]


def test_a_judge_on_disk_is_asked_about_every_frame(data, model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    save_judge(data / "weights" / "deqa")
    assert run(data, model, tmp_path / "out", "--json") == 0
    assert "--trust-deqa" in json.loads(capsys.readouterr().out)["missing"]
    assert run(data, model, tmp_path / "out", "--json", "--trust-deqa") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["missing"] == "" and 1 < report["mean"]["deqa"] < 3
    frames = list(moving(220))
    wanted = [1 + 2 * frame.mean() / 255 for frame in frames]
    assert DeqaJudge(data / "weights" / "deqa").quality(frames) == pytest.approx(wanted, abs=1e-3)


def test_the_figures_are_the_cosines_that_they_are_said_to_be(data, tmp_path):
    requests = requests_in(data, model="any", preset=Preset.BEST, seed=0)
    clip = ClipJudge(data / "weights" / "clip")
    result = tmp_path / "result.mkv"
    write_clip(result, moving(130))
    embedded = {shade: clip.embed(list(moving(shade))) for shade in (40, 130, 220)}
    assert embedded[40].norm(dim=-1) == pytest.approx(torch.ones(FRAMES), abs=1e-5)
    assert (embedded[40] - embedded[220]).abs().max() > 0.01, "the tiny encoder must see a difference"
    for name, judges in (("bear", [1, 2, 3, 4]), ("dog", [1, 2, 3])):
        figures = judged(requests[name], result, clip=clip, deqa=None)
        made = embedded[130][judges]
        assert figures.clip_score == pytest.approx(float((made @ embedded[220][0]).mean()), abs=1e-5)
        pairs = (made * embedded[40][judges]).sum(dim=-1)
        assert figures.input_similarity == pytest.approx(float(pairs.mean()), abs=1e-5)
    unchanged = judged(requests["bear"], data / "clips" / "bear" / "source.mkv", clip=clip, deqa=None)
    assert unchanged.input_similarity == pytest.approx(1, abs=1e-5)


def test_folders_say_what_is_to_be_edited(data):
    requests = requests_in(data, model="wan", preset=Preset.BEST, seed=7)
    assert [keyframe.frame for keyframe in requests["dog"].keyframes] == [0, 4]
    assert (requests["dog"].prompt, requests["bear"].prompt) == ("a red dog", "")
    assert (requests["bear"].model, requests["bear"].preset, requests["bear"].seed) == ("wan", Preset.BEST, 7)


def test_what_a_folder_lacks_is_said_in_a_sentence(data, model, tmp_path, capsys):
    assert main(["--suite", "i2vedit", "--out", str(tmp_path / "out")]) == 2
    assert "needs --data" in capsys.readouterr().err
    (data / "clips" / "bear" / "keyframe-0000.png").unlink()
    assert run(data, model, tmp_path / "out") == 2
    assert "lacks keyframe-0000.png" in capsys.readouterr().err
    with pytest.raises(InputError, match="no clips"):
        requests_in(tmp_path, model="any", preset=Preset.BEST, seed=0)
    with pytest.raises(InputError, match="no CLIP model"):
        ClipJudge(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot be loaded"):
        DeqaJudge(tmp_path / "nowhere")
