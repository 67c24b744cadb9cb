# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts lifelike scenes on film: layers over one another with shadows, motion blur on some of the clips."""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from maskedit.synthetic.layers import INSTANTS, LifelikeScene, Look, Sheet, excerpt
from maskedit.synthetic.outlines import REACH
from maskedit.synthetic.scenes import Motion, bent, into

_FOCAL_SHARE = 2.5  # distance of the eye, in picture sides
# Motion and bending are smooth: they are worked out on a coarse grid and interpolated, at a tenth of the cost.
_COARSE_PX = 4


def _per_clip(value: Tensor) -> Tensor:
    return value.view(-1, 1, 1, 1)


def _coarse_screen(height: int, width: int, *, device: torch.device) -> Tensor:
    """Points (1, 1, h, w, 2), as x, y in pixels from the picture's middle, that span its pixel centres."""
    lines = [
        torch.linspace(-0.5, 0.5, math.ceil(side / _COARSE_PX) + 1, device=device) * (side - 1)
        for side in (width, height)
    ]
    return torch.stack(torch.meshgrid(*lines, indexing="xy"), dim=-1)[None, None]


def _fine(field: Tensor, *, height: int, width: int) -> Tensor:
    """Interpolate a field (B, T, h, w, C) on the coarse grid to all pixels (B, T, height, width, C)."""
    batch = field.shape[0]
    planes = field.flatten(0, 1).permute(0, 3, 1, 2)
    planes = F.interpolate(planes, size=(height, width), mode="bilinear", align_corners=True)
    return planes.permute(0, 2, 3, 1).unflatten(0, (batch, -1))


def _upright(sheet: Sheet, points: Tensor, *, focal_px: float) -> Tensor:
    """Undo the perspective of a sheet tilted about an axis through its middle: points (B, T, H, W, 2)."""
    sine, cosine = sheet.path.tilt.sin()[..., None, None], sheet.path.tilt.cos()[..., None, None]
    axis_x, axis_y = _per_clip(sheet.look.tilt_axis.cos()), _per_clip(sheet.look.tilt_axis.sin())
    x, y = points.unbind(-1)
    along, across = x * axis_x + y * axis_y, y * axis_x - x * axis_y
    # The floor keeps what lies beyond the sheet's horizon from coming back on its other side.
    across = focal_px * across / (focal_px * cosine - across * sine).clamp(min=0.1 * focal_px)
    along = along * (1 + across * sine / focal_px)
    return torch.stack([along * axis_x - across * axis_y, along * axis_y + across * axis_x], dim=-1)


def _unswung(sheet: Sheet, points: Tensor) -> Tensor:
    """Turn what lies beyond the joint back about it, by degrees, so that the limb bends and does not tear."""
    x, y = points.unbind(-1)
    hinge = _per_clip(sheet.look.joint * sheet.look.radius)
    beyond = x - hinge
    angle = sheet.path.swing[..., None, None] * torch.sigmoid(beyond * _per_clip(6 / sheet.look.radius))
    sine, cosine = angle.sin(), angle.cos()
    return torch.stack([hinge + cosine * beyond + sine * y, cosine * y - sine * beyond], dim=-1)


def _sampled(maps: Tensor, points: Tensor, *, padding: str) -> Tensor:
    """Sample maps (B, C, S, S) at points (B, T, H, W, 2) from -1 to 1, giving (B, C, T, H, W)."""
    batch, frames, height, width, _ = points.shape
    grid = points.reshape(batch, frames * height, width, 2)
    return F.grid_sample(maps, grid, padding_mode=padding, align_corners=False).view(batch, -1, frames, height, width)


def _colour(look: Look, surface: Tensor) -> Tensor:
    half_px = look.texel * look.texture.shape[-1] / 2
    return _sampled(look.texture, surface / half_px.view(-1, 1, 1, 1, 1), padding="reflection")


def _rolled(sheet: Sheet, local: Tensor, half_width: Tensor) -> tuple[Tensor, Tensor]:
    """Points (B, T, H, W, 2) on the surface of a solid that turns about its y axis, and its shading (B, T, H, W)."""
    radius = _per_clip(sheet.look.radius)
    sine = (local[..., 0] / (half_width * radius).clamp(min=1.0)).clamp(-0.995, 0.995)
    around = radius * 0.7 * (sine.asin() + sheet.path.turn[..., None, None])
    # Lit from the left front, with a third of the light from everywhere.
    facing = 0.85 * (1 - sine.square()).sqrt() - 0.5 * sine
    return torch.stack([around, local[..., 1]], dim=-1), 0.35 + 0.65 * facing.clamp(min=0)


def _local(sheet: Sheet, world: Tensor, *, focal_px: float) -> Tensor:
    """Carry points of the world (B, T, h, w, 2) to the layer's own plane, pixels from its middle."""
    flat = _upright(sheet, into(sheet.path.motion, world), focal_px=focal_px)
    return _unswung(sheet, bent(sheet.bend, flat))


def _outline(look: Look, local: Tensor) -> Tensor:
    """The outline map (B, 2, T, H, W) at points of the layer's plane."""
    return _sampled(look.outline, local / (look.radius * REACH).view(-1, 1, 1, 1, 1), padding="border")


def _seen_from(camera: Motion, sheet: Sheet, screen: Tensor) -> Tensor:
    return into(replace(camera, shift=camera.shift * sheet.look.parallax.view(-1, 1, 1)), screen)


def _covering(outline: Tensor, look: Look, softness: Tensor) -> Tensor:
    over = (slice(None), None, None, None, None)
    return torch.sigmoid(outline[:, :1] * (look.radius / softness)[over])


def _paint(sheet: Sheet, local: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (B, 3, T, H, W) and coverage (B, 1, T, H, W) of a layer at points of its plane (B, T, H, W, 2)."""
    outline = _outline(sheet.look, local)
    covering = _covering(outline, sheet.look, sheet.look.softness)
    shading = torch.ones_like(local[..., 0])
    solid = (sheet.look.outline[:, 1].amax(dim=(1, 2)) > 0).nonzero().squeeze(1)
    if len(solid):
        local[solid], shading[solid] = _rolled(excerpt(sheet, members=solid), local[solid], outline[solid, 1])
    gain = (shading * sheet.path.light[..., None, None])[:, None]
    return (_colour(sheet.look, local) + 1) * gain - 1, covering


class _Film:
    """What `compose` paints on, from back to front."""

    def __init__(self, scene: LifelikeScene, *, height: int, width: int) -> None:
        self.scene = scene
        self.size = {"height": height, "width": width}
        self.screen = _coarse_screen(height, width, device=scene.camera.angle.device)
        self.focal_px = _FOCAL_SHARE * max(height, width)
        world = _seen_from(scene.camera, scene.background, self.screen)
        ground = _local(scene.background, world, focal_px=self.focal_px)
        self.video = _colour(scene.background.look, _fine(ground, **self.size))

    def shade(self) -> None:
        """Darken what is there by the shadow of the object, which lies where the object would be from another place."""
        members = (self.scene.shadow.strength > 0).nonzero().squeeze(1)
        if not len(members):
            return
        scene = excerpt(self.scene, members=members)
        world = _seen_from(scene.camera, scene.item, self.screen) - scene.shadow.offset.view(-1, 1, 1, 1, 2)
        outline = _outline(scene.item.look, _fine(_local(scene.item, world, focal_px=self.focal_px), **self.size))
        dark = _covering(outline, scene.item.look, scene.shadow.softness) * scene.shadow.strength.view(-1, 1, 1, 1, 1)
        self.video[members] = (self.video[members] + 1) * (1 - dark) - 1

    def lay(self, sheet: Sheet, where: Tensor) -> Tensor:
        """Paint a layer on the clips `where` (B,) it is; returns what it leaves to be seen (B, 1, T, H, W)."""
        batch, _, *shape = self.video.shape
        seen_through = self.video.new_ones(batch, 1, *shape)
        members = where.nonzero().squeeze(1)
        if len(members):
            sheet = excerpt(sheet, members=members)
            world = _seen_from(excerpt(self.scene.camera, members=members), sheet, self.screen)
            colour, covered = _paint(sheet, _fine(_local(sheet, world, focal_px=self.focal_px), **self.size))
            self.video[members] = torch.lerp(self.video[members], colour, covered)
            seen_through[members] = 1 - covered
        return seen_through


def compose(scene: LifelikeScene, *, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Draw a scene at its instants: video (B, 3, T, height, width), black at -1 and not clamped, and the visible part
    of the object (B, 1, T, height, width) in [0, 1]."""
    film = _Film(scene, height=height, width=width)
    film.lay(scene.other, scene.other_behind)
    film.shade()
    visible = 1 - film.lay(scene.item, torch.ones_like(scene.other_behind))
    visible = visible * film.lay(scene.other, scene.other_before)
    return film.video, visible * film.lay(scene.foreground, scene.foreground_there)


def expose(scene: LifelikeScene, *, height: int, width: int, blurred: Tensor) -> tuple[Tensor, Tensor]:
    """Film scenes: `compose`d at the middle instant of each frame, or the mean of all instants where `blurred` (B,)."""
    sharp, smeared = (~blurred).nonzero().squeeze(1), blurred.nonzero().squeeze(1)
    middle = slice(INSTANTS // 2, None, INSTANTS)
    frames = scene.camera.angle.shape[1] // INSTANTS
    video = torch.empty(len(blurred), 3, frames, height, width, device=blurred.device)
    visible = torch.empty(len(blurred), 1, frames, height, width, device=blurred.device)
    if len(sharp):
        video[sharp], visible[sharp] = compose(
            excerpt(scene, members=sharp, instants=middle), height=height, width=width
        )
    if len(smeared):
        moments = compose(excerpt(scene, members=smeared, instants=slice(None)), height=height, width=width)
        video[smeared], visible[smeared] = (clip.unflatten(2, (frames, INSTANTS)).mean(dim=3) for clip in moments)
    return video, visible
