# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedurally made clips with their mattes: training data of the bundled model and truth for the benchmark.

Everything follows from a `torch.Generator`; nothing is read from disk but, for lifelike clips, the free pictures that
scikit-image carries, so the clips carry no one's rights.

- `clips` gives a batch of videos with the coverage of their objects, `vary_matte` edit mattes as editors draw them.
- `edited_clips` gives lifelike clips and what a perfect edit makes of them; `rendered_pair` does so plainly.
"""

from dataclasses import replace

import torch
from torch import Tensor

from maskedit.synthetic.exposure import expose
from maskedit.synthetic.layers import LifelikeScene
from maskedit.synthetic.lifelike import sample_lifelike
from maskedit.synthetic.lighting import grainy, relit
from maskedit.synthetic.mattes import vary_matte
from maskedit.synthetic.scenes import render, sample_scene
from maskedit.synthetic.textures import draw_textures, recoloured_textures

__all__ = ["clips", "edited_clips", "rendered_pair", "vary_matte"]

_BLURRED_SHARE = 0.25
_RETEXTURED_SHARE = 0.35


def clips(
    batch: int,
    frames: int,
    *,
    height: int,
    width: int,
    generator: torch.Generator,
    lifelike: bool = False,
    photographs: bool = True,
) -> tuple[Tensor, Tensor]:
    """Video (batch, 3, frames, height, width) in [-1, 1] and coverage of its object (batch, 1, frames, height, width)
    in [0, 1], drawn on the generator's device; `vary_matte` makes edit mattes of the coverage.

    `lifelike` clips have perspective, turning solids, limbs, shadows, changing light, motion blur and grain; with
    `photographs`, where scikit-image's pictures are at hand, two layers in five wear crops of them.
    """
    size = min(height, width)
    if not lifelike:
        return render(sample_scene(batch, frames, size=size, generator=generator), height=height, width=width)
    scene = sample_lifelike(batch, frames, size=size, generator=generator, photographs=photographs)
    blurred = _blurred(batch, generator=generator)
    return _filmed(scene, blurred, height=height, width=width, generator=generator)


def edited_clips(
    batch: int, frames: int, *, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """(source, truth, coverage): lifelike clips (batch, 3, frames, height, width) in [-1, 1] that differ in the look of
    their object alone, and how much of each pixel the object covers, (batch, 1, frames, height, width) in [0, 1].

    Every edited object is recoloured, a third of them have another texture as well.
    """
    scene = sample_lifelike(batch, frames, size=min(height, width), generator=generator)
    look = scene.item.look
    retextured = torch.rand(batch, 1, 1, 1, generator=generator, device=generator.device) < _RETEXTURED_SHARE
    texture = torch.where(retextured, look.texture.roll(1, dims=0), look.texture)
    look = replace(look, texture=recoloured_textures(texture, generator=generator))
    edited = replace(scene, item=replace(scene.item, look=look))
    blurred = _blurred(batch, generator=generator)
    state = generator.get_state()
    source, coverage = _filmed(scene, blurred, height=height, width=width, generator=generator)
    generator.set_state(state)  # the same light and grain again
    truth, _ = _filmed(edited, blurred, height=height, width=width, generator=generator)
    return source, truth, coverage


def _blurred(batch: int, *, generator: torch.Generator) -> Tensor:
    """Which clips of a batch are blurred by motion, (batch,) of bool.

    A share of the batch, not a draw per clip, so that a batch's cost does not depend on chance: a blurred clip takes as
    long as several sharp ones.
    """
    chance = float(torch.rand((), generator=generator, device=generator.device))
    return torch.arange(batch, device=generator.device) < int(batch * _BLURRED_SHARE + chance)


def _filmed(
    scene: LifelikeScene, blurred: Tensor, *, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    video, coverage = expose(scene, height=height, width=width, blurred=blurred)
    return grainy(relit(video, generator=generator), generator=generator).clamp(-1, 1), coverage


def rendered_pair(seed: int, frames: int, *, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """One motion, two looks: (source, truth, coverage) of shapes (3, T, H, W), (3, T, H, W), (1, T, H, W).

    `truth` is what a perfect edit of `source` gives when its frame 0 is handed over as the edited keyframe. Videos
    are in [-1, 1], coverage of the object in [0, 1].
    """
    generator = torch.Generator().manual_seed(seed)
    scene = sample_scene(1, frames, size=min(height, width), generator=generator)
    other_look = draw_textures(1, scene.item.texture.shape[-1], generator=generator)
    edited = replace(scene, item=replace(scene.item, texture=other_look))
    source, coverage = render(scene, height=height, width=width)
    truth, _ = render(edited, height=height, width=width)
    return source[0], truth[0], coverage[0]
