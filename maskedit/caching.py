# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensors on disk, named by a hash of what they were made from, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from maskedit.faults import Point, reach
from maskedit.models.family import VideoModel


def content_hash(*parts: str | Tensor) -> str:
    """SHA-256 over texts and tensors (dtype, shape and every byte): the name of everything cached."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            array = part.detach().cpu().contiguous()
            digest.update(f"{array.dtype}{tuple(array.shape)}".encode())
            digest.update(array.flatten().view(torch.uint8).numpy().data)
        else:
            digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class LatentCache:
    """Encoded tensors as safetensors files in `directory`, named by the hash of what was encoded and by what."""

    directory: Path

    def get(
        self, model: VideoModel, kind: str, *content: Tensor, make: Callable[[], Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        """The tensors made from `content` by this model; `make` runs if no usable file holds them yet."""
        path = self.directory / f"{content_hash(model.fingerprint, kind, *content)}.safetensors"
        try:
            return load_file(path, device=str(model.device))
        except (OSError, SafetensorError):
            # Missing, or cut short by a full disk: either way it is made anew.
            made = dict(make())
        save_atomically(made, path)
        return made


def save_atomically(tensors: Mapping[str, Tensor], path: Path, *, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file so that a reader sees the whole file or none, whenever process or machine die.

    Raises OSError where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        reach(Point.TENSORS_WRITE)
        try:
            save_file(
                {name: tensor.contiguous().cpu() for name, tensor in tensors.items()},
                unfinished,
                metadata=metadata,
            )
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written: {error}") from error
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        reach(Point.TENSORS_RENAME, partly=lambda: os.truncate(unfinished, unfinished.stat().st_size // 2))
        os.replace(unfinished, path)
        reach(Point.TENSORS_RENAMED)
    finally:
        unfinished.unlink(missing_ok=True)
