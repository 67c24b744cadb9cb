# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters over the wire: a LoRA file goes in, is checked against the model, listed, exported, used, deleted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import torch
from grpc import StatusCode
from safetensors.torch import load_file, save_file
from torch import Tensor

from bridge_api.v1 import adapter_pb2, edit_pb2
from maskedit.catalogue import Catalogue
from maskedit.model_weights import tensor_shapes, weight_files
from plugin_client.core.adapters import Adapters
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput
from tests.serving import ServerProcess, submit, wait_until

MIB = 1 << 20
LAYERS = tuple(f"blocks.0.self_attn.{end}" for end in "qkvo")


def lora(*, seed: int = 0, rank: int = 2) -> dict[str, Tensor]:
    """A LoRA for the bundled model, as ComfyUI's users have them."""
    directory = Catalogue(Path()).find("bundled").directory / "transformer"
    outputs, inputs = tensor_shapes(weight_files(directory)[0])["blocks.0.attn1.to_q.weight"]
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in LAYERS:
        tensors[f"diffusion_model.{layer}.lora_A.weight"] = torch.randn(rank, inputs, generator=generator)
        tensors[f"diffusion_model.{layer}.lora_B.weight"] = torch.randn(outputs, rank, generator=generator)
    return tensors


def saved(path: Path, tensors: dict[str, Tensor]) -> Path:
    save_file(tensors, path)
    return path


def parts(content: bytes, *, upto: int | None = None, **begin: object) -> Iterator[adapter_pb2.ImportAdapterRequest]:
    said = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)} | begin
    yield adapter_pb2.ImportAdapterRequest(begin=adapter_pb2.ImportBegin(**said))
    for start in range(0, len(content) if upto is None else upto, MIB):
        yield adapter_pb2.ImportAdapterRequest(data=content[start : start + MIB])


def refusal(connection: Connection, messages: Iterator[adapter_pb2.ImportAdapterRequest]) -> tuple[StatusCode, str]:
    with pytest.raises(grpc.RpcError) as call:
        connection.adapters.ImportAdapter(messages, timeout=60)
    return call.value.code(), call.value.details()


def on_the_shelf(server: ServerProcess) -> set[str]:
    return {path.name for path in (server.data_dir / "cache" / "adapters").iterdir()}


@pytest.fixture
def shelf(connection: Connection) -> Adapters:
    return Adapters(connection)


def test_a_lora_goes_in_and_comes_out_in_every_format(server: ServerProcess, shelf: Adapters, tmp_path: Path) -> None:
    tensors = lora()
    adapter = shelf.add(saved(tmp_path / "hat.safetensors", tensors), name="hat")
    assert len(adapter.adapter_id) == 64
    assert adapter.metadata["name"] == "hat" and adapter.metadata["source_format"] == "comfyui"
    assert (adapter.metadata["model"], adapter.metadata["stage"]) == ("bundled", "imported")
    assert shelf.list() == (adapter,) == (shelf.find(adapter.adapter_id[:8]),)
    assert shelf.add(tmp_path / "hat.safetensors", name="other") == adapter, "the same file is the same adapter"

    shelf.download(adapter.adapter_id, tmp_path / "own.safetensors")
    assert (tmp_path / "own.safetensors").stat().st_size == adapter.size_bytes
    found = {}
    for form in ("diffusers", "comfyui", "kohya"):
        shelf.download(adapter.adapter_id, tmp_path / f"{form}.safetensors", format=form)
        found[form] = load_file(tmp_path / f"{form}.safetensors")
    assert found["comfyui"].keys() == tensors.keys()
    assert all(torch.equal(found["comfyui"][key], tensor) for key, tensor in tensors.items())
    query = tensors["diffusion_model.blocks.0.self_attn.q.lora_B.weight"]
    assert torch.equal(found["diffusers"]["transformer.blocks.0.attn1.to_q.lora_B.weight"], query)
    assert torch.equal(found["kohya"]["lora_unet_blocks_0_self_attn_q.lora_up.weight"], query)

    shelf.delete(adapter.adapter_id)
    assert shelf.list() == () and on_the_shelf(server) == set()


def test_what_was_exported_comes_back_and_what_cannot_be_is_refused(
    server: ServerProcess, connection: Connection, shelf: Adapters, tmp_path: Path, edit: edit_pb2.EditRequest
) -> None:
    adapter = shelf.add(saved(tmp_path / "hat.safetensors", lora(seed=1)))
    for expert, form in (("transformer_2", adapter_pb2.ADAPTER_FORMAT_KOHYA), ("", 77)):
        request = adapter_pb2.DownloadAdapterRequest(adapter_id=adapter.adapter_id, format=form, expert=expert)
        with pytest.raises(grpc.RpcError) as call:
            list(connection.adapters.DownloadAdapter(request))
        assert call.value.code() is StatusCode.INVALID_ARGUMENT
    # From an offset, as after a cut: the rest of the same bytes.
    request = adapter_pb2.DownloadAdapterRequest(
        adapter_id=adapter.adapter_id, offset=100, format=adapter_pb2.ADAPTER_FORMAT_KOHYA
    )
    rest = b"".join(piece.data for piece in connection.adapters.DownloadAdapter(request))
    shelf.download(adapter.adapter_id, tmp_path / "kohya.safetensors", format="kohya")
    assert rest == (tmp_path / "kohya.safetensors").read_bytes()[100:]
    assert on_the_shelf(server) == {f"{adapter.adapter_id}.safetensors"}

    # An edit may name it; one that nobody has, or of another model, is refused when it is submitted.
    edit.adapters.add(adapter_id=adapter.adapter_id, role=edit_pb2.ADAPTER_ROLE_BESIDE, strength=0.5)
    assert submit(connection, edit)
    for wrong, sentence in (("f" * 64, "There is no adapter"), ("../../jobs", "no adapter's id")):
        edit.adapters[0].adapter_id = wrong
        with pytest.raises(grpc.RpcError) as call:
            submit(connection, edit)
        assert call.value.code() is StatusCode.INVALID_ARGUMENT and sentence in call.value.details()
    foreign = server.data_dir / "cache" / "adapters" / f"{'e' * 64}.safetensors"
    save_file({"x": torch.zeros(1)}, foreign, metadata={"model": "Wan", "model_fingerprint": "other"})
    edit.adapters[0].adapter_id = "e" * 64
    with pytest.raises(grpc.RpcError) as call:
        submit(connection, edit)
    assert "was made for Wan, not for bundled" in call.value.details()
    for one in shelf.list():
        shelf.delete(one.adapter_id)


NAN = {"diffusion_model.blocks.0.self_attn.q.lora_A.weight": torch.full((2, 4), float("nan"))}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"garbage" * 100, "no safetensors file"),
        ({"diffusion_model.blocks.0.self_attn.q.dora_scale": torch.ones(4)}, "no plain LoRA"),
        (NAN, "not finite"),
        ({key.replace("blocks.0", "blocks.99"): tensor for key, tensor in lora().items()}, "bundled does not have"),
    ],
)
def test_what_is_no_lora_for_the_model_is_refused_and_leaves_nothing(
    server: ServerProcess, connection: Connection, tmp_path: Path, content: bytes | dict[str, Tensor], sentence: str
) -> None:
    before = on_the_shelf(server)
    data = content if isinstance(content, bytes) else saved(tmp_path / "a.safetensors", content).read_bytes()
    code, details = refusal(connection, parts(data))
    assert code is StatusCode.INVALID_ARGUMENT and sentence in details and "\n" not in details
    assert on_the_shelf(server) == before


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], StatusCode.INVALID_ARGUMENT),
        ([adapter_pb2.ImportAdapterRequest(data=b"x")], StatusCode.INVALID_ARGUMENT),
        (parts(b"x" * 10, sha256="../x"), StatusCode.INVALID_ARGUMENT),
        (parts(b""), StatusCode.INVALID_ARGUMENT),
        (parts(b"x", size_bytes=1 << 40), StatusCode.INVALID_ARGUMENT),
        (parts(b"x", size_bytes=8 << 30), StatusCode.RESOURCE_EXHAUSTED),
        (parts(b"x" * 10, size_bytes=9), StatusCode.INVALID_ARGUMENT),
        (parts(b"x" * 10, size_bytes=11), StatusCode.FAILED_PRECONDITION),
        (parts(b"x" * 10, sha256="0" * 64), StatusCode.DATA_LOSS),
        (parts(b"x", model="dreams"), StatusCode.INVALID_ARGUMENT),
        (parts(b"x", name="n" * 101), StatusCode.INVALID_ARGUMENT),
        (parts(b"x", name="two\nlines"), StatusCode.INVALID_ARGUMENT),
    ],
)
def test_imports_that_go_wrong_have_their_status_and_leave_nothing(
    small_server: ServerProcess, messages: Iterator[adapter_pb2.ImportAdapterRequest], expected: StatusCode
) -> None:
    with small_server.connect() as connection:
        code, details = refusal(connection, iter(messages))
    assert code is expected and details
    assert on_the_shelf(small_server) == set()


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One that has room for few adapters."""
    process = ServerProcess(tmp_path_factory.mktemp("small"), ("--adapter-quota-gb", "0.001")).start()
    yield process
    process.stop()


def test_the_quota_counts_what_is_there_and_what_is_coming(small_server: ServerProcess) -> None:
    held = small_server.data_dir / "cache" / "adapters" / f"{'a' * 64}.safetensors"
    held.write_bytes(bytes(600_000))
    with small_server.connect() as connection:
        assert refusal(connection, parts(bytes(500_000)))[0] is StatusCode.RESOURCE_EXHAUSTED
        held.unlink()
        assert refusal(connection, parts(bytes(500_000)))[0] is StatusCode.INVALID_ARGUMENT


def test_an_import_that_is_cut_leaves_nothing(server: ServerProcess, connection: Connection) -> None:
    before = on_the_shelf(server)
    content = os.urandom(3 * MIB)

    def cut() -> Iterator[adapter_pb2.ImportAdapterRequest]:
        yield from parts(content, upto=2 * MIB)
        wait_until(lambda: on_the_shelf(server) != before)
        raise ConnectionError("the client is gone")

    with pytest.raises(grpc.RpcError):
        connection.adapters.ImportAdapter(cut())
    wait_until(lambda: on_the_shelf(server) == before)


def test_what_a_dead_server_left_is_swept(own_server: ServerProcess) -> None:
    scratch = own_server.data_dir / "cache" / "adapters" / ".work-x"
    scratch.mkdir(parents=True)
    (scratch / "partial").write_bytes(b"half")
    own_server.start()
    assert on_the_shelf(own_server) == set()


def test_ids_may_be_cut_short_but_not_ambiguous(shelf: Adapters, tmp_path: Path) -> None:
    adapter = shelf.add(saved(tmp_path / "hat.safetensors", lora(seed=2)))
    assert shelf.find(adapter.adapter_id[:6]) == adapter
    for wrong in ("", adapter.adapter_id[:5], "f" * 64, "not an id"):
        with pytest.raises(BadInput, match="adapters list"):
            shelf.find(wrong)
    shelf.delete(adapter.adapter_id)
