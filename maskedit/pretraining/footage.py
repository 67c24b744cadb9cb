# SPDX-License-Identifier: GPL-3.0-or-later
"""Training clips from a folder of own footage: random windows in time, random crops at random reductions."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskedit.errors import InputError
from maskedit.media import ClipReader
from maskedit.media.pictures import PICTURE_SUFFIXES
from maskedit.pretraining.config import Stage
from maskedit.pretraining.following import followed_blob

_NUMBERED = re.compile(r"(.*?)(\d+)(\.\w+)")
_LEAST_SIDE = 16  # in which motion can be found
_CROPS = 4  # of each window: decoding costs more than reducing
_LEAST_DEVIATION = 3.0  # of 255: crops of black bars and plain walls teach nothing
_MOST_TRIES = 60  # windows across cuts or of nothing, one after the other, before the footage counts as unusable
# Frames differ by a cut if their mean difference is so large, of 1, and so many times the window's usual one.
_CUT_DIFFERENCE = 0.06
_CUT_TIMES_USUAL = 3.0


@dataclass(frozen=True)
class FootageWindow:
    """`video` uint8 (T, H, W, 3), and `coverage` uint8 (T, H, W): a made-up object that follows the motion."""

    video: NDArray[np.uint8]
    coverage: NDArray[np.uint8]


@dataclass(frozen=True)
class Footage:
    """The clips of a folder that can be trained on. `say` is told of what turns out to be damaged later."""

    folder: Path
    clips: tuple[ClipReader, ...]
    say: Callable[[str], None]

    def fitting(self, stage: Stage) -> list[ClipReader]:
        """The clips that are long and large enough for a stage."""
        return [clip for clip in self.clips if _fits(clip, stage)]


def find_footage(folder: Path, stages: Sequence[Stage], *, say: Callable[[str], None]) -> Footage:
    """Every video file and every numbered sequence of pictures in `folder` or in a folder within it.

    `say` is told in a sentence of each file that cannot be used. Raises InputError where a stage is left without a
    clip.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: check the path of --clips.")
    if any(min(stage.width, stage.height) < _LEAST_SIDE for stage in stages):
        raise InputError(f"Footage needs stages of {_LEAST_SIDE} pixels a side or more: change [[stages]].")
    clips: list[ClipReader] = []
    for path in _candidates(folder):
        try:
            clip = ClipReader(path)
        except InputError as error:
            say(f"Skipped: {error}")
            continue
        facts = clip.facts
        if any(_fits(clip, stage) for stage in stages):
            clips.append(clip)
        else:
            size = f"{facts.frame_count} frames, {facts.width}x{facts.height}"
            say(f"Skipped: {path.name} ({size}) is too short or too small.")
    footage = Footage(folder, tuple(clips), say)
    for stage in stages:
        if not footage.fitting(stage):
            raise InputError(
                f"No clip in {folder} has {stage.frames} frames of at least {stage.width}x{stage.height}: "
                "add longer or larger ones, or train on less with [[stages]]."
            )
    return footage


def _fits(clip: ClipReader, stage: Stage) -> bool:
    facts = clip.facts
    return facts.frame_count >= stage.frames and facts.width >= stage.width and facts.height >= stage.height


def _candidates(folder: Path) -> list[Path]:
    """Video files, and one `name.%04d.png` for each numbered sequence, sorted."""
    found: set[Path] = set()
    for path in (*folder.iterdir(), *folder.glob("*/*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            found.add(path)
        elif match := _NUMBERED.fullmatch(path.name):
            name, number, suffix = match.groups()
            # Where digits grow with the number there are no leading zeros to count.
            digits = f"%0{len(number)}d" if number.startswith("0") or len(number) > 3 else "%d"
            found.add(path.with_name(f"{name}{digits}{suffix}"))
    return sorted(found)


def draw_windows(
    footage: Footage, clips: list[ClipReader], stage: Stage, *, random: np.random.Generator
) -> list[FootageWindow]:
    """Some windows of the stage's shape from one random stretch without a cut, of one of `clips`.

    A clip that turns out to be damaged is said and taken from `clips`. Raises InputError when none is left or when
    every stretch crosses a cut or is blank.
    """
    for _ in range(_MOST_TRIES):
        if not clips:
            raise InputError(f"None of the clips in {footage.folder} can be read any more: check their disk.")
        lengths = np.array([clip.facts.frame_count for clip in clips], float)
        clip = clips[random.choice(len(clips), p=lengths / lengths.sum())]
        first = int(random.integers(clip.facts.frame_count - stage.frames + 1))
        try:
            crops, cut = _read(clip, first, stage, random=random)
        except InputError as error:
            footage.say(f"Skipped: {error}")
            clips.remove(clip)
            continue
        crops = [crop for crop in crops if crop.std() >= _LEAST_DEVIATION]
        if crops and not cut:
            return [FootageWindow(crop, followed_blob(crop, random=random)) for crop in crops]
    raise InputError(
        f"Every stretch of {stage.frames} frames tried in {footage.folder} crosses a cut or shows nothing: give "
        "longer shots, or train on fewer frames with [[stages]]."
    )


def _read(
    clip: ClipReader, first: int, stage: Stage, *, random: np.random.Generator
) -> tuple[list[NDArray[np.uint8]], bool]:
    """Random crops (T, H, W, 3) of one stretch, reduced frame by frame as it is decoded; and whether it has a cut."""
    facts = clip.facts
    largest = min(facts.width / stage.width, facts.height / stage.height)
    rects: list[tuple[int, int, int, int]] = []
    for reduction in largest ** random.random(_CROPS):
        width, height = int(stage.width * reduction), int(stage.height * reduction)
        left, top = random.integers(facts.width - width + 1), random.integers(facts.height - height + 1)
        rects.append((int(left), int(top), width, height))
    crops = [np.empty((stage.frames, stage.height, stage.width, 3), np.uint8) for _ in rects]
    small: list[NDArray[np.float32]] = []
    with clip:
        for number, plate in enumerate(clip.frames(first, first + stage.frames - 1)):
            rgb = plate.rgb()
            small.append(np.asarray(cv2.resize(rgb, (32, 18), interpolation=cv2.INTER_AREA), np.float32))
            for crop, (left, top, width, height) in zip(crops, rects, strict=True):
                part = rgb[top : top + height, left : left + width]
                reduced = cv2.resize(part, (stage.width, stage.height), interpolation=cv2.INTER_AREA)
                crop[number] = np.rint(reduced * 255)
    return crops, has_cut(np.stack(small))


def has_cut(frames: NDArray[np.float32]) -> bool:
    """Whether two neighbours among small frames (T, h, w, 3) in [0, 1] differ as shots do, not as motion does."""
    if len(frames) < 2:
        return False
    differences = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    largest = float(differences.max())
    return largest > max(_CUT_DIFFERENCE, _CUT_TIMES_USUAL * float(np.median(differences)))
