# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifelike clips and what a perfect edit makes of them: one motion, one light, two looks of the object."""

import torch

from maskedit.synthetic import edited_clips
from maskedit.synthetic.textures import draw_textures, recoloured_textures


def test_only_the_object_is_edited_and_all_of_it() -> None:
    source, truth, coverage = edited_clips(6, 9, height=64, width=48, generator=torch.Generator().manual_seed(2))
    assert source.shape == truth.shape == (6, 3, 9, 64, 48)
    assert coverage.shape == (6, 1, 9, 64, 48)
    assert max(source.abs().max(), truth.abs().max()) <= 1
    outside = (coverage == 0).expand_as(source)
    torch.testing.assert_close(source[outside], truth[outside], atol=1e-3, rtol=0)
    for clip in range(6):
        inside = (coverage[clip] > 0.95).expand_as(source[clip])
        assert (source[clip] - truth[clip])[inside].abs().mean() > 0.05


def test_edits_follow_from_the_seed() -> None:
    first, again = (
        edited_clips(2, 5, height=32, width=32, generator=torch.Generator().manual_seed(7)) for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_recoloured_texture_keeps_its_pattern() -> None:
    """Neighbours that were alike stay alike: no edge appears where there was none."""
    generator = torch.Generator().manual_seed(1)
    textures = draw_textures(24, 48, generator=generator) * 0.5
    recoloured = recoloured_textures(textures, generator=generator)
    assert recoloured.abs().max() <= 1
    assert (recoloured - textures).abs().mean() > 0.1

    def steps(pictures: torch.Tensor) -> torch.Tensor:
        return pictures.diff(dim=-1).norm(dim=1)

    assert bool((steps(recoloured) <= 2 * steps(textures) + 1e-5).all())


def test_textures_are_recoloured_in_several_ways() -> None:
    """Grey textures: ramps and tints make one colour of each grey, and so do turns; coloured ones tell ramps apart."""
    generator = torch.Generator().manual_seed(4)
    textures = draw_textures(40, 16, generator=generator)
    luma_only = recoloured_textures(textures, generator=torch.Generator().manual_seed(5))
    grey = recoloured_textures(
        textures.mean(dim=1, keepdim=True).expand_as(textures), generator=torch.Generator().manual_seed(5)
    )
    alike = ((luma_only - grey).abs().amax(dim=(1, 2, 3)) < 1e-4).float().mean()
    assert 0.3 < alike < 0.7  # the ramps: what is not luma does not count for them
