# SPDX-License-Identifier: GPL-3.0-or-later
"""A comp as a Nuke script (`.nk`): Tcl commands that make nodes, each of which takes its inputs from a stack.

A node of n inputs pops the n nodes that were pushed last, the one on top being its input 0, and is pushed itself;
`set NAME [stack 0]` remembers the top, `push $NAME` brings it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from maskedit.comps.layers import Footage, Layers, named_from
from maskedit.errors import InputError

Knobs = Mapping[str, str]
_FOLDER = "[python {nuke.script_directory()}]"
# Nuke works these out in a file's name as it opens it.
_WORKED_OUT = re.compile(r"[\[\]$\\#]|%(?!0?\d*d)")


def nuke_script(layers: Layers, *, folder: Path) -> str:
    """The text of a script that is saved in `folder`; files in it or below are named relative to the script.

    Raises InputError for names that Nuke would not take as they are.
    """
    facts, plate = layers.plate.facts, layers.plate
    size = _quoted(f"{facts.width} {facts.height} 0 0 {facts.width} {facts.height} {float(facts.pixel_aspect):g} ")
    root = {
        "inputs": "0",
        "frame": str(layers.over.start),
        "first_frame": str(plate.start),
        "last_frame": str(plate.end),
        "lock_range": "true",
        "fps": f"{float(layers.rate):.6g}",
        "format": size,
        "project_directory": _quoted(_FOLDER),
    }
    nodes = [
        _node("Root", root),
        _read("Matte", layers.matte, folder=folder, size=size, place=(220, -120), raw=True),
        _read("Region", layers.over, folder=folder, size=size, place=(0, -120)),
    ]
    if layers.over.is_multiplied:
        nodes.append(_node("Unpremult", {"name": "Straight", **_at(0, -30)}))
    nodes += [
        _node("Grade", {"name": "Grade_region", **_at(0, 10), "disable": "true"}),
        # Input 0, B: what is graded; input 1, A: whose red becomes its alpha.
        _node(
            "Copy",
            {"inputs": "2", "from0": "rgba.red", "to0": "rgba.alpha", "name": "Alpha_from_matte", **_at(0, 60)},
        ),
        _node("Premult", {"name": "Premult_region", **_at(0, 120)}),
        _read("Plate", plate, folder=folder, size=size, place=(-220, -120)),
        _node("Merge2", {"inputs": "2", "name": "Region_over_plate", **_at(-220, 180)}),
    ]
    return "#! nuke\n" + "".join(nodes)


def _read(name: str, footage: Footage, *, folder: Path, size: str, place: tuple[int, int], raw: bool = False) -> str:
    """Its colours are read as its tags and the project's settings say; a matte's values are taken as they are."""
    file, _ = named_from(footage.path, folder)
    if mark := _WORKED_OUT.search(file):
        raise InputError(f"Nuke cannot open {file}, for {mark[0]} means something to it: rename the file or folder.")
    knobs = {
        "inputs": "0",
        "file": _quoted(file),
        "format": size,
        "first": str(footage.first),
        "last": str(footage.last),
        "before": "black",
        "after": "black",
        "frame_mode": _quoted("start at"),
        "frame": str(footage.start),
        "origfirst": str(footage.first),
        "origlast": str(footage.last),
        "origset": "true",
        **({"raw": "true"} if raw else {}),
        "name": name,
        **_at(*place),
    }
    return _node("Read", knobs)


def _at(x: int, y: int) -> dict[str, str]:
    return {"xpos": str(x), "ypos": str(y)}


def _node(kind: str, knobs: Knobs) -> str:
    return f"{kind} {{\n" + "".join(f" {name} {value}\n" for name, value in knobs.items()) + "}\n"


def _quoted(text: str) -> str:
    """A Tcl word in quotes, in which nothing is substituted."""
    for mark in '\\"[]${}':
        text = text.replace(mark, f"\\{mark}")
    return f'"{text}"'
