# SPDX-License-Identifier: GPL-3.0-or-later
"""Outline maps: signed distances that can be trusted at any size."""

import pytest
import torch

from maskedit.synthetic.outlines import (
    REACH,
    _blobs,
    _figures,
    _polygons,
    _solids,
    draw_bars,
    draw_outlines,
)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("outline", [_blobs, _polygons, _figures, _solids])
def test_things_fill_part_of_their_map_and_end_within_it(outline) -> None:
    distance = outline(32, seeded(0))[:, 0]
    share = (distance > 0).float().mean(dim=(1, 2))
    assert (share > 0.05).all() and (share < 0.7).all()
    border = torch.cat([distance[:, 0], distance[:, -1], distance[:, :, 0], distance[:, :, -1]], dim=1)
    assert border.max() < 0, "beyond the map its border goes on"


@pytest.mark.parametrize("outline", [_polygons, _figures])
def test_distances_grow_by_a_radius_per_radius(outline) -> None:
    """Else the softness of edges, given in pixels, would not be in pixels."""
    distance = outline(16, seeded(1))[:, 0]
    texel = 2 * REACH / distance.shape[-1]
    slope = ((distance.diff(dim=1)[:, :, 1:].square() + distance.diff(dim=2)[:, 1:].square()).sqrt()) / texel
    near = distance[:, 1:, 1:].abs() < 0.05
    assert 0.7 < slope[near].median() < 1.3


def test_flat_things_have_no_width_of_a_solid_and_solids_have() -> None:
    for outline in (_blobs, _polygons, _figures):
        assert (outline(8, seeded(2))[:, 1] == 0).all()
    assert (_solids(8, seeded(2))[:, 1] > 0).all()
    assert (draw_bars(8, generator=seeded(2))[:, 1] == 0).all()


def test_a_solid_is_as_wide_as_it_says() -> None:
    maps = _solids(32, seeded(3))
    side = maps.shape[-1]
    middle = slice(side // 2 - 4, side // 2 + 4)  # away from the ends, where lids and poles are
    width = (maps[:, 0, middle] > 0).sum(dim=2) * 2 * REACH / side
    said = 2 * maps[:, 1, middle].amax(dim=2)
    torch.testing.assert_close(width, said, atol=2 * REACH / side * 1.5, rtol=0)


def test_kinds_are_mixed() -> None:
    maps = draw_outlines(120, generator=seeded(4))
    solids = (maps[:, 1].amax(dim=(1, 2)) > 0).float().mean()
    assert 0.15 < solids < 0.55
    apart = (maps[:30, None, 0] - maps[None, :30, 0]).abs().mean(dim=(2, 3))
    assert apart[~torch.eye(30, dtype=torch.bool)].min() > 1e-3


def test_bars_are_thin_and_run_through() -> None:
    distance = draw_bars(64, generator=seeded(5))[:, 0]
    there = distance > 0
    share = there.float().mean(dim=(1, 2))
    assert share.max() < 0.3 and (share > 0).float().mean() > 0.6
    border = torch.cat([there[:, 0], there[:, -1], there[:, :, 0], there[:, :, -1]], dim=1).any(dim=1)
    assert border[share > 0.01].all()


def test_the_draw_follows_from_the_seed() -> None:
    assert torch.equal(draw_outlines(6, generator=seeded(6)), draw_outlines(6, generator=seeded(6)))
    assert not torch.equal(draw_outlines(6, generator=seeded(6)), draw_outlines(6, generator=seeded(7)))
