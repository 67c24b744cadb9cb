# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedurally made clips with their mattes: training data of the bundled model and truth for the benchmark.

Everything follows from a `torch.Generator`; nothing is read from disk, so the clips carry no one's rights.

- `clips` gives a batch of videos with the coverage of their objects, `vary_matte` edit mattes as editors draw them.
- `rendered_pair` gives one motion with two textures on the moving object: a source clip and the true edit of it.
"""

from dataclasses import replace

import torch
from torch import Tensor

from maskedit.synthetic.mattes import vary_matte
from maskedit.synthetic.scenes import render, sample_scene
from maskedit.synthetic.textures import draw_textures

__all__ = ["clips", "rendered_pair", "vary_matte"]


def clips(batch: int, frames: int, *, height: int, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Video (batch, 3, frames, height, width) in [-1, 1] and coverage of its object (batch, 1, frames, height, width)
    in [0, 1], drawn on the generator's device; `vary_matte` makes edit mattes of the coverage."""
    scene = sample_scene(batch, frames, size=min(height, width), generator=generator)
    return render(scene, height=height, width=width)


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
