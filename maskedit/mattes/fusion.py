# SPDX-License-Identifier: GPL-3.0-or-later
"""The polygon masks of a Fusion comp (`.comp`) or setting (`.setting`), as the shapes of a roto file.

A `PolylineMask` holds its points as shares of the frame's width and height about its centre, y upwards; `LX`, `LY` and
`RX`, `RY` are offsets towards the point before and the one after. An animated one is fed by a `BezierSpline` whose keys
each hold a whole polyline. Its `EffectMask` is the mask that it is painted onto; inverting it inverts them both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from maskedit.errors import InputError
from maskedit.mattes.lua_tables import Table, parse_table
from maskedit.mattes.roto import RotoFile, Shape

_ADDED = ("", "Merge", "Add", "Maximum", "Replace")
_TAKEN = ("Subtract",)
# What a mask may have that no shape says; only these values mean nothing.
_PLAIN = {"XRotation": 0, "YRotation": 0, "ZRotation": 0, "Angle": 0, "BorderWidth": 0, "Solid": 1}


def read_fusion_masks(path: Path, *, width: int, height: int) -> RotoFile:
    """Every closed polygon mask in the file at `path`, for a clip of width x height pixels.

    Frames count from the first of the comp's global range. Raises InputError: the file is missing, no comp, holds no
    such mask, or one that says what no shape can.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}): check its path.") from error
    return parse_fusion_masks(text, name=path.name, width=width, height=height)


def parse_fusion_masks(text: str, *, name: str, width: int, height: int) -> RotoFile:
    """As `read_fusion_masks`, of the text itself."""
    comp = parse_table(text, name=name)
    tools = {tool: table for tool, table in comp.inner() if table.kind}
    start = comp.table("GlobalRange").items
    first = round(start[0]) if start and isinstance(start[0], float) else 0
    masks = {tool: table for tool, table in tools.items() if table.kind == "PolylineMask"}
    shapes: list[Shape] = []
    onto: list[str] = []
    for tool in _in_order(masks):
        shape = _shape(tool, masks[tool], tools, size=(width, height), first=first)
        shapes += [shape] if shape is not None else []
        if shape is not None and _number(masks[tool].table("Inputs"), "Invert", 0):
            if set(onto) - set(_chain(tool, masks)):
                raise InputError(
                    f"The mask {tool} is inverted and not connected with the other masks in {name}: connect them in "
                    "Fusion, or save each as a setting of its own."
                )
            shapes = _inverted(shapes, tool, size=(width, height))
        onto.append(tool)
    if not shapes:
        raise InputError(_why_none(name, [table.kind for table in tools.values()]))
    if all(shape.blend == "subtract" for shape in shapes):
        raise InputError(f"Every mask in {name} is subtracted: copy the mask that they are taken from as well.")
    return RotoFile(format="maskedit-roto", version=1, size=(width, height), shapes=tuple(shapes))


def _chain(tool: str, masks: Mapping[str, Table]) -> list[str]:
    """The mask and those that it is painted onto, the lowest first."""
    chain: list[str] = []
    while tool in masks and tool not in chain:
        chain.append(tool)
        tool = str(masks[tool].table("Inputs").table("EffectMask").fields.get("SourceOp"))
    return chain[::-1]


def _in_order(masks: Mapping[str, Table]) -> Iterator[str]:
    """The masks as they are painted: each after what it is painted onto, else as they stand in the file."""
    yield from dict.fromkeys(lower for tool in masks for lower in _chain(tool, masks))


def _inverted(shapes: Sequence[Shape], tool: str, *, size: tuple[int, int]) -> list[Shape]:
    """Everything but what the shapes make up: the whole frame, and each of them the other way round."""
    width, height = size
    corners = [{"co": corner} for corner in ((0, 0), (width, 0), (width, height), (0, height))]
    frame = Shape.model_validate({"name": f"Around {tool}", "keys": [{"frame": 0, "points": corners}]})
    turned = {"add": "subtract", "subtract": "add"}
    return [frame, *(shape.model_copy(update={"blend": turned[shape.blend]}) for shape in shapes)]


def _why_none(name: str, kinds: list[str]) -> str:
    if "BSplineMask" in kinds:
        return f"{name} holds B-spline masks only: convert them to Bézier in Fusion, then copy or save them again."
    if "PolylineMask" in kinds:
        return f"The polygon masks in {name} are not closed: close them in Fusion, then copy or save them again."
    return f"{name} holds no polygon mask: in Fusion select the masks and save them as a setting."


def _shape(tool: str, mask: Table, tools: Mapping[str, Table], *, size: tuple[int, int], first: int) -> Shape | None:
    """The mask as a shape; None if it is open or has no points."""
    inputs = mask.table("Inputs")
    for name, plain in _PLAIN.items():
        if _is_driven(inputs, name) or _number(inputs, name, plain) != plain:
            raise InputError(
                f"The {name} of the mask {tool} is not at {plain}, which no shape can say: draw it into the points, "
                "or render the mask and import the pictures."
            )
    for name in ("Center", "Size", "Level", "SoftEdge", "Invert"):
        if _is_driven(inputs, name):
            raise InputError(
                f"The {name} of the mask {tool} is animated or driven by another tool: animate its points instead, or "
                "render the mask and import the pictures."
            )
    mode = _word(inputs, "PaintMode")
    if mode not in (*_ADDED, *_TAKEN):
        raise InputError(f"The mask {tool} is painted as {mode}: choose Merge, Add or Subtract in Fusion.")
    keys = _keys(tool, inputs.table("Polyline"), tools, scale=_scale(inputs, size), corner=_corner(inputs, size))
    if not keys:
        return None
    for key in keys:
        key["frame"] -= first
    fields = {
        "name": tool,
        "blend": "subtract" if mode in _TAKEN else "add",
        "opacity": min(max(_number(inputs, "Level", 1), 0), 1),
        "feather": max(_number(inputs, "SoftEdge", 0), 0) * size[0],
        "keys": keys,
    }
    try:
        return Shape.model_validate(fields)
    except ValueError as error:
        raise InputError(
            f"The keys of the mask {tool} do not have the same points: publish and redraw it in Fusion."
        ) from error


def _keys(
    tool: str, polyline: Table, tools: Mapping[str, Table], *, scale: tuple[float, float], corner: tuple[float, float]
) -> list[dict[str, Any]]:
    """The keys of a roto's shape; [] for a polyline that is open or empty."""
    source = polyline.fields.get("SourceOp")
    if source is None:
        points = _points(polyline.table("Value"), scale, corner)
        return [{"frame": 0, "points": points}] if points else []
    spline = tools.get(str(source))
    if spline is None or spline.kind != "BezierSpline":
        raise InputError(f"The shape of the mask {tool} comes from {source}, which is missing: copy it along.")
    frames = sorted(
        (round(frame), table)
        for frame, table in spline.table("KeyFrames").fields.items()
        if isinstance(frame, float) and isinstance(table, Table)
    )
    keys: list[dict[str, Any]] = []
    for (frame, key), (_, following) in pairwise([*frames, (0, Table())]):
        points = _points(key.table("Value"), scale, corner)
        if points:
            keys.append({"frame": frame, "interp": _interp(key, following), "points": points})
    return keys


def _points(
    polyline: Table, scale: tuple[float, float], corner: tuple[float, float]
) -> list[dict[str, tuple[float, float]]]:
    points = [point for point in polyline.table("Points").items if isinstance(point, Table)]
    if polyline.fields.get("Closed") is not True or len(points) < 2:
        return []
    (across, down), (x, y) = scale, corner
    return [
        {
            "co": (x + point.number("X") * across, y + point.number("Y") * down),
            "in": (point.number("LX") * across, point.number("LY") * down),
            "out": (point.number("RX") * across, point.number("RY") * down),
        }
        for point in points
    ]


def _interp(key: Table, following: Table) -> str:
    """How Fusion goes from one key to the next: steps, evenly, or eased."""
    if key.table("Flags").fields.get("StepOut") or following.table("Flags").fields.get("StepIn"):
        return "hold"
    eased = isinstance(key.fields.get("RH"), Table) and not key.table("Flags").fields.get("Linear")
    return "smooth" if eased else "linear"


def _scale(inputs: Table, size: tuple[int, int]) -> tuple[float, float]:
    factor = _number(inputs, "Size", 1)
    return size[0] * factor, -size[1] * factor


def _corner(inputs: Table, size: tuple[int, int]) -> tuple[float, float]:
    """Where the mask's centre lies, in pixels from the top left."""
    match inputs.table("Center").table("Value").items or [0.5, 0.5]:
        case [float(x), float(y), *_]:
            return x * size[0], (1 - y) * size[1]
    raise InputError("The centre of a mask is no pair of numbers: save the setting from Fusion again.")


def _is_driven(inputs: Table, name: str) -> bool:
    return "SourceOp" in inputs.table(name).fields


def _number(inputs: Table, name: str, default: float) -> float:
    return inputs.table(name).number("Value", default)


def _word(inputs: Table, name: str) -> str:
    """The word of an input such as `Input { Value = FuID { "Subtract" } }`."""
    value = inputs.table(name).fields.get("Value")
    word = value.items[0] if isinstance(value, Table) and value.items else value
    return word if isinstance(word, str) else ""
