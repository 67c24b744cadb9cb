# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit benchmark --out DIR`: fill the table, print it, draw it; run again with the same folder it goes on.

Exit 0; 2 with one sentence for options that cannot be used; 4 where some result is missing; 130 when stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from maskedit.benchmark import i2vedit
from maskedit.benchmark.cells import Bench
from maskedit.benchmark.chart import draw_chart
from maskedit.benchmark.runner import as_json, fill_sheet
from maskedit.benchmark.sheets import draw_sheets
from maskedit.benchmark.suites import QUICK, SUITES
from maskedit.benchmark.tables import about, as_markdown, as_rich, grids
from maskedit.catalogue import BUNDLED, Catalogue
from maskedit.errors import InputError, MaskEditError
from maskedit.pages import put_between_marks
from maskedit.progress import SilentReporter

Chosen = TypeVar("Chosen")

_PIPE_WIDTH = 160


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return i2vedit.run(options) if options.suite == i2vedit.NAME else _run(options)
    except MaskEditError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, InputError) else 4
    except KeyboardInterrupt:
        print("Stopped: ask again with the same --out, what is finished is kept.", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    suite = QUICK if options.quick else SUITES[options.suite]
    builders = _picked(suite.cases, options.cases, {name: name for name in suite.cases}, kind="case")
    rows = _picked(suite.rows, options.rows, {row: row.name for row in suite.rows}, kind="row")
    bench = Bench(
        folder=options.out,
        models=Catalogue(options.data_dir or options.out / "data"),
        model=options.model,
        seed=options.seed,
        reporter=SilentReporter(),
    )
    name = "quick" if options.quick else options.suite
    sheet = fill_sheet(name, [suite.cases[case] for case in builders], rows, bench=bench, say=_say)
    text = json.dumps(as_json(sheet), indent=1)
    (options.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    draw_chart(sheet, options.picture or options.out / f"{name}.png")
    draw_sheets(sheet, options.out / "sheets")
    if options.page:
        put_between_marks(options.page, as_markdown(sheet), mark=name)
    if options.json:
        print(text)
    else:
        # In a file or a pipe there is no edge to break lines at.
        console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
        for grid in grids(sheet):
            console.print(as_rich(grid))
        console.print(about(sheet))
    for (case, row), why in sheet.failed.items():
        _say(f"No result for {row} on {case}: {why}")
    return 4 if sheet.failed else 0


def _picked(items: Iterable[Chosen], wanted: str, names: dict[Chosen, str], *, kind: str) -> list[Chosen]:
    """All items, or those named in `wanted` (comma-separated), in their own order."""
    chosen = [name for name in wanted.split(",") if name]
    unknown = [name for name in chosen if name not in names.values()]
    if unknown:
        raise InputError(f"There is no {kind} {unknown[0]!r}: choose from {', '.join(names.values())}.")
    return [item for item in items if not chosen or names[item] in chosen]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="maskedit benchmark", description="Quality on clips whose perfect edit is known, and the paper's figures."
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="results; what is in it is not redone")
    parser.add_argument("--suite", choices=(*SUITES, i2vedit.NAME), default="quality")
    parser.add_argument(
        "--quick", action="store_true", help="two tiny cases, two steps each: the whole way in a minute"
    )
    parser.add_argument("--cases", default="", metavar="A,B", help="these cases only")
    parser.add_argument("--rows", default="", metavar="A,B", help="these rows only")
    parser.add_argument("--model", default=BUNDLED, metavar="NAME|DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="put the tables between its <!-- SUITE:begin/end --> marks"
    )
    parser.add_argument("--picture", type=Path, metavar="PNG", help="where the chart goes (default: in --out)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where the list of models is kept")
    i2vedit.add_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
