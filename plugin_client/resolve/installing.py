# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries in Resolve's Scripts menu: written, taken away and looked at.

Resolve lists every script in its folder `Fusion/Scripts/Utility` under Workspace > Scripts, on all pages. Each of ours
is a file of its own that imports nothing: the agent's source and one line that says which verb it is for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plugin_client.core.errors import BadInput
from plugin_client.resolve import agent

VERBS = {"edit": "MaskEdit - Edit this clip", "bring-back": "MaskEdit - Bring back finished edits"}
"""What `maskedit resolve VERB` does, by the name of its menu entry."""
SELFTEST = "selftest"
_ALL = VERBS | {SELFTEST: "MaskEdit - Self-test"}
_OURS = "# A menu entry of MaskEdit, made by `maskedit resolve install`.\n"


@dataclass(frozen=True)
class Entry:
    """One menu entry. `is_current`: it is there, as this MaskEdit would write it."""

    path: Path
    is_there: bool
    is_current: bool


def scripts_folder() -> Path:
    """Where Resolve looks for this user's menu scripts; it need not exist. Source: Resolve's scripting README."""
    if sys.platform == "darwin":
        support = Path.home() / "Library" / "Application Support" / "Blackmagic Design" / "DaVinci Resolve"
    elif sys.platform == "win32":
        roaming = os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming"
        support = Path(roaming) / "Blackmagic Design" / "DaVinci Resolve" / "Support"
    else:
        base = os.environ.get("XDG_DATA_HOME", "")
        support = (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "DaVinciResolve"
    return support / "Fusion" / "Scripts" / "Utility"


def install(folder: Path, *, command: Sequence[str], with_selftest: bool = False) -> list[Path]:
    """Write the menu entries into `folder`, in place of older ones; `command` starts `maskedit`, () = look for it.

    The entry of the self-test is written only `with_selftest`, or where it is already. Raises BadInput if the folder
    cannot be written to, or a file of somebody else's has that name.
    """
    written = []
    for entry in status(folder, command=command, with_selftest=with_selftest):
        _refuse_strangers(entry.path)
        part = entry.path.with_name(f".{entry.path.name}.part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.write_text(_script(_verb_of(entry.path), command), encoding="utf-8")
            part.replace(entry.path)
        except OSError as error:
            raise BadInput(
                f"{entry.path} cannot be written ({error.strerror}): check the folder's permissions."
            ) from error
        written.append(entry.path)
    return written


def uninstall(folder: Path) -> list[Path]:
    """Remove the menu entries from `folder`; returns what was there. Raises BadInput if one cannot be removed."""
    removed = []
    for entry in status(folder, command=()):
        if entry.is_there:
            _refuse_strangers(entry.path)
            try:
                entry.path.unlink()
            except OSError as error:
                raise BadInput(f"{entry.path} cannot be removed ({error.strerror}): remove it by hand.") from error
            removed.append(entry.path)
    return removed


def status(folder: Path, *, command: Sequence[str], with_selftest: bool = False) -> list[Entry]:
    """How each entry stands in `folder`; that of the self-test counts only `with_selftest`, or where it is."""
    entries = []
    for verb, name in _ALL.items():
        path = folder / f"{name}.py"
        text = _read(path)
        if text is None and verb not in VERBS and not with_selftest:
            continue
        entries.append(Entry(path, text is not None, text == _script(verb, command)))
    return entries


def _script(verb: str, command: Sequence[str]) -> str:
    source = Path(agent.__file__).read_text(encoding="utf-8")
    return f"{_OURS}{source}\n\nmain({verb!r}, globals(), {list(command)!r})\n"


def _verb_of(path: Path) -> str:
    return next(verb for verb, name in _ALL.items() if name == path.stem)


def _refuse_strangers(path: Path) -> None:
    text = _read(path)
    if text is not None and not text.startswith(_OURS):
        raise BadInput(f"{path} is not one of MaskEdit's scripts: move it elsewhere, then try again.")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
