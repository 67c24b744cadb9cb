# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit watch`: the edits that requests dropped into a folder describe."""

from __future__ import annotations

import argparse
import hashlib
import os
import queue
import re
import socket
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from rich.console import Console

from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.parsing import add_server_options
from plugin_client.cli.watch_folder import Claim, WatchFolder
from plugin_client.cli.watch_work import work_off
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, ClientError, JobFailed, ServerUnreachable
from plugin_client.core.locks import hold

_EXAMPLE = """\
example:
  maskedit watch /media/edits

Drop NAME.edit.json (or .edit.yaml) into the folder: {"clip": "shot.mov", "matte": "roto.json",
"keyframes": {"0": "painted.png"}, "out": "results/shot.mov"}. Its keys are the options of `maskedit edit`, its paths
begin in the folder. It is claimed once it is whole, and ends in done/ with a report, or in failed/ with a sentence.
Ctrl-C stops watching; what runs goes on at the server, and the next `maskedit watch` fetches it."""
_AGAIN_SECONDS = 30.0


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "watch",
        help="run the edits that are dropped into a folder",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="the watch folder")
    parser.add_argument("--once", action="store_true", help="work off what is there, then end (for cron)")
    parser.add_argument("--jobs", type=int, default=4, metavar="N", help="at most N edits at a time (default 4)")
    parser.add_argument(
        "--every", type=float, default=2.0, metavar="SECONDS", help="look into the folder so often (default 2)"
    )
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="requests may name files below this folder too (repeatable; default: below the watch folder alone)",
    )
    parser.add_argument("--json", action="store_true", help="print the report of each edit on stdout, words on stderr")
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Watch until Ctrl-C; with `--once`, until the folder is empty."""
    folder = Path(options.folder).expanduser().absolute()
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}: make it, or check the path.")
    if options.jobs < 1 or not 0.05 <= options.every <= 3600:
        raise BadInput("--jobs counts from 1, and --every from 0.05 to 3600 seconds: change them.")
    for root in options.root:
        if not root.is_dir():
            raise BadInput(f"There is no folder {root}: check --root.")
    home = data_dir(options.data_dir)
    notes = home / "watch" / hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()[:16]
    # This machine, and of several data folders on it this one: the same again after a restart.
    watcher = f"{socket.gethostname()}-{hashlib.sha256(str(home).encode()).hexdigest()[:6]}"
    try:
        notes.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = hold(notes / "lock")
        if lock is None:
            raise BadInput(f"Another `maskedit watch` on this machine has {folder}: let it, or stop it first.")
        with lock:
            watched = WatchFolder(folder, watcher=re.sub(r"[^\w.-]", "-", watcher), notes=notes)
            return _Watch(watched, options, console_for(as_json=options.json)).run()
    except OSError as error:
        if isinstance(error, ClientError):
            raise
        raise BadInput(f"{folder} cannot be watched ({error.strerror}): it has to be readable and writable.") from error


class _Watch:
    """The loop, and a thread for each edit: all of them wait most of the time."""

    def __init__(self, folder: WatchFolder, options: argparse.Namespace, console: Console) -> None:
        self._folder = folder
        self._options = options
        self._console = console
        self._working: dict[str, threading.Thread] = {}
        self._not_before: dict[str, float] = {}
        self._ended: queue.SimpleQueue[tuple[str, dict[str, Any] | Exception]] = queue.SimpleQueue()
        self._worst = 0
        self._trouble = ""

    def run(self) -> int:
        """The exit code: with `--once` that of the worst thing which happened."""
        self._say(f"Watching {self._folder.folder}")
        try:
            self._look()
            while True:
                time.sleep(self._options.every)
                begun = self._look()
                if self._options.once and not begun and not self._working:
                    return self._worst
        except KeyboardInterrupt:
            if self._working:
                names = ", ".join(sorted(self._working))
                self._say(f"Stopped watching: what runs goes on, the next `maskedit watch` fetches it ({names}).")
            return 130

    def _look(self) -> int:
        """Take what has come, as far as there is room for it; returns how much was begun."""
        self._settle()
        begun = 0
        try:
            for claim in self._folder.left(besides=self._working):
                begun += self._begin(claim)
            for request in self._folder.arrived():
                if len(self._working) < self._options.jobs and (claim := self._folder.claim(request)) is not None:
                    begun += self._begin(claim)
            self._trouble = ""
        except OSError as error:
            # A share that is away for a while; said once, not at every look.
            trouble = f"{self._folder.folder} cannot be read now ({error.strerror}): trying again."
            if trouble != self._trouble:
                self._say(trouble)
            self._trouble = trouble
        return begun

    def _begin(self, claim: Claim) -> int:
        name = claim.name
        waits = self._not_before.get(name, 0) > time.monotonic()
        if name in self._working or waits or len(self._working) >= self._options.jobs:
            return 0
        thread = threading.Thread(target=self._work, args=(claim,), name=f"watch-{name}", daemon=True)
        self._working[name] = thread
        thread.start()
        return 1

    def _work(self, claim: Claim) -> None:
        try:
            end = self._worked(claim)
        except (ServerUnreachable, OSError) as error:
            end = error
        self._ended.put((claim.name, end))

    def _worked(self, claim: Claim) -> dict[str, Any]:
        try:
            return work_off(claim, self._options, roots=self._options.root, say=self._say)
        except (ServerUnreachable, OSError):
            raise
        except Exception as error:  # a defect ends this request, not the watcher
            traceback.print_exc()
            sentence = (
                f"MaskEdit has a defect ({type(error).__name__}): please report it with what the watcher printed."
            )
            return claim.end({"request": claim.request.name, "state": "FAILED", "error": sentence}, sentence=sentence)

    def _settle(self) -> None:
        """Hear of the edits that have ended."""
        while not self._ended.empty():
            name, end = self._ended.get()
            self._working.pop(name).join()
            if isinstance(end, dict):
                if "error" in end:
                    self._worst = self._worst or JobFailed.exit_code
                if self._options.json:
                    print_json(end)
                continue
            self._worst = ServerUnreachable.exit_code
            self._not_before[name] = time.monotonic() + _AGAIN_SECONDS
            self._say(f"{name}: {end} It stays in running/, and is tried again.")

    def _say(self, words: str) -> None:
        self._console.print(words)
