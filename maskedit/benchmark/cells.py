# SPDX-License-Identifier: GPL-3.0-or-later
"""One row on one case: the edit through the real recipe, and its figures from the scorecard."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from maskedit.benchmark.baselines import make_baseline
from maskedit.benchmark.cases import Case, CaseFiles
from maskedit.benchmark.rows import Row
from maskedit.caching import content_hash
from maskedit.catalogue import Catalogue
from maskedit.edit import run_edit
from maskedit.measures import psnr
from maskedit.presets import Recipe, recipe_for
from maskedit.progress import Reporter, Stage
from maskedit.request import EditRequest, FrameRange, Keyframe, Matte, MediaReference, Preset, Region
from maskedit.scoring import Subject, score

# What stage 1 does not hang on: recipes that differ in nothing else share its adapter.
_AFTER_STAGE_1 = {
    "appearance_steps": 0, "motion_share": 0.0, "appearance_rate": 0.0, "render_steps": 0, "guidance": 0.0,
    "step_cache": 0.0, "overlap_frames": 0,
}  # fmt: skip
_OF_THE_WHOLE = (
    "seam_ring_error", "added_warp_error", "keyframe_psnr", "background_psnr", "background_mean_error",
    "samples_changed_outside",
)  # fmt: skip
_AGAINST_TRUTH = ("psnr", "ssim", "flip")

Mark = Mapping[str, float | int | None]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What came of one row on one case.

    `figures`: as in the scorecard, with `psnr`, `ssim` and `flip` over what the case judges; None where there is
    nothing to compare. `frame_psnr`: frame number → decibels, of every frame that is no keyframe. `stage_seconds`: of
    this very run; `stage_1` names the tuning that it reused or did, `tuned` says which of the two.
    """

    case: str
    row: str
    key: str
    result: str
    figures: dict[str, float | None]
    frame_psnr: dict[int, float]
    seconds: float
    stage_seconds: dict[str, float] = field(default_factory=dict)
    stage_1: str = ""
    tuned: bool = False


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where the cells of one table are made: takes and cache lie in `folder`."""

    folder: Path
    models: Catalogue
    model: str
    seed: int
    reporter: Reporter

    def request(self, row: Row, files: CaseFiles) -> EditRequest:
        """The edit that a row asks for on a case."""
        return EditRequest(
            target=_at(files.source),
            regions=(Region(mattes=(Matte(media=_at(files.matte)),)),),
            keyframes=tuple(Keyframe(frame=frame, image=_at(path)) for frame, path in files.keyframes.items()),
            model=self.model,
            preset=row.preset,
            settings=row.settings,
            finish=row.finish,
            seed=self.seed,
        )

    def recipe(self, request: EditRequest) -> Recipe:
        return recipe_for(request, recommended=self.models.find(self.model).recipe)

    def key(self, row: Row, case: Case, files: CaseFiles) -> str:
        """Names the result: rows that come to the same recipe share it."""
        how = row.baseline or repr((self.recipe(self.request(row, files)), row.preset is Preset.DRAFT, row.finish))
        return content_hash(case.digest, self.models.find(self.model).fingerprint, how, str(self.seed))

    def fill(self, row: Row, case: Case, files: CaseFiles) -> Cell:
        """Edit, score, and say how long it took. Raises MaskEditError."""
        request, key = self.request(row, files), self.key(row, case, files)
        output = self.folder / "takes" / key
        begun = time.monotonic()
        if row.baseline is not None:
            result = make_baseline(row.baseline, request, truth=files.truth, output=output, models=self.models)
            edited = {}
        else:
            take = run_edit(
                request, output=output, cache=self.folder / "cache", reporter=self.reporter, models=self.models
            )
            result, recipe = take.result, self.recipe(request)
            edited = {
                "stage_seconds": take.stage_seconds,
                "stage_1": content_hash(case.clip_digest, repr(replace(recipe, **_AFTER_STAGE_1)), str(self.seed)),
                "tuned": Stage.TUNE_MOTION in take.stage_seconds,
            }
        seconds = time.monotonic() - begun
        figures, frames = scored(case, files, result)
        return Cell(
            case=case.name,
            row=row.name,
            key=key,
            result=str(result.relative_to(self.folder)),
            figures=figures,
            frame_psnr=frames,
            seconds=seconds,
            **edited,
        )


def scored(case: Case, files: CaseFiles, result: Path) -> tuple[dict[str, float | None], dict[int, float]]:
    """Figures of a result on a case, and its decibels frame by frame."""
    keyframes = {frame: str(path) for frame, path in files.keyframes.items()}
    subject = Subject(
        source=str(files.source),
        result=str(result),
        regions=(_region(files.matte),),
        frames=FrameRange(first=0, last=len(case.source) - 1),
        truth=str(files.truth),
        keyframes=keyframes,
    )
    card = score(subject)
    inside = card if files.uncovered is None else score(replace(subject, regions=(_region(files.uncovered),)))
    compared = {_number(frame, "frame"): frame for frame in inside.frames if frame.get("result_psnr") is not None}
    judged = [frame for number, frame in compared.items() if number in case.judged]
    truthful = _mean_of(judged) if case.judged else {name: inside.scores[f"result_{name}"] for name in _AGAINST_TRUTH}
    figures = {name: card.scores[name] for name in _OF_THE_WHOLE} | truthful
    return figures, {int(number): _number(frame, "result_psnr") for number, frame in compared.items()}


def _mean_of(frames: Sequence[Mark]) -> dict[str, float | None]:
    """As for a clip of these frames alone: decibels of the mean error."""

    def mean(name: str, of: Callable[[float], float] = lambda value: value) -> float | None:
        return math.fsum(of(_number(frame, name)) for frame in frames) / len(frames) if frames else None

    error = mean("result_psnr", lambda decibels: 10 ** (-decibels / 10))
    return {"psnr": psnr(error), "ssim": mean("result_ssim"), "flip": mean("result_flip")}


def _number(frame: Mark, name: str) -> float:
    value = frame[name]
    assert value is not None
    return value


def _at(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),))


def _region(matte: Path) -> Region:
    return Region(mattes=(Matte(media=_at(matte)),))
