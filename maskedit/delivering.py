# SPDX-License-Identifier: GPL-3.0-or-later
"""The last stage: generated crops over the untouched source, frame by frame, into the result files (torch-free)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from maskedit.checking import CheckedEdit
from maskedit.colour import view_of
from maskedit.forking import forked
from maskedit.geometry import Rect
from maskedit.integrating import grain_of, integrated
from maskedit.locking import open_parent
from maskedit.mattes import reach_of
from maskedit.media import ClipReader
from maskedit.outlets import Delivered, Outlets
from maskedit.painting import Picture
from maskedit.pasting import fills
from maskedit.progress import Reporter, Stage
from maskedit.request import EditRequest


def deliver(
    request: EditRequest,
    checked: CheckedEdit,
    *,
    generated: Callable[[int], tuple[Picture, Rect]],
    output: Path,
    reporter: Reporter,
) -> tuple[Delivered, ...]:
    """Write the deliverables into the folder `output`, all of them or none, and return them in their order.

    `generated`: frame number → the picture (h, w, 3) in [0, 1] at source scale, and where it lies in the frame; asked
    once for each frame that is rendered, in order. Keyframes are delivered as they were painted, locked frames as the
    parent take's result holds them. Decoding, compositing and encoding overlap; no more than a few frames are held.
    """
    output.mkdir(parents=True, exist_ok=True)
    deliverables, frames, source = request.deliverables, checked.frames, request.target.path
    view = view_of(checked.facts, request.working_colour)
    first = request.target.first_number or None
    outlets = Outlets(
        output, deliverables, facts=checked.facts, view=view, source=source, frames=frames, first_number=first
    )
    with (
        ClipReader(source, first_number=first) as clip,
        open_parent(request, facts=checked.facts, frames=frames) as parent,
        outlets,
    ):
        plates, *again = forked(clip.frames(frames.first, frames.last), 1 + len(deliverables))
        reach = reach_of(request.regions, drawn=checked.bounds, facts=checked.facts)
        pasted = fills(request, plates=plates, facts=checked.facts, parent=parent, generated=generated, reach=reach)
        seated = integrated(
            pasted,
            finish=request.finish,
            grain=grain_of(clip, frames, around=checked.bounds, view=view) if request.finish.grain else None,
            seed=request.seed,
            keyframes={keyframe.frame for keyframe in request.keyframes},
            locked=parent.locked,
            view=view,
        )
        kept = (parent.beside(each, deliverable=number) for number, each in enumerate(again))
        for done, (fill, *beside) in enumerate(zip(seated, *kept, strict=True), start=1):
            if locked := [frame for _, frame in beside if frame is not None]:
                outlets.keep(locked)
            else:
                outlets.write(fill.plate, fill.picture, rect=fill.rect, paste_matte=fill.whole_matte)
            reporter.report(Stage.COMPOSITE, done, total=len(frames))
        reporter.report(Stage.WRITE, 0, total=1)
    reporter.report(Stage.WRITE, 1, total=1)
    return outlets.delivered
