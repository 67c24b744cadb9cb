# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit adapters` against the real server: a LoRA's way in, through an edit, and out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bridge_api.v1 import job_pb2
from maskedit.catalogue import Catalogue
from maskedit.model_weights import tensor_shapes, weight_files
from plugin_client.cli import main as cli
from plugin_client.core.adapters import Adapters
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.errors import BadInput, ServerUnreachable


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    """A LoRA for the bundled model, from kohya's tools."""
    directory = Catalogue(Path()).find("bundled").directory / "transformer"
    outputs, inputs = tensor_shapes(weight_files(directory)[0])["blocks.0.attn1.to_q.weight"]
    tensors = {
        "lora_unet_blocks_0_self_attn_q.lora_down.weight": torch.randn(4, inputs),
        "lora_unet_blocks_0_self_attn_q.lora_up.weight": torch.randn(outputs, 4),
        "lora_unet_blocks_0_self_attn_q.alpha": torch.tensor(2.0),
    }
    save_file(tensors, tmp_path / "my hat.safetensors")
    return tmp_path / "my hat.safetensors"


@pytest.fixture
def maskedit(server, monkeypatch, capsys):
    """Runs the command in this process; returns its exit code and what it said on stdout and stderr."""
    for name in ("MASKEDIT_SERVER", "MASKEDIT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(server.data_dir))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_lora_is_imported_listed_used_exported_and_deleted(maskedit, connection, lora, shot, tmp_path):
    code, said, _ = maskedit("adapters", "import", str(lora))
    (adapter,) = Adapters(connection).list()
    assert code == 0 and adapter.adapter_id in said
    assert (adapter.metadata["name"], adapter.metadata["source_format"]) == ("my hat", "kohya")

    code, table, _ = maskedit("adapters", "list")
    row = table.splitlines()[1]
    assert all(word in row for word in (adapter.adapter_id[:12], "imported", "my hat", "bundled", "MB"))
    listed = json.loads(maskedit("adapters", "list", "--json")[1])["adapters"]
    assert [one["adapter_id"] for one in listed] == [adapter.adapter_id] and listed[0]["metadata"]["rank"] == "4"

    out = tmp_path / "out.mkv"
    edit = ("edit", shot.clip, "--matte", shot.mattes[0].path, "--keyframe", f"0={shot.keyframes[0].path}")
    more = ("--prompt", "steps=1", "--out", str(out), "--json", "--adapter", f"{adapter.adapter_id[:8]}:beside@0.5")
    code, said, _ = maskedit(*edit, *more)
    assert code == 0 and out.exists()
    job = connection.jobs.GetJob(job_pb2.GetJobRequest(job_id=json.loads(said)["job_id"])).job
    (use,) = job.edit.adapters
    assert (use.adapter_id, use.role, use.strength) == (adapter.adapter_id, 2, 0.5)
    code, _, error = maskedit(*edit, *more[:-1], "f" * 64)
    assert code == 2 and error.count("\n") == 1

    exported = tmp_path / "back.safetensors"
    code, said, _ = maskedit("adapters", "export", adapter.adapter_id[:8], "--out", str(exported), "--format", "kohya")
    assert code == 0 and str(exported) in said
    before, after = load_file(lora), load_file(exported)
    delta = {
        name: t[f"{stem}.lora_up.weight"] @ t[f"{stem}.lora_down.weight"] * t[f"{stem}.alpha"] / 4
        for stem in ("lora_unet_blocks_0_self_attn_q",)
        for name, t in (("before", before), ("after", after))
    }
    torch.testing.assert_close(delta["after"], delta["before"])
    assert maskedit("adapters", "delete", adapter.adapter_id[:8])[0] == 0
    assert Adapters(connection).list() == ()


def test_what_cannot_be_imported_is_one_sentence(maskedit, connection, lora, tmp_path):
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"no LoRA")
    for arguments, sentence in (
        ((str(tmp_path / "gone.safetensors"),), "no LoRA file"),
        ((str(tmp_path),), "no LoRA file"),
        ((str(garbage),), "no safetensors file"),
        ((str(lora), "--model", "dreams"), "no model 'dreams'"),
        ((str(lora), "--expert", "transformer_2"), "no transformer 'transformer_2'"),
        ((str(lora), "--name", "n" * 200), "printable characters"),
    ):
        code, said, error = maskedit("adapters", "import", *arguments)
        assert (code, said) == (2, "") and sentence in error and error.count("\n") == 1, error
    assert Adapters(connection).list() == ()


def test_a_cut_upload_starts_over(over_wire, wire, connection, lora):
    big = lora.with_name("big.safetensors")
    save_file(load_file(lora) | {f"pad{i}": torch.zeros(1) for i in range(3)}, big, metadata={"x": "y" * (3 << 20)})
    wire.cut_after = 1 << 20
    with pytest.raises(BadInput, match="no plain LoRA"):
        Adapters(over_wire).add(big)
    assert wire.cuts == 1 and wire.sent > 4 << 20
    assert Adapters(connection).list() == ()


def test_a_server_that_is_gone_is_no_trouble_with_the_file(tmp_path):
    nowhere = Connection(lambda: Endpoint(address="127.0.0.1:1"), patience_seconds=0.2)
    with nowhere, pytest.raises(ServerUnreachable):
        Adapters(nowhere).download("a" * 64, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []
