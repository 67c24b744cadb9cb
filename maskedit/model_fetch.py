# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching model weights from the Hugging Face hub, only ever because the user asked (torch-free).

An interrupted fetch goes on where it stopped when asked again. Each weight file is compared with the SHA-256 that
the hub states, whoever transported it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import HFValidationError
from huggingface_hub.hf_api import RepoFile

from maskedit.errors import InputError, ModelError, OutputError
from maskedit.model_configs import ModelProblem, PipelineIndex
from maskedit.model_families import family_named, pipeline_family

KNOWN = {
    "Wan2.1-I2V-14B-480P": "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
    "Wan2.1-I2V-14B-720P": "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers",
    "Wan2.2-I2V-A14B": "Wan-AI/Wan2.2-I2V-A14B-Diffusers",
    "Wan2.2-TI2V-5B": "Wan-AI/Wan2.2-TI2V-5B-Diffusers",
}
# Safetensors, configurations, tokenizer, card. Never pickle, never Python.
_WANTED = ("model_index.json", "*/*.json", "*/*.safetensors", "*/*.model", "*/*.txt", "README.md", "LICENSE*")
_HASH_CHUNK = 1 << 22


def fetch_model(model: str, parent: Path, *, say: Callable[[str], None]) -> Path:
    """Fetch a known model, or OWNER/NAME, into a folder of its name in `parent`, and return that folder.

    `say` is told size, licence and place before anything large is fetched. Raises InputError for an unknown name or
    an unsupported pipeline, OutputError where the disk is too small, ModelError where the hub fails or a file's
    hash is wrong (that file is deleted, so that the next try fetches it anew).
    """
    repository = KNOWN.get(model, model)
    if repository.count("/") != 1:
        raise InputError(f"There is no known model {model!r}: choose {', '.join(KNOWN)}, or give OWNER/NAME.")
    name = model if model in KNOWN else repository.split("/")[1]
    folder = parent.expanduser().resolve() / name
    api = HfApi()
    try:
        info = api.model_info(repository)
        files = [
            file
            for file in api.list_repo_tree(repository, revision=info.sha, recursive=True)
            if isinstance(file, RepoFile) and any(fnmatch(file.path, pattern) for pattern in _WANTED)
        ]
        _check_pipeline(repository, revision=info.sha or "", files=files, folder=folder)
        licence = (info.card_data.license if info.card_data else None) or "not stated"
        missing = sum(file.size for file in files if not _has(folder / file.path, file.size))
        say(f"{repository}: {missing / 1e9:.2f} GB to fetch, licence {licence}, into {folder}")
        _check_space(folder, missing)
        paths = [file.path for file in files]
        snapshot_download(repository, revision=info.sha, local_dir=folder, allow_patterns=paths)
    except HFValidationError as error:
        raise InputError(f"{model!r} is no name of a repository: give OWNER/NAME.") from error
    except (InputError, OutputError):
        raise
    # The hub client lets through errors of several HTTP libraries that share no other base class.
    except Exception as error:
        sentence = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{repository} could not be fetched ({sentence}): ask again, what has arrived is kept."
        ) from error
    say("Comparing checksums")
    _verify(files, folder=folder)
    return folder


def _check_pipeline(repository: str, *, revision: str, files: list[RepoFile], folder: Path) -> None:
    """Refuse what could not be used before fetching gigabytes of it."""
    if not any(file.path == "model_index.json" for file in files):
        raise InputError(f"{repository} is not in the diffusers layout: look for a name that ends in -Diffusers.")
    index = hf_hub_download(repository, "model_index.json", revision=revision, local_dir=folder)
    try:
        family_named(pipeline_family(PipelineIndex.read(Path(index))))
    except ModelProblem as problem:
        raise InputError(f"{repository} cannot be used: {problem}") from problem


def _has(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _check_space(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"{needed / 1e9:.1f} GB are needed in {folder} and {free / 1e9:.1f} GB are free: make room or give --to."
        )


def _verify(files: list[RepoFile], *, folder: Path) -> None:
    for file in files:
        path = folder / file.path
        if file.lfs is not None and _sha256(path) != file.lfs.sha256:
            path.unlink()
            raise ModelError(f"{file.path} arrived damaged and was deleted: ask again to fetch it anew.")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
