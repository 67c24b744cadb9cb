# SPDX-License-Identifier: GPL-3.0-or-later
"""A watch folder on the disk: requests arrive in it, are claimed by a rename, and end in `done` or `failed`.

Any number of watchers may share a folder over a network: each moves what it takes into a folder of its own,
`running/WATCHER`, which one of them manages and the others miss. What a watcher finds there when it starts is what it
left behind. Nothing is said by file notification, which network folders do not have.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from plugin_client.cli.watch_requests import ENDINGS, stem_of
from plugin_client.core.errors import BadInput
from plugin_client.core.jobs import new_key

RUNNING, DONE, FAILED = "running", "done", "failed"
REPORT, SENTENCE = ".report.json", ".error.txt"


class WatchFolder:
    """The requests in `folder`, taken by the watcher called `watcher`, who keeps its notes in `notes`.

    Raises BadInput where its own folders are not to be trusted. Methods raise OSError where the disk fails.
    """

    def __init__(self, folder: Path, *, watcher: str, notes: Path) -> None:
        self.folder = folder
        self._mine = folder / RUNNING / watcher
        self._notes = notes  # not in a folder that others write to
        self._seen: dict[Path, tuple[int, int]] = {}
        for each in (self._mine, folder / DONE, folder / FAILED, notes):
            each.mkdir(parents=True, exist_ok=True)
        for each in (folder / RUNNING, self._mine, folder / DONE, folder / FAILED):
            if each.is_symlink():
                raise BadInput(f"{each} is a link, and may lead anywhere: put a folder in its place.")

    def arrived(self) -> list[Path]:
        """The requests that have not changed since the last call, the oldest first."""
        before, self._seen = self._seen, {}
        found = []
        for entry in os.scandir(self.folder):
            # Folders never, links for the sentence that they are refused with.
            if not stem_of(entry.name) or entry.is_dir():
                continue
            with suppress(FileNotFoundError):  # taken by another watcher meanwhile
                facts = entry.stat(follow_symlinks=False)
                path = Path(entry.path)
                self._seen[path] = facts.st_size, facts.st_mtime_ns
                if facts.st_size and before.get(path) == self._seen[path]:
                    found.append((facts.st_mtime_ns, path))
        return [path for _, path in sorted(found)]

    def claim(self, request: Path) -> Claim | None:
        """Take a request; None where another watcher was quicker, or one of its name is still worked on here."""
        claimed = self._mine / request.name
        if any((self._mine / (stem_of(request.name) + ending)).exists() for ending in ENDINGS):
            return None
        # Notes without a request are of one that ended just before its watcher did.
        self._notes_of(request).unlink(missing_ok=True)
        try:
            os.rename(request, claimed)
        except FileNotFoundError:
            return None
        return self._claim(claimed)

    def left(self, *, besides: Container[str] = ()) -> list[Claim]:
        """What this watcher has claimed and not brought to its end, from earlier runs too; not those `besides`."""
        stems = {path: stem_of(path.name) for path in sorted(self._mine.iterdir())}
        return [self._claim(path) for path, stem in stems.items() if stem and stem not in besides]

    def _claim(self, request: Path) -> Claim:
        return Claim(request, self.folder, self._notes_of(request))

    def _notes_of(self, request: Path) -> Path:
        return self._notes / f"{stem_of(request.name)}.json"


@dataclass
class Claim:
    """A request that this watcher works on. Its state survives a crash: the same edit is not submitted twice."""

    request: Path
    folder: Path
    notes: Path
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with suppress(OSError, ValueError):
            self.state = json.loads(self.notes.read_text(encoding="utf-8"))
        if "key" not in self.state:
            self.note(key=new_key())

    @property
    def name(self) -> str:
        return stem_of(self.request.name)

    @property
    def key(self) -> str:
        """By which the server knows this drop of the request again."""
        return self.state["key"]

    @property
    def job_id(self) -> str:
        """ "" until the request is submitted."""
        return self.state.get("job_id", "")

    @property
    def has_ended(self) -> bool:
        """True where only the last steps on the disk are left: `end` then says again what it said first."""
        return "ended_as" in self.state

    def note(self, **facts: Any) -> None:
        """Keep plain facts with the claim."""
        self.state |= facts
        _put(self.notes, json.dumps(self.state))

    def end(self, report: dict[str, Any], *, sentence: str = "") -> dict[str, Any]:
        """Move the request to `done`, or with the `sentence` of its failure to `failed`, and return its report.

        A name that is there already gets a number.
        """
        if not self.has_ended:
            place = self.folder / (FAILED if sentence else DONE)
            base = _free(place, self.name)
            self.note(ended_as=str(base.relative_to(self.folder)), report=report, sentence=sentence)
        base, report, sentence = self.folder / self.state["ended_as"], self.state["report"], self.state["sentence"]
        _put(base.with_name(base.name + REPORT), json.dumps(report, indent=2) + "\n")
        if sentence:
            _put(base.with_name(base.name + SENTENCE), sentence + "\n")
        with suppress(FileNotFoundError):  # somebody has taken the request away: so be it
            os.rename(self.request, base.with_name(base.name + self.request.name[len(self.name) :]))
        self.notes.unlink(missing_ok=True)
        return report


def _free(place: Path, stem: str) -> Path:
    """`place`/`stem`, or with the first number behind it for which no report is there; it is there from then on."""
    for number in count(1):
        base = place / (stem if number == 1 else f"{stem}-{number}")
        with suppress(FileExistsError):
            base.with_name(base.name + REPORT).touch(exist_ok=False)
            return base
    raise AssertionError("numbers do not end")


def _put(path: Path, text: str) -> None:
    """Write a file whole: under a hidden name, brought to the disk, renamed."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with part.open("x", encoding="utf-8") as file:  # never through a link that somebody has laid there
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
