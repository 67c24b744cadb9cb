# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit resolve`: MaskEdit's entries in DaVinci Resolve's Scripts menu, and what they start."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from plugin_client.cli.local_verbs import run_local
from plugin_client.resolve.installing import SELFTEST, VERBS, install, scripts_folder, status, uninstall

_COMMAND = (sys.executable, "-P", "-m", "plugin_client.cli.main")
_WHERE = "Workspace > Scripts"


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser("resolve", help="work from DaVinci Resolve's Scripts menu")
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for name, run, words in (
        ("install", _install, f"put MaskEdit into Resolve's menu {_WHERE}, for this user"),
        ("uninstall", _uninstall, "take it out of the menu"),
        ("status", _status, "say whether it is in the menu"),
    ):
        step = steps.add_parser(name, help=words)
        step.add_argument("--folder", type=Path, help="another folder than Resolve's own, to copy to other machines")
        step.set_defaults(run=run)
        if name == "install":
            step.add_argument(
                "--with-selftest", action="store_true", help="also an entry that tests MaskEdit in Resolve"
            )
    for verb in VERBS:
        # Resolve's menu starts these: nobody types them.
        step = steps.add_parser(verb)
        step.set_defaults(run=lambda options, verb=verb: run_local("panel", ["--resolve", verb]))
    steps.add_parser(SELFTEST).set_defaults(run=lambda options: run_local("panel", ["--resolve", SELFTEST]))


def _install(options: argparse.Namespace) -> int:
    command, folder = () if options.folder else _COMMAND, options.folder or scripts_folder()
    for path in install(folder, command=command, with_selftest=options.with_selftest):
        print(f"Wrote {path}")
    if options.folder:
        print(f"Copy them to {scripts_folder()} on a machine that has MaskEdit installed.")
    else:
        print(f"In Resolve: select a clip on the timeline, then {_WHERE} > {VERBS['edit']}.")
    return 0


def _uninstall(options: argparse.Namespace) -> int:
    removed = uninstall(options.folder or scripts_folder())
    for path in removed:
        print(f"Removed {path}")
    if not removed:
        print("MaskEdit is not in Resolve's menu.")
    return 0


def _status(options: argparse.Namespace) -> int:
    folder = options.folder or scripts_folder()
    for entry in status(folder, command=() if options.folder else _COMMAND):
        state = "up to date" if entry.is_current else "from another MaskEdit: run `maskedit resolve install` again"
        print(f"{entry.path.stem}: {state if entry.is_there else 'not in the menu'}")
    print(f"Resolve's folder: {folder}{'' if folder.is_dir() else ' (not there yet)'}")
    return 0
