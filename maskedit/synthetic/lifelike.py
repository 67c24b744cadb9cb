# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes nearer to real shots: sheets in perspective, solids that turn, limbs that swing, a shaking camera, things in
front.

Whatever moves is drawn at several instants of each frame, so that `exposure` can blur motion as a shutter does.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from maskedit.synthetic.layers import INSTANTS, LifelikeScene, Look, Path, Shadow, Sheet
from maskedit.synthetic.outlines import draw_bars, draw_outlines
from maskedit.synthetic.photographs import draw_photographs, photographs_here
from maskedit.synthetic.scenes import Motion, sway
from maskedit.synthetic.textures import draw_textures, uniform

_MOST_PX = 96  # larger pictures enlarge textures of this size of picture, and cost no more to texture
_PHOTOGRAPHIC_SHARE = 0.4


@dataclass(frozen=True)
class _Stage:
    """What the layers of one batch have in common."""

    batch: int
    size: int
    frames: int
    time: Tensor  # (T * INSTANTS,) from -0.5 to 0.5
    pace: Tensor  # (B, 1) by which all that moves is slower or faster
    photographs: bool
    generator: torch.Generator

    def within(self, low: float, high: float) -> Tensor:
        return uniform((self.batch,), (low, high), generator=self.generator)

    def sway(self, most: float) -> Tensor:
        return self.pace * sway(self.batch, self.time, most=most, generator=self.generator)

    def some(self, share: float) -> Tensor:
        return (torch.rand(self.batch, generator=self.generator, device=self.generator.device) < share).float()

    def motion(self, *, travel: float, turn: float, growth: float) -> Motion:
        """`travel` in shares of the picture, `turn` in radians, `growth` as a logarithm, per frame at most."""
        length = min(self.frames, 25)  # beyond that a clip has no more to show, only more time
        return Motion(
            shift=torch.stack([self.sway(travel * length * self.size) for _ in range(2)], dim=2),
            angle=self.sway(turn * length),
            scale=torch.exp(self.sway(growth * length)),
        )


def _shaken(stage: _Stage, camera: Motion) -> Motion:
    """A hand-held camera: a quick tremble on top, in four clips of ten."""
    strength = stage.some(0.4) * stage.within(0.2, 0.9) * stage.size / 96
    beat = stage.time * max(stage.frames - 1, 1) * 2 * math.pi
    tremble = torch.zeros_like(camera.shift)
    for _ in range(2):
        cycles = uniform((stage.batch, 1, 2), (0.05, 0.2), generator=stage.generator)
        phase = uniform((stage.batch, 1, 2), (0, 2 * math.pi), generator=stage.generator)
        tremble = tremble + torch.sin(beat[None, :, None] * cycles + phase)
    return replace(camera, shift=camera.shift + strength[:, None, None] * tremble)


def _kept_in_view(motion: Motion, camera: Motion, *, size: int) -> Motion:
    """The object's way held to the middle of the picture, as whoever follows it with a camera would."""
    room = 0.4 * size
    return replace(motion, shift=room * torch.tanh((motion.shift + camera.shift) / room) - camera.shift)


def _speed(motion: Motion, camera: Motion, *, reach: float) -> Tensor:
    """Mean pixels per frame (B,) that a point `reach` pixels from a layer's middle travels on the screen."""
    if motion.angle.shape[1] == INSTANTS:
        return torch.zeros_like(motion.angle[:, 0])

    def steps(curve: Tensor) -> Tensor:
        return curve[:, INSTANTS::INSTANTS] - curve[:, :-INSTANTS:INSTANTS]

    travel = (steps(motion.shift) + steps(camera.shift)).norm(dim=-1)
    turn = (steps(motion.angle).abs() + steps(camera.angle).abs() + steps(motion.scale.log()).abs()) * reach
    return (travel + turn).mean(dim=1)


def _softened(textures: Tensor, blur_px: Tensor) -> Tensor:
    """Textures (B, 3, S, S) under Gaussians of the given deviations (B,)."""
    side = textures.shape[-1]
    rows = torch.fft.fftfreq(side, device=textures.device)[:, None]
    columns = torch.fft.rfftfreq(side, device=textures.device)[None]
    kept = torch.exp(-2 * (math.pi * blur_px.view(-1, 1, 1, 1)).square() * (rows.square() + columns.square()))
    return torch.fft.irfft2(torch.fft.rfft2(textures) * kept, s=(side, side))


def _textures(stage: _Stage, side: int) -> Tensor:
    drawn = draw_textures(stage.batch, side, generator=stage.generator)
    # The colours of things are mostly less pure than those drawn.
    drawn = torch.lerp(drawn, drawn.mean(dim=1, keepdim=True), stage.within(0, 0.8).view(-1, 1, 1, 1))
    if not (stage.photographs and photographs_here(stage.generator.device)):
        return drawn
    photographic = stage.some(_PHOTOGRAPHIC_SHARE).nonzero().squeeze(1)
    if len(photographic):
        drawn[photographic] = draw_photographs(len(photographic), side, generator=stage.generator)
    return drawn


def _sheet(
    stage: _Stage,
    camera: Motion,
    *,
    outline: Tensor,
    radius: Tensor,
    spread: float,
    extent: float = 1.4,
    still: bool = False,
    followed: bool = False,
    tilt: float = 1.0,
    parallax: tuple[float, float] = (1.0, 1.0),
    defocus_px: tuple[float, float] = (0.0, 0.3),
) -> Sheet:
    """A layer of random looks and ways; `radius` (B,), `spread` (of its place) and `extent` (of its texture) in shares
    of the picture."""
    generator, batch, size = stage.generator, stage.batch, stage.size
    motion = (
        stage.motion(travel=0.0, turn=0.0, growth=0.0) if still else stage.motion(travel=0.035, turn=0.07, growth=0.022)
    )
    place = uniform((batch, 1, 2), (-spread * size, spread * size), generator=generator)
    upright = stage.within(-0.4, 0.4) + stage.some(0.5) * stage.within(-math.pi, math.pi)
    motion = replace(motion, shift=motion.shift + place, angle=motion.angle + upright[:, None])
    if followed:
        motion = _kept_in_view(motion, camera, size=size)
    radius_px = radius * size
    texel = stage.within(0.8, 1.2) * max(1.0, size / _MOST_PX)
    length = min(stage.frames, 25)
    turn = stage.sway(0.2 * length) + stage.within(-0.5, 0.5)[:, None]
    # What moves fast is softer: the bundled codec keeps little fine detail in motion, and neither does a shutter.
    quick = _speed(motion, camera, reach=size / 4) + (turn[:, -1] - turn[:, 0]).abs() / length * radius_px / 2
    defocus = stage.within(*defocus_px)
    blur = (defocus + 0.22 * quick.clamp(max=5.0)) / texel
    bends = stage.within(0, 1).square()[:, None, None] * (0.0 if still else 1.0)
    drift = uniform((batch, 1, 2), (-0.35, 0.35), generator=generator)
    beat = (stage.time * max(stage.frames - 1, 1))[None, :, None]
    leaning = stage.within(-tilt, tilt)
    # Tilt and swing are those of a sheet; a solid has its own way to turn.
    supple = torch.where(outline[:, 1].amax(dim=(1, 2)) > 0, 0.3, 1.0)[:, None]
    look = Look(
        texture=_softened(_textures(stage, round(extent * min(size, _MOST_PX))), blur),
        texel=texel,
        outline=outline,
        radius=radius_px,
        softness=0.4 + stage.within(0, 0.4) + 0.6 * defocus,
        tilt_axis=stage.within(-math.pi, math.pi),
        joint=stage.within(0.1, 0.5),
        bend_direction=uniform((batch, 2, 2), (-1, 1), generator=generator) * (7.0 / size),
        bend_amplitude=uniform((batch, 2, 2), (-0.05, 0.05), generator=generator) * bends * size,
        parallax=stage.within(*parallax),
    )
    return Sheet(
        look=look,
        path=Path(
            motion=motion,
            tilt=supple * (leaning[:, None] + stage.sway(0.0 if still else 0.08 * length)).clamp(-1.1, 1.1),
            turn=turn,
            swing=supple * stage.some(0.5)[:, None] * stage.sway(0.0 if still else 0.07 * length),
            bend_phase=uniform((batch, 1, 2), (0, 2 * math.pi), generator=generator) + drift * beat,
            light=1 + stage.sway(0.2),
        ),
    )


def sample_lifelike(
    batch: int, frames: int, *, size: int, generator: torch.Generator, photographs: bool = True
) -> LifelikeScene:
    """Draw `batch` scenes of `frames` frames, each at `INSTANTS` instants, for pictures of about `size` pixels."""
    device = generator.device
    shutter = torch.linspace(-0.3, 0.3, INSTANTS, device=device)  # a shutter of about 220 degrees, in frames
    time = (torch.arange(frames, device=device)[:, None] + shutter).flatten() / max(frames - 1, 1) - 0.5
    pace = torch.exp(uniform((batch, 1), (math.log(0.3), math.log(1.5)), generator=generator))
    stage = _Stage(batch, size, frames, time, pace, photographs, generator)
    camera = _shaken(stage, stage.motion(travel=0.016, turn=0.008, growth=0.008))
    anything = draw_outlines(3 * batch, generator=generator)
    leaves = stage.some(0.35).bool()
    before_all = torch.where(leaves[:, None, None, None], anything[2 * batch :], draw_bars(batch, generator=generator))
    background = _sheet(
        stage,
        camera,
        outline=torch.zeros_like(before_all),  # a background has no edge
        radius=stage.within(9, 9),
        spread=0.2,
        extent=2.0,  # so that its mirrored continuation seldom comes into view
        still=True,
        tilt=0.6,
        defocus_px=(0.0, 1.2),
    )
    item = _sheet(
        stage, camera, outline=anything[:batch], radius=stage.within(0.24, 0.44), spread=0.18, tilt=0.7, followed=True
    )
    other = _sheet(stage, camera, outline=anything[batch : 2 * batch], radius=stage.within(0.12, 0.3), spread=0.42)
    foreground = _sheet(
        stage,
        camera,
        outline=before_all,
        radius=torch.where(leaves, stage.within(0.15, 0.3), stage.within(0.7, 1.0)),
        spread=0.3,
        still=True,
        tilt=0.3,
        parallax=(1.4, 2.2),
        defocus_px=(0.4, 1.5),
    )
    company = stage.within(0, 1)
    away = stage.within(0, 2 * math.pi)
    throw = stage.within(0.04, 0.16) * size
    return LifelikeScene(
        camera=camera,
        background=background,
        item=item,
        other=other,
        foreground=foreground,
        other_behind=company < 0.3,
        other_before=company > 0.7,
        foreground_there=stage.some(0.35).bool(),
        shadow=Shadow(
            offset=torch.stack([away.cos(), away.sin()], dim=1) * throw[:, None],
            strength=stage.some(0.6) * stage.within(0.25, 0.65),
            softness=stage.within(0.015, 0.05) * size,
        ),
    )
