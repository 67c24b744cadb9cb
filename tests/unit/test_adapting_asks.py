# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for while an adapter is tuned: answered, and without a trace in what is tuned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from maskedit import adapters
from maskedit.adapting import Adapted, adapt
from maskedit.encoding import Samples, TrainingSample
from maskedit.models.family import Conditioning, Embeddings
from maskedit.models.wan import WanImageToVideo
from maskedit.presets import BEST
from maskedit.progress import Ask, SilentReporter, Stage

RECIPE = replace(BEST, motion_steps=3, appearance_steps=2, rank=2, learning_rate=1e-2)


def sample(seed: int, *, frames: int) -> TrainingSample:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(1, 48, frames, 4, 4, generator=generator)
    conditions = torch.randn(1, 52, frames, 4, 4, generator=generator)
    embeddings = Embeddings(torch.zeros(1, 1, 32))
    generated = (torch.rand(1, 1, frames, 4, 4, generator=generator) > 0.5).float()
    return TrainingSample(
        target=target, start=target, conditioning=Conditioning(conditions, embeddings), generated=generated
    )


SAMPLES = Samples(motion=(sample(0, frames=2),), appearance=(sample(1, frames=1),))


class Asking(SilentReporter):
    """Asks once, at a step of stage 1, and keeps what is answered."""

    def __init__(self, ask: Ask | None, *, at: int = 2) -> None:
        self._ask, self._at = ask, at
        self.heard: list[tuple[Stage, int, str, bytes | None]] = []

    def report(
        self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None
    ) -> Ask | None:
        self.heard.append((stage, done, message, preview))
        if stage is Stage.TUNE_MOTION and done == self._at:
            asked, self._ask = self._ask, None
            return asked
        return None

    @property
    def answers(self) -> list[tuple[Stage, int, str, bytes | None]]:
        return [each for each in self.heard if each[2] and not each[2].startswith("loss")]


def tuned(model: WanImageToVideo, cache: Path, reporter: Asking, **look: object) -> tuple[Adapted, list[torch.Tensor]]:
    made = adapt(model, SAMPLES, recipe=RECIPE, seed=0, cache=cache, reporter=reporter, **look)
    weights = [parameter.detach().clone() for parameter in adapters.trainable(model)]
    adapters.detach(model)
    return made, weights


def files(cache: Path) -> set[Path]:
    return set((cache / "adapters").iterdir())


def test_save_keeps_the_adapter_of_that_step_and_changes_nothing_else(
    plain_wan: WanImageToVideo, tmp_path: Path
) -> None:
    plain, expected = tuned(plain_wan, tmp_path / "plain", Asking(None))
    reporter = Asking(Ask.SAVE)
    made, weights = tuned(plain_wan, tmp_path / "asked", reporter)
    assert made == plain and all(torch.equal(a, b) for a, b in zip(weights, expected, strict=True))
    names = {path.name for path in files(tmp_path / "plain")}
    (kept,) = [path for path in files(tmp_path / "asked") if path.name not in names]
    assert len(kept.stem) == 64
    with safe_open(kept, framework="pt") as file:
        facts = file.metadata()
    assert (facts["steps"], facts["stage"], facts["model"]) == ("2", "tune_motion", plain_wan.name)
    adapters.load(plain_wan, kept)
    between = [parameter.detach() for parameter in adapters.trainable(plain_wan)]
    assert any(not torch.equal(a, b) for a, b in zip(between, expected, strict=True))
    ((stage, done, message, preview),) = reporter.answers
    assert (stage, done, preview) == (Stage.TUNE_MOTION, 2, None) and "after step 2" in message


@pytest.mark.parametrize(("picture", "words"), [(b"a picture", "Sample after step 2"), (None, "no memory")])
def test_sample_shows_a_picture_or_says_why_not(
    plain_wan: WanImageToVideo, tmp_path: Path, picture: bytes | None, words: str
) -> None:
    asked: list[tuple[str, tuple[Stage, int, int]]] = []

    def look(name: str, at: tuple[Stage, int, int]) -> bytes | None:
        asked.append((name, at))
        return picture

    reporter = Asking(Ask.SAMPLE)
    tuned(plain_wan, tmp_path, reporter, look=look)
    ((name, at),) = asked
    assert at == (Stage.TUNE_MOTION, 2, 3) and len(name) == 64
    ((_, _, message, preview),) = reporter.answers
    assert words in message and preview == picture
