# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the parts of a model folder fit each other (torch-free). Each check raises ModelProblem."""

from __future__ import annotations

from maskedit.model_configs import ModelProblem


def check_latents(*, made: int, held: int) -> None:
    """The transformer makes as many latent channels as the video codec holds."""
    if made != held:
        raise ModelProblem(
            f"The transformer makes {made} latent channels, the vae has {held}: "
            "fetch the folders transformer/ and vae/ again."
        )


def check_width(part: str, *, gives: int, takes: int) -> None:
    """An encoder's embeddings are as wide as the transformer takes them."""
    if gives != takes:
        raise ModelProblem(
            f"The part {part} gives {gives} channels, the transformer takes {takes}: fetch the folder {part}/ again."
        )
