# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about a HunyuanVideo-I2V folder, whole and in parts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskedit.model_check import inspect_model


@pytest.fixture
def whole(hunyuan_concat_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(hunyuan_concat_folder, tmp_path / "hunyuan")


def change(file: Path, **values: Any) -> None:
    """Give a configuration other values; None takes one out."""
    config = json.loads(file.read_text()) | values
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


@pytest.mark.parametrize("kind", ["concat", "replace"])
def test_a_whole_folder_can_be_used(kind: str, request: pytest.FixtureRequest) -> None:
    entry = inspect_model(request.getfixturevalue(f"hunyuan_{kind}_folder"), "hunyuan")
    assert entry.problems == ()
    assert (entry.family, entry.prediction, entry.flow_shift) == ("hunyuan-i2v", "velocity", 7.0)
    assert entry.limits == {
        "grid_px": 16,
        "cell_px": 8,
        "temporal_factor": 4,
        "budget_px": 1280 * 720,
        "max_frames": 129,
    }


def test_the_licence_names_its_territory(whole: Path) -> None:
    entry = inspect_model(whole, "hunyuan")
    assert "Tencent" in entry.licence
    assert all(place in entry.commercial for place in ("European Union", "United Kingdom", "South Korea"))


@pytest.mark.parametrize(
    "part",
    [
        *("transformer", "vae", "scheduler", "text_encoder", "tokenizer"),
        *("text_encoder_2", "tokenizer_2", "image_processor"),
    ],
)
def test_a_missing_part_is_named(whole: Path, part: str) -> None:
    shutil.rmtree(whole / part)
    assert inspect_model(whole, "hunyuan").problems == (f"The part {part} is missing: fetch the folder {part}/ again.",)


def test_the_tokenizers_own_file_is_needed(whole: Path) -> None:
    (whole / "tokenizer" / "tokenizer.json").unlink()
    assert inspect_model(whole, "hunyuan").problems == ("tokenizer/tokenizer.json is missing: fetch it again.",)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text to video": (
        lambda folder: change(folder / "transformer/config.json", image_condition_type=None),
        "transformer/config.json has no image_condition_type that is known (latent_concat or token_replace): "
        "use an image-to-video model.",
    ),
    "channels of the other kind": (
        lambda folder: change(folder / "transformer/config.json", image_condition_type="token_replace"),
        "The transformer takes 9 channels instead of the 4 of token_replace: fetch the folder transformer/ again.",
    ),
    "another codec": (
        lambda folder: change(folder / "vae/config.json", latent_channels=16),
        "The transformer makes 4 latent channels, the vae has 16: fetch the folders transformer/ and vae/ again.",
    ),
    "another language model": (
        lambda folder: change(folder / "text_encoder/config.json", text_config={"model_type": "llama"}),
        "The part text_encoder gives 4096 channels, the transformer takes 16: fetch the folder text_encoder/ again.",
    ),
    "another CLIP": (
        lambda folder: change(folder / "text_encoder_2/config.json", hidden_size=768),
        "The part text_encoder_2 gives 768 channels, the transformer takes 16: fetch the folder text_encoder_2/ again.",
    ),
    "more blocks than weights": (
        lambda folder: change(folder / "transformer/config.json", num_single_layers=3),
        "The weights of transformer lack single_transformer_blocks.2.proj_out.weight: "
        "fetch the folder transformer/ again.",
    ),
    "another patch": (
        lambda folder: change(folder / "transformer/config.json", patch_size=1),
        "transformer/config.json has patch sizes other than 1 and 2: fetch it again.",
    ),
    "guidance that is not in the weights": (
        lambda folder: change(folder / "transformer/config.json", guidance_embeds=True),
        "The weights of transformer lack time_text_embed.guidance_embedder.linear_2.weight: "
        "fetch the folder transformer/ again.",
    ),
    "another scheduler": (
        lambda folder: change(folder / "scheduler/scheduler_config.json", _class_name="UniPCMultistepScheduler"),
        "The part scheduler is a UniPCMultistepScheduler, not a FlowMatchEulerDiscreteScheduler: "
        "fetch the folder scheduler/ again.",
    ),
    "the text-to-video encoder": (
        lambda folder: change(folder / "text_encoder/config.json", architectures=["LlamaModel"]),
        "The part text_encoder is a LlamaModel, not a LlavaForConditionalGeneration: "
        "fetch the folder text_encoder/ again.",
    ),
    "a clean prediction": (
        lambda folder: (folder / "maskedit.json").write_text(json.dumps({"prediction": "clean"})),
        "maskedit.json states a prediction that HunyuanVideo has not: make it velocity.",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_said_in_one_sentence(whole: Path, fault: str) -> None:
    spoil, sentence = FAULTS[fault]
    spoil(whole)
    assert inspect_model(whole, "hunyuan").problems == (sentence,)


def test_what_the_folder_states_comes_first(whole: Path) -> None:
    limits = {"grid_px": 16, "cell_px": 8, "temporal_factor": 4, "budget_px": 4096, "max_frames": 5}
    recipe = {"all": {"rank": 4}}
    (whole / "maskedit.json").write_text(json.dumps({"limits": limits, "flow_shift": 17.0, "recipe": recipe}))
    entry = inspect_model(whole, "hunyuan")
    assert (entry.limits, entry.flow_shift, entry.recipe, entry.problems) == (limits, 17.0, recipe, ())
