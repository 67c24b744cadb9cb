# SPDX-License-Identifier: GPL-3.0-or-later
"""HunyuanVideo-I2V's prompt: a LLaVA that reads the text and looks at the picture, and CLIP's pooled text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import HunyuanVideoImageToVideoPipeline
from torch import Tensor
from transformers import (
    CLIPImageProcessor,
    CLIPTextModel,
    CLIPTokenizer,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from maskedit.models.loading import load_part
from maskedit.models.pictures import as_pictures

_CPU = torch.device("cpu")


class HunyuanText:
    """The text parts of one model folder, held until this object is dropped.

    The words around the prompt, and which of the hidden states are kept, are diffusers' own: its pipeline is built
    from these parts alone. Between two prompts they wait in main memory, because the codec works then.
    """

    def __init__(self, directory: Path, *, dtype: torch.dtype, device: torch.device) -> None:
        self._device = device
        classes = {"text_encoder": LlavaForConditionalGeneration, "text_encoder_2": CLIPTextModel}
        self._encoders = {
            part: load_part(cls, directory, part, dtype=dtype, device=_CPU) for part, cls in classes.items()
        }
        others: dict[str, Any] = {
            # The bare class, whichever the folder names: since transformers 5 LlamaTokenizerFast splits at spaces
            # whatever tokenizer.json says, and every position in the template is a count of Llama 3's tokens.
            "tokenizer": PreTrainedTokenizerFast.from_pretrained(
                directory / "tokenizer", padding_side="right", local_files_only=True
            ),
            "tokenizer_2": CLIPTokenizer.from_pretrained(directory / "tokenizer_2", local_files_only=True),
            "image_processor": CLIPImageProcessor.from_pretrained(directory / "image_processor", local_files_only=True),
            **dict.fromkeys(("transformer", "vae", "scheduler")),
        }
        self._pipeline = HunyuanVideoImageToVideoPipeline(**self._encoders, **others)

    @torch.no_grad()
    def encode(self, prompt: str, shown: Tensor, *, image_stride: int) -> dict[str, Tensor]:
        """`prompt` (1, tokens, dim): every `image_stride`th of the picture's, then the text's; `pooled` (1, dim).

        `shown` (1, 3, H, W) in [-1, 1]. The transformer masks padding out, so there is none.
        """
        self._move(self._device)
        try:
            embeddings, pooled, attention = self._pipeline.encode_prompt(
                image=as_pictures(shown),  # type: ignore (said to be a tensor, and handed on to the processor as it is)
                prompt=prompt,
                device=self._device,
                image_embed_interleave=image_stride,
            )
        finally:
            self._move(_CPU)
        return {"prompt": embeddings[:, : int(attention.sum())], "pooled": pooled}

    def _move(self, device: torch.device) -> None:
        for encoder in self._encoders.values():
            encoder.to(device)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
