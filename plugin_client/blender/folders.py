# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results go: beside the .blend, each in a folder of its own, so that nothing is ever replaced."""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path

import bpy

from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput

PREVIEW = "preview.jpg"
"""Beside a result: the newest picture that was seen of it while it was rendered."""
BESIDE_BLEND = "//maskedit/"
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%]+')
_LONGEST_NAME = 60
# Windows takes these for devices, whatever follows the first dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def results_folder(preference: str = "") -> Path:
    """The folder for results, absolute; it is made where it is missing.

    `preference`: a path of the user's, `//` is where the .blend lies; "" = `//maskedit/`. A file that was never saved
    has no place of its own: results then go to the user's data folder. Raises BadInput if it cannot be made.
    """
    wanted = os.path.expanduser(preference.strip()) or BESIDE_BLEND
    if os.path.isabs(wanted) and not wanted.startswith("//"):
        folder = Path(wanted)
    elif bpy.data.filepath:
        folder = Path(bpy.path.abspath(wanted if wanted.startswith("//") else f"//{wanted}"))
    else:
        folder = data_dir() / "blender" / "results"
    _make(folder, exist_ok=True)
    return folder.resolve()


def result_path(folder: str | Path, *, name: str, format: str) -> Path:
    """Where a result called `name` goes: NAME/NAME.mkv in `folder`, or NAME/NAME.%04d.png for pictures.

    NAME is `name` without what file systems refuse, with a number if there is one already; its folder is made here,
    so that two runs never share one. Raises BadInput if it cannot be made.
    """
    plain = _UNSAFE.sub("_", name)[:_LONGEST_NAME].strip(" .") or "take"
    if _DEVICES.fullmatch(plain):
        plain = f"_{plain}"
    for number in count(1):
        each = plain if number == 1 else f"{plain}-{number}"
        try:
            _make(Path(folder) / each, exist_ok=False)
        except FileExistsError:
            continue
        is_pictures = format in ("png", "exr")
        return Path(folder) / each / (f"{each}.%04d.{format}" if is_pictures else f"{each}.{format}")
    raise AssertionError("count() never ends")


def blend_path(path: str | Path) -> str:
    """`path` as Blender should keep it: relative to the .blend where that is saved and on the same drive."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # another drive
        return str(path)


def _make(folder: Path, *, exist_ok: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=exist_ok)
    except FileExistsError:
        if not exist_ok:
            raise
        raise BadInput(f"{folder} is a file: choose another folder for results in the preferences.") from None
    except OSError as error:
        raise BadInput(
            f"The folder {folder} cannot be made ({error.strerror}): choose another for results in the preferences."
        ) from error
