# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA files between tools: what diffusers' own loader makes of ours, what we make of theirs, is the same model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from diffusers import WanImageToVideoPipeline, WanTransformer3DModel
from diffusers.loaders.lora_conversion_utils import _convert_hunyuan_video_lora_to_diffusers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from maskedit import adapters
from maskedit.catalogue import ModelEntry
from maskedit.errors import ModelError
from maskedit.exchange import LoraLayer, export_adapter, format_of, import_adapter, read_layers, write_layers
from maskedit.model_check import inspect_model
from maskedit.models.wan import WanImageToVideo
from maskedit.request import AdapterFormat

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
WIDTH, INNER = 24, 32
SIZES = {
    **{f"blocks.{i}.attn{n}.{name}": (WIDTH, WIDTH) for i in (0, 1) for n in (1, 2) for name in ATTENTION},
    **{f"blocks.{i}.ffn.net.0.proj": (INNER, WIDTH) for i in (0, 1)},
    **{f"blocks.{i}.ffn.net.2": (WIDTH, INNER) for i in (0, 1)},
}
IMAGE_SIZES = {f"blocks.{i}.attn2.add_{part}_proj": (WIDTH, WIDTH) for i in (0, 1) for part in "kv"}
ELSEWHERE = {"proj_out": (64, WIDTH), "condition_embedder.time_proj": (6 * WIDTH, WIDTH)}


def random_layers(
    sizes: Mapping[str, tuple[int, int]], *, scale: float = 1.0, bias: bool = False
) -> dict[str, LoraLayer]:
    """A LoRA on layers of these sizes (outputs, inputs), with another rank for each."""
    generator = torch.Generator().manual_seed(4)
    layers = {}
    for index, (name, (outputs, inputs)) in enumerate(sizes.items()):
        rank = 2 + index % 3
        layers[name] = LoraLayer(
            down=torch.randn(rank, inputs, generator=generator) * 0.3,
            up=torch.randn(outputs, rank, generator=generator) * 0.3,
            alpha=rank * scale,
            bias=torch.randn(outputs, generator=generator) * 0.1 if bias else None,
        )
    return layers


def assert_same(found: Mapping[str, LoraLayer], expected: Mapping[str, LoraLayer]) -> None:
    assert found.keys() == expected.keys()
    for name, layer in expected.items():
        other = found[name]
        assert other.alpha == layer.alpha
        assert torch.equal(other.down, layer.down) and torch.equal(other.up, layer.up)
        assert (other.bias is None) == (layer.bias is None)
        assert layer.bias is None or torch.equal(other.bias, layer.bias)


def transformer_of(folder: Path) -> WanTransformer3DModel:
    return WanTransformer3DModel.from_pretrained(folder, subfolder="transformer").eval()


@torch.no_grad()
def output(transformer: WanTransformer3DModel) -> Tensor:
    config = transformer.config
    generator = torch.Generator().manual_seed(0)
    image = config.image_dim and torch.randn(1, 5, config.image_dim, generator=generator)
    return transformer(
        torch.randn(1, config.in_channels, 2, 4, 4, generator=generator),
        timestep=torch.tensor([500.0]),
        encoder_hidden_states=torch.randn(1, 3, config.text_dim, generator=generator),
        encoder_hidden_states_image=image,
        return_dict=False,
    )[0]


def as_diffusers_loads(folder: Path, file: Path) -> Tensor:
    """The transformer's output with the file loaded by diffusers' own pipeline."""
    parts = dict.fromkeys(("tokenizer", "text_encoder", "image_processor", "image_encoder", "vae", "scheduler"))
    pipeline = WanImageToVideoPipeline(**parts, transformer=transformer_of(folder))
    pipeline.load_lora_weights(str(file.parent), weight_name=file.name)
    return output(pipeline.transformer)


def as_we_load(model: WanImageToVideo, file: Path) -> Tensor:
    adapters.load(model, file)
    return output(model.expert("transformer"))


@pytest.fixture
def entry(plain_wan_folder: Path) -> ModelEntry:
    return inspect_model(plain_wan_folder, "plain-wan")


@pytest.fixture
def model(plain_wan: WanImageToVideo, entry: ModelEntry) -> WanImageToVideo:
    plain_wan.fingerprint = entry.fingerprint
    return plain_wan


def save_tuned(model: WanImageToVideo, path: Path, *, alpha: float = 0.0) -> Tensor:
    """An adapter of our own, as tuning leaves it; returns the output with it."""
    generator = torch.Generator().manual_seed(9)
    for parameter in adapters.attach(model, adapters.LoraSpec(rank=4, alpha=alpha), seed=1):
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    adapters.save(model, path, metadata={"stage": "motion", "clip": "c" * 64})
    return output(model.expert("transformer"))


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("form", AdapterFormat)
def test_what_we_export_diffusers_loads_and_computes_the_same(
    model: WanImageToVideo, plain_wan_folder: Path, tmp_path: Path, form: AdapterFormat, alpha: float
) -> None:
    own, exported = tmp_path / "own.safetensors", tmp_path / "theirs.safetensors"
    tuned = save_tuned(model, own, alpha=alpha)
    assert not torch.allclose(tuned, output(transformer_of(plain_wan_folder)), atol=1e-2)
    export_adapter(own, exported, form=form)
    torch.testing.assert_close(as_diffusers_loads(plain_wan_folder, exported), tuned)
    assert format_of(load_file(exported)) == form


def foreign(form: str, layers: Mapping[str, LoraLayer]) -> dict[str, Tensor]:
    """The layers as another program writes them, spelt out here a second time."""
    names = {"attn1": "self_attn", "attn2": "cross_attn", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "o"}
    names |= {"net.0.proj": "0", "net.2": "2", "add_k_proj": "k_img", "add_v_proj": "v_img"}
    written: dict[str, Tensor] = {}
    for name, layer in layers.items():
        original = name
        for ours, theirs in names.items():
            original = original.replace(f".{ours}", f".{theirs}")
        flat = f"lora_unet_{original.replace('.', '_')}"
        paths = {"peft": f"base_model.model.{name}", "comfyui": f"diffusion_model.{original}", "kohya": flat}
        path = paths.get(form, f"transformer.{name}")
        down, up = ("lora_down", "lora_up") if form == "kohya" else ("lora_A", "lora_B")
        written |= {f"{path}.{down}.weight": layer.down, f"{path}.{up}.weight": layer.up}
        if form in ("kohya", "comfyui"):
            written[f"{path}.alpha"] = torch.tensor(layer.alpha)
        if layer.bias is not None:
            written[f"{path}.diff_b"] = layer.bias
    return written


@pytest.mark.parametrize("form", ["diffusers", "comfyui", "kohya"])
def test_what_others_write_means_the_same_to_us_as_to_diffusers(
    model: WanImageToVideo, entry: ModelEntry, plain_wan_folder: Path, tmp_path: Path, form: str
) -> None:
    scale = 1.0 if form == "diffusers" else 0.37
    theirs, ours = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    save_file(foreign(form, random_layers(SIZES, scale=scale)), theirs)
    metadata = import_adapter(theirs, ours, model=entry, name="hat")
    assert (metadata["source_format"], metadata["name"], metadata["rank"]) == (form, "hat", "4")
    torch.testing.assert_close(as_we_load(model, ours), as_diffusers_loads(plain_wan_folder, theirs))


def test_layers_beside_the_image_and_biases_mean_the_same_too(
    whole_wan: WanImageToVideo, whole_wan_folder: Path, tmp_path: Path
) -> None:
    entry = inspect_model(whole_wan_folder, "whole-wan")
    whole_wan.fingerprint = entry.fingerprint
    theirs, ours = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    # diffusers leaves layers without a bias unfinished where others have one, so all have one.
    layers = random_layers(SIZES | IMAGE_SIZES, scale=0.5, bias=True)
    tensors = {
        key.replace("lora_A", "lora_down").replace("lora_B", "lora_up"): t
        for key, t in foreign("comfyui", layers).items()
    }
    outputs = transformer_of(whole_wan_folder).proj_out.out_features
    tensors["diffusion_model.head.head.lora_down.weight"] = torch.randn(2, WIDTH)
    tensors["diffusion_model.head.head.lora_up.weight"] = torch.randn(outputs, 2)
    tensors["diffusion_model.head.head.diff_b"] = torch.randn(outputs)
    tensors["diffusion_model.blocks.0.self_attn.norm_q.diff"] = torch.zeros(WIDTH)
    save_file(tensors, theirs)
    import_adapter(theirs, ours, model=entry)
    torch.testing.assert_close(as_we_load(whole_wan, ours), as_diffusers_loads(whole_wan_folder, theirs))


def test_biases_of_some_layers_leave_the_others_without(
    model: WanImageToVideo, entry: ModelEntry, tmp_path: Path
) -> None:
    layers = random_layers(SIZES)
    bias = torch.randn(WIDTH)
    name = "blocks.1.attn1.to_q"
    written = write_layers(layers, AdapterFormat.COMFYUI) | {"diffusion_model.blocks.1.self_attn.q.diff_b": bias}
    save_file(written, tmp_path / "theirs.safetensors")
    import_adapter(tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors", model=entry)
    found = as_we_load(model, tmp_path / "ours.safetensors")
    expected = transformer_of(entry.directory)
    with torch.no_grad():
        for path, layer in layers.items():
            expected.get_submodule(path).weight += layer.up @ layer.down
        expected.get_submodule(name).bias += bias
    torch.testing.assert_close(found, output(expected))


def test_a_whole_difference_of_the_output_layer_is_a_lora_of_full_rank() -> None:
    difference, bias = torch.randn(64, WIDTH), torch.randn(64)
    tensors = {"diffusion_model.head.head.diff": difference, "diffusion_model.head.head.diff_b": bias}
    layer = read_layers(tensors, {})[""]["proj_out"]
    assert torch.equal(layer.up @ layer.down, difference) and torch.equal(layer.bias, bias)
    assert layer.alpha == layer.rank == 64


def test_diffusers_own_metadata_set_the_scale(
    model: WanImageToVideo, entry: ModelEntry, plain_wan_folder: Path, tmp_path: Path
) -> None:
    said = {"transformer.r": 4, "transformer.lora_alpha": 8, "transformer.alpha_pattern": {"attn2.to_q": 1.5}}
    said |= {"transformer.target_modules": list(SIZES), "transformer.rank_pattern": {}}
    layers = {
        name: LoraLayer(down=torch.randn(4, inputs) * 0.2, up=torch.randn(outputs, 4) * 0.2, alpha=4.0)
        for name, (outputs, inputs) in SIZES.items()
    }
    theirs, ours = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    metadata = {"format": "pt", "lora_adapter_metadata": json.dumps(said)}
    save_file(foreign("diffusers", layers), theirs, metadata=metadata)
    import_adapter(theirs, ours, model=entry)
    torch.testing.assert_close(as_we_load(model, ours), as_diffusers_loads(plain_wan_folder, theirs))


def test_peft_keys_are_read_where_diffusers_loads_nothing(
    model: WanImageToVideo, entry: ModelEntry, tmp_path: Path
) -> None:
    layers = random_layers(SIZES)
    for form in ("peft", "diffusers"):
        save_file(foreign(form, layers), tmp_path / f"{form}-theirs.safetensors")
        import_adapter(tmp_path / f"{form}-theirs.safetensors", tmp_path / f"{form}.safetensors", model=entry)
    found = as_we_load(model, tmp_path / "peft.safetensors")
    assert torch.equal(found, as_we_load(model, tmp_path / "diffusers.safetensors"))
    assert not torch.allclose(found, output(transformer_of(entry.directory)), atol=1e-2)


@given(
    chosen=st.sets(st.sampled_from([*SIZES, *IMAGE_SIZES, *ELSEWHERE]), min_size=1),
    form=st.sampled_from(AdapterFormat),
    scale=st.sampled_from([1.0, 0.5, 3.0]),
    bias=st.booleans(),
)
def test_there_and_back_every_layer_is_what_it_was(
    chosen: set[str], form: AdapterFormat, scale: float, bias: bool
) -> None:
    sizes = SIZES | IMAGE_SIZES | ELSEWHERE
    layers = random_layers({name: sizes[name] for name in sorted(chosen)}, scale=scale, bias=bias)
    (found,) = read_layers(write_layers(layers, form), {}).values()
    if form is AdapterFormat.DIFFUSERS:
        layers = {name: layer.folded() for name, layer in layers.items()}
    assert_same(found, layers)


HIDDEN = 24
HUNYUAN = {
    **{f"transformer_blocks.3.attn.to_{part}": (HIDDEN, HIDDEN) for part in "qkv"},
    **{f"transformer_blocks.3.attn.add_{part}_proj": (HIDDEN, HIDDEN) for part in "qkv"},
    "transformer_blocks.3.attn.to_out.0": (HIDDEN, HIDDEN),
    "transformer_blocks.3.ff.net.0.proj": (4 * HIDDEN, HIDDEN),
    "transformer_blocks.3.ff_context.net.2": (HIDDEN, 4 * HIDDEN),
    **{f"single_transformer_blocks.11.attn.to_{part}": (HIDDEN, HIDDEN) for part in "qkv"},
    "single_transformer_blocks.11.proj_mlp": (4 * HIDDEN, HIDDEN),
    "single_transformer_blocks.11.proj_out": (HIDDEN, 5 * HIDDEN),
}


@given(
    chosen=st.sets(st.sampled_from(sorted(HUNYUAN)), min_size=1),
    form=st.sampled_from([AdapterFormat.COMFYUI, AdapterFormat.KOHYA]),
    bias=st.booleans(),
)
def test_fused_layers_come_apart_as_they_were_put_together(chosen: set[str], form: AdapterFormat, bias: bool) -> None:
    layers = random_layers({name: HUNYUAN[name] for name in sorted(chosen)}, bias=bias)
    written = write_layers(layers, form)
    fused = sum(any(name.endswith(f"_{end}") for end in ("q", "k", "v", "mlp")) for name in chosen)
    assert len([key for key in written if "attn_qkv" in key or "linear1" in key]) <= 4 * max(fused, 1)
    (found,) = read_layers(written, {}).values()
    assert_same(found, layers)


def test_hunyuans_fused_layers_mean_what_diffusers_takes_them_for() -> None:
    hidden = 3072  # diffusers' converter knows this width only
    sizes = {
        "double_blocks.0.img_attn_qkv": (3 * hidden, hidden),
        "double_blocks.0.txt_attn_qkv": (3 * hidden, hidden),
        "double_blocks.0.img_attn_proj": (hidden, hidden),
        "double_blocks.0.txt_mlp.fc1": (4 * hidden, hidden),
        "single_blocks.0.linear1": (7 * hidden, hidden),
        "single_blocks.0.linear2": (hidden, 5 * hidden),
        "single_blocks.0.modulation.linear": (3 * hidden, hidden),
    }
    tensors = {}
    for name, (outputs, inputs) in sizes.items():
        tensors[f"diffusion_model.{name}.lora_A.weight"] = torch.randn(2, inputs)
        tensors[f"diffusion_model.{name}.lora_B.weight"] = torch.randn(outputs, 2)
    (ours,) = read_layers(tensors, {}).values()
    theirs = _convert_hunyuan_video_lora_to_diffusers(dict(tensors))
    assert {f"transformer.{name}.lora_{part}.weight" for name in ours for part in "AB"} == theirs.keys()
    for name, layer in ours.items():
        path = f"transformer.{name}"
        assert torch.equal(layer.down, theirs[f"{path}.lora_A.weight"])
        assert torch.equal(layer.up, theirs[f"{path}.lora_B.weight"])


Q = "diffusion_model.blocks.0.self_attn.q"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ({f"{Q}.dora_scale": torch.ones(WIDTH)}, r"no plain LoRA.*self_attn\.q\.dora_scale"),
        ({f"{Q}.lokr_w1": torch.ones(2, 2), f"{Q}.lokr_w2": torch.ones(2, 2)}, r"no plain LoRA.*lokr_w1"),
        ({f"{Q}.lora_magnitude_vector": torch.ones(WIDTH)}, "no plain LoRA.*magnitude"),
        ({"text_encoder.x.lora_A.weight": torch.ones(2, 4)}, "only in part.*text_encoder"),
        ({f"{Q}.lora_B.weight": torch.full((WIDTH, 2), float("nan"))}, r"not finite.*q\.lora_B"),
        ({f"{Q}.lora_A.weight": torch.tensor([[1.0] * 23 + [-torch.inf]] * 2)}, r"not finite.*q\.lora_A"),
        ({f"{Q}.lora_A.weight": torch.ones(2, WIDTH).to(torch.float8_e4m3fn)}, r"less than 16 bits.*q\.lora_A"),
        ({f"{Q}.lora_A.weight": torch.ones(0, WIDTH), f"{Q}.lora_B.weight": torch.ones(WIDTH, 0)}, "only in part"),
        ({f"{Q}.lora_B.weight": torch.ones(WIDTH, 3)}, r"only in part.*blocks\.0\.self_attn\.q"),
        ({f"{Q}.alpha": torch.ones(3)}, "only in part"),
        ({f"{Q}.lora_B.weight": torch.full((WIDTH, 2), 1e38), f"{Q}.alpha": torch.tensor(1e9)}, "alpha makes infinite"),
        ({f"{Q}.lora_B.weight": torch.ones(WIDTH + 1, 2)}, r"another size than plain-wan's.*25×24"),
        ({"diffusion_model.blocks.0.self_attn.norm_q.diff": torch.ones(WIDTH)}, r"only in part.*norm_q"),
        ({"diffusion_model.blocks.0.ffn.0.diff_b": torch.ones(INNER)}, r"only in part.*ffn\.0"),
        ({"transformer.blocks.0.attn1.to_q.lora_A.weight": torch.ones(2, WIDTH)}, "only in part"),
        ({f"{Q.replace('0', '7')}.lora_{p}.weight": torch.ones(s) for p, s in (("A", (2, 24)), ("B", (24, 2)))},
         r"plain-wan does not have.*blocks\.7\.attn1"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(
    entry: ModelEntry, tmp_path: Path, spoil: dict[str, Tensor], sentence: str
) -> None:
    good = {f"{Q}.lora_A.weight": torch.ones(2, WIDTH), f"{Q}.lora_B.weight": torch.ones(WIDTH, 2)}
    save_file(good | spoil, tmp_path / "theirs.safetensors")
    with pytest.raises(ModelError, match=sentence):
        import_adapter(tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors", model=entry)
    assert not (tmp_path / "ours.safetensors").exists()


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x00" * 64])
def test_what_is_no_safetensors_file_is_refused(entry: ModelEntry, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "theirs.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="no safetensors file"):
        import_adapter(tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors", model=entry)


def test_a_file_without_layers_is_refused(entry: ModelEntry, tmp_path: Path) -> None:
    save_file({}, tmp_path / "theirs.safetensors")
    with pytest.raises(ModelError, match="no LoRA layers"):
        import_adapter(tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors", model=entry)


@pytest.mark.parametrize("form", AdapterFormat)
def test_our_own_come_home_with_what_they_say_of_themselves(
    model: WanImageToVideo, entry: ModelEntry, tmp_path: Path, form: AdapterFormat
) -> None:
    own, exported, back = (tmp_path / f"{name}.safetensors" for name in ("own", "exported", "back"))
    tuned = save_tuned(model, own)
    export_adapter(own, exported, form=form)
    metadata = import_adapter(exported, back, model=entry)
    assert (metadata["stage"], metadata["clip"], metadata["rank"]) == ("motion", "c" * 64, "4")
    assert torch.equal(as_we_load(model, back), tuned)
    (home, first) = (load_file(path) for path in (back, own))
    assert home.keys() == first.keys() and all(torch.equal(home[key], first[key]) for key in home)


def test_an_export_is_the_same_bytes_each_time(model: WanImageToVideo, tmp_path: Path) -> None:
    save_tuned(model, tmp_path / "own.safetensors")
    for name in ("a", "b"):
        export_adapter(tmp_path / "own.safetensors", tmp_path / name, form=AdapterFormat.KOHYA)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_our_own_for_another_model_is_refused(model: WanImageToVideo, whole_wan_folder: Path, tmp_path: Path) -> None:
    save_tuned(model, tmp_path / "own.safetensors")
    export_adapter(tmp_path / "own.safetensors", tmp_path / "kohya.safetensors", form=AdapterFormat.KOHYA)
    for name in ("own", "kohya"):
        with pytest.raises(ModelError, match="made for plain-wan, not for whole-wan"):
            entry = inspect_model(whole_wan_folder, "whole-wan")
            import_adapter(tmp_path / f"{name}.safetensors", tmp_path / "out.safetensors", model=entry)
