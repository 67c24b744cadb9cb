# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that need no edit: what doing nothing gives, and what the model's codec allows at best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from maskedit.benchmark.rows import Baseline
from maskedit.catalogue import Catalogue
from maskedit.checking import CheckedEdit, check_edit
from maskedit.delivering import deliver
from maskedit.geometry import Rect, model_to_crop
from maskedit.media import read_picture
from maskedit.models import load_model
from maskedit.painting import Picture
from maskedit.preparing import prepare
from maskedit.presets import recipe_for
from maskedit.progress import SilentReporter
from maskedit.request import EditRequest, MediaReference
from maskedit.shot import Shot, to_picture


def make_baseline(baseline: Baseline, request: EditRequest, *, truth: Path, output: Path, models: Catalogue) -> Path:
    """The clip that stands for the result of `request`; `truth`: its perfect edit."""
    if baseline is Baseline.UNEDITED:
        return Path(request.target.path)
    checked = check_edit(request)
    if baseline is Baseline.FROZEN:
        still = read_picture(min(request.keyframes, key=lambda keyframe: keyframe.frame).image.path)[..., :3]
        whole = Rect(0, 0, checked.facts.width, checked.facts.height)
        held = deliver(request, checked, generated=lambda _: (still, whole), output=output, reporter=SilentReporter())
        return held[0].path
    shot, coded = _through_codec(request, checked, truth=truth, models=models)

    def generated(frame: int) -> tuple[Picture, Rect]:
        plan = shot.track.at(frame)
        return model_to_crop(to_picture(coded[frame]), plan), plan.rect

    return deliver(request, checked, generated=generated, output=output, reporter=SilentReporter())[0].path


def _through_codec(
    request: EditRequest, checked: CheckedEdit, *, truth: Path, models: Catalogue
) -> tuple[Shot, dict[int, Tensor]]:
    """The perfect edit as the model would see it, encoded and decoded: its crop of each frame."""
    entry = models.find(request.model)
    recipe, model = recipe_for(request, recommended=entry.recipe), load_model(entry)
    perfect = replace(request, target=MediaReference(locations=(str(truth),)))
    size = {"limits": model.limits, "context": recipe.context, "enlargement": recipe.enlargement}
    shot = prepare(perfect, checked, **size, reporter=SilentReporter())
    coded: dict[int, Tensor] = {}
    for frames in shot.stretches(length=model.limits.max_frames, overlap=1):
        decoded = model.decode(model.encode_video(shot.window(frames).video)).clamp(-1, 1).cpu()
        coded = {frame: decoded[:, :, i : i + 1] for i, frame in enumerate(frames)} | coded
    return shot, coded
