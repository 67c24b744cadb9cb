# SPDX-License-Identifier: GPL-3.0-or-later
"""Model folders: real diffusers pipelines of tiny size, saved, then damaged one way at a time."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanImageToVideoPipeline, WanTransformer3DModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    UMT5Config,
    UMT5EncoderModel,
)

from maskedit.catalogue import BUNDLED, Catalogue, main
from maskedit.errors import InputError
from maskedit.model_check import inspect_model
from maskedit.model_licences import card_licence
from tests.unit.model_damage import entry_with_anything


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    """A Wan 2.1 image-to-video folder as `save_pretrained` writes it, its transformer in several shards."""
    torch.manual_seed(0)
    transformer = WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=36,
        out_channels=16,
        text_dim=16,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        image_dim=16,
        added_kv_proj_dim=24,
    )
    text = UMT5Config(vocab_size=32, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=8, patch_size=4
    )
    tokenizer = Tokenizer(models.WordLevel({"<pad>": 0, "<unk>": 1}, unk_token="<unk>"))
    pipeline = WanImageToVideoPipeline(
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>"),
        text_encoder=UMT5EncoderModel(text),
        image_encoder=CLIPVisionModel(vision),
        image_processor=CLIPImageProcessor(),
        transformer=transformer,
        vae=AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    )
    folder = tmp_path_factory.mktemp("models") / "Tiny-I2V-480P-Diffusers"
    pipeline.save_pretrained(folder, max_shard_size="20KB")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\nlanguage:\n- en\n---\n# Tiny\n")
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / pristine.name))


@pytest.fixture(scope="module")
def fuzzed_folder(pristine: Path, tmp_path_factory) -> Path:
    return Path(shutil.copytree(pristine, tmp_path_factory.mktemp("fuzzed") / pristine.name))


def edit_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def only_problem(folder: Path) -> str:
    entry = inspect_model(folder, "it")
    assert len(entry.problems) == 1, entry.problems
    return entry.problems[0]


def test_a_wan_folder_is_recognised_with_its_facts(pristine):
    entry = inspect_model(pristine, "tiny")
    assert entry.problems == ()
    assert (entry.family, entry.prediction, entry.flow_shift) == ("wan-i2v", "velocity", 3.0)
    assert entry.limits == {
        "grid_px": 16, "cell_px": 8, "temporal_factor": 4, "budget_px": 832 * 480, "max_frames": 81
    }  # fmt: skip
    assert (entry.licence, entry.commercial) == ("apache-2.0", "Commercial use is allowed, in every territory.")
    weights = sum(path.stat().st_size for path in pristine.rglob("*.safetensors"))
    assert weights < entry.size_bytes < 2 * weights


def test_the_720p_weights_have_a_larger_budget(folder):
    edit_json(folder / "scheduler" / "scheduler_config.json", flow_shift=5.0)
    assert inspect_model(folder, "it").limits["budget_px"] == 1280 * 720


def test_a_missing_shard_is_named(folder):
    shards = sorted((folder / "transformer").glob("*-of-*.safetensors"))
    assert len(shards) > 2
    shards[1].unlink()
    assert only_problem(folder) == f"The weight file transformer/{shards[1].name} is missing: fetch it again."


def test_a_shard_that_was_cut_short_is_named(folder):
    shard = sorted((folder / "transformer").glob("*-of-*.safetensors"))[0]
    shard.write_bytes(shard.read_bytes()[:-1])
    assert only_problem(folder) == f"The weight file transformer/{shard.name} is damaged or cut short: fetch it again."


def test_pickle_weights_are_refused_even_when_complete(folder):
    vae = folder / "vae"
    torch.save({}, vae / "diffusion_pytorch_model.bin")
    for file in vae.glob("*.safetensors*"):
        file.unlink()
    assert "pickle weights only" in only_problem(folder)


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "image_encoder"])
def test_a_part_without_weights_is_named(folder, part):
    for file in (folder / part).glob("*.safetensors*"):
        file.unlink()
    assert only_problem(folder) == f"The part {part} has no weights: fetch the folder {part}/ again."


@pytest.mark.parametrize("part", ["transformer", "vae", "scheduler", "tokenizer", "image_processor"])
def test_a_missing_part_is_named(folder, part):
    shutil.rmtree(folder / part)
    assert only_problem(folder) == f"The part {part} is missing: fetch the folder {part}/ again."


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("model_index.json", {"_class_name": "WanPipeline"}, "family wan-t2v"),
        ("model_index.json", {"_class_name": "HunyuanVideo15ImageToVideoPipeline"}, "family hunyuan15-i2v"),
        ("model_index.json", {"_class_name": "StableDiffusionPipeline"}, "unknown kind"),
        ("model_index.json", {"expand_timesteps": True}, "takes 36 channels instead of 16"),
        ("model_index.json", {"transformer_2": ["diffusers", "WanTransformer3DModel"]}, "transformer_2 is missing"),
        ("model_index.json", {"boundary_ratio": 0.9}, "transformer_2 is missing"),
        ("model_index.json", {"boundary_ratio": 1.5}, "model_index.json is damaged (boundary_ratio"),
        ("vae/config.json", {"_class_name": "AutoencoderKL"}, "The part vae is a AutoencoderKL"),
        ("text_encoder/config.json", {"architectures": ["T5Model"]}, "The part text_encoder is a T5Model"),
        ("transformer/config.json", {"pos_embed_seq_len": 514}, "a last frame as well as a first"),
        ("transformer/config.json", {"num_layers": 3}, "lack blocks.2.attn1.to_q.weight"),
        ("transformer/config.json", {"in_channels": 16}, "config.json says 24x16x1x2x2"),
    ],
)
def test_a_model_of_the_wrong_kind_is_refused_with_the_reason(folder, file, values, words):
    edit_json(folder / file, **values)
    assert words in only_problem(folder)


def test_a_text_to_video_transformer_has_no_mask_channels(folder):
    shutil.rmtree(folder / "transformer")
    WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16, text_dim=16, freq_dim=16,
        ffn_dim=32, num_layers=1,
    ).save_pretrained(folder / "transformer")  # fmt: skip
    assert "takes 16 channels instead of 36, so it has no mask channels" in only_problem(folder)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["config.json", "Wan2.1_VAE.pth"], "Wan's original layout"),
        (["wan2.1_i2v_480p_14B_bf16.safetensors"], "single weight files only"),
        (["notes.txt"], "has no model_index.json"),
    ],
)
def test_other_layouts_are_told_apart(tmp_path, names, words):
    for name in names:
        (tmp_path / name).touch()
    assert words in only_problem(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00"])
def test_a_broken_index_is_a_problem_not_a_crash(folder, content):
    (folder / "model_index.json").write_text(content)
    assert "model_index.json" in only_problem(folder)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("transformer/config.json", "transformer/config.json cannot be read"),
        ("transformer/diffusion_pytorch_model.safetensors.index.json", "index.json cannot be read"),
        ("vae/other_config.json", "vae/other_config.json cannot be read"),
        ("README.md", None),
    ],
)
def test_a_pipe_in_a_folder_is_not_waited_for(folder: Path, file: str, words: str | None) -> None:
    (folder / file).unlink(missing_ok=True)
    os.mkfifo(folder / file)
    problems = inspect_model(folder, "it").problems
    assert words in problems[0] if words else not problems


CONFIGURATIONS = [
    "model_index.json", "transformer/config.json", "vae/config.json", "text_encoder/config.json",
    "scheduler/scheduler_config.json", "transformer/diffusion_pytorch_model.safetensors.index.json",
]  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(CONFIGURATIONS), data=st.data())
def test_no_configuration_whatever_crashes_the_inspection(fuzzed_folder, file, data):
    entry = entry_with_anything(fuzzed_folder, fuzzed_folder / file, data)
    assert entry.problems or entry.family == "wan-i2v"


def test_several_problems_are_all_listed(folder):
    shutil.rmtree(folder / "tokenizer")
    (folder / "scheduler" / "scheduler_config.json").unlink()
    assert len(inspect_model(folder, "it").problems) == 2


def test_the_fingerprint_follows_the_content_not_the_place(pristine, folder):
    before = inspect_model(pristine, "it").fingerprint
    assert inspect_model(folder, "another name").fingerprint == before
    shard = sorted((folder / "transformer").glob("*-of-*.safetensors"))[0]
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    assert inspect_model(folder, "it").fingerprint != before


def test_a_sidecar_states_what_the_configuration_does_not(folder):
    limits = {"grid_px": 8, "cell_px": 4, "temporal_factor": 4, "budget_px": 128 * 128, "max_frames": 33}
    sidecar = {
        "family": "wan-i2v", "prediction": "clean", "flow_shift": 1.5, "limits": limits,
        "recipe": {"all": {"rank": 8}}, "licence": "GPL-3.0-or-later",
    }  # fmt: skip
    (folder / "maskedit.json").write_text(json.dumps(sidecar))
    (folder / "model_index.json").unlink()
    entry = inspect_model(folder, "it")
    assert entry.problems == ()
    assert (entry.prediction, entry.flow_shift, entry.limits) == ("clean", 1.5, limits)
    assert (entry.recipe, entry.licence) == ({"all": {"rank": 8}}, "GPL-3.0-or-later")


def test_hunyuan_names_its_territory_and_an_unlabelled_wan_says_so(folder):
    (folder / "README.md").unlink()
    assert inspect_model(folder, "it").licence == "unknown"
    edit_json(folder / "model_index.json", _class_name="HunyuanVideoImageToVideoPipeline")
    assert "European Union" in inspect_model(folder, "it").commercial


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\n---\ntext", "mit"),
        ("---\nlicense: other\nlicense_name: special\n---\n", "special"),
        ("license: mit", ""),
        ("", ""),
    ],
)
def test_the_licence_is_read_from_the_cards_front_matter(tmp_path, card, licence):
    (tmp_path / "README.md").write_text(card)
    assert card_licence(tmp_path / "README.md") == licence


def test_added_models_stay_and_the_bundled_one_is_always_first(folder, tmp_path):
    data = tmp_path / "data"
    assert [entry.name for entry in Catalogue(data).list()] == [BUNDLED]
    added = Catalogue(data).add(folder, name="mine")
    again = Catalogue(data)
    assert [entry.name for entry in again.list()] == [BUNDLED, "mine"]
    assert again.find("mine") == added
    assert again.find(str(folder)).fingerprint == added.fingerprint
    again.remove("mine")
    assert [entry.name for entry in Catalogue(data).list()] == [BUNDLED]
    assert folder.is_dir()


def test_an_added_folder_that_went_away_is_a_problem(folder, tmp_path):
    catalogue = Catalogue(tmp_path / "data")
    catalogue.add(folder)
    folder.rename(tmp_path / "elsewhere")
    assert "is not there" in catalogue.find(folder.name).problems[0]


def test_what_cannot_be_used_is_not_added(folder, pristine, tmp_path):
    catalogue = Catalogue(tmp_path / "data")
    catalogue.add(pristine, name="mine")
    with pytest.raises(InputError, match="is taken by"):
        catalogue.add(folder, name="mine")
    shutil.rmtree(folder / "vae")
    with pytest.raises(InputError, match="The part vae is missing"):
        catalogue.add(folder)
    with pytest.raises(InputError, match="choose bundled, mine, or add"):
        catalogue.find("theirs")
    with pytest.raises(InputError, match="was never added"):
        catalogue.remove(BUNDLED)


def test_a_damaged_list_of_models_is_not_overwritten(folder, tmp_path):
    (tmp_path / "models.json").write_text('{"models": [')
    with pytest.raises(InputError, match="mend or delete it"):
        Catalogue(tmp_path).add(folder)
    assert (tmp_path / "models.json").read_text() == '{"models": ['


def _add(data: Path, folder: Path, name: str) -> None:
    Catalogue(data).add(folder, name=name)


def test_processes_that_add_at_once_lose_nothing(pristine, tmp_path):
    names = [f"model-{number}" for number in range(4)]
    processes = [
        multiprocessing.get_context("fork").Process(target=_add, args=(tmp_path, pristine, name)) for name in names
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [entry.name for entry in Catalogue(tmp_path).list()] == [BUNDLED, *names]


def test_the_command_line_answers_in_words_and_in_json(folder, tmp_path, capsys):
    data = ["--data-dir", str(tmp_path / "data")]
    assert main(["add", str(folder), "--name", "mine", *data]) == 0
    said = capsys.readouterr().out
    assert "licence apache-2.0" in said and "up to 81 frames of 0.40 megapixels" in said
    assert main(["check", "mine", "--json", *data]) == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["family"] == "wan-i2v"
    shutil.rmtree(folder / "vae")
    assert main(["check", "mine", *data]) == 2
    assert "Problem: The part vae is missing" in capsys.readouterr().out
    assert main(["check", "nothing", *data]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_catalogue_loads_without_torch():
    code = "import sys, maskedit.catalogue, maskedit.model_fetch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_bundled_model_can_be_used_as_it_ships(tmp_path):
    entry = Catalogue(tmp_path).find(BUNDLED)
    assert entry.problems == ()
    assert entry.family == "wan-i2v-mending" and entry.licence == "GPL-3.0-or-later"
    assert entry.size_bytes < 40_000_000


@pytest.mark.parametrize("name", ["a" * 33_000, "~nobody-has-this-name/model", "a\0b", "/dev/null"])
def test_what_no_folder_can_be_called_is_no_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="There is no model"):
        Catalogue(tmp_path).find(name)
