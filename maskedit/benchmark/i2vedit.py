# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the method's paper (arXiv 2506.10082, Table 1) for whoever has a model, CLIP weights and clips.

    DATA/clips/NAME/source.mp4 (or any video)      the clip
                    matte.mkv (a video or .json)   what may change in it
                    keyframe-0000.png …            edited frames, by frame number; the lowest counts as the first
                    prompt.txt                     optional
    DATA/weights/clip/   a transformers folder of CLIP, for instance openai/clip-vit-large-patch14
    DATA/weights/deqa/   optional: DeQA-Score; the Python code in that folder is run if --trust-deqa says so

The paper defines its figures in words; this is how they are read here. CLIP score: the cosine between the CLIP image
embeddings of each frame of the result and of the edited first frame. Input similarity: the same between each frame of
the result and the frame of the input clip at the same time. DeQA: the score of each frame. Each is the mean over
frames, then over clips; painted frames are left out, because they are given.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from maskedit.benchmark.judges import ClipJudge, DeqaJudge
from maskedit.benchmark.runner import machine
from maskedit.benchmark.tables import Grid, as_rich
from maskedit.caching import content_hash
from maskedit.catalogue import Catalogue
from maskedit.edit import run_edit
from maskedit.errors import InputError
from maskedit.media import ClipReader, read_picture
from maskedit.progress import SilentReporter
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Preset, Region, to_json

NAME = "i2vedit"
# (method, CLIP score, DeQA, input similarity) as the paper prints them.
PUBLISHED = (
    ("AnyV2V", 0.8995, 3.7348, 0.7569),
    ("Go-with-the-Flow", 0.9047, 3.5622, 0.7504),
    ("I2VEdit", 0.9128, 3.4480, 0.7536),
    ("this method, latent blend", 0.8936, 3.5878, 0.7402),
    ("this method, published", 0.9172, 3.8013, 0.7608),
)
_KEYFRAME = re.compile(r"keyframe-(\d+)\.(?:png|tif|tiff|jpg|exr)")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one clip, or the mean of all; `deqa` None where its weights are not there."""

    clip_score: float
    input_similarity: float
    deqa: float | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """What only this suite takes."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help=f"for {NAME}: clips and weights (see docs/benchmark.md)"
    )
    parser.add_argument(
        "--trust-deqa", action="store_true", help=f"for {NAME}: run the Python code that comes with DeQA's weights"
    )
    parser.add_argument(
        "--preset", choices=[preset.value for preset in Preset], default="best", help=f"for {NAME}: the recipe"
    )


def run(options: argparse.Namespace) -> int:
    """The suite's command line; returns the exit status. Raises MaskEditError."""
    if options.data is None:
        raise InputError(f"The suite {NAME} needs --data DIR: clips and weights on this disk.")
    requests = requests_in(options.data, model=options.model, preset=Preset(options.preset), seed=options.seed)
    clip = ClipJudge(options.data / "weights" / "clip")
    deqa_folder = options.data / "weights" / "deqa"
    deqa = DeqaJudge(deqa_folder) if deqa_folder.is_dir() and options.trust_deqa else None
    models = Catalogue(options.data_dir or options.out / "data")
    found: dict[str, Figures] = {}
    for name, request in requests.items():
        # What an earlier run has tuned and rendered is taken from the cache.
        take = options.out / NAME / content_hash(to_json(request))
        result = run_edit(
            request, output=take, cache=options.out / "cache", reporter=SilentReporter(), models=models
        ).result
        found[name] = judged(request, result, clip=clip, deqa=deqa)
        print(f"{name}: CLIP score {found[name].clip_score:.4f}", file=sys.stderr, flush=True)
    why = "its code is run only with --trust-deqa" if deqa_folder.is_dir() else f"weights not found at {deqa_folder}"
    missing = "" if deqa else f"DeQA is not measured: {why}"
    whole = mean_of(list(found.values()))
    report = {
        "suite": NAME,
        "model": options.model,
        "fingerprint": models.find(options.model).fingerprint,
        "preset": options.preset,
        "seed": options.seed,
        "machine": machine(),
        "clips": {name: vars(figures) for name, figures in found.items()},
        "mean": vars(whole),
        "missing": missing,
    }
    text = json.dumps(report, indent=1)
    (options.out / f"{NAME}.json").write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        Console().print(as_rich(table(found, whole)))
        if missing:
            print(missing)
    return 0


def requests_in(data: Path, *, model: str, preset: Preset, seed: int) -> dict[str, EditRequest]:
    """The edit of each folder in DATA/clips, by name. Raises InputError naming what a folder lacks."""
    folders = sorted(folder for folder in (data / "clips").glob("*") if folder.is_dir())
    if not folders:
        raise InputError(f"There are no clips in {data / 'clips'}: a folder each, with source, matte and keyframe.")
    requests = {}
    for folder in folders:
        matches = ((_KEYFRAME.fullmatch(path.name), path) for path in sorted(folder.iterdir()))
        keyframes = tuple(Keyframe(frame=int(match[1]), image=_at(path)) for match, path in matches if match)
        if not keyframes:
            raise InputError(f"The folder {folder} lacks keyframe-0000.png: the edited first frame.")
        prompt = folder / "prompt.txt"
        requests[folder.name] = EditRequest(
            target=_at(_only(folder, "source")),
            regions=(Region(mattes=(Matte(media=_at(_only(folder, "matte"))),)),),
            keyframes=keyframes,
            model=model,
            preset=preset,
            seed=seed,
            prompt=prompt.read_text(encoding="utf-8").strip() if prompt.is_file() else "",
        )
    return requests


def judged(request: EditRequest, result: Path, *, clip: ClipJudge, deqa: DeqaJudge | None) -> Figures:
    """The figures of one result, over the frames that were not painted."""
    painted = {keyframe.frame: keyframe.image.path for keyframe in request.keyframes}
    made, given = (
        [picture for frame, picture in enumerate(_frames(path)) if frame not in painted]
        for path in (str(result), request.target.path)
    )
    first = _codes(read_picture(painted[min(painted)])[..., :3])
    results = clip.embed(made)
    return Figures(
        clip_score=float((results @ clip.embed([first]).T).mean()),
        input_similarity=float((results * clip.embed(given)).sum(dim=-1).mean()),
        deqa=float(np.mean(deqa.quality(made))) if deqa else None,
    )


def mean_of(figures: list[Figures]) -> Figures:
    """Each figure's mean over the clips."""
    deqa = [each.deqa for each in figures if each.deqa is not None]
    return Figures(
        clip_score=float(np.mean([each.clip_score for each in figures])),
        input_similarity=float(np.mean([each.input_similarity for each in figures])),
        deqa=float(np.mean(deqa)) if deqa else None,
    )


def table(found: dict[str, Figures], whole: Figures) -> Grid:
    """Each clip, their mean, and the published figures."""

    def line(label: str, figures: Figures) -> list[str]:
        deqa = "not measured" if figures.deqa is None else f"{figures.deqa:.4f}"
        return [label, f"{figures.clip_score:.4f}", deqa, f"{figures.input_similarity:.4f}"]

    published = [
        line(f"{label} (paper)", Figures(clip_score=score, input_similarity=similarity, deqa=quality))
        for label, score, quality, similarity in PUBLISHED
    ]
    clips = [line(name, figures) for name, figures in found.items()]
    return [["", "CLIP score", "DeQA", "input similarity"], *clips, line("mean of these clips", whole), *published]


def _frames(path: str) -> list[np.ndarray]:
    with ClipReader(path) as reader:
        return [_codes(plate.rgb()) for plate in reader.frames(0, reader.facts.frame_count - 1)]


def _codes(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture * 255).astype(np.uint8)


def _only(folder: Path, stem: str) -> Path:
    found = [path for path in folder.iterdir() if path.stem == stem]
    if len(found) != 1:
        raise InputError(f"The folder {folder} holds {len(found)} files named {stem}: leave exactly one.")
    return found[0]


def _at(path: Path) -> MediaReference:
    return MediaReference(locations=(str(path),))
