# SPDX-License-Identifier: GPL-3.0-or-later
"""Fusion comps: tools by name, polygon masks with keyed splines, and the text that `ExportFusionComp` writes.

Points are relative to the mask's centre, in units of the frame: X to the right, Y upwards, -0.5 to 0.5 inside the
picture. LX, LY, RX, RY are the handles, relative to their point.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.hosts.resolve.fake.app import FakeResolve

Point = dict[str, float]
_TOOL = re.compile(r"^\t\t(\w+) = (\w+) \{", re.MULTILINE)


@dataclass
class PolylineMask:
    """A Polygon tool. `keys`: comp frame → points; one entry is a mask that does not move."""

    name: str
    keys: dict[int, list[Point]]
    paint_mode: str = "Merge"
    invert: bool = False
    soft_edge: float = 0.0
    closed: bool = True

    def at(self, frame: float) -> list[Point]:
        """The points at `frame`, straight between keys and held outside them."""
        before = max((key for key in self.keys if key <= frame), default=min(self.keys))
        after = min((key for key in self.keys if key >= frame), default=max(self.keys))
        share = (frame - before) / (after - before) if after > before else 0
        pairs = zip(self.keys[before], self.keys[after], strict=True)
        return [{axis: a.get(axis, 0) * (1 - share) + b.get(axis, 0) * share for axis in a} for a, b in pairs]

    def as_text(self, onto: str = "") -> str:
        """The tool, and the spline that keys it, as they stand in a comp file. `onto`: the mask below."""
        animated = len(self.keys) > 1
        shape = f'SourceOp = "{self.name}Polyline", Source = "Value",'
        still = f"Value = {_polyline(next(iter(self.keys.values())), closed=self.closed)},"
        inputs = [
            f'PaintMode = Input {{ Value = FuID {{ "{self.paint_mode}" }}, }},',
            f"SoftEdge = Input {{ Value = {self.soft_edge:g}, }},",
            f"Invert = Input {{ Value = {int(self.invert)}, }},",
            f"Polyline = Input {{ {shape if animated else still} }},",
            *([f'EffectMask = Input {{ SourceOp = "{onto}", Source = "Mask", }},'] if onto else []),
        ]
        tool = f"\t\t{self.name} = PolylineMask {{\n\t\t\tInputs = {{\n\t\t\t\t"
        tool += "\n\t\t\t\t".join(inputs) + "\n\t\t\t},\n\t\t},"
        if not animated:
            return tool
        keys = "\n".join(
            f"\t\t\t\t[{frame}] = {{ {number}, Flags = {{ Linear = true, LockedY = true }}, "
            f"Value = {_polyline(points, closed=self.closed)} }},"
            for number, (frame, points) in enumerate(sorted(self.keys.items()))
        )
        return f"{tool}\n\t\t{self.name}Polyline = BezierSpline {{\n\t\t\tKeyFrames = {{\n{keys}\n\t\t\t}},\n\t\t}},"


def _polyline(points: list[Point], *, closed: bool) -> str:
    rows = ", ".join(
        "{ " + ", ".join(f"{axis} = {value!r}" for axis, value in point.items()) + " }" for point in points
    )
    return f"Polyline {{ Closed = {str(closed).lower()}, Points = {{ {rows} }} }}"


@dataclass(eq=False)
class Comp:
    """A comp; `text` is what was imported, kept to the letter. Its time counts the frames of the whole source."""

    name: str
    masks: list[PolylineMask] = field(default_factory=list)
    text: str = ""

    def as_text(self, whole: tuple[int, int] = (0, 0), used: tuple[int, int] = (0, 0)) -> str:
        """`whole`: the first and last frame of the source; `used`: of the part on the timeline."""
        if self.text:
            return self.text
        media_in = '\t\tMediaIn1 = MediaIn {\n\t\t\tInputs = { Layer = Input { Value = "0", }, },\n\t\t},'
        below = ["", *(mask.name for mask in self.masks)]
        joined = "\n".join([media_in, *(mask.as_text(onto) for mask, onto in zip(self.masks, below, strict=False))])
        last = self.masks[-1].name if self.masks else ""
        effect = f'EffectMask = Input {{ SourceOp = "{last}", Source = "Mask", }}, ' if last else ""
        out = f'\t\tMediaOut1 = MediaOut {{\n\t\t\tInputs = {{ {effect}Input = Input {{ SourceOp = "MediaIn1", '
        out += 'Source = "Output", }, },\n\t\t},'
        ranges = f"\tRenderRange = {{ {used[0]}, {used[1]} }},\n\tGlobalRange = {{ {whole[0]}, {whole[1]} }},\n"
        return f"Composition {{\n\tCurrentTime = {used[0]},\n{ranges}\tTools = {{\n{joined}\n{out}\n\t}},\n}}\n"

    def tools(self) -> dict[str, str]:
        """Name → type of every tool."""
        return dict(_TOOL.findall(self.as_text()))


class FusionComp:
    is_played = True

    def __init__(self, app: FakeResolve, comp: Comp) -> None:
        self.app, self.comp = app, comp

    def GetAttrs(self) -> dict[str, Any]:
        return {"COMPS_Name": self.comp.name}

    def GetToolList(self, selected: bool = False, kind: str = "") -> dict[int, Any]:
        """From 1, as Lua counts; of one type, if it is given."""
        names = [name for name, type_ in self.comp.tools().items() if kind in ("", type_)]
        return {} if selected else {number: FusionTool(self.comp, name) for number, name in enumerate(names, 1)}

    def FindTool(self, name: str) -> Any:
        return FusionTool(self.comp, name) if name in self.comp.tools() else None


class FusionTool:
    is_played = True

    def __init__(self, comp: Comp, name: str) -> None:
        self.comp, self.name = comp, name

    @property
    def _mask(self) -> PolylineMask | None:
        return next((mask for mask in self.comp.masks if mask.name == self.name), None)

    def GetAttrs(self) -> dict[str, Any]:
        return {"TOOLS_Name": self.name, "TOOLS_RegID": self.comp.tools()[self.name]}

    def GetInput(self, name: str, time: float = 0) -> Any:
        mask = self._mask
        values = {"PaintMode": mask.paint_mode, "Invert": int(mask.invert), "SoftEdge": mask.soft_edge} if mask else {}
        return values.get(name)

    def GetBezierPolyline(self, time: float) -> Any:
        """The shape at `time` as a Lua table; None for a tool that has none."""
        mask = self._mask
        if mask is None:
            return None
        return {"Closed": mask.closed, "Points": dict(enumerate(mask.at(time), 1))}
