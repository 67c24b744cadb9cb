# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe: from an EditRequest to the edited clip, in the order in which it happens.

Prepare the crop → encode → stage 1: tune on the clip → stage 2: tune on the keyframes → render → composite → write.
Run again with the same request and cache it goes on where it was stopped.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from maskedit.adapting import adapt
from maskedit.bench import Bench
from maskedit.caching import LatentCache
from maskedit.catalogue import Catalogue
from maskedit.checking import check_edit
from maskedit.cleaning import clean_keyframes
from maskedit.colour import tell_colours
from maskedit.delivering import deliver
from maskedit.drafting import run_draft
from maskedit.encoding import encode_samples
from maskedit.finishing import finished
from maskedit.glimpsing import Glimpse
from maskedit.guessing import guessed
from maskedit.holding import hold
from maskedit.locking import lineage_of
from maskedit.outlets import scored
from maskedit.practising import practice_windows
from maskedit.preparing import prepare
from maskedit.presets import recipe_for
from maskedit.progress import Reporter, Stage
from maskedit.record import EditResult, Making, StageClock, write_record
from maskedit.refusals import refuse_unsupported
from maskedit.rendering import Sampling, render_shot
from maskedit.request import DeliverableKind, EditRequest, Preset
from maskedit.scoring import Subject, score
from maskedit.tracing import traced, traced_file


def run_edit(
    request: EditRequest,
    *,
    output: Path,
    cache: Path,
    reporter: Reporter,
    models: Catalogue,
    bench: Bench | None = None,
    ran_out: int | None = None,
) -> EditResult:
    """Do the whole job: the result goes to the folder `output`, everything reusable to `cache`.

    `bench`: where the model may lie loaded already, and stays. `ran_out`: an earlier try ran out of memory with a plan
    of so many bytes, 0 before it had one: this one takes less.
    Raises InputError, ModelError or OutputError with one sentence for the user, or Cancelled.
    """
    if request.preset is Preset.DRAFT:
        return run_draft(request, output=output, reporter=reporter)
    clock = StageClock(reporter)
    refuse_unsupported(request)
    entry = models.find(request.model)
    recipe = recipe_for(request, recommended=entry.recipe)
    asked, checked = request, check_edit(request)
    request, mended = clean_keyframes(
        request,
        facts=checked.facts,
        frames=checked.frames,
        bounds=checked.bounds,
        folder=output / "keyframes",
        reporter=clock,
    )
    request, checked = traced(request, checked, output=output, reporter=clock)
    asked = replace(asked, regions=request.regions)
    tell_colours(request, checked.facts, reporter=clock)
    bench = bench or Bench()
    model = bench.open(entry)
    latents = LatentCache(cache / "latents")

    # The model sees the region's surroundings only, at a size it was made for.
    shot = prepare(
        request,
        checked,
        limits=model.limits,
        context=recipe.context,
        enlargement=recipe.enlargement,
        budget_px=recipe.budget_px,
        reporter=clock,
    )
    shot = replace(shot, configuration=recipe.configuration, given_keyframes=recipe.given_keyframes)
    lineage = lineage_of(request.rerender, checked.frames)
    # A take that goes on from another takes its lessons as they were, so that stage 1's adapter serves it too.
    taught = shot.taught_around(lineage.taught)
    if shot.locked:
        shot = replace(shot, given_keyframes="all")
    holding = hold(
        shot,
        taught=taught,
        recipe=recipe,
        limits=model.limits,
        plan=lambda demand: bench.plan(demand, ran_out=ran_out),
        shorten=ran_out is not None,
    )
    recipe, stretches = holding.recipe, holding.stretches
    clock.report(Stage.PREPARE, 1, total=1, message=holding.plan.sentence)

    # Everything that needs an encoder happens first, so that the transformer can have the memory to itself.
    drafted = recipe.draft_strength < 1 or recipe.draft_given > 0
    samples = encode_samples(
        model,
        shot,
        practice_windows(taught, holding.lessons, looks=recipe.practice_looks, seed=request.seed, drafted=drafted),
        prompt=request.prompt,
        from_draft=recipe.draft_strength < 1,
        surest=recipe.draft_given,
        cache=latents,
        reporter=clock,
    )
    model.release_encoders()

    sampling = Sampling(
        steps=recipe.render_steps,
        guidance=recipe.guidance,
        seed=request.seed,
        draft_strength=recipe.draft_strength,
        draft_given=recipe.draft_given,
        step_cache=recipe.step_cache,
    )
    glimpse = Glimpse(
        model=model, shot=shot, stretches=stretches, sampling=sampling, prompt=request.prompt, cache=latents
    )

    # The clip's motion and background, then the keyframes' appearance, as a LoRA on the frozen transformer.
    adapted = adapt(
        model,
        samples,
        recipe=recipe,
        seed=request.seed,
        cache=cache,
        reporter=clock,
        uses=request.adapters,
        look=lambda key, at: glimpse.picture(key, reporter=clock, at=at),
    )
    renders = [
        render_shot(
            model,
            shot,
            stretches,
            sampling=replace(sampling, seed=request.seed + further),
            prompt=request.prompt,
            adapter_key=adapted.key,
            cache=latents,
            reporter=clock,
            rim_colour=request.finish.rim_colour,
            part=(further, recipe.seeds),
        )
        for further in range(recipe.seeds)
    ]
    doubts = shot.doubts(guessed=guessed(shot, renders) if len(renders) > 1 else ())

    # Over the untouched source, at its own size, rate and bit depth.
    with finished(renders[0], shot, request=request, checked=checked, recipe=recipe, reporter=clock) as generated:
        delivered = deliver(request, checked, generated=generated, output=output, reporter=clock)
    keyframes = {keyframe.frame: keyframe.image.path for keyframe in request.keyframes if keyframe.extent is None}
    shown = scored(delivered)
    subject = shown and Subject(
        source=request.target.path,
        result=str(shown.path),
        regions=request.regions,
        frames=checked.frames,
        keyframes=keyframes,
        patch=shown.deliverable.kind is DeliverableKind.PATCH,
        first_number=request.target.first_number,
        working_colour=request.working_colour,
    )
    record = output / "result.maskedit.json"
    write_record(
        record,
        request=asked,
        facts=checked.facts,
        making=Making(
            recipe=recipe, model=entry, plan=holding.plan, adapter=adapted.key, adapter_reused=adapted.reused
        ),
        track=shot.track,
        stage_seconds=clock.seconds,
        delivered=delivered,
        mended=mended,
        scorecard=subject and score(subject),
        lineage=lineage,
        doubts=doubts,
    )
    return EditResult(delivered, record, clock.seconds, adapted.reused, traced=traced_file(output))
