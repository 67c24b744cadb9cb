# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching weights, through the real hub client, from a small hub on the loopback that can cut and corrupt."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel

from maskedit.errors import InputError
from maskedit.model_fetch import fetch_model

REVISION = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "someone/Tiny-I2V-Diffusers"
CLIENT_CHUNK = 10 << 20  # the hub client keeps what it has received in pieces of this size


class Hub(ThreadingHTTPServer):
    """Answers the calls that huggingface_hub makes for one repository, and counts what it sends."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.cut_at: dict[str, int] = {}  # file → bytes after which the connection is dropped, once
        self.corrupt: set[str] = set()  # files sent with their last bit flipped, once
        self.sent: dict[str, int] = {}

    def tree(self) -> list[dict]:
        entries = []
        for path, content in self.files.items():
            entry = {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            if path.endswith(".safetensors"):
                entry["lfs"] = {
                    "oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130
                }  # fmt: skip
            entries.append(entry)
        return entries


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        if path.startswith(f"/api/models/{REPOSITORY}/tree/"):
            return self._send(json.dumps(self.server.tree()).encode())
        if path in (f"/api/models/{REPOSITORY}", f"/api/models/{REPOSITORY}/revision/{REVISION}"):
            info = {"id": REPOSITORY, "sha": REVISION, "cardData": {"license": "apache-2.0"}, "siblings": []}
            return self._send(json.dumps(info).encode())
        prefix = f"/{REPOSITORY}/resolve/{REVISION}/"
        if path.startswith(prefix) and path[len(prefix) :] in self.server.files:
            return self._send_file(path[len(prefix) :], body=body)
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_file(self, name: str, *, body: bool) -> None:
        content = self.server.files[name]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not body:
            return
        if name in self.server.corrupt:
            self.server.corrupt.remove(name)
            content = content[:-1] + bytes([content[-1] ^ 1])
        piece = content[start : self.server.cut_at.pop(name, len(content))]
        self.wfile.write(piece)
        self.server.sent[name] = self.server.sent.get(name, 0) + len(piece)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("hub")
    torch.manual_seed(0)
    WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=36, out_channels=16, text_dim=16, freq_dim=16,
        ffn_dim=1 << 17, num_layers=1,
    ).save_pretrained(folder / "transformer")  # fmt: skip
    AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1).save_pretrained(folder / "vae")
    UniPCMultistepScheduler(use_flow_sigmas=True, flow_shift=3.0).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "WanImageToVideoPipeline",
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    (folder / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    (folder / "pipeline.py").write_text("raise SystemExit")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def hub(files):
    with Hub(dict(files)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def get(hub: Hub, data: Path, *arguments: str) -> subprocess.CompletedProcess:
    """`maskedit models get` as a process of its own: the hub client reads its address when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HOME": str(data / "hf-home"),
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-m", "maskedit.catalogue", "get", *arguments, "--data-dir", str(data), "--json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_fetched_model_is_complete_checked_and_added(hub, files, tmp_path):
    done = get(hub, tmp_path, REPOSITORY)
    assert done.returncode == 0, done.stderr
    wanted = {name: content for name, content in files.items() if not name.endswith((".bin", ".py"))}
    size = sum(map(len, wanted.values())) / 1e9
    assert f"{REPOSITORY}: {size:.2f} GB to fetch, licence apache-2.0" in done.stderr
    (entry,) = json.loads(done.stdout)["models"]
    assert (entry["name"], entry["family"], entry["problems"]) == ("Tiny-I2V-Diffusers", "wan-i2v", [])
    folder = Path(entry["directory"])
    assert folder == tmp_path / "models" / "Tiny-I2V-Diffusers"
    assert {name: (folder / name).read_bytes() for name in wanted} == wanted
    assert not list(folder.rglob("*.bin")) and not list(folder.rglob("*.py"))


def test_a_fetch_that_was_cut_goes_on_where_it_stopped(hub, files, tmp_path):
    name = "transformer/diffusion_pytorch_model.safetensors"
    cut = 15_000_000
    hub.cut_at[name] = cut
    assert cut + CLIENT_CHUNK < len(files[name])
    first = get(hub, tmp_path, REPOSITORY)
    if first.returncode:
        assert "ask again, what has arrived is kept" in first.stderr
        assert get(hub, tmp_path, REPOSITORY).returncode == 0
    assert hub.sent[name] == len(files[name]) + cut % CLIENT_CHUNK
    fetched = tmp_path / "models" / "Tiny-I2V-Diffusers" / name
    assert fetched.read_bytes() == files[name]


def test_a_corrupted_file_is_deleted_and_fetched_anew(hub, files, tmp_path):
    name = "vae/diffusion_pytorch_model.safetensors"
    hub.corrupt.add(name)
    first = get(hub, tmp_path, REPOSITORY)
    assert first.returncode == 4
    assert f"{name} arrived damaged and was deleted" in first.stderr.splitlines()[-1]
    second = get(hub, tmp_path, REPOSITORY)
    assert second.returncode == 0, second.stderr
    assert (tmp_path / "models" / "Tiny-I2V-Diffusers" / name).read_bytes() == files[name]


def test_an_unsupported_pipeline_is_refused_before_any_weights(hub, tmp_path):
    hub.files["model_index.json"] = json.dumps({"_class_name": "WanPipeline"}).encode()
    done = get(hub, tmp_path, REPOSITORY)
    assert done.returncode == 2
    assert "the family wan-t2v are not supported" in done.stderr
    assert set(hub.sent) == {"model_index.json"}


def test_a_repository_that_is_not_there_is_one_sentence(hub, tmp_path):
    done = get(hub, tmp_path, "someone/else")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert "someone/else could not be fetched" in done.stderr


def test_a_name_that_is_no_repository_is_refused_without_asking_anyone(tmp_path):
    with pytest.raises(InputError, match=r"choose Wan2.1-I2V-14B-480P, .* or give OWNER/NAME"):
        fetch_model("Wan14B", tmp_path, say=print)
