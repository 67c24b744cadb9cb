# SPDX-License-Identifier: GPL-3.0-or-later
"""What the paste shows: a grown silhouette with hair, the ground around it, something in front, a matte nobody drew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from maskedit.draft import follow, guide, to_codes
from maskedit.finishing_benchmark import Row
from maskedit.finishing_benchmark._mane import Clip, Mane, bar, behind_bar, mane, redrawn
from maskedit.geometry import resized
from maskedit.mattes import changed, composite_matte, edited, paste_mattes, steadied
from maskedit.presets import Edges

_EDGES = Edges(grow_px=20, feather_px=4)
# A pixel whose truth is so far from the plate is part of the edit; one that is so near to it is not.
_CHANGED, _SAME = 8 / 255, 4 / 255
# So far from the edit the ground has to be the plate's.
_AROUND_PX = 8


def measure(*, seeds: Sequence[int] = (0, 1, 2)) -> list[Row]:
    """The figures: the worst of the scenes of these seeds."""
    shown, back, error, steady, occluded, traced = (
        np.array(each) for each in zip(*(_figures(seed) for seed in seeds), strict=True)
    )
    around = f"{_EDGES.grow_px} px of loose region around a ball that grows a mane"
    return [
        Row(
            name="New silhouette shown",
            what=f"of what the truth changes outside the drawn matte, {around}",
            figure=100 * float(shown.min()),
            unit="%",
            least=99,
        ),
        Row(
            name="Ground given back",
            what=f"pixels of the loose region more than {_AROUND_PX} px from the edit that equal the plate",
            figure=100 * float(back.min()),
            unit="%",
            least=95,
        ),
        Row(
            name="Error of the loose region",
            what="against the truth, as a share of what pasting all of it makes",
            figure=100 * float(error.max()),
            unit="%",
            most=95,
        ),
        Row(
            name="Found matte at rest",
            what="share that changes from frame to frame where nothing moves but grain and what was redrawn",
            figure=100 * float(steady.max()),
            unit="%",
            most=2.5,
        ),
        Row(
            name="Edge of something in front",
            what="error of a held out bar's soft edge against the truth, as a share of the plate's own",
            figure=100 * float(occluded.max()),
            unit="%",
            most=50,
        ),
        Row(
            name="Matte from the edit",
            what="of what the truth changes on 12 frames, what the matte from keyframe 0 covers before it is loosened",
            figure=100 * float(traced.min()),
            unit="%",
            least=99,
        ),
    ]


def pictures() -> dict[str, Clip]:
    """One frame of a scene: pasted by the matte that was found, behind something that is held out, and the matte that
    was traced from keyframe 0."""
    scene, frame = mane(0), 6
    made, cover = redrawn(scene.truths, seed=0, much=2.0), bar(len(scene.plates))
    found, loose = found_mattes(scene.plates, made, scene.drawn), loosened(scene.drawn)
    plates = behind_bar(scene.plates, cover)
    shown = {
        "plate": scene.plates[frame],
        "what a model made": made[frame],
        "loosened matte": _grey(loose[frame]),
        "found matte": _grey(found[frame]),
        "pasted by it": laid(scene.plates, made, found)[frame],
        "behind a holdout": laid(plates, made, found * (1 - cover))[frame],
        "traced from keyframe 0": _grey(traced(scene)[frame]),
    }
    return {name: np.clip(picture, 0, 1) for name, picture in shown.items()}


def loosened(drawn: Clip) -> Clip:
    """The matte beyond which nothing may be pasted, of each drawn one (T, H, W)."""
    return np.stack(list(paste_mattes(iter(drawn), _EDGES)))


def found_mattes(plates: Clip, made: Clip, drawn: Clip) -> Clip:
    """The paste matte of every frame, (T, H, W), as an edit finds it."""
    loose = loosened(drawn)
    frames = zip(plates, made, drawn, loose, strict=True)
    noticed = [edited(plate, picture, drawn=inner, paste=outer) for plate, picture, inner, outer in frames]
    found = zip(steadied(iter(noticed)), drawn, loose, strict=True)
    return np.stack([composite_matte(steady, drawn=inner, paste=outer) for steady, inner, outer in found])


def laid(plates: Clip, made: Clip, mattes: Clip) -> Clip:
    """`made` (T, H, W, 3) over `plates`, as `mattes` (T, H, W) say."""
    return np.asarray(plates + mattes[..., None] * (made - plates), np.float32)


def _figures(seed: int) -> tuple[float, ...]:
    scene = mane(seed)
    made = redrawn(scene.truths, seed=seed)
    loose, found = loosened(scene.drawn), found_mattes(scene.plates, made, scene.drawn)
    apart = np.abs(scene.truths - scene.plates).max(axis=-1)
    ring = (loose == 1) & (scene.drawn == 0)
    weight = apart * (apart > _CHANGED) * ring
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _AROUND_PX + 1,) * 2)
    near = np.stack([cv2.dilate((frame > _SAME).astype(np.uint8), reach) for frame in apart])
    ground = ring & (near == 0)
    errors = [np.abs(laid(scene.plates, made, matte) - scene.truths)[ring].mean() for matte in (found, loose)]
    return (
        float((found * weight).sum() / weight.sum()),
        float((found[ground] == 0).mean()),
        float(errors[0] / errors[1]),
        _unrest(seed),
        _edge_in_front(scene, seed=seed),
        min(float(matte[there].mean()) for matte, there in zip(traced(scene) >= 0.5, apart > _CHANGED, strict=True)),
    )


def _unrest(seed: int) -> float:
    still = mane(seed, still=True)
    found = found_mattes(still.plates, redrawn(still.truths, seed=seed), still.drawn)
    return float(np.abs(np.diff(found, axis=0)).sum() / found[1:].sum())


def _edge_in_front(scene: Mane, *, seed: int) -> float:
    cover = bar(len(scene.plates))
    plates, truths = (behind_bar(clip, cover) for clip in (scene.plates, scene.truths))
    pasted = laid(plates, redrawn(truths, seed=seed), loosened(scene.drawn) * (1 - cover))
    edge = (cover > 0) & (cover < 1) & (scene.drawn == 1)
    return float(np.abs(pasted - truths)[edge].mean() / np.abs(plates - truths)[edge].mean())


def traced(scene: Mane) -> Clip:
    """The matte of every frame (T, H, W), from what keyframe 0 changes."""
    height, width = scene.drawn.shape[1:]
    guides = [guide(plate, np.zeros((height, width), np.float32)) for plate in scene.plates]
    small = guides[0].search.shape[::-1]
    guides[0] = replace(guides[0], edit_matte=to_codes(resized(changed(scene.plates[0], scene.truths[0]), *small)))
    return np.stack([resized(matte, width, height) for matte in follow(guides, [0])])


def _grey(matte: Clip) -> Clip:
    return np.repeat(matte[..., None], 3, axis=-1)
