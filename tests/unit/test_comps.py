# SPDX-License-Identifier: GPL-3.0-or-later
"""Comps for Nuke and Fusion: their grammar, their wiring and their files, read back by parsers of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.comps import fusion_comp, layers_of, nuke_script
from maskedit.comps.__main__ import main
from maskedit.comps.fusion import _quoted as lua_quoted
from maskedit.comps.nuke import _quoted as tcl_quoted
from maskedit.errors import InputError
from maskedit.media.pictures import write_samples
from maskedit.request import FrameRange

WIDTH, HEIGHT = 32, 16
FRAMES = FrameRange(first=2, last=4)


# A Nuke script: words of Tcl, and the stack that its nodes are wired by.


@dataclass
class Node:
    kind: str
    knobs: dict[str, str]
    inputs: list[str] = field(default_factory=list)


def tcl_words(text: str) -> list[str]:
    """The words of one command line: bare, "in quotes" with backslashes taken away, or {in braces} as they are."""
    words, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "{":
            end, depth = at, 0
            while depth or end == at:
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            words.append(text[at + 1 : end - 1])
            at = end
        elif text[at] == '"':
            match = re.compile(r'"((?:[^"\\\[\]${}]|\\.)*)"(?=\s|$)', re.DOTALL).match(text, at)
            assert match, f"an open quote, or something that Tcl would substitute: {text[at:]}"
            words.append(re.sub(r"\\(.)", r"\1", match[1]))
            at = match.end()
        else:
            match = re.compile(r'[^\s"{}\[\]$\\]+').match(text, at)
            assert match, text[at:]
            words.append(match[0])
            at = match.end()
    return words


def nuke_nodes(script: str) -> dict[str, Node]:
    """The script's nodes by name, each with the names of its inputs: input 0 first."""
    nodes, stack = {}, []
    lines = script.splitlines()
    assert lines.pop(0) == "#! nuke"
    while lines:
        head = lines.pop(0)
        assert re.fullmatch(r"[A-Z]\w* \{", head), head
        knobs = {}
        while (line := lines.pop(0)) != "}":
            name, value = tcl_words(line)
            assert name not in knobs
            knobs[name] = value
        node = Node(head.split()[0], knobs)
        if node.kind != "Root":
            node.inputs = [stack.pop() for _ in range(int(knobs.get("inputs", 1)))]
            assert knobs["name"] not in nodes
            stack.append(knobs["name"])
            nodes[knobs["name"]] = node
        else:
            nodes["Root"] = node
    assert len(stack) == 1, f"nothing takes {stack[:-1]}"
    return nodes


# A Fusion comp: one Lua table constructor, with calls that take a table.


@dataclass
class Made:
    by: str
    table: Any


_LUA = re.compile(r'\s*(?:("(?:[^"\\\n]|\\.)*")|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z_]\w*)|([{}()=,\[\]]))')


def lua_value(text: str) -> Any:
    """What a Lua table constructor says: dict, list, str, number, bool, or Made for `Name { … }`."""
    tokens, at = [], 0
    while text[at:].strip():
        match = _LUA.match(text, at)
        assert match, f"no Lua: {text[at : at + 40]!r}"
        tokens.append(match)
        at = match.end()
    tokens.reverse()

    def peek() -> str:
        return tokens[-1][0].strip() if tokens else ""

    def take(expected: str = "") -> re.Match[str]:
        assert tokens and (not expected or peek() == expected), (expected, peek())
        return tokens.pop()

    def value() -> Any:
        if peek() == "{":
            return table()
        match = take()
        if match[1]:
            return re.sub(r"\\(.)", lambda mark: {"n": "\n", "r": "\r"}.get(mark[1], mark[1]), match[1][1:-1])
        if match[2]:
            return float(match[2])
        assert match[3], match[0]
        if match[3] in ("true", "false"):
            return match[3] == "true"
        if peek() == "(":
            take("(")
            take(")")
        return Made(match[3], table())

    def table() -> Any:
        take("{")
        named: dict[str, Any] = {}
        listed: list[Any] = []
        while peek() != "}":
            if tokens[-1][3] and len(tokens) > 1 and tokens[-2][0].strip() == "=":
                name = take()[3]
                take("=")
                assert name not in named
                named[name] = value()
            else:
                listed.append(value())
            if peek() != "}":
                take(",")
        take("}")
        assert not (named and listed)
        return named or listed

    found = value()
    assert not tokens, peek()
    return found


def sources(part: Any) -> list[tuple[str, str]]:
    """(tool, output) of every input in a part of a comp."""
    if isinstance(part, Made):
        part = part.table
    if isinstance(part, dict):
        own = [(part["SourceOp"], part["Source"])] if "SourceOp" in part else []
        return own + [each for value in part.values() for each in sources(value)]
    return [each for value in part for each in sources(value)] if isinstance(part, list) else []


# Footage.


def movie(path: Path, frames: int, *, alpha: bool = False, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("prores_ks", rate=Fraction(24000, 1001), options={"profile": "4444"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuva444p10le" if alpha else "yuv444p10le"
        for number in range(frames):
            frame = av.VideoFrame(*size, stream.pix_fmt)
            for plane in frame.planes:
                plane.update(np.full(plane.buffer_size // 2, 500, "<u2").tobytes())
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def pictures(path: Path, numbers: range, *, channels: int = 3) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    for number in numbers:
        write_samples(str(path) % number, np.full((HEIGHT, WIDTH, channels), 0.5, np.float16))
    return path


@pytest.fixture
def movies(tmp_path: Path) -> dict[str, str]:
    """A plate elsewhere, and patch and matte in a folder of the comp whose name asks for quoting."""
    folder = tmp_path / 'a "comp" [of] $five'
    plate = movie(tmp_path / "plates" / "shot 7.mov", 6)
    patch, matte = (movie(folder / name, 3, alpha=name != "m.mov") for name in ("edit-patch.mov", "m.mov"))
    return {"plate": str(plate), "over": str(patch), "matte": str(matte), "folder": str(folder)}


def test_nukes_script_lays_the_graded_patch_over_the_plate_by_the_matte(movies):
    folder = Path(movies.pop("folder"))
    nodes = nuke_nodes(nuke_script(layers_of(**movies, frames=FRAMES), folder=folder))
    merge = nodes["Region_over_plate"]
    assert (merge.kind, merge.inputs) == ("Merge2", ["Plate", "Premult_region"])  # B, A
    assert nodes["Premult_region"].inputs == ["Alpha_from_matte"]
    copy = nodes["Alpha_from_matte"]
    assert (copy.kind, copy.inputs) == ("Copy", ["Grade_region", "Matte"])
    assert (copy.knobs["from0"], copy.knobs["to0"]) == ("rgba.red", "rgba.alpha")
    assert (nodes["Grade_region"].inputs, nodes["Grade_region"].knobs["disable"]) == (["Region"], "true")
    for name, file, last, start in (
        ("Plate", movies["plate"], 6, 1),
        ("Region", "edit-patch.mov", 3, 3),
        ("Matte", "m.mov", 3, 3),
    ):
        read = nodes[name]
        assert read.kind == "Read" and not read.inputs and read.knobs["file"] == file
        assert (folder / file).is_file()
        assert [read.knobs[knob] for knob in ("first", "last", "origfirst", "origlast")] == ["1", str(last)] * 2
        assert (read.knobs["frame_mode"], read.knobs["frame"]) == ("start at", str(start))
        assert read.knobs["format"].split() == ["32", "16", "0", "0", "32", "16", "1"]
        assert ("raw" in read.knobs) == (name == "Matte") and "colorspace" not in read.knobs
    root = nodes["Root"].knobs
    assert [root[knob] for knob in ("first_frame", "last_frame", "fps")] == ["1", "6", "23.976"]
    assert root["project_directory"] == "[python {nuke.script_directory()}]"


def test_fusions_comp_lays_the_graded_patch_over_the_plate_by_the_matte(movies):
    folder = Path(movies.pop("folder"))
    comp = lua_value(fusion_comp(layers_of(**movies, frames=FRAMES), folder=folder))
    assert comp.by == "Composition" and comp.table["Tools"].by == "ordered"
    tools = comp.table["Tools"].table
    assert {tool for tool, _ in sources(comp)} <= {*tools}
    inputs = {name: dict(tool.table["Inputs"]) for name, tool in tools.items()}
    assert tools["RegionOverPlate"].by == "Merge"
    wired = {name: sources(value) for name, value in inputs["RegionOverPlate"].items()}
    assert wired == {
        "EffectMask": [("MatteMask", "Mask")],
        "Background": [("Plate", "Output")],
        "Foreground": [("Opaque", "Output")],
        "PerformDepthMerge": [],
    }
    assert sources(inputs["Opaque"]) == [("GradeRegion", "Output")]
    assert (sources(inputs["GradeRegion"]), tools["GradeRegion"].table["PassThrough"]) == ([("Region", "Output")], True)
    assert sources(inputs["MatteMask"]) == [("Matte", "Output")]
    for name, file, length, start in (
        ("Plate", movies["plate"], 6, 1),
        ("Region", "Comp:/edit-patch.mov", 3, 3),
        ("Matte", "Comp:/m.mov", 3, 3),
    ):
        (clip,) = tools[name].table["Clips"]
        assert (clip.table["Filename"], clip.table["FormatID"]) == (file, "QuickTimeMovies")
        assert [clip.table[each] for each in ("Length", "TrimIn", "TrimOut")] == [length, 0, length - 1]
        assert [clip.table[each] for each in ("GlobalStart", "GlobalEnd")] == [start, start + length - 1]
        assert tools[name].table["Inputs"]["PostMultiplyByAlpha"].table["Value"] == 0
    assert comp.table["GlobalRange"] == [1, 6] and comp.table["RenderRange"] == [3, 5]
    assert "Saver" not in {tool.by for tool in tools.values()}


def test_sequences_keep_their_own_numbers_and_multiplied_colours_are_divided(tmp_path: Path):
    plate = pictures(tmp_path / "plate.%04d.exr", range(1001, 1007))
    pictures(tmp_path / "edit-patch" / "result-patch.%04d.exr", range(2, 5), channels=4)
    matte = pictures(tmp_path / "edit-matte" / "result-matte.%04d.exr", range(2, 5))
    layers = layers_of(str(plate), str(tmp_path / "edit-patch"), str(matte), frames=FRAMES)
    nodes = nuke_nodes(nuke_script(layers, folder=tmp_path))
    assert nodes["Grade_region"].inputs == ["Straight"] and nodes["Straight"].inputs == ["Region"]
    assert nodes["Straight"].kind == "Unpremult"
    read = nodes["Region"].knobs
    assert read["file"] == "edit-patch/result-patch.%04d.exr"
    assert [read[knob] for knob in ("first", "last", "frame")] == ["2", "4", "1003"]
    assert [nodes["Plate"].knobs[knob] for knob in ("first", "last", "frame")] == ["1001", "1006", "1001"]
    tools = lua_value(fusion_comp(layers, folder=tmp_path)).table["Tools"].table
    assert tools["Straight"].by == "AlphaDivide" and sources(tools["GradeRegion"]) == [("Straight", "Output")]
    (clip,) = tools["Region"].table["Clips"]
    assert clip.table["Filename"] == "Comp:/edit-patch/result-patch.0002.exr"
    assert (clip.table["FormatID"], clip.table["StartFrame"], clip.table["GlobalStart"]) == ("OpenEXRFormat", 2, 1003)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_name_survives_quoting(name: str):
    assert tcl_words(tcl_quoted(name)) == [name]
    assert lua_value(f"{{ {lua_quoted(name)} }}") == [name]


@pytest.mark.parametrize("name", ["a[b].mov", "$HOME.mov", "take#2.mov", "50%.mov"])
def test_names_that_nuke_would_work_out_are_refused(movies, name):
    folder = Path(movies.pop("folder"))
    Path(movies["matte"]).rename(folder / name)
    layers = layers_of(**movies | {"matte": str(folder / name)}, frames=FRAMES)
    with pytest.raises(InputError, match="means something to it: rename"):
        nuke_script(layers, folder=folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": FrameRange(first=2, last=5)}, "has 3 frames, not the 4 of the range"),
        ({"frames": FrameRange(first=4, last=6)}, "of the range: give --frames"),
        ({"matte": "plate"}, "has 6 frames, not the 3"),
        ({"over": "small"}, "another size than the plate"),
        ({"over": "exr"}, "take for linear light in an EXR"),
    ],
)
def test_what_does_not_fit_together_is_said(movies, tmp_path: Path, change, words):
    made = {"plate": movies["plate"], "small": str(movie(tmp_path / "s.mov", 3, alpha=True, size=(16, 16)))}
    made["exr"] = str(pictures(tmp_path / "p.%04d.exr", range(3), channels=4))
    del movies["folder"]
    given = {"frames": FRAMES, **movies} | {key: made.get(value, value) for key, value in change.items()}
    with pytest.raises(InputError, match=words):
        layers_of(**given)


def test_the_command_writes_either_comp_and_says_where(movies, capsys):
    folder = Path(movies["folder"])
    how = ["--plate", movies["plate"], "--matte", movies["matte"], "--frames", "2-4"]
    for name, read in (("edit.nk", nuke_nodes), ("edit.comp", lua_value)):
        assert main([*how, "--fill", movies["over"], "--out", str(folder / name)]) == 0
        assert capsys.readouterr().out.strip() == str(folder / name)
        read((folder / name).read_text())
    for bad in (["--out", "edit.txt"], ["--frames", "4", "--out", "e.nk"], ["--out", str(folder / "no" / "e.nk")]):
        assert main([*how, "--patch", movies["over"], *bad]) == 2
        assert capsys.readouterr().err.count("\n") == 1
