# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run learns and keeps: the model, its average, its optimisers and how far they have come."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from maskedit.errors import InputError
from maskedit.pretraining.config import PretrainConfig
from maskedit.whole import written_whole


class OneTokenCrossAttention:
    """Cross-attention to a prompt of one token: the softmax over one key is 1, so the answer is the key's value.

    Gives what the stock processor gives, without the queries; a third of a block's attention work saved.
    """

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor, *_: Any) -> Tensor:
        return attn.to_out[0](attn.to_v(encoder_hidden_states))


@dataclass
class TrainingState:
    """What a checkpoint holds. `fresh`: the run began from nothing, so that its first weights are worth forgetting."""

    step: int
    transformer: WanTransformer3DModel
    average: WanTransformer3DModel
    optimizers: list[torch.optim.Optimizer]
    fresh: bool = True

    def save(self, path: Path) -> None:
        """Write and then rename, so that a checkpoint is whole or the one before it.

        Raises FloatingPointError, and leaves the one before, where a weight is no longer a number.
        """
        if not all(bool(weight.isfinite().all()) for weight in self.transformer.parameters()):
            raise FloatingPointError(
                f"The weights are no longer numbers at step {self.step}: lower learning_rate and go on with --resume."
            )
        content = {
            "step": self.step,
            "transformer": self.transformer.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "fresh": self.fresh,
        }
        with written_whole(path) as unfinished:
            torch.save(content, unfinished)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of any device. Raises InputError where it does not belong to this model."""
        try:
            content = torch.load(path, weights_only=True, map_location="cpu")
            self.transformer.load_state_dict(content["transformer"])
            self.average.load_state_dict(content["average"])
            for optimizer, saved in zip(self.optimizers, content["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.step = content["step"]
        except (RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(
                f"{path} is damaged or of a model unlike the run's [transformer]: give its own run, or another --out."
            ) from error
        self.fresh = content.get("fresh", True)

    @torch.no_grad()
    def update_average(self, decay: float) -> None:
        """Move the average towards the weights of the step just taken; from nothing it follows quickly at first."""
        if self.fresh:
            decay = min(decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.transformer.parameters()), 1 - decay)


def build_state(
    config: PretrainConfig, *, device: torch.device | str = "cpu", start: WanTransformer3DModel | None = None
) -> TrainingState:
    """A model from the seed, or from the weights of `start`, which is left as it is; its optimisers are new.

    Matrices inside the blocks learn by Muon, everything else by AdamW.
    """
    torch.manual_seed(config.seed)
    transformer = WanTransformer3DModel(**config.transformer)
    if start is not None:
        transformer.load_state_dict(start.state_dict())
    average = WanTransformer3DModel(**config.transformer).requires_grad_(False).eval()
    average.load_state_dict(transformer.state_dict())
    model: Any
    for model in (transformer, average):
        model.to(device)
    blocks: Any = transformer.blocks
    for block in blocks:
        block.attn2.set_processor(OneTokenCrossAttention())
    matrices = [p for p in blocks.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in transformer.parameters() if id(p) not in chosen]
    optimizers = [
        torch.optim.Muon(matrices, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=config.weight_decay),
    ]
    return TrainingState(0, transformer, average, optimizers, fresh=start is None)
