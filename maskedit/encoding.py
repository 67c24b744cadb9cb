# SPDX-License-Identifier: GPL-3.0-or-later
"""First stage: pixels to latents, once, cached by content.

Everything the later stages need of the encoders is computed here, so that they can be freed before the transformer
takes the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from maskedit.caching import LatentCache
from maskedit.conditioning import (
    Condition,
    appearance_condition,
    cells_to_edit,
    drafted_condition,
    fold_keep_mask,
    motion_condition,
)
from maskedit.models.family import Conditioning, Embeddings, VideoModel
from maskedit.progress import Reporter, Stage
from maskedit.shot import Shot, Window


@dataclass(frozen=True)
class TrainingSample:
    """What one denoising step is trained on.

    `target`: the clean latents (1, C, f, h, w); `start`: the latents that noise is put on, the target's own unless the
    render starts from a draft; `generated` (1, 1, f, h, w): 1 where a latent cell is to be generated in any of its
    frames, 0 where it is given; `ignored`, alike: 1 where the plate is no example of anything.
    """

    target: Tensor
    start: Tensor
    conditioning: Conditioning
    generated: Tensor
    ignored: Tensor | None = None

    @property
    def contents(self) -> tuple[Tensor, ...]:
        """Everything that a step on this sample hangs on, the prompt apart."""
        known = (self.target, self.start, self.conditioning.latents)
        return known if self.ignored is None else (*known, self.ignored)


@dataclass(frozen=True)
class Samples:
    """Everything an edit is tuned on: `motion`, one per window (stage 1), `appearance`, one per keyframe (stage 2)."""

    motion: tuple[TrainingSample, ...]
    appearance: tuple[TrainingSample, ...]


def encode_samples(
    model: VideoModel,
    shot: Shot,
    practice: Sequence[Callable[[], Window]],
    *,
    prompt: str,
    from_draft: bool,
    surest: float,
    cache: LatentCache,
    reporter: Reporter,
) -> Samples:
    """Encode each window that stage 1 is to practise on, and each keyframe of the shot.

    `practice`: from `practising`, each made when its turn comes. `from_draft`: noise is put on the draft. `surest`:
    see `conditioning.drafted_condition`, 0 for models that are not told of it.
    """
    total = len(practice) + len(shot.edited)
    motion: list[TrainingSample] = []
    appearance: list[TrainingSample] = []
    for practised in practice:
        reporter.report(Stage.ENCODE, len(motion), total=total, message=cache.trouble)
        window = practised()
        start = window.draft if from_draft and window.draft is not None else window.video
        motion.append(motion_sample(model, window, start=start, surest=surest, prompt=prompt, cache=cache))
    for frame, edited in sorted(shot.edited.items()):
        reporter.report(Stage.ENCODE, len(motion) + len(appearance), total=total, message=cache.trouble)
        plate, matte = shot.at(frame)
        ignore = None if shot.ignore is None else shot.ignore[:, :, frame - shot.frames.first][:, :, None]
        appearance.append(
            appearance_sample(model, plate, edited, edit_matte=matte, ignore=ignore, prompt=prompt, cache=cache)
        )
    reporter.report(Stage.ENCODE, total, total=total, message=cache.trouble)
    return Samples(tuple(motion), tuple(appearance))


def motion_sample(
    model: VideoModel, window: Window, *, start: Tensor, prompt: str, cache: LatentCache, surest: float = 0.0
) -> TrainingSample:
    """Stage 1's sample: the unedited window conditioned on itself with the region emptied (paper, section 3.2).

    `start`: the video that noise is put on, the window's own in the paper.
    """
    return _sample(
        model,
        window.video,
        window_condition(model, window, surest=surest),
        start=start,
        ignore=window.ignore,
        prompt=prompt,
        shown=window.video[:, :, 0],
        cache=cache,
    )


def window_condition(model: VideoModel, window: Window, *, surest: float) -> Condition:
    """What a model is given of a window: with `surest` above 0 its draft too (see `conditioning.drafted_condition`)."""
    factor = model.limits.cell_px
    if not surest or window.draft is None or window.confidence is None:
        return motion_condition(window.video, window.edit_matte, factor=factor, kept_frames=window.given)
    return drafted_condition(
        window.video,
        window.edit_matte,
        factor=factor,
        draft=window.draft,
        confidence=window.confidence,
        surest=surest,
        kept_frames=window.given,
    )


def appearance_sample(
    model: VideoModel,
    plate: Tensor,
    edited: Tensor,
    *,
    edit_matte: Tensor,
    prompt: str,
    cache: LatentCache,
    ignore: Tensor | None = None,
) -> TrainingSample:
    """Stage 2's sample of one keyframe: `plate` emptied → `edited`; each (1, 3, 1, H, W) (paper, section 3.3).

    The image embedding is the edited frame's, as at inference; the reference code mixes the two.
    """
    condition = appearance_condition(plate, edit_matte, factor=model.limits.cell_px)
    return _sample(
        model, edited, condition, start=edited, ignore=ignore, prompt=prompt, shown=edited[:, :, 0], cache=cache
    )


def render_conditioning(
    model: VideoModel, window: Window, *, prompt: str, shown: Tensor, cache: LatentCache, surest: float = 0.0
) -> Conditioning:
    """Inference: as stage 1, with the given frames of the window already edited.

    `shown` (1, 3, H, W): the edited keyframe, for models that embed an image.
    """
    condition = window_condition(model, window, surest=surest)
    return _encode_condition(model, condition, prompt=prompt, shown=shown, cache=cache)


def _sample(
    model: VideoModel,
    target: Tensor,
    condition: Condition,
    *,
    start: Tensor,
    ignore: Tensor | None,
    prompt: str,
    shown: Tensor,
    cache: LatentCache,
) -> TrainingSample:
    def encoded(video: Tensor) -> Tensor:
        return cache.get(model, "video", video, make=lambda: {"latents": model.encode_video(video)})["latents"]

    keep = fold_keep_mask(condition.keep_cells, temporal_factor=model.limits.temporal_factor)
    # A draft, however sure, is not yet the picture.
    generated = (keep.amin(dim=1, keepdim=True) < 1).float()
    latents = encoded(target)

    def on_latents(cells: Tensor) -> Tensor:
        # A cell of the mask may cover several of the latents.
        return F.interpolate(cells, size=latents.shape[2:]).to(model.device)

    ignored = None
    if ignore is not None:
        cells = cells_to_edit(ignore, factor=model.limits.cell_px)
        ignored = on_latents(fold_keep_mask(cells, temporal_factor=model.limits.temporal_factor).amax(1, keepdim=True))
    return TrainingSample(
        target=latents,
        start=encoded(start),
        conditioning=_encode_condition(model, condition, prompt=prompt, shown=shown, cache=cache),
        generated=on_latents(generated),
        ignored=ignored,
    )


def _encode_condition(
    model: VideoModel, condition: Condition, *, prompt: str, shown: Tensor, cache: LatentCache
) -> Conditioning:
    # Three entries, because a prompt mostly serves every window and a text encoder takes minutes to load.
    kept = [condition.video, condition.keep_cells]
    latents = cache.get(model, "condition", *kept, make=lambda: {"latents": model.encode_condition(condition)})
    seen = [shown] if model.prompt_sees_image else []
    text = cache.get(model, f"prompt:{prompt}", *seen, make=lambda: model.encode_prompt(prompt, shown))
    image = None
    if model.uses_image_embedding:
        image = cache.get(model, "image", shown, make=lambda: {"image": model.encode_image(shown)})["image"]
    return Conditioning(latents=latents["latents"], embeddings=Embeddings(**text, image=image))
