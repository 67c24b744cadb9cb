# SPDX-License-Identifier: GPL-3.0-or-later
"""From the model's crops to the frames that are pasted: at source scale, with the draft's part in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor

from maskedit.checking import CheckedEdit
from maskedit.detail import with_draft
from maskedit.drafting import source_drafts
from maskedit.geometry import Rect, model_to_crop
from maskedit.painting import Picture
from maskedit.presets import Recipe
from maskedit.progress import Reporter, Stage
from maskedit.request import EditRequest
from maskedit.shot import Shot, to_picture

Generated = Callable[[int], tuple[Picture, Rect]]


@contextmanager
def finished(
    rendered: Mapping[int, Tensor],
    shot: Shot,
    *,
    request: EditRequest,
    checked: CheckedEdit,
    recipe: Recipe,
    reporter: Reporter,
) -> Iterator[Generated]:
    """What `delivering.deliver` asks for each frame in order: the picture at source scale, and where it lies.

    `rendered`: frame number → (1, 3, 1, H, W) in [-1, 1] at model size. The draft at source size is made on the way,
    frame by frame, if the recipe wants anything of it.
    """

    def enlarged(frame: int) -> tuple[Picture, Rect]:
        plan = shot.track.at(frame)
        return model_to_crop(to_picture(rendered[frame]), plan), plan.rect

    if not recipe.draft_trust and not recipe.draft_detail:
        yield enlarged
        return

    def tick(done: int) -> None:
        reporter.report(Stage.COMPOSITE, 0, total=len(checked.frames))

    with source_drafts(request, checked, tick=tick) as (_, drafts):

        def with_the_draft(frame: int) -> tuple[Picture, Rect]:
            coarse, rect = enlarged(frame)
            at, draft = next(drafts)
            whole = with_draft(
                coarse,
                shot.track.at(frame),
                draft=draft.picture,
                confidence=draft.confidence,
                at=at,
                trust=recipe.draft_trust,
                detail=recipe.draft_detail,
            )
            return whole, rect

        yield with_the_draft
