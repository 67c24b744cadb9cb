# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit frames`: a take in any form becomes the same cache, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskedit.frames.__main__ import main
from maskedit.frames.checking import ranges
from maskedit.media import ClipReader, ClipWriter, PlateFrame
from maskedit.media.frame_cache import CacheHeader
from maskedit.media.frame_cache_writer import LiveCache, Region
from maskedit.media.plate import PlateColour
from maskedit.request import (
    AlphaMode,
    Deliverable,
    DeliverableFormat,
    DeliverableKind,
    FrameRange,
    MediaFacts,
)

WIDTH, HEIGHT, COUNT = 16, 12, 4
FACTS = MediaFacts(frame_count=COUNT, width=WIDTH, height=HEIGHT, rate=Fraction(25), pixel_format="gbrp16le")


RECORD = {"frames": [{"first": 30, "last": 33, "take": ""}], "request": {"target": {"first_number": 1000}}}


def patch(number: int) -> PlateFrame:
    """Codes that halves hold to a code of 10 bits, seen through a box with a soft edge; the last frame shows none."""
    planes = np.random.default_rng(number).integers(0, 65536, (4, HEIGHT, WIDTH)).astype(np.uint16)
    planes[3] = 0
    if number < COUNT - 1:
        planes[3, 3:9, 4 + number : 10 + number] = 0x8000
        planes[3, 4:8, 5 + number : 9 + number] = 0xFFFF
    planes[:3, planes[3] == 0] = 0
    colour = PlateColour(matrix="gbr", range="pc")
    return PlateFrame(number=number, planes=tuple(planes), pixel_format="gbrap16le", colour=colour)


def deliver(path: Path, form: DeliverableFormat) -> str:
    """The patch as a take in that format; returns what reads it."""
    deliverable = Deliverable(kind=DeliverableKind.PATCH, format=form)
    frames = FrameRange(first=0, last=COUNT - 1)
    with ClipWriter(
        path, facts=FACTS, deliverable=deliverable, source="clip.%04d.png", frames=frames, first_number=0
    ) as to:
        for number in range(COUNT):
            to.write(patch(number))
    return str(path)


def shown(path: Path) -> np.ndarray:
    with ClipReader(path) as clip:
        return np.stack([frame.planes for frame in clip.frames(0, COUNT - 1)])


@pytest.mark.parametrize("form", ["mkv", "png", "exr", "cache"])
@pytest.mark.parametrize("live", [False, True])
def test_a_take_in_any_form_becomes_the_same_cache(tmp_path: Path, capsys, form: str, live: bool):
    expected = np.stack([np.stack(patch(number).planes) / np.float32(65535) for number in range(COUNT)])
    named = tmp_path / ("take" if form in ("png", "exr") else f"take.{'mefc' if form == 'cache' else form}")
    take, out = deliver(named, DeliverableFormat(form)), tmp_path / "made.mefc"
    assert main(["make", take, "--out", str(out), *(["--live"] if live else [])]) == 0
    assert capsys.readouterr().out == f"Wrote {out}: 4 frames\n"
    # Colours that were multiplied into halves and divided again come back to two halves' precision.
    np.testing.assert_allclose(shown(out), expected, atol=2**-10 if form == "exr" else 2**-11)
    assert main(["check", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["published"], report["waiting"], report["empty"], report["damage"]) == ("0-3", "", "3", [])
    assert report["largest"] == [6, 6]


def test_a_take_without_alpha_covers_the_plate(tmp_path: Path):
    out = tmp_path / "whole.mefc"
    frames = FrameRange(first=0, last=COUNT - 1)
    with ClipWriter(
        tmp_path / "full.mkv", facts=FACTS, deliverable=Deliverable(), source="a.%d.png", frames=frames, first_number=0
    ) as to:
        for number in range(COUNT):
            to.write(replace(patch(number), planes=patch(number).planes[:3], pixel_format="gbrp16le"))
    assert main(["make", str(tmp_path / "full.mkv"), "--out", str(out)]) == 0
    assert (shown(out)[:, 3] == 1).all()


@pytest.mark.parametrize(
    ("take", "record", "given", "first"),
    [
        ("edited.mkv", "edited.maskedit.json", [], 1030),
        ("edited-patch.mkv", "edited.maskedit.json", [], 1030),
        ("edited-patch.mkv", "other.maskedit.json", [], 0),
        ("edited.mkv", "edited.maskedit.json", ["--first-frame", "7"], 7),
    ],
)
def test_the_record_beside_a_take_says_where_it_begins(tmp_path: Path, capsys, take, record, given, first):
    deliver(tmp_path / take, DeliverableFormat.MKV)
    (tmp_path / record).write_text(json.dumps(RECORD))
    out = tmp_path / "made.mefc"
    assert main(["make", str(tmp_path / take), "--out", str(out), *given]) == 0
    main(["check", str(out)])
    assert f"frames {first}-{first + 3} of the clip" in capsys.readouterr().out


def test_frames_to_come_are_no_damage_and_damage_is_said_by_frame(tmp_path: Path, capsys):
    path = tmp_path / "live.mefc"
    header = CacheHeader(width=WIDTH, height=HEIGHT, slot_count=5, rate=Fraction(25), first_frame=10)
    red = np.full((2, 3, 4), 1, np.float16)
    with LiveCache(path, header=header) as live:
        live.publish(1, Region(red, 2, 1))
        live.publish(3, Region(red * np.float16(np.nan)))
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr()
    assert "published: 11\n" in said.out and "still to come: 10, 12, 14\n" in said.out
    assert said.err == "Frame 13 of live.mefc holds values that are no colours: make it again.\n"
    with path.open("rb+") as file:
        file.seek(-1, 2)
        file.truncate()
    assert main(["check", str(path)]) == 2
    assert "is cut short at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("take", "out", "code", "words"),
    [
        ("none.mkv", "o.mefc", 2, "There is no file none.mkv"),
        ("take.mkv", "o.mov", 2, "end it in .mefc"),
        ("take.mkv", "none/o.mefc", 4, "o.mefc cannot be written (No such file or directory): make the folder none"),
        ("broken.mefc", "o.mefc", 2, "broken.mefc is no frame cache"),
        ("broken.mefc", "broken.mefc", 2, "is the take itself"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(tmp_path: Path, monkeypatch, capsys, take, out, code, words):
    monkeypatch.chdir(tmp_path)
    deliver(tmp_path / "take.mkv", DeliverableFormat.MKV)
    Path("broken.mefc").write_bytes(bytes(5000))
    assert main(["make", take, "--out", out]) == code
    said = capsys.readouterr()
    assert said.out == "" and words in said.err and said.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"take.mkv", "broken.mefc"}


def test_numbers_are_said_as_ranges():
    assert ranges([]) == ""
    assert ranges([3]) == "3"
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"


def test_alpha_that_was_multiplied_is_known_by_the_file(tmp_path: Path):
    deliver(tmp_path / "take", DeliverableFormat.EXR)
    with ClipReader(tmp_path / "take" / "take.%04d.exr") as clip:
        assert clip.facts.alpha_mode is AlphaMode.PREMULTIPLIED


def test_a_sequence_is_numbered_by_its_pictures(tmp_path: Path, capsys):
    deliver(tmp_path / "take", DeliverableFormat.PNG)
    for number in reversed(range(COUNT)):
        (tmp_path / "take" / f"take.{number:04}.png").rename(tmp_path / "take" / f"take.{1001 + number}.png")
    assert main(["make", str(tmp_path / "take" / "take.%04d.png"), "--out", str(tmp_path / "made.mefc")]) == 0
    main(["check", str(tmp_path / "made.mefc")])
    assert "frames 1001-1004 of the clip" in capsys.readouterr().out
