# SPDX-License-Identifier: GPL-3.0-or-later
"""Learnt judges of pictures, loaded from folders on this disk and nowhere else: CLIP, and DeQA-Score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from maskedit.errors import InputError

_BATCH = 16
_OFFLINE: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}


class ClipJudge:
    """CLIP's image encoder with its projection, from a transformers folder (its `model.safetensors`, its configs).

    Raises InputError where the folder is not one.
    """

    def __init__(self, folder: Path) -> None:
        # Imported here: transformers costs seconds, and only this suite needs it.
        from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

        try:
            self._processor = CLIPImageProcessor.from_pretrained(folder, local_files_only=True)
            model: Any = CLIPVisionModelWithProjection.from_pretrained(folder, **_OFFLINE)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"There is no CLIP model in {folder}: put a transformers folder there ({reason})"
            ) from error
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = model.eval().to(self._device)

    @torch.no_grad()
    def embed(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """Unit vectors (N, D), float32, of pictures (H, W, 3) in 8 bits."""
        parts = []
        for first in range(0, len(pictures), _BATCH):
            inputs = self._processor(images=list(pictures[first : first + _BATCH]), return_tensors="pt")
            parts.append(self._model(inputs["pixel_values"].to(self._device)).image_embeds.float().cpu())
        return torch.nn.functional.normalize(torch.cat(parts), dim=-1)


class DeqaJudge:
    """DeQA-Score (You et al., CVPR 2025): picture quality from 1 (bad) to 5 (excellent).

    The weights come with the Python code that runs them, and that code is run: put only a folder there that you
    trust. Raises InputError where it cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM

        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, trust_remote_code=True, dtype="auto", attn_implementation="eager", **_OFFLINE
            )
        except (OSError, ValueError, ImportError, AttributeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"DeQA-Score cannot be loaded from {folder} ({reason}): move it away to do without."
            ) from error
        self._model = model.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    @torch.no_grad()
    def quality(self, pictures: Sequence[np.ndarray]) -> list[float]:
        """A score per picture (H, W, 3) in 8 bits."""
        scores: list[float] = []
        for first in range(0, len(pictures), _BATCH):
            images = [Image.fromarray(picture) for picture in pictures[first : first + _BATCH]]
            scores += self._model.score(images).float().cpu().tolist()
        return scores
