# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pretraining run is made of, read from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from maskedit.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Stage:
    """So many steps on clips of one shape; `frames` is 4n + 1, sides are multiples of 8 pixels."""

    steps: int
    batch: int
    frames: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.frames % 4 != 1 or self.height % 8 or self.width % 8:
            raise ValueError(
                f"A stage of {self.frames} frames at {self.width}x{self.height} does not fit the model: "
                "give 4n+1 frames and sides that are multiples of 8."
            )


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Fixed unseen clips on which progress is measured."""

    clips: int = 8
    frames: int = 9
    height: int = 64
    width: int = 64
    render_steps: int = 8


@dataclass(frozen=True, kw_only=True)
class DraftedClips:
    """Drawn edits with their drafts (see `drafts`): `count` of them, `frames` long, `side` pixels high and wide.

    `share`: of the steps that train on them; `surest`: how far a sure draft counts as given, below 1; `hidden`: the
    share of those steps that do not show the draft after all, so that both ways stay known.
    """

    count: int
    frames: int = 25
    side: int = 128
    share: float = 0.7
    surest: float = 0.9
    hidden: float = 0.15
    probed: int = 0  # edits beyond `count` on which progress is measured


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Everything that decides the result of a run. Rates are per step, shares are of 1."""

    stages: tuple[Stage, ...]
    transformer: dict[str, Any]
    probe: Probe = Probe()
    drafted: DraftedClips | None = None
    seed: int = 0
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    decay_steps: int = 0  # the last steps of the last stage, over which the rate falls to nothing
    weight_decay: float = 0.01
    ema_decay: float = 0.999
    still_share: float = 0.06  # of steps, on single frames
    kept_weight: float = 0.1  # of the loss where pixels are kept, against 1 where they are generated
    noise_shift: float = 3.0  # draws timesteps towards noise, as rendering with few steps needs
    least_noise: float = 0.3  # the loss weighs 1 / max(t, least_noise) ** 2
    detail_weight: float = 0.0  # error of a channel is weighed by its variance ** -detail_weight; 1 would whiten
    lifelike_share: float = 0.0  # of the batches, drawn like real shots; the others plainly
    clip_echo: int = 3  # steps that reuse a clip, each with other mattes, masks, noise, mirroring and colours
    least_codec_db: float = 30.0  # clips whose round trip through the codec is worse in their matte are left out
    footage_share: float = 0.5  # of the clips, where there is own footage; the others are drawn
    footage_windows: int = 64  # of own footage in memory
    flow_shift: float = 3.0  # of the scheduler that ships with the weights
    budget_px: int = 128 * 128  # pixels per frame that the weights are good for
    max_frames: int = 25  # in one go, 4n + 1
    recipe: dict[str, Any] = field(default_factory=dict)  # recommended tuning and rendering: preset or "all" → values

    @property
    def total_steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> Stage:
        """The stage that `step` (from 0) belongs to."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        return self.stages[-1]


def load_config(path: Path, *, inherited: Mapping[str, Any] | None = None) -> PretrainConfig:
    """Read a run from TOML; `inherited` settings hold where the file says nothing.

    Raises InputError naming what is wrong with the file.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The run {path} cannot be read ({error}): mend it or give another with --config.") from error
    table = {**(inherited or {}), **written}
    unknown = table.keys() - {item.name for item in fields(PretrainConfig)}
    if unknown:
        raise InputError(f"{path} has settings that pretraining does not know: {', '.join(sorted(unknown))}.")
    if missing := {"stages", "transformer"} - table.keys():
        raise InputError(f"{path} lacks {' and '.join(sorted(missing))}: see maskedit/models/bundled/pretrain.toml.")
    try:
        stages = tuple(Stage(**stage) for stage in table.pop("stages"))
        probe = Probe(**table.pop("probe", {}))
        drafted = table.pop("drafted", None)
        return PretrainConfig(
            stages=stages, probe=probe, drafted=None if drafted is None else DraftedClips(**drafted), **table
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} does not make a run: {error}") from error
