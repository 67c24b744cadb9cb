# SPDX-License-Identifier: GPL-3.0-or-later
"""The image editors of this machine: which there are, and how one is asked to open a picture."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices

from maskedit.errors import InputError

SYSTEMS = "the image editor"
"""What the system's own choice is called."""
_NAMES = {
    "GIMP": ("gimp", "gimp-3.0", "gimp-2.10", "org.gimp.GIMP"),
    "Krita": ("krita", "org.kde.krita"),
    "Photoshop": ("photoshop",),
    "Affinity": ("affinity", "affinity-photo"),
    "MyPaint": ("mypaint",),
    "Pinta": ("pinta",),
}
_PLACES = {
    "linux": (
        "/var/lib/flatpak/exports/bin/*", "~/.local/share/flatpak/exports/bin/*", "/snap/bin/*", "/opt/*/bin/*",
        "~/Applications/*.AppImage",
    ),
    "darwin": ("/Applications/*.app", "/Applications/Adobe Photoshop*/*.app", "~/Applications/*.app"),
    "win32": (
        "C:/Program Files/GIMP */bin/gimp-*.exe", "C:/Program Files/Krita*/bin/krita.exe",
        "C:/Program Files/Adobe/Adobe Photoshop*/Photoshop.exe", "C:/Program Files/Affinity/*/*.exe",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Editor:
    """`command` as `Preferences.image_editor` keeps it: the program's path, maybe with arguments."""

    name: str
    command: str


def found_editors(places: Iterable[str] | None = None) -> list[Editor]:
    """The image editors that are on the search path, or in `places` (globs; None: where this system has programs)."""
    found: dict[str, Editor] = {}
    for name, programs in _NAMES.items():
        if path := next(filter(None, map(shutil.which, programs)), None):
            found[name] = Editor(name, shlex.quote(path))
    for place in _PLACES.get(sys.platform, ()) if places is None else places:
        pattern = Path(place).expanduser()
        root = Path(pattern.anchor)
        for program in sorted(root.glob(str(pattern.relative_to(root)))):
            name = _name_of(program.stem)
            if name and name not in found:
                found[name] = Editor(name, shlex.quote(str(program)))
    return list(found.values())


def editor_name(command: str) -> str:
    """What messages and buttons call the program of a command; "the image editor" for the system's own choice."""
    if not command:
        return SYSTEMS
    program = Path(_words(command)[0])
    return _name_of(program.stem) or program.stem


def titled(name: str) -> str:
    """An `editor_name` as buttons and menus write it."""
    return name[:1].upper() + name[1:] if name != SYSTEMS else "Image Editor"


def open_picture(picture: Path, command: str) -> None:
    """Open `picture` with the program of `command`, "" = what the system opens such pictures with.

    Raises InputError, one sentence, if there is none or it cannot be started.
    """
    if not command:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(picture))):
            raise InputError("This system has no program for pictures: choose an image editor in the menu beside Edit.")
        return
    words = _words(command)
    if sys.platform == "darwin" and words[0].endswith(".app"):
        words = ["open", "-a", *words]
    try:
        subprocess.Popen(
            [*words, str(picture)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(
            f"{editor_name(command)} cannot be started ({error.strerror}): choose another image editor."
        ) from error


def _words(command: str) -> list[str]:
    # A plain path may hold spaces, and on Windows backslashes, which the shell's rules would take apart.
    if os.path.exists(command):
        return [command]
    return shlex.split(command) or [command]


def _name_of(stem: str) -> str:
    return next((name for name in _NAMES if name.lower() in stem.lower()), "")
