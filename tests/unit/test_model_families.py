# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of the Wan families: recognised with their facts, and what is wrong with them said precisely."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from diffusers import AutoencoderKLWan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskedit.model_check import ModelEntry, inspect_model
from maskedit.model_configs import ModelProblem, PipelineIndex
from maskedit.model_families import FAMILIES, family_named, pipeline_family
from maskedit.models import load_model
from tests.unit.model_damage import entry_with_anything
from tests.unit.tiny_models import save_image_encoder, save_transformer

FOLDERS = ["whole_wan_folder", "two_experts_folder", "ti2v_folder"]


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the folder that the test's parameter names."""
    return Path(shutil.copytree(request.getfixturevalue(request.param), tmp_path / request.param))


def edit_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def only_problem(folder: Path) -> str:
    entry = inspect_model(folder, "it")
    assert len(entry.problems) == 1, entry.problems
    assert len(entry.problems[0].splitlines()) == 1
    return entry.problems[0]


def facts(entry: ModelEntry) -> tuple[object, ...]:
    limits = entry.limits
    return entry.family, limits["grid_px"], limits["cell_px"], limits["budget_px"], limits["max_frames"]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("whole_wan_folder", ("wan-i2v", 16, 8, 832 * 480, 81)),
        ("two_experts_folder", ("wan-i2v-two-experts", 16, 8, 832 * 480, 81)),
        ("ti2v_folder", ("wan-ti2v", 32, 32, 1280 * 704, 121)),
    ],
    indirect=["folder"],
)
def test_each_family_is_recognised_with_its_limits(folder: Path, expected: tuple[object, ...]) -> None:
    entry = inspect_model(folder, "it")
    assert entry.problems == () and facts(entry) == expected
    assert entry.limits["temporal_factor"] == 4
    model = load_model(entry)
    assert model.limits.grid_px == expected[1]
    assert model.scores_generated_only is (expected[0] == "wan-ti2v")
    assert model.experts == (("transformer", "transformer_2") if "two" in str(expected[0]) else ("transformer",))


@pytest.mark.parametrize("folder", ["two_experts_folder"], indirect=True)
def test_two_experts_are_tuned_at_the_times_that_the_sampler_visits(folder: Path) -> None:
    edit_json(folder / "scheduler" / "scheduler_config.json", flow_shift=5.0)
    entry = inspect_model(folder, "it")
    assert entry.recipe == {"all": {"timestep_shift": 5.0}}
    assert entry.limits["budget_px"] == 1280 * 720
    (folder / "maskedit.json").write_text(json.dumps({"recipe": {"all": {"timestep_shift": 1.0}}}))
    assert inspect_model(folder, "it").recipe == {"all": {"timestep_shift": 1.0}}


@pytest.mark.parametrize(
    ("index", "family"),
    [
        ({"_class_name": "WanImageToVideoPipeline"}, "wan-i2v"),
        ({"_class_name": "WanImageToVideoPipeline", "boundary_ratio": None, "expand_timesteps": None}, "wan-i2v"),
        ({"_class_name": "WanImageToVideoPipeline", "transformer_2": [None, None]}, "wan-i2v"),
        ({"_class_name": "WanImageToVideoPipeline", "transformer_2": ["diffusers", "X"]}, "wan-i2v-two-experts"),
        ({"_class_name": "WanImageToVideoPipeline", "boundary_ratio": 0.9}, "wan-i2v-two-experts"),
        # Wan2.2-TI2V-5B is published as the one and used as either.
        ({"_class_name": "WanPipeline", "expand_timesteps": True}, "wan-ti2v"),
        ({"_class_name": "WanImageToVideoPipeline", "expand_timesteps": True}, "wan-ti2v"),
        ({"_class_name": "WanPipeline"}, "wan-t2v"),
        ({"_class_name": "WanPipeline", "boundary_ratio": 0.875}, "wan-t2v"),
        ({"_class_name": "WanVACEPipeline"}, "wan-vace"),
        ({}, "unknown"),
    ],
)
def test_the_family_is_told_by_the_index(index: dict[str, object], family: str) -> None:
    assert pipeline_family(PipelineIndex.model_validate(index)) == family


@pytest.mark.parametrize("name", ["wan-vace", "unknown", "no-such-family"])
def test_a_family_that_cannot_be_used_is_refused_with_those_that_can(name: str) -> None:
    with pytest.raises(ModelProblem) as problem:
        family_named(name)
    assert all(known in str(problem.value) for known in FAMILIES)


@pytest.mark.parametrize(
    ("folder", "file", "values", "words"),
    [
        ("two_experts_folder", "model_index.json", {"boundary_ratio": None}, "names no boundary_ratio"),
        ("two_experts_folder", "transformer_2/config.json", {"in_channels": 20}, "in the weights of transformer_2 is"),
        ("two_experts_folder", "transformer_2/config.json", {"_class_name": "Other"}, "The part transformer_2 is a"),
        ("two_experts_folder", "text_encoder/config.json", {"d_model": 64}, "gives 64 channels, the transformer takes"),
        ("ti2v_folder", "vae/config.json", {"z_dim": 16}, "makes 8 latent channels, the vae has 16"),
        ("ti2v_folder", "transformer/config.json", {"patch_size": [1, 4, 4]}, "patch_size other than"),
        ("ti2v_folder", "model_index.json", {"expand_timesteps": False}, "family wan-t2v are not supported"),
        ("ti2v_folder", "scheduler/scheduler_config.json", {"_class_name": "DDIM"}, "The part scheduler is a DDIM"),
        ("whole_wan_folder", "image_encoder/config.json", {"hidden_size": 99}, "image_encoder gives 99 channels"),
        ("whole_wan_folder", "transformer/config.json", {"added_kv_proj_dim": 12}, "add_k_proj.weight"),
        ("whole_wan_folder", "transformer/config.json", {"ffn_dim": 31}, "ffn.net.2.weight"),
        ("whole_wan_folder", "transformer/config.json", {"pos_embed_seq_len": 514}, "a last frame as well as a first"),
    ],
    indirect=["folder"],
)
def test_what_is_wrong_is_named(folder: Path, file: str, values: dict[str, object], words: str) -> None:
    edit_json(folder / file, **values)
    assert words in only_problem(folder)


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("two_experts_folder", "transformer_2"),
        ("two_experts_folder", "text_encoder"),
        ("ti2v_folder", "tokenizer"),
        ("whole_wan_folder", "image_encoder"),
        ("whole_wan_folder", "image_processor"),
    ],
    indirect=["folder"],
)
def test_a_part_that_the_family_needs_is_missed_whatever_the_index_says(folder: Path, part: str) -> None:
    shutil.rmtree(folder / part)
    edit_json(folder / "model_index.json", **{part: [None, None]})
    assert only_problem(folder) == f"The part {part} is missing: fetch the folder {part}/ again."


@pytest.mark.parametrize("folder", ["two_experts_folder"], indirect=True)
def test_an_expert_of_another_kind_is_refused(folder: Path) -> None:
    save_transformer(folder, channels=16, latent_channels=16, name="transformer_2")
    assert "takes 16 channels instead of 36, so it has no mask channels" in only_problem(folder)


@pytest.mark.parametrize("folder", ["ti2v_folder"], indirect=True)
def test_mask_channels_have_no_place_beside_given_tokens(folder: Path) -> None:
    save_transformer(folder, channels=20, latent_channels=8)
    assert "takes 20 channels instead of 8: use an image-to-video model" in only_problem(folder)


@pytest.mark.parametrize("folder", ["two_experts_folder"], indirect=True)
def test_an_image_encoder_that_nothing_reads_does_no_harm(folder: Path) -> None:
    save_image_encoder(folder)
    entry = inspect_model(folder, "it")
    assert entry.problems == () and not load_model(entry).uses_image_embedding


@pytest.mark.parametrize("folder", ["ti2v_folder"], indirect=True)
def test_a_codec_with_other_cells_moves_the_grid(folder: Path) -> None:
    codec = AutoencoderKLWan(
        base_dim=4, decoder_base_dim=4, z_dim=8, dim_mult=[1, 1, 1], num_res_blocks=1, is_residual=True, in_channels=12,
        out_channels=12, patch_size=2, temperal_downsample=[True, True], scale_factor_spatial=8,
        latents_mean=[0.0] * 8, latents_std=[1.0] * 8,
    )  # fmt: skip
    codec.save_pretrained(folder / "vae")
    assert facts(inspect_model(folder, "it"))[1:3] == (16, 16)


@pytest.fixture(scope="module")
def fuzzed(two_experts_folder: Path, ti2v_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("fuzzed")
    return [Path(shutil.copytree(source, place / source.name)) for source in (two_experts_folder, ti2v_folder)]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_configuration_whatever_crashes_the_inspection(fuzzed: list[Path], data: st.DataObject) -> None:
    folder = data.draw(st.sampled_from(fuzzed))
    configuration = data.draw(st.sampled_from(sorted(folder.glob("**/*.json"))))
    entry = entry_with_anything(folder, configuration, data)
    assert entry.problems or entry.family in FAMILIES
