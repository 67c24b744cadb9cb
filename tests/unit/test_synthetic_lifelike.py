# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifelike clips: each feature does to the picture what it says."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from maskedit.models.bundled.codec import DctCodec
from maskedit.synthetic import clips
from maskedit.synthetic.exposure import (
    _COARSE_PX,
    _coarse_screen,
    _fine,
    _local,
    _rolled,
    _unswung,
    _upright,
    compose,
    expose,
)
from maskedit.synthetic.layers import INSTANTS, LifelikeScene, Sheet, excerpt
from maskedit.synthetic.lifelike import sample_lifelike
from maskedit.synthetic.outlines import _polygons, _solids

SIDE = 64


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(batch: int, frames: int, *, seed: int = 0) -> LifelikeScene:
    """Scenes of the object alone on its background, without shadow."""
    scene = sample_lifelike(batch, frames, size=SIDE, generator=seeded(seed), photographs=False)
    nowhere = torch.zeros(batch, dtype=torch.bool)
    bare = replace(scene.shadow, strength=torch.zeros(batch))
    return replace(scene, shadow=bare, other_behind=nowhere, other_before=nowhere, foreground_there=nowhere)


def frozen(scene: LifelikeScene, *, frames: int) -> LifelikeScene:
    """The first instant for ever."""
    everyone = torch.arange(len(scene.other_behind))
    return excerpt(scene, members=everyone, instants=torch.zeros(frames * INSTANTS, dtype=torch.long))


def with_item(scene: LifelikeScene, *, look: dict[str, Tensor] | None = None, **path: Tensor) -> LifelikeScene:
    item = scene.item
    changed = Sheet(look=replace(item.look, **(look or {})), path=replace(item.path, **path))
    return replace(scene, item=changed)


def film(scene: LifelikeScene) -> tuple[Tensor, Tensor]:
    return compose(scene, height=SIDE, width=SIDE)


def middle(coverage: Tensor) -> Tensor:
    """Centroids (B, T, 2) as x, y of maps (B, 1, T, H, W)."""
    line = torch.arange(SIDE, dtype=torch.float32)
    weight = coverage[:, 0].sum(dim=(2, 3)).clamp(min=1e-6)
    x, y = (coverage[:, 0] * line).sum(dim=(2, 3)), (coverage[:, 0] * line[:, None]).sum(dim=(2, 3))
    return torch.stack([x / weight, y / weight], dim=-1)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    batch=st.integers(1, 3),
    frames=st.sampled_from([1, 2, 5]),
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    photographs=st.booleans(),
)
def test_shape_and_range(seed: int, batch: int, frames: int, height: int, width: int, photographs: bool) -> None:
    video, coverage = clips(
        batch, frames, height=height, width=width, generator=seeded(seed), lifelike=True, photographs=photographs
    )
    assert video.shape == (batch, 3, frames, height, width) and coverage.shape == (batch, 1, frames, height, width)
    assert video.isfinite().all() and video.abs().max() <= 1
    assert coverage.min() >= 0 and coverage.max() <= 1


def test_clips_follow_from_the_seed_alone() -> None:
    first = clips(3, 5, height=32, width=32, generator=seeded(3), lifelike=True)
    torch.randn(100)
    again = clips(3, 5, height=32, width=32, generator=seeded(3), lifelike=True)
    other = clips(3, 5, height=32, width=32, generator=seeded(4), lifelike=True)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_the_object_stays_in_view_and_moves() -> None:
    video, coverage = clips(32, 9, height=48, width=48, generator=seeded(0), lifelike=True)
    assert (coverage.mean(dim=(1, 3, 4)).amin(dim=1) > 0.01).float().mean() > 0.9
    inside = (coverage[:, :, -1] > 0.5).float()

    def error(earlier: Tensor) -> float:
        return float(((video[:, :, -1] - earlier).square() * inside).sum() / (3 * inside.sum()))

    assert error(video[:, :, 0]) > 0.03
    assert error(video[:, :, -2]) < error(video[:, :, 0]) / 2


@pytest.mark.parametrize(("frames", "side", "batch"), [(9, 64, 24), (25, 96, 8)])
def test_the_codec_holds_most_clips(frames: int, side: int, batch: int) -> None:
    video, coverage = clips(batch, frames, height=side, width=side, generator=seeded(1), lifelike=True)
    codec = DctCodec()
    held = codec.decode(codec.encode(video).latent_dist.mode(), return_dict=False)[0].clamp(-1, 1)
    matte = (coverage > 0.05).float()
    error = ((held - video).square() * matte).sum(dim=(1, 2, 3, 4)) / (3 * matte.sum(dim=(1, 2, 3, 4))).clamp(min=1)
    assert (10 * torch.log10(4 / error) >= 30).float().mean() >= 0.85


def test_what_is_before_the_object_hides_it_and_what_is_behind_does_not() -> None:
    scene = drawn(6, 2)
    everywhere = torch.ones(6, dtype=torch.bool)
    # A sheet without edges leaves nothing to be seen.
    endless = replace(scene.other, look=replace(scene.other.look, outline=torch.ones_like(scene.other.look.outline)))
    scene = replace(scene, other=endless, foreground=endless)
    _, alone = film(scene)
    _, behind = film(replace(scene, other_behind=everywhere))
    assert alone.amax() > 0.9 and torch.equal(alone, behind)
    assert film(replace(scene, other_before=everywhere))[1].amax() < 0.01
    assert film(replace(scene, foreground_there=everywhere))[1].amax() < 0.01


def test_only_clips_that_have_a_layer_show_it() -> None:
    scene = drawn(2, 2)
    endless = replace(
        scene.foreground, look=replace(scene.foreground.look, outline=torch.ones_like(scene.foreground.look.outline))
    )
    there = torch.tensor([False, True])
    video, coverage = film(replace(scene, foreground=endless, foreground_there=there))
    bare, uncovered = film(scene)
    assert torch.equal(video[0], bare[0]) and torch.equal(coverage[0], uncovered[0])
    assert coverage[1].amax() < 0.01 and not torch.allclose(video[1], bare[1])


def test_the_shadow_darkens_beside_the_object_and_follows_it() -> None:
    scene = drawn(8, 9, seed=2)
    offset = torch.tensor([[9.0, 6.0]]).expand(8, 2)
    cast = replace(scene.shadow, offset=offset, strength=torch.full((8,), 0.5), softness=torch.full((8,), 2.0))
    lit, coverage = film(scene)
    shaded, same = film(replace(scene, shadow=cast))
    assert torch.equal(coverage, same)
    darker = lit - shaded
    assert darker.min() > -1e-5, "a shadow lightens nothing"
    assert darker[(coverage > 0.999).expand_as(darker)].abs().max() < 0.01, "nor does it fall on what throws it"
    share = (darker / (lit + 1).clamp(min=0.1)).mean(dim=1, keepdim=True)
    assert 0.45 < share.amax() < 0.51
    away = middle(share) - middle(coverage)
    assert (away * offset[:, None]).sum(dim=-1).mean() > 0, "it lies to the side that the light throws it"
    moved_object = middle(coverage)[:, -1] - middle(coverage)[:, 0]
    moved_shadow = middle(share)[:, -1] - middle(share)[:, 0]
    assert torch.corrcoef(torch.stack([moved_object.flatten(), moved_shadow.flatten()]))[0, 1] > 0.7


def test_motion_blur_widens_the_edges_of_what_moves_and_only_those() -> None:
    scene, everyone = drawn(8, 9, seed=5), torch.ones(8, dtype=torch.bool)

    def edge(of: LifelikeScene, blurred: Tensor) -> Tensor:
        coverage = expose(of, height=SIDE, width=SIDE, blurred=blurred)[1]
        return ((coverage > 0.1) & (coverage < 0.9)).float().mean(dim=(1, 2, 3, 4))

    assert edge(scene, everyone).mean() > 1.03 * edge(scene, ~everyone).mean()
    still = frozen(scene, frames=2)
    torch.testing.assert_close(
        expose(still, height=SIDE, width=SIDE, blurred=everyone)[0],
        expose(still, height=SIDE, width=SIDE, blurred=~everyone)[0],
        atol=1e-4,
        rtol=0,
    )


def test_each_clip_is_blurred_or_not_by_itself() -> None:
    scene = drawn(3, 5, seed=1)
    none, some, every = (
        expose(scene, height=SIDE, width=SIDE, blurred=torch.tensor(flags))[0]
        for flags in ([False] * 3, [False, True, False], [True] * 3)
    )
    torch.testing.assert_close(some[[0, 2]], none[[0, 2]])
    torch.testing.assert_close(some[1], every[1])


def test_a_tilted_sheet_is_foreshortened() -> None:
    scene = frozen(drawn(8, 1, seed=3), frames=1)
    flat = {
        "outline": _polygons(8, seeded(0)),
        "bend_amplitude": torch.zeros(8, 2, 2),
        "radius": torch.full((8,), 15.0),
    }
    still = torch.zeros_like(scene.item.path.tilt)
    facing, leaning = (
        film(with_item(scene, look=flat, tilt=still + tilt, swing=still))[1].sum(dim=(1, 2, 3, 4))
        for tilt in (0.0, 1.0)
    )
    ratio = leaning / facing
    assert ((ratio - math.cos(1.0)).abs() < 0.12).all()


@settings(max_examples=30, deadline=None)
@given(tilt=st.floats(-1.0, 1.0), axis=st.floats(-3.1, 3.1), along=st.floats(-30, 30), across=st.floats(-30, 30))
def test_perspective_is_undone(tilt: float, axis: float, along: float, across: float) -> None:
    """A point of the sheet, turned in space and projected to the eye the long way, is found again."""
    focal = 160.0
    depth = focal + across * math.sin(tilt)
    seen_along, seen_across = along * focal / depth, across * math.cos(tilt) * focal / depth

    def on_screen(first: float, second: float) -> tuple[float, float]:
        return (
            first * math.cos(axis) - second * math.sin(axis),
            first * math.sin(axis) + second * math.cos(axis),
        )

    scene = frozen(drawn(1, 1), frames=1)
    scene = with_item(scene, look={"tilt_axis": torch.tensor([axis])}, tilt=torch.full_like(scene.item.path.tilt, tilt))
    point = torch.tensor(on_screen(seen_along, seen_across)).view(1, 1, 1, 1, 2)
    found = _upright(scene.item, point.expand(1, INSTANTS, 1, 1, 2), focal_px=focal)[0, 0, 0, 0]
    torch.testing.assert_close(found, torch.tensor(on_screen(along, across)), atol=1e-2, rtol=1e-3)


def test_a_limb_swings_about_its_joint_and_the_body_stays() -> None:
    scene = frozen(drawn(1, 1), frames=1)
    swing = torch.full_like(scene.item.path.swing, 0.8)
    look = {"joint": torch.tensor([0.3]), "radius": torch.tensor([20.0])}
    item = with_item(scene, look=look, swing=swing).item
    hinge, body, limb = 6.0, torch.tensor([-20.0, 3.0]), torch.tensor([30.0, 0.0])
    points = torch.stack([body, limb]).view(1, 1, 1, 2, 2).expand(1, INSTANTS, 1, 2, 2)
    stayed, swung = _unswung(item, points)[0, 0, 0]
    assert (stayed - body).norm() < 0.1
    assert abs(float((swung - torch.tensor([hinge, 0.0])).norm()) - 24.0) < 1e-3, "a limb keeps its length"
    assert swung[1] == pytest.approx(-24 * math.sin(0.8), abs=0.1)


def test_a_solid_that_turns_shows_a_side_that_was_hidden() -> None:
    scene = frozen(drawn(4, 1, seed=7), frames=1)
    scene = with_item(scene, look={"outline": _solids(4, seeded(1))}, turn=torch.zeros_like(scene.item.path.turn))
    turned = with_item(scene, turn=scene.item.path.turn + 1.2)
    (before, coverage), (after, same) = film(scene), film(turned)
    assert torch.equal(coverage, same), "its silhouette stays"
    differs = (before - after).abs()
    assert differs[(coverage < 1e-3).expand_as(differs)].max() < 0.01
    assert (differs * (coverage > 0.5)).sum(dim=(1, 2, 3, 4)).min() > 1
    radius, half = 20.0, torch.full((1, INSTANTS, 1, 3), 0.8)
    x = torch.tensor([-1.0, 0.0, 1.0]) * 0.99 * 0.8 * radius
    local = torch.stack([x, torch.zeros(3)], dim=-1).view(1, 1, 1, 3, 2).expand(1, INSTANTS, 1, 3, 2)
    one = excerpt(turned.item, members=torch.tensor([0]))
    one = replace(one, look=replace(one.look, radius=torch.tensor([radius])))
    around, shading = _rolled(one, local, half)
    angle = around[0, 0, 0, :, 0] / (0.7 * radius) - 1.2
    torch.testing.assert_close(angle, torch.tensor([-1.0, 0.0, 1.0]) * math.asin(0.99), atol=1e-3, rtol=0)
    assert shading[0, 0, 0, 0] > shading[0, 0, 0, 2], "lit from the left"


@pytest.mark.parametrize("size", [(64, 64), (50, 71), (9, 8)])
def test_the_coarse_grid_is_close_to_every_pixel(size: tuple[int, int]) -> None:
    """Twin: the same maps worked out at all pixels."""
    height, width = size
    scene = drawn(6, 3, seed=4)
    y = torch.arange(height, dtype=torch.float32) - (height - 1) / 2
    x = torch.arange(width, dtype=torch.float32) - (width - 1) / 2
    every = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None, None]
    coarse = _coarse_screen(height, width, device=torch.device("cpu"))
    assert coarse.shape[2] <= height / _COARSE_PX + 2
    exact = _local(scene.item, every, focal_px=160.0)
    near = _fine(_local(scene.item, coarse, focal_px=160.0), height=height, width=width)
    assert near.shape == exact.shape
    shown = exact.norm(dim=-1) < 1.2 * scene.item.look.radius.view(-1, 1, 1, 1)
    assert (near - exact).norm(dim=-1)[shown].quantile(0.99) < 0.5


def test_an_excerpt_is_what_was_asked_for() -> None:
    scene = drawn(4, 3)
    part = excerpt(scene, members=torch.tensor([3, 1]), instants=slice(1, None, INSTANTS))
    assert part.camera.shift.shape == (2, 3, 2) and part.item.look.texture.shape[0] == 2
    assert torch.equal(part.item.path.tilt, scene.item.path.tilt[[3, 1], 1::INSTANTS])
    whole = film(excerpt(scene, members=torch.arange(4), instants=slice(1, None, INSTANTS)))[0]
    torch.testing.assert_close(film(part)[0], whole[[3, 1]])


def test_fast_things_are_softer() -> None:
    """The detail of textures falls with the speed of what wears them."""
    scene = sample_lifelike(48, 9, size=SIDE, generator=seeded(6), photographs=False)
    travel = scene.item.path.motion.shift.diff(dim=1).norm(dim=-1).mean(dim=1)
    texture = scene.item.look.texture
    detail = texture.diff(dim=-1).square().mean(dim=(1, 2, 3)) / texture.var(dim=(1, 2, 3)).clamp(min=1e-4)
    slow, fast = travel < travel.quantile(0.4), travel > travel.quantile(0.6)
    assert detail[fast].mean() < detail[slow].mean()
