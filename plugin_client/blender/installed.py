# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this machine's MaskEdit is: the server and the panel are installed apart from Blender."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

NOT_FOUND = (
    "MaskEdit is not found on this machine: install it, or name its program `maskedit` in the add-on's preferences."
)
_PROGRAM = "maskedit.exe" if sys.platform == "win32" else "maskedit"
_SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"


def find_command(preference: str = "") -> tuple[str, ...]:
    """The command that takes MaskEdit's verbs ("serve", "panel"); () if it is not found.

    `preference`: the program, or the folder of its environment, which alone counts where it is given. Else
    MASKEDIT_COMMAND, the search path, and the places where pip, pipx and uv put programs: an application that was
    started from a desktop has a search path without those.
    """
    if preference:
        return _first(_inside(Path(preference).expanduser()))
    if given := os.environ.get("MASKEDIT_COMMAND"):
        return tuple(shlex.split(given, posix=sys.platform != "win32"))
    found = shutil.which("maskedit")
    return (found,) if found else _first(_usual_places())


def _first(places: Iterator[Path]) -> tuple[str, ...]:
    return next(((str(place),) for place in places if place.is_file() and os.access(place, os.X_OK)), ())


def _inside(chosen: Path) -> Iterator[Path]:
    yield chosen
    for folder in (chosen, chosen / _SCRIPTS, chosen / ".venv" / _SCRIPTS):
        yield folder / _PROGRAM


def _usual_places() -> Iterator[Path]:
    home = Path.home()
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environment := os.environ.get(variable):
            yield Path(environment) / _SCRIPTS / _PROGRAM
    shared = home / ".local" / "share"
    if sys.platform == "win32":
        shared = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
        python = shared / "Python"
        yield from sorted(python.glob(f"Python*/Scripts/{_PROGRAM}"), reverse=True)
    for folder in (home / ".local" / "bin", Path("/opt/homebrew/bin"), Path("/usr/local/bin")):
        yield folder / _PROGRAM
    for environment in (
        shared / "pipx" / "venvs" / "maskedit",
        home / ".local" / "pipx" / "venvs" / "maskedit",
        home / "pipx" / "venvs" / "maskedit",
        shared / "uv" / "tools" / "maskedit",
        home / "maskedit" / ".venv",
    ):
        yield environment / _SCRIPTS / _PROGRAM
