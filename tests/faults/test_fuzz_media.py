# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips, mattes and keyframes with damage, through all of the server's check: a report or a sentence, in time.

The suite runs a sample; the budget: `pytest tests/faults/test_fuzz_media.py --fuzz-media 10000 --fuzz-seed 1`. Each
is checked in a process of its own, forked off here; some go through the server's checker and its command as they are.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest

from bridge_server.checks import CHECKER, Checker
from maskedit.catalogue import Catalogue
from maskedit.errors import InputError
from maskedit.media import write_picture
from maskedit.media.pictures import write_samples
from maskedit.preflight.__main__ import report
from maskedit.request import EditRequest, Keyframe, Matte, MediaReference, Preset, Region, to_json
from tests.faults.forked import in_child
from tests.faults.fuzzing import mutated

SECONDS, MEMORY = 20, 2 << 30
# Every so many go the whole way, which takes seconds each.
WHOLE_WAY = 200
FRAMES, HEIGHT, WIDTH = 4, 48, 64
CLIPS = {"clip.mp4": ("libx264", "yuv420p"), "clip.mov": ("prores_ks", "yuv422p10le"), "clip.mkv": ("ffv1", "bgr0")}
MATTES = ("matte.mkv", "matte.%02d.png", "matte.%02d.exr", "matte.json")
KEYS = ("key.png", "key.exr", "key.dpx", "key.tif", "key.jpg")
ROTO = {
    "format": "maskedit-roto",
    "version": 1,
    "size": [WIDTH, HEIGHT],
    "shapes": [
        {"keys": [{"frame": 0, "points": [{"co": [x, y]} for x, y in ((16, 12), (48, 12), (48, 36), (16, 36))]}]}
    ],
}


def make_all(folder: Path) -> str:
    """One whole file of every kind."""
    plate = np.random.default_rng(1).integers(0, 255, (FRAMES, HEIGHT, WIDTH, 3)).astype(np.uint8)
    drawn = np.zeros_like(plate)
    drawn[:, 12:36, 16:48] = 255
    for name, (codec, pixel_format) in CLIPS.items():
        write_video(folder / name, plate, codec, pixel_format)
    write_video(folder / "matte.mkv", drawn, "ffv1", "gray")
    for number, picture in enumerate(drawn):
        for suffix in (".png", ".exr"):
            write_picture(folder / f"matte.{number:02d}{suffix}", picture / np.float32(255))
    (folder / "matte.json").write_text(json.dumps(ROTO))
    for name in KEYS:
        write_samples(folder / name, plate[0])
    return "made"


def write_video(path: Path, frames: np.ndarray, codec: str, pixel_format: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixel_format
        for samples in frames:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(samples, format="rgb24").reformat(format=pixel_format))
            )
        container.mux(stream.encode(None))


def edit_of(folder: Path, clip: str, matte: str, key: str) -> EditRequest:
    def named(name: str) -> MediaReference:
        return MediaReference(locations=(str(folder / name),))

    return EditRequest(
        target=named(clip),
        regions=(Region(mattes=(Matte(media=named(matte)),)),),
        keyframes=(Keyframe(frame=0, image=named(key)),),
        preset=Preset.DRAFT,
    )


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    folder = tmp_path / "whole"
    folder.mkdir()
    made = in_child(lambda: make_all(folder), seconds=60, memory_bytes=4 << 30)
    assert (made.code, made.said) == (0, "made"), made
    return folder


def damage(whole: Path, folder: Path, random: Random) -> EditRequest:
    """An edit one or two of whose files are damaged."""
    shutil.copytree(whole, folder)
    clip, matte, key = random.choice(list(CLIPS)), random.choice(MATTES), random.choice(KEYS)
    for name in random.sample((clip, matte, key), random.choice((1, 1, 1, 2))):
        path = folder / (name % random.randrange(FRAMES) if "%" in name else name)
        content = path.read_bytes()
        path.write_bytes(mutated(content, random, within=random.choice((64, 600, 4_000, None))))
    return edit_of(folder, clip, matte, key)


def test_no_medium_does_more_than_be_refused_in_time(whole: Path, tmp_path: Path, fuzz: dict[str, int]) -> None:
    random, models, seen = Random(fuzz["seed"]), Catalogue(tmp_path), Counter[str]()
    checker = Checker((*CHECKER, "--data-dir", str(tmp_path)))
    slowest = largest = 0.0
    folder = tmp_path / "damaged"
    for number in range(fuzz["media"]):
        state = random.getstate()
        edit = damage(whole, folder, random)
        if number % WHOLE_WAY == 0:
            try:
                asyncio.run(checker.check(edit))
                sentence = ""
            except InputError as error:
                sentence = str(error)
        else:
            text = to_json(edit)
            ended = in_child(
                lambda text=text: json.dumps(report(text, models=models, seconds=1)),
                seconds=SECONDS,
                memory_bytes=MEMORY,
            )
            slowest, largest = max(slowest, ended.seconds), max(largest, ended.megabytes)
            assert ended.code == 0, (ended, number, edit, state[1][:3], shutil.move(folder, tmp_path / "found"))
            sentence = json.loads(ended.said).get("error", "")
        assert sentence == "" or (sentence.endswith(".") and sentence.isprintable()), sentence
        seen["report" if not sentence else sentence.replace(str(folder), "")[-25:]] += 1
        shutil.rmtree(folder)
    print(
        f"\n{fuzz['media']} media, {seen['report']} reports, {len(seen)} kinds of answers, "
        f"slowest {slowest:.1f} s, largest {largest:.0f} MB"
    )
    print(seen.most_common(20))
    assert seen["report"] and len(seen) > 4
