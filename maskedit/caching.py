# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensors on disk, named by a hash of what they were made from, written whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from maskedit.exhaustion import told_in_words
from maskedit.faults import Point, reach
from maskedit.models.family import VideoModel
from maskedit.whole import written_whole


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


@dataclass
class LatentCache:
    """Encoded tensors as safetensors files in `directory`, named by the hash of what was encoded and by what.

    `trouble`: why the last ones could not be kept, "" where they could. They serve all the same, once.
    """

    directory: Path
    trouble: str = field(default="", init=False)

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
        self.trouble = ""
        try:
            save_atomically(made, path)
        except OSError as error:
            # To make it again another time costs minutes; to give up now would cost the job.
            self.trouble = f"What was encoded could not be kept ({error.strerror or error}): free some space."
        return made


def save_atomically(tensors: Mapping[str, Tensor], path: Path, *, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file so that a reader sees the whole file or none, whenever process or machine die.

    Raises OSError where it cannot be written.
    """
    with written_whole(path, renaming=Point.TENSORS_RENAME, renamed=Point.TENSORS_RENAMED) as unfinished:
        reach(Point.TENSORS_WRITE)
        try:
            save_file(
                {name: tensor.contiguous().cpu() for name, tensor in tensors.items()},
                unfinished,
                metadata=metadata,
            )
        except SafetensorError as error:
            raise told_in_words(error, path) from error
    _tell_saved(path)


@contextmanager
def told_of_saved(hear: Callable[[Path], object]) -> Iterator[None]:
    """Let `hear` know of each file that this process saves, once it is whole, for the length of the block."""
    global _tell_saved
    before, _tell_saved = _tell_saved, hear
    try:
        yield
    finally:
        _tell_saved = before


def _nobody(path: Path) -> None:
    pass


_tell_saved: Callable[[Path], object] = _nobody
