# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user must be told about a clip's colours before anything is rendered: guesses, and what would be cut."""

from __future__ import annotations

from collections.abc import Sequence

from maskedit.colour.deciding import view_of
from maskedit.colour.view import View
from maskedit.errors import InputError
from maskedit.media.pixels import ColourModel, layout_of
from maskedit.progress import Reporter, Stage
from maskedit.request import Deliverable, DeliverableFormat, DeliverableKind, EditRequest, MediaFacts, Origin


def tell_colours(request: EditRequest, facts: MediaFacts, *, reporter: Reporter) -> None:
    """Report what the user should know about the clip's colours, one message each."""
    view = view_of(facts, request.working_colour)
    for sentence in colour_warnings(view, facts, deliverables=request.deliverables):
        reporter.report(Stage.PREPARE, 0, total=1, message=sentence)


def colour_warnings(view: View, facts: MediaFacts, *, deliverables: Sequence[Deliverable]) -> tuple[str, ...]:
    """One sentence for each thing worth knowing; () for a clip that says what it is and is delivered in kind."""
    layout = layout_of(facts.pixel_format)
    told = []
    if view.origin is Origin.GUESSED:
        span = {"tv": ", legal range", "pc": ", full range"}.get(facts.range.name, "")
        span = "" if layout.model is ColourModel.RGB else span
        told.append(
            f"The clip does not say how its colours are encoded, so they are taken as {view.words}{span}: "
            "--colour sets them."
        )
    coloured = [each for each in deliverables if each.kind is not DeliverableKind.MATTE]
    whole_range = any(
        each.format is DeliverableFormat.PNG or each.kind is not DeliverableKind.FULL
        for each in coloured
        if each.format is not DeliverableFormat.EXR
    )
    if layout.model is ColourModel.YUV and whole_range:
        told.append(
            "16-bit RGB holds black to white only, so the clip's super-whites and sub-blacks are cut in the PNG or "
            "patch: ask for full frames as mkv or mov, or for exr, to keep them."
        )
    return tuple(told)


def check_deliverables(facts: MediaFacts, deliverables: Sequence[Deliverable]) -> None:
    """Raise InputError where a scene-linear clip is asked for in a format that would cut it at 0 and 1."""
    if not layout_of(facts.pixel_format).is_float:
        return
    for deliverable in deliverables:
        floats = deliverable.format in (DeliverableFormat.EXR, DeliverableFormat.CACHE)
        if not floats and deliverable.kind is not DeliverableKind.MATTE:
            raise InputError(
                f"The clip has floating-point samples and {deliverable.format} would cut them at 0 and 1: "
                "ask for an exr sequence."
            )
