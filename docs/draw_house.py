# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws docs/images/house.png from the code: rooms and shelves as import-linter holds them, arrows as imported.

Run it with `./run exec python docs/draw_house.py` after a module has come or gone.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import grimp
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "house.png"
PACKAGES = ("maskedit", "bridge_server", "plugin_client", "bridge_api")

SCALE = 2  # drawn twice as large and reduced, for smooth edges
WIDTH, SHELF = 1600, 44
PAPER, INK, FAINT = "#fbf8f2", "#2c2a33", "#8b8794"
ROOF = "#b5563c"
CLIENT, CONTRACT, SERVER, METHOD = (
    ("#e3efe9", "#4f8a76"), ("#fbeec9", "#c79a2f"), ("#e4e9f6", "#5a6fae"), ("#f7e7de", "#b5745a"),
)  # fmt: skip
PLAIN, TORCH = "#ffffff", "#f2b179"
SHELVES = {
    "edit": "the recipe",
    "adapting": "stages and programs",
    "preparing": "what the stages do",
    "adapters": "and what they do it with",
    "caching": "what is kept, what is edited",
    "models": "video models",
    "catalogue": "which of them are here",
    "compositing": "pure parts",
    "geometry": "pictures, integers, settings",
    "request": "the job as values",
    "errors": "what can go wrong",
}

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def house() -> dict:
    """What there is to draw: shelves (rows of modules) per room, modules that reach torch, arrows between rooms."""
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    shelves = {
        contract["containers"][0]: [row.split(" | ") for row in contract["layers"]]
        for contract in contracts
        if contract["type"] == "layers"
    }
    shelves["plugin_client"] = [sorted(_short(module) for module in graph.find_children("plugin_client"))]
    modules = [f"{room}.{name}" for room, rows in shelves.items() for row in rows for name in row]
    torch = [module for module in modules if "torch" in graph.modules and _reaches_torch(graph, module)]
    arrows = [
        f"{source} -> {target}"
        for source in modules
        for target in ("bridge_api", *modules)
        if source.split(".")[0] != target.split(".")[0] and _imports(graph, source, target)
    ]
    return {"shelves": shelves, "torch": torch, "arrows": sorted(arrows)}


def _reaches_torch(graph: grimp.ImportGraph, module: str) -> bool:
    return graph.find_shortest_chain(module, "torch", as_packages=True) is not None


def _short(module: str) -> str:
    return module.rsplit(".", 1)[-1]


def _imports(graph: grimp.ImportGraph, source: str, target: str) -> bool:
    return graph.direct_import_exists(importer=source, imported=target, as_packages=True)


class Sheet:
    """A page to draw on, in points of the final picture."""

    def __init__(self, height: int) -> None:
        self.size = WIDTH, height
        self.image = Image.new("RGB", (WIDTH * SCALE, height * SCALE), PAPER)
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    def text(self, place: Point, words: str, *, size: int = 17, colour: str = INK, anchor: str = "mm") -> None:
        font = ImageFont.load_default(size * SCALE)
        self._draw.text((place[0] * SCALE, place[1] * SCALE), words, fill=colour, font=font, anchor=anchor)

    def width_of(self, words: str, *, size: int = 17) -> float:
        return self._draw.textlength(words, font=ImageFont.load_default(size * SCALE)) / SCALE

    def panel(self, box: Box, *, fill: str, edge: str, radius: float = 14, width: float = 2) -> None:
        self._draw.rounded_rectangle(
            [side * SCALE for side in box], radius * SCALE, fill=fill, outline=edge, width=round(width * SCALE)
        )

    def polygon(self, points: list[Point], *, fill: str) -> None:
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=fill)

    def line(self, points: list[Point], *, colour: str = "#0000001a", width: float = 1) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(width * SCALE), joint="curve")

    def arrow(self, points: list[Point], *, colour: str = INK) -> None:
        """A line along `points`, axis by axis, with a head at its end."""
        (x0, y0), (x1, y1) = points[-2:]
        across, down = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
        line = [*points[:-1], (x1 - 8 * across, y1 - 8 * down)]
        self.line(line, colour=colour, width=2.5)
        back = (x1 - 13 * across, y1 - 13 * down)
        sides = [(back[0] + side * down, back[1] + side * across) for side in (7, -7)]
        self.polygon([(x1, y1), *sides], fill=colour)

    def chips(self, names: list[str], *, centre: float, top: float, edge: str, torch: set[str]) -> dict[str, Box]:
        """A row of modules around `centre`; where each of them lies."""
        widths = [self.width_of(name) + 24 for name in names]
        left = centre - (sum(widths) + 12 * (len(names) - 1)) / 2
        places = {}
        for name, width in zip(names, widths, strict=True):
            places[name] = (left, top, left + width, top + 32)
            self.panel(places[name], fill=TORCH if name in torch else PLAIN, edge=edge, radius=9, width=1.3)
            self.text((left + width / 2, top + 16), name)
            left += width + 12
        return places


def draw(facts: dict) -> Image.Image:
    shelves = facts["shelves"]
    floor = 276 + SHELF * len(shelves["bridge_server"])
    ground = (60, floor + 80, 1540, floor + 130 + SHELF * len(shelves["maskedit"]))
    sheet = Sheet(ground[3] + 60)
    torch = {room: {_short(name) for name in facts["torch"] if name.startswith(f"{room}.")} for room in PACKAGES}
    sheet.polygon([(40, 170), (800, 28), (1560, 170)], fill=ROOF)
    sheet.text((800, 98), "MaskEdit", size=40, colour="#ffffff")
    sheet.text((800, 142), "edit a frame, get the clip", size=20, colour="#fbe3da")

    top = 190
    client, door, server = (60, top, 400, floor), (460, top, 630, floor), (690, top, 1540, floor)
    for box, (fill, edge) in ((client, CLIENT), (door, CONTRACT), (server, SERVER)):
        sheet.panel(box, fill=fill, edge=edge)
    _titles(sheet, client, "plugin_client", "on the artist's side", "stdlib, grpcio, protobuf")
    hosts = [name for name in shelves["plugin_client"][0] if name != "core"]
    clients = sheet.chips(hosts, centre=230, top=330, edge=CLIENT[1], torch=torch["plugin_client"])
    # Core lies under all of them.
    core = (min(box[0] for box in clients.values()), 450, max(box[2] for box in clients.values()), 482)
    sheet.panel(core, fill=PLAIN, edge=CLIENT[1], radius=9, width=1.3)
    sheet.text(((core[0] + core[2]) / 2, 466), "core")
    for left, _, right, bottom in clients.values():
        sheet.arrow([((left + right) / 2, bottom), ((left + right) / 2, core[1])])

    _titles(sheet, door, "bridge_api", "the contract", "gRPC, generated")
    sheet.text((545, 380), "edit  job", size=17)
    sheet.text((545, 410), "media  asset", size=17)
    sheet.text((545, 440), "adapter  system", size=17)

    _titles(sheet, server, "bridge_server", "owns the jobs", "never imports torch, never decodes media")
    places: dict[str, Box] = {}
    for row, names in enumerate(shelves["bridge_server"][1:]):
        _shelf(sheet, server, 324 + SHELF * row, end=1354)
        others = [name for name in names if name != "worker"]
        places |= sheet.chips(others, centre=1022, top=288 + SHELF * row, edge=SERVER[1], torch=torch["bridge_server"])
    sheet.panel((1368, 276, 1520, floor - 20), fill=PAPER, edge=SERVER[1], width=1.3)
    sheet.text((1444, 306), "a process per job", size=15, colour=FAINT)
    worker = sheet.chips(["worker"], centre=1444, top=392, edge=SERVER[1], torch=torch["bridge_server"])["worker"]

    sheet.arrow([(core[2], 466), (door[0], 466)])
    sheet.arrow([(places["rpc"][0], places["rpc"][1] + 16), (door[2], places["rpc"][1] + 16)])

    sheet.panel(ground, fill=METHOD[0], edge=METHOD[1])
    sheet.text((84, ground[1] + 32), "maskedit", size=26, anchor="lm")
    sheet.text((84, ground[1] + 62), "the method", size=17, colour=FAINT, anchor="lm")
    sheet.text((84, ground[1] + 86), "no network, no GUI, no host", size=15, colour=FAINT, anchor="lm")
    room: dict[str, Box] = {}
    for row, names in enumerate(shelves["maskedit"]):
        top = ground[1] + 28 + SHELF * row
        _shelf(sheet, (400, 0, ground[2], 0), top + 37)
        room |= sheet.chips(names, centre=770, top=top, edge=METHOD[1], torch=torch["maskedit"])
        sheet.text((ground[2] - 24, top + 16), _caption(names), size=15, colour=FAINT, anchor="rm")
    edit = room["edit"]
    sheet.arrow(
        [
            (1444, worker[3]),
            (1444, floor + 46),
            (edit[2] + 200, floor + 46),
            (edit[2] + 200, (edit[1] + edit[3]) / 2),
            (edit[2], (edit[1] + edit[3]) / 2),
        ]
    )
    sheet.text((1430, floor + 28), "all of the method", size=15, colour=FAINT, anchor="rm")
    values = sorted({_short(line.split(" -> ")[1]) for line in facts["arrows"] if _is_server_light(line)})
    sheet.arrow([(760, floor), (760, floor + 22), (640, floor + 22), (640, ground[1])], colour=FAINT)
    sheet.text((624, floor + 40), f"values only: {', '.join(values)}", size=15, colour=FAINT, anchor="rm")

    sheet.panel((84, ground[3] + 22, 108, ground[3] + 44), fill=TORCH, edge=METHOD[1], radius=6, width=1.3)
    sheet.text((118, ground[3] + 33), "needs torch", size=15, colour=FAINT, anchor="lm")
    rule = "On each floor a module imports only from the shelves below it."
    sheet.text((1540, ground[3] + 33), rule, size=15, colour=FAINT, anchor="rm")
    return sheet.image.resize(sheet.size, Image.Resampling.LANCZOS)


def _caption(names: list[str]) -> str:
    return next((SHELVES[name] for name in names if name in SHELVES), "")


def _shelf(sheet: Sheet, box: Box, height: float, *, end: float = 0) -> None:
    sheet.line([(box[0] + 24, height), ((end or box[2]) - 24, height)])


def _titles(sheet: Sheet, box: Box, name: str, role: str, note: str) -> None:
    middle = (box[0] + box[2]) / 2
    sheet.text((middle, box[1] + 26), name, size=26)
    sheet.text((middle, box[1] + 54), role, size=17, colour=FAINT)
    sheet.text((middle, box[1] + 76), note, size=14, colour=FAINT)


def _is_server_light(arrow: str) -> bool:
    source, target = arrow.split(" -> ")
    return source.startswith("bridge_server.") and source != "bridge_server.worker" and target.startswith("maskedit.")


def drawn_facts() -> dict:
    """The facts that the picture on disk was drawn from."""
    with Image.open(PICTURE) as picture:
        return json.loads(picture.text["house"])  # type: ignore[attr-defined]


if __name__ == "__main__":
    found = house()
    note = PngImagePlugin.PngInfo()
    note.add_text("house", json.dumps(found))
    draw(found).save(PICTURE, pnginfo=note, optimize=True)
    print(PICTURE.relative_to(ROOT))
