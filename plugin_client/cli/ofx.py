# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit ofx`: the OpenFX plugin that shows takes in Nuke, Natron, Vegas, Resolve and other hosts."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from plugin_client.cli.ofx_bundle import (
    install,
    named_folders,
    searched_folders,
    state,
    system_folder,
    uninstall,
    user_folder,
)


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser("ofx", help="show takes in OpenFX hosts such as Nuke, Natron, Vegas, Resolve")
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for name, run, words in (
        ("install", _install, "put the plugin where hosts find it, for this user"),
        ("uninstall", _uninstall, "take it away"),
        ("status", _status, "say where it is, and where hosts look"),
    ):
        step = steps.add_parser(name, help=words)
        place = step.add_mutually_exclusive_group()
        place.add_argument("--system", action="store_true", help=f"for all users, in {system_folder()}")
        place.add_argument("--folder", type=_absolute, help="in another folder")
        if name != "uninstall":
            step.add_argument("--bundle", type=Path, help="the built plugin; default: what build_ofx.py left in dist/")
        step.set_defaults(run=run)


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _folder(options: argparse.Namespace) -> Path:
    return system_folder() if options.system else options.folder or user_folder()


def _install(options: argparse.Namespace) -> int:
    folder = _folder(options)
    print(f"Wrote {install(folder, built=options.bundle)}")
    if folder not in searched_folders():
        print(f"Hosts look there if OFX_PLUGIN_PATH names it: {_named(folder)}")
    print("Restart the host, then look for MaskEdit among its OpenFX effects.")
    return 0


def _uninstall(options: argparse.Namespace) -> int:
    removed = uninstall(_folder(options))
    print(f"Removed {removed}" if removed else f"The plugin is not in {_folder(options)}.")
    return 0


def _status(options: argparse.Namespace) -> int:
    chosen = options.system or options.folder
    folders = [_folder(options)] if chosen else dict.fromkeys([user_folder(), *searched_folders()])
    for folder in folders:
        is_searched = "" if folder in searched_folders() else " (hosts do not look there: set OFX_PLUGIN_PATH)"
        print(f"{folder}: {state(folder, built=options.bundle)}{is_searched}")
    return 0


def _named(folder: Path) -> str:
    """The line that names `folder` to hosts, behind the folders that are named already."""
    folders = os.pathsep.join(map(str, [*named_folders(), folder]))
    if sys.platform == "win32":
        return f'setx OFX_PLUGIN_PATH "{folders}"'
    return f'export OFX_PLUGIN_PATH="{folders}"'
