# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.costing [--write FILE]`: the cost tables of Wan2.1-I2V-14B, made in minutes on any machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from maskedit.costing.operations import Operations
from maskedit.costing.tables import lever_table, preset_table
from maskedit.errors import InputError
from maskedit.models.published import PUBLISHED
from maskedit.pages import put_between_marks
from maskedit.presets import PRESETS

_MODEL = "Wan2.1-I2V-14B-480P"


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns 0, or 2 for a page that cannot be written, said on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m maskedit.costing", description="Operations per pass and per edit of Wan2.1-I2V-14B."
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="a page with the markers costs:begin and costs:end")
    options = parser.parse_args(arguments)
    operations = Operations(PUBLISHED[_MODEL])
    recipes = {preset.value: recipe for preset, recipe in PRESETS.items()}
    levers, edits = lever_table(operations), preset_table(operations, recipes)
    text = f"{edits}\n\nOne pass, adapter of rank 16:\n\n{levers}"
    print(text)
    if options.write:
        try:
            put_between_marks(options.write, f"{text}\n", mark="costs")
        except InputError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
