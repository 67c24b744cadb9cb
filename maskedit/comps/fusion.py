# SPDX-License-Identifier: GPL-3.0-or-later
"""A comp as Fusion's `.comp`: one Lua table of tools, whose inputs name the tools that feed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskedit.comps.layers import Footage, Layers, named_from

# How Fusion calls the readers of what a plate or a deliverable can be; for others it looks at the file itself.
_FORMATS = {
    ".mov": "QuickTimeMovies",
    ".mp4": "QuickTimeMovies",
    ".png": "PNGFormat",
    ".exr": "OpenEXRFormat",
    ".dpx": "DPXFormat",
    ".tif": "TiffFormat",
    ".tiff": "TiffFormat",
}


@dataclass(frozen=True)
class Call:
    """A Lua table with its constructor before it, as in `Input { Value = 1 }`."""

    name: str
    table: Mapping[str, Lua] | Sequence[Lua]


Lua = str | int | float | bool | Call | Mapping[str, "Lua"] | Sequence["Lua"]


# Of what a channel boolean can put into a channel: nothing new, and white.
_KEPT, _WHITE = 4, 16


def fusion_comp(layers: Layers, *, folder: Path) -> str:
    """The text of a comp that is saved in `folder`; files in it or below are named relative to it (`Comp:`)."""
    plate, over = layers.plate, layers.over
    tools: dict[str, Lua] = {
        "Plate": _loader(plate, folder=folder, place=(0, 0)),
        "Region": _loader(over, folder=folder, place=(0, 99)),
        "Matte": _loader(layers.matte, folder=folder, place=(0, 198)),
    }
    straight = "Region"
    if over.is_multiplied:
        straight = "Straight"
        tools[straight] = _tool("AlphaDivide", {"Input": _from("Region")}, place=(110, 99))
    tools["GradeRegion"] = _tool("ColorCorrector", {"Input": _from(straight)}, place=(220, 99), off=True)
    # The mask alone decides what shows of the region, so the region itself has to be opaque.
    channels = {"ToRed": _KEPT, "ToGreen": _KEPT, "ToBlue": _KEPT, "ToAlpha": _WHITE}
    tools["Opaque"] = _tool(
        "ChannelBoolean",
        {**{name: _value(source) for name, source in channels.items()}, "Background": _from("GradeRegion")},
        place=(330, 99),
    )
    tools["MatteMask"] = _tool(
        "BitmapMask", {"Image": _from("Matte"), "Channel": _value(Call("FuID", ["Luminance"]))}, place=(330, 198)
    )
    tools["RegionOverPlate"] = _tool(
        "Merge",
        {
            "EffectMask": _from("MatteMask", output="Mask"),
            "Background": _from("Plate"),
            "Foreground": _from("Opaque"),
            "PerformDepthMerge": _value(0),
        },
        place=(440, 0),
    )
    settings: dict[str, Lua] = {
        "CurrentTime": over.start,
        "RenderRange": [over.start, over.end],
        "GlobalRange": [plate.start, plate.end],
        "Tools": Call("ordered()", tools),
        "Prefs": {"Comp": {"FrameFormat": _frame_format(layers)}},
    }
    return _written(Call("Composition", settings), depth=0) + "\n"


def _loader(footage: Footage, *, folder: Path, place: tuple[int, int]) -> Call:
    name, is_relative = named_from(footage.first_file, folder)
    clip: dict[str, Lua] = {"ID": "Clip1", "Filename": f"Comp:/{name}" if is_relative else name}
    if (suffix := Path(name).suffix.lower()) in _FORMATS:
        clip["FormatID"] = _FORMATS[suffix]
    if footage.is_sequence:
        clip["StartFrame"] = footage.first
    clip |= {
        "Length": footage.length,
        "LengthSetManually": True,
        "TrimIn": 0,
        "TrimOut": footage.length - 1,
        "ExtendFirst": 0,
        "ExtendLast": 0,
        "Loop": 0,
        "AspectMode": 0,
        "Depth": 0,
        "TimeCode": 0,
        "GlobalStart": footage.start,
        "GlobalEnd": footage.end,
    }
    # Straight colours stay straight.
    table = {"Clips": [Call("Clip", clip)], "Inputs": {"PostMultiplyByAlpha": _value(0)}, "ViewInfo": _place(place)}
    return Call("Loader", table)


def _frame_format(layers: Layers) -> dict[str, Lua]:
    facts = layers.plate.facts
    return {
        "Name": "Plate",
        "Width": facts.width,
        "Height": facts.height,
        "AspectX": facts.pixel_aspect.numerator,
        "AspectY": facts.pixel_aspect.denominator,
        "Rate": float(layers.rate),
    }


def _tool(kind: str, inputs: Mapping[str, Lua], *, place: tuple[int, int], off: bool = False) -> Call:
    table: dict[str, Lua] = {"Inputs": inputs, "ViewInfo": _place(place)}
    return Call(kind, {"PassThrough": True, **table} if off else table)


def _place(place: tuple[int, int]) -> Call:
    return Call("OperatorInfo", {"Pos": [*place]})


def _value(value: Lua) -> Call:
    return Call("Input", {"Value": value})


def _from(tool: str, *, output: str = "Output") -> Call:
    return Call("Input", {"SourceOp": tool, "Source": output})


def _written(value: Lua, *, depth: int) -> str:
    """Lua's own notation, nested tables indented by tabs."""
    if isinstance(value, Call):
        return f"{value.name} {_written(value.table, depth=depth)}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.10g}"
    if isinstance(value, str):
        return _quoted(value)
    inner = "\t" * (depth + 1)
    if isinstance(value, Mapping):
        parts = [f"{inner}{name} = {_written(part, depth=depth + 1)},\n" for name, part in value.items()]
    else:
        parts = [f"{inner}{_written(part, depth=depth + 1)},\n" for part in value]
    return "{\n" + "".join(parts) + "\t" * depth + "}"


def _quoted(text: str) -> str:
    """A Lua string on one line."""
    marks = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(marks.get(mark, mark) for mark in text) + '"'
