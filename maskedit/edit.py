# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe: from an EditRequest to the edited clip, in the order in which it happens.

Prepare the crop → encode → stage 1: tune on the clip → stage 2: tune on the keyframes → render → composite → write.
Run again with the same request and cache it goes on where it was stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskedit.adapting import adapt
from maskedit.caching import LatentCache
from maskedit.catalogue import Catalogue
from maskedit.checking import check_edit
from maskedit.delivering import deliver
from maskedit.encoding import encode_samples
from maskedit.geometry import Rect, model_to_crop
from maskedit.models import load_model
from maskedit.painting import Picture
from maskedit.preparing import prepare
from maskedit.presets import edges_for, recipe_for
from maskedit.progress import Reporter
from maskedit.record import StageClock, write_record
from maskedit.refusals import refuse_unsupported
from maskedit.rendering import Sampling, render_shot
from maskedit.request import DeliverableKind, EditRequest
from maskedit.scoring import Subject, score
from maskedit.shot import to_picture


@dataclass(frozen=True)
class EditResult:
    """What a finished edit leaves: the result (a file, or a folder for sequences) and the take's record beside it."""

    result: Path
    record: Path
    stage_seconds: dict[str, float]
    adapter_reused: bool


def run_edit(request: EditRequest, *, output: Path, cache: Path, reporter: Reporter, models: Catalogue) -> EditResult:
    """Do the whole job: the result goes to the folder `output`, everything reusable to `cache`.

    Raises InputError, ModelError or OutputError with one sentence for the user, or Cancelled.
    """
    clock = StageClock(reporter)
    refuse_unsupported(request)
    entry = models.find(request.model)
    recipe = recipe_for(request, recommended=entry.recipe)
    checked = check_edit(request)
    edges = edges_for(request.regions[0], frame_height=checked.facts.height)
    model = load_model(entry)
    latents = LatentCache(cache / "latents")

    # The model sees the region's surroundings only, at a size it was made for.
    shot = prepare(request, checked, limits=model.limits, context=recipe.context, edges=edges, reporter=clock)
    window = min(recipe.window_frames, model.limits.max_frames)
    stretches = shot.stretches(length=window, overlap=recipe.overlap_frames)

    # Everything that needs an encoder happens first, so that the transformer can have the memory to itself.
    samples = encode_samples(
        model,
        shot,
        stretches,
        prompt=request.prompt,
        from_draft=recipe.draft_strength < 1,
        cache=latents,
        reporter=clock,
    )
    model.release_encoders()

    # The clip's motion and background, then the keyframes' appearance, as a LoRA on the frozen transformer.
    adapted = adapt(model, samples, recipe=recipe, seed=request.seed, cache=cache, reporter=clock)

    sampling = Sampling(
        steps=recipe.render_steps,
        guidance=recipe.guidance,
        seed=request.seed,
        draft_strength=recipe.draft_strength,
    )
    rendered = render_shot(
        model,
        shot,
        stretches,
        sampling=sampling,
        prompt=request.prompt,
        adapter_key=adapted.key,
        cache=latents,
        reporter=clock,
    )

    # Over the untouched source, at its own size, rate and bit depth.
    def generated(frame: int) -> tuple[Picture, Rect]:
        return model_to_crop(to_picture(rendered[frame]), shot.plan), shot.plan.rect

    result = deliver(request, checked, generated=generated, output=output, reporter=clock)
    keyframes = {keyframe.frame: keyframe.image.path for keyframe in request.keyframes if keyframe.extent is None}
    subject = Subject(
        source=request.target.path,
        result=str(result),
        matte=request.edit_matte,
        frames=checked.frames,
        edges=edges,
        keyframes=keyframes,
    )
    # A patch or a sequence is measured when asked, with `maskedit score`.
    scorecard = score(subject) if result.is_file() and request.deliverables[0].kind is DeliverableKind.FULL else None
    record = output / "result.maskedit.json"
    write_record(
        record,
        request=request,
        facts=checked.facts,
        recipe=recipe,
        edges=edges,
        model=entry,
        adapter=adapted.key,
        adapter_reused=adapted.reused,
        plan=shot.plan,
        stage_seconds=clock.seconds,
        scorecard=scorecard,
    )
    return EditResult(result, record, clock.seconds, adapted.reused)
