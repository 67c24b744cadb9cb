# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the figures of docs/crop.md: `./run exec python docs/measure_crop.py follow|rim|joins --work DIR`.

What was tuned stays in DIR, so that a second run takes seconds.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

from maskedit.benchmark.cases import Case, CaseFiles, Clip, write_case
from maskedit.benchmark.footage import recoloured, unchanged
from maskedit.benchmark.scenes import repainted
from maskedit.catalogue import Catalogue
from maskedit.checking import check_edit
from maskedit.edit import run_edit
from maskedit.geometry import CropTrack, crop_to_model, model_to_crop
from maskedit.measures import psnr
from maskedit.media import ClipReader
from maskedit.models import Limits
from maskedit.preparing import prepare
from maskedit.progress import SilentReporter
from maskedit.request import EditRequest, Finish, FrameRange, Keyframe, Matte, MediaReference, Preset, Region, Settings
from maskedit.scoring import Subject, score
from maskedit.shot import Shot, to_picture
from maskedit.synthetic.scenes import render, sample_scene
from maskedit.synthetic.textures import draw_textures

# Enough for the edit's colours; what is compared here hangs little on more.
BRIEF = Settings(motion_steps=8, appearance_steps=6)
BUNDLED = Limits(grid_px=8, cell_px=4, temporal_factor=4, budget_px=176 * 176, max_frames=25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["follow", "rim", "joins"])
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    {"follow": follow, "rim": rim, "joins": joins}[options.verb](options.work)


def follow(work: Path) -> None:
    """A crop at rest beside one that follows: in the draft, in what no model can surpass, in whole edits."""
    for seed in range(8):
        case = crossing(seed, frames=25)
        request = replace(request_for(write_case(case, work / case.name)), settings=BRIEF)
        for way, least in (("at rest", Fraction(1000)), ("following", Fraction(5, 4))):
            with patch("maskedit.geometry.track.WORTH_FOLLOWING", least):
                shot = prepared(request)
                edit = "" if seed not in (2, 7) else f"edit {in_object(edited(request, work, way), case):.1f}"
            draft = [to_picture(frame) for frame in shot.drafted().video.split(1, dim=2)]
            pairs = zip(case.truth, shot.track.plans, strict=True)
            perfect = [crop_to_model(truth / np.float32(255), plan) for truth, plan in pairs]
            print(
                case.name, way, f"{float(shot.track.plans[0].magnification):.2f} model px per source px",
                *(f"{name} {in_object(whole(crops, shot.track, case), case):.1f} dB"
                  for name, crops in (("draft", draft), ("there and back", perfect))), edit,
            )  # fmt: skip


def rim(work: Path) -> None:
    """Without and with the rim matched."""
    about = {"about": "", "frames": 25}
    cases = [recoloured(name="recolour", **about), unchanged(name="identity", **about)]
    cases += [repainted(seed, name=f"repainted-{seed}", size=192, **about) for seed in (1, 3, 5)]
    for case in cases:
        files = write_case(case, work / case.name)
        for strength in (0.0, 1.0):
            request = replace(request_for(files), settings=BRIEF, finish=Finish(rim_colour=strength))
            result = run(request, work, f"{case.name}-rim-{strength}")
            scores = score(subject(request, files, result, frames=25)).scores
            wanted = ("seam_ring_error", "result_psnr", "added_warp_error")
            print(case.name, f"rim {strength}", *(f"{name} {scores[name]:.2f}" for name in wanted))


def joins(work: Path) -> None:
    """How the error changes where two windows join, beside how it changes near there; and each window's drift."""
    case = repainted(5, name="long", about="", frames=60, size=192)
    for first in (0, 30):
        files = write_case(replace(case, keyframes=(first,)), work / f"long-{first}")
        stretches = prepared(request_for(files)).stretches(length=25, overlap=5)
        result = run(request_for(files), work, f"long-{first}")
        inside = case.matte >= 128
        error = frames_of(result) - case.truth
        change = [np.abs(error[n + 1] - error[n])[inside[n] & inside[n + 1]].mean() for n in range(59)]
        rendered: set[int] = {first}
        for stretch in stretches:
            new = [frame for frame in stretch if frame not in rendered]
            rendered |= set(new)
            joint = new[0] - 1 if stretch[0] < stretch[-1] else new[0]
            near = np.median([change[n] for n in range(max(joint - 4, 0), min(joint + 5, 59)) if n != joint])
            drift = [float(error[new][inside[new]][:, colour].mean()) for colour in range(3)]
            print(
                f"keyframe {first}, frames {new[0]}-{new[-1]}: change {change[joint]:.1f} where it joins, "
                f"{near:.1f} near; drift {', '.join(f'{codes:+.1f}' for codes in drift)}"
            )


def crossing(seed: int, *, frames: int) -> Case:
    """A small object that crosses a frame of 640x360 evenly, under the motion of the training scenes."""
    generator = torch.Generator().manual_seed(seed)
    scene = sample_scene(1, frames, size=360, generator=generator)
    look = draw_textures(1, scene.item.texture.shape[-1], generator=generator)
    item, motion = scene.item, scene.item.motion
    turn = 2 * np.pi * float(torch.rand((), generator=generator))
    time = torch.linspace(-0.5, 0.5, frames)
    way = torch.stack([time * 352 * np.sign(np.cos(turn)), time * 126 * np.sin(turn)], dim=1)[None]
    motion = replace(motion, shift=(motion.shift - motion.shift.mean(1, keepdim=True)) / 2 + way)
    small = {"radius": item.radius * 0.4, "bend_amplitude": item.bend_amplitude * 0.4}
    item = replace(item, motion=motion, **small)
    source, coverage = render(replace(scene, item=item, other=None), height=360, width=640)
    truth, _ = render(replace(scene, item=replace(item, texture=look), other=None), height=360, width=640)
    matte = (coverage[0, 0].numpy() > 0.05).astype(np.uint8) * 255
    return Case(name=f"crossing-{seed}", about="", source=codes(source), truth=codes(truth), matte=matte)


def codes(video: torch.Tensor) -> Clip:
    return ((video[0].permute(1, 2, 3, 0).numpy() + 1) * 127.5).round().clip(0, 255).astype(np.uint8)


def request_for(files: CaseFiles) -> EditRequest:
    def at(path: Path) -> MediaReference:
        return MediaReference(locations=(str(path),))

    return EditRequest(
        target=at(files.source),
        regions=(Region(mattes=(Matte(media=at(files.matte)),)),),
        keyframes=tuple(Keyframe(frame=frame, image=at(path)) for frame, path in files.keyframes.items()),
        preset=Preset.FAST,
    )


def prepared(request: EditRequest) -> Shot:
    context = Fraction(1, 4)
    return prepare(request, check_edit(request), limits=BUNDLED, context=context, reporter=SilentReporter())


def run(request: EditRequest, work: Path, name: str) -> Path:
    models = Catalogue(work / "models")
    done = run_edit(request, output=work / name, cache=work / "cache", reporter=SilentReporter(), models=models)
    return done.result


def edited(request: EditRequest, work: Path, way: str) -> list[np.ndarray]:
    clip = frames_of(run(request, work, f"edited-{Path(request.target.path).parent.name}-{way.replace(' ', '-')}"))
    return list(clip / np.float32(255))


def frames_of(path: Path) -> np.ndarray:
    """(T, H, W, 3) in 8-bit codes."""
    with ClipReader(str(path)) as clip:
        return np.stack([frame.rgb() * 255 for frame in clip.frames(0, clip.facts.frame_count - 1)])


def whole(crops: list[np.ndarray], track: CropTrack, case: Case) -> list[np.ndarray]:
    """The crops put back into the true frames."""
    frames = [frame / np.float32(255) for frame in case.truth]
    for frame, crop, plan in zip(frames, crops, track.plans, strict=True):
        frame[plan.rect.slices] = model_to_crop(crop, plan)
    return frames


def in_object(frames: list[np.ndarray], case: Case) -> float:
    """Decibels against the truth inside the matte, the keyframe left out."""
    pairs = zip(frames[1:], case.truth[1:], case.matte[1:], strict=True)
    squares = [((frame - truth / np.float32(255))[matte >= 128] ** 2).ravel() for frame, truth, matte in pairs]
    return psnr(float(np.concatenate(squares).mean())) or math.nan


def subject(request: EditRequest, files: CaseFiles, result: Path, *, frames: int) -> Subject:
    return Subject(
        source=str(files.source),
        result=str(result),
        regions=request.regions,
        frames=FrameRange(first=0, last=frames - 1),
        truth=str(files.truth),
        keyframes={frame: str(path) for frame, path in files.keyframes.items()},
    )


if __name__ == "__main__":
    main()
