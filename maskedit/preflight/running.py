# SPDX-License-Identifier: GPL-3.0-or-later
"""All of the preflight, in the order in which its findings are worth reading (torch-free)."""

from __future__ import annotations

from collections.abc import Iterator

from maskedit.catalogue import Catalogue
from maskedit.checking import CheckedEdit
from maskedit.errors import ModelError
from maskedit.findings import Finding, Severity
from maskedit.preflight.estimates import (
    best_device,
    estimate,
    estimate_findings,
    memory_finding,
    region_plan,
    size_finding,
)
from maskedit.preflight.pictures import picture_findings
from maskedit.preflight.watching import cut_findings, repeat_findings, watch
from maskedit.presets import recipe_for
from maskedit.request import EditRequest, FrameRange, Preset

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def preflight(request: EditRequest, checked: CheckedEdit, *, models: Catalogue, seconds: float) -> tuple[Finding, ...]:
    """What there is to say of a checked edit, the worst first.

    `seconds`: how long the clip itself may be watched; the rest takes a second or two per keyframe.
    Raises InputError for media that cannot be read.
    """
    found = [*picture_findings(request, checked), *_clip(request, checked, seconds=seconds)]
    if request.preset is not Preset.DRAFT:
        found += _model(request, checked, models=models)
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.severity)))


def _clip(request: EditRequest, checked: CheckedEdit, *, seconds: float) -> Iterator[Finding]:
    frames = checked.frames
    watched = watch(request, frames=frames, seconds=seconds)
    yield from cut_findings(watched, frames=frames, keyframes=[keyframe.frame for keyframe in request.keyframes])
    yield from repeat_findings(watched, frames=frames)
    if watched.last < frames.last:
        yield Finding(
            severity=Severity.NOTE,
            what=f"Frames {watched.last + 1}-{frames.last} were not looked at for cuts and repeats, for lack of time",
            frames=FrameRange(first=watched.last + 1, last=frames.last),
        )


def _model(request: EditRequest, checked: CheckedEdit, *, models: Catalogue) -> Iterator[Finding]:
    entry = models.find(request.model)
    recipe = recipe_for(request, recommended=entry.recipe)
    plan, device = region_plan(request, checked, entry=entry, recipe=recipe), best_device()
    yield size_finding(plan)
    try:
        found = estimate(plan, checked=checked, entry=entry, recipe=recipe, device=device)
    except ModelError as error:
        yield memory_finding(error)
    else:
        yield from estimate_findings(found, preset=request.preset, device=device)
