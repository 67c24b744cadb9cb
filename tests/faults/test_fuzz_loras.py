# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRA files with damage, through the import and onto the shelf: refused in a sentence, or whole and finite.

The suite runs a sample; the budget: `pytest tests/faults/test_fuzz_loras.py --fuzz-loras 20000 --fuzz-seed 1`.
"""

from __future__ import annotations

import json
import struct
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

from bridge_api.v1 import adapter_pb2
from bridge_server.adapters import AdapterShelf
from maskedit.catalogue import BUNDLED, Catalogue
from maskedit.errors import ModelError
from maskedit.exchange import export_adapter, import_adapter
from maskedit.model_weights import tensor_shapes, weight_files
from maskedit.request import AdapterFormat
from tests.faults.fuzzing import mutated

MOST_SECONDS = 2.0
MODEL = Catalogue(Path()).find(BUNDLED)
SHAPES = {
    key: shape for file in weight_files(MODEL.directory / "transformer") for key, shape in tensor_shapes(file).items()
}
LAYERS = [
    key.removesuffix(".weight") for key in SHAPES if ".attn" in key and key.endswith(("to_q.weight", "to_v.weight"))
][:6]
NUMBERS = (0, 1, -1, 2**31, 2**63, 2**64, 10**400, 1.5, "1", None, True, [], {}, [[]])
DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F4", "", None, 7)
WORDS = ("", "transformer.", "lora_unet_", "diffusion_model.", "base_model.model.", ".alpha", ".diff", ".lora_A.weight",
         ".lora_down.weight", ".dora_scale", "norm", "../../x", "\0", "\ud800", "é" * 300, "__metadata__")  # fmt: skip
CLAIMS = ("nan", "inf", "-1", "0", "1e400", "", "x", "[" * 50_000, "{" * 900, "\x1b[2J", "9" * 5_000, '{"a":' * 400)
FACTS = ("alpha", "rank", "model_fingerprint", "lora_adapter_metadata", "maskedit", "name", "model", "format")
NOT_FINITE = (b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff", b"\x00\x7c\x00\x7e", b"\xff\xff\xff\xff")
Parts = tuple[dict[str, Any], bytes]


def valid(random: Random) -> bytes:
    """A small LoRA for the bundled model, as one of the programs writes it that it may come from."""
    dtype = random.choice((torch.float32, torch.float16, torch.bfloat16))
    names = {"diffusers": ("transformer.{}.lora_A.weight", "transformer.{}.lora_B.weight"),
             "peft": ("base_model.model.{}.lora_A.weight", "base_model.model.{}.lora_B.weight"),
             "plain": ("{}.lora_down.weight", "{}.lora_up.weight")}  # fmt: skip
    down, up = random.choice(list(names.values()))
    tensors = {}
    for layer in random.sample(LAYERS, 3):
        outputs, inputs = SHAPES[f"{layer}.weight"]
        tensors[down.format(layer)] = torch.full((2, inputs), 0.1, dtype=dtype)
        tensors[up.format(layer)] = torch.full((outputs, 2), 0.2, dtype=dtype)
    metadata = {"format": "pt"} | (
        {"model_fingerprint": MODEL.fingerprint, "rank": "2", "alpha": "4"} if random.random() < 0.3 else {}
    )
    return save(tensors, metadata)


def damaged(content: bytes, random: Random) -> bytes:
    """Half of the time its bytes, otherwise what its header says or what its numbers are."""
    size = struct.unpack("<Q", content[:8])[0]
    if random.random() < 0.25:
        return mutated(content, random, within=random.choice((16, 8 + size, None)))
    header, body = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    for _ in range(random.choice((1, 1, 2, 4))):
        _change(header, body, random)
    text = json.dumps(header).encode() + b" " * random.randrange(9)
    length = len(text) + (random.choice((-8, 1, 2**40)) if random.random() < 0.05 else 0)
    return struct.pack("<Q", max(0, length)) + text + bytes(body)


def _change(header: dict[str, Any], body: bytearray, random: Random) -> None:
    keys = [key for key in header if key != "__metadata__" and isinstance(header[key], dict)]
    if not keys:
        return
    key = random.choice(keys)
    about = header[key]
    match random.randrange(16):
        case 0:
            header[random.choice((random.choice(WORDS) + key, key + random.choice(WORDS)))] = header.pop(key)
        case 1:
            about[random.choice(("dtype", "shape", "data_offsets", "x"))] = random.choice((*NUMBERS, *DTYPES))
        case 2:
            about["dtype"] = random.choice(DTYPES)
        case 3 if isinstance(about.get("shape"), list):
            about["shape"] = random.choice(
                (about["shape"][::-1], [*about["shape"], 1], [random.choice(NUMBERS)] * 2, [0, 0])
            )
        case 4 if isinstance(about.get("data_offsets"), list):
            about["data_offsets"] = [random.choice((*NUMBERS, end)) for end in about["data_offsets"]]
        case 5:
            del header[key]
        case 6 | 7 | 8 | 9 | 10:
            said = header.setdefault("__metadata__", {})
            if isinstance(said, dict):
                said[random.choice(FACTS)] = random.choice((*CLAIMS, MODEL.fingerprint, random.choice(NUMBERS)))
        case _ if body:
            at = random.randrange(len(body)) & ~3
            body[at : at + 4] = random.choice(NOT_FINITE)


def test_no_lora_file_does_more_than_be_refused(tmp_path: Path, fuzz: dict[str, int]) -> None:
    random, seen, slowest = Random(fuzz["seed"]), Counter[str](), 0.0
    file, out = tmp_path / "file", tmp_path / "out"
    shelf = AdapterShelf(tmp_path / "shelf", quota_bytes=1 << 30)
    lying = tmp_path / "shelf" / f"{'0' * 64}.safetensors"
    for number in range(fuzz["loras"]):
        content = valid(random)
        content = damaged(content, random) if number else content
        for path in (file, lying):
            path.write_bytes(content)
        begun = time.process_time()
        try:
            import_adapter(file, out, model=MODEL, expert=random.choice(("", "", "", "transformer", "x\0", "../..")))
            said = "imported"
            for key, tensor in load_file(out).items():
                assert tensor.isfinite().all() and ".lora_" in key
            out.unlink()
            if random.random() < 0.1:
                export_adapter(file, out, form=random.choice(list(AdapterFormat)))
                out.unlink()
        except ModelError as error:
            said = str(error)
            assert said.endswith(".") and "\n" not in said
            assert not out.exists()
        (listed,) = shelf.list()
        adapter_pb2.Adapter(adapter_id=listed.adapter_id, metadata=listed.metadata)
        seconds = time.process_time() - begun
        assert seconds < MOST_SECONDS, content
        slowest = max(slowest, seconds)
        seen[said[:30]] += 1
    assert seen["imported"] and len(seen) > 6
    print(
        f"\n{fuzz['loras']} LoRA files, {seen['imported']} imported, {len(seen)} answers, slowest {slowest:.2f} s"
    )
    print(seen.most_common(12))


@pytest.mark.parametrize("depth", [1_000, 200_000])
def test_a_header_nested_without_end_is_one_without_facts(tmp_path: Path, depth: int) -> None:
    text = b'{"__metadata__":' + b"[" * depth
    path = tmp_path / f"{'0' * 64}.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    (listed,) = AdapterShelf(tmp_path, quota_bytes=1).list()
    assert listed.metadata == {}
