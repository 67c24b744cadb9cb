# SPDX-License-Identifier: GPL-3.0-or-later
"""Verbs that are programs of their own: their options are theirs, this process only starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, ClientError


@dataclass(frozen=True)
class LocalVerb:
    """A module to run, what it is good for, and whether it is told the data folder.

    `needs`: what must be there to run it, by default the package that it lies in; `extra` installs that.
    """

    module: str
    words: str
    takes_data_dir: bool = False
    needs: str = ""
    extra: str = "server"


LOCAL_VERBS = {
    "panel": LocalVerb("plugin_client.panel", "open the panel's window", needs="PyQt6", extra="panel"),
    "serve": LocalVerb("bridge_server", "run the server in this terminal"),
    "models": LocalVerb("maskedit.catalogue", "list, check, add and fetch models", takes_data_dir=True),
    "comp": LocalVerb("maskedit.comps", "write a Nuke or Fusion comp that lays a patch over its plate"),
    "frame": LocalVerb("maskedit.colour", "write one frame of a clip as the model sees it, to paint on"),
    "frames": LocalVerb("maskedit.frames", "make and check frame caches, which the OpenFX plugin shows"),
    "score": LocalVerb("maskedit.scorecard", "measure a result's quality"),
    "benchmark": LocalVerb("maskedit.benchmark", "compare ways of editing on known answers", takes_data_dir=True),
    "pretrain": LocalVerb("maskedit.pretraining", "train the bundled model"),
}


def run_local(verb: str, arguments: Sequence[str]) -> int:
    """Run `verb` with `arguments` in a process of its own; returns its exit code.

    Raises BadInput if the package behind it is not installed.
    """
    local = LOCAL_VERBS[verb]
    if find_spec(local.needs or local.module.partition(".")[0]) is None:
        raise BadInput(f"`maskedit {verb}` needs more than the client: install maskedit[{local.extra}].")
    command = [sys.executable, "-P", "-m", local.module, *arguments]
    if local.takes_data_dir and not any(part.partition("=")[0] == "--data-dir" for part in arguments):
        command += ["--data-dir", str(data_dir())]
    if verb == "serve" and os.name == "posix":
        os.execv(command[0], command)  # signals and the exit status are the server's own
    return _wait(command)


def run_module(module: str, *arguments: str | Path) -> str:
    """What `python -m module` prints. Raises ClientError with its last words if it fails."""
    command = [sys.executable, "-P", "-m", module, *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        words = answer.stderr.strip().splitlines() or [f"exit status {answer.returncode}"]
        raise ClientError(f"`python -m {module}` failed: {words[-1]}")
    return answer.stdout


def _wait(command: Sequence[str]) -> int:
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal sent it to the child too, which decides what to do
            continue
