# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenFX bundle where hosts look for plugins: put there, taken away and looked at."""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
from pathlib import Path

from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput

BUNDLE = "MaskEdit.ofx.bundle"
_BUILT = Path(__file__).resolve().parents[2] / "dist" / BUNDLE
_OURS = "MaskEdit.ofx"


def system_folder() -> Path:
    """Where every host looks, for all users. Source: the OpenFX reference, packaging of plug-ins."""
    if sys.platform == "darwin":
        return Path("/Library/OFX/Plugins")
    if sys.platform == "win32":
        return Path(os.environ.get("COMMONPROGRAMFILES", r"C:\Program Files\Common Files")) / "OFX" / "Plugins"
    return Path("/usr/OFX/Plugins")


def user_folder() -> Path:
    """This user's own; hosts look there if OFX_PLUGIN_PATH names it."""
    return data_dir() / "OFX" / "Plugins"


def named_folders() -> list[Path]:
    """What OFX_PLUGIN_PATH names."""
    return [Path(part) for part in os.environ.get("OFX_PLUGIN_PATH", "").split(os.pathsep) if part]


def searched_folders() -> list[Path]:
    """Where a host that is started from here looks: what OFX_PLUGIN_PATH names, and the system's folder."""
    return [*named_folders(), system_folder()]


def install(folder: Path, *, built: Path | None = None) -> Path:
    """Copy the bundle into `folder`, in place of an older one; `built`: where it is, by default in the tree's dist/.

    A host that is running keeps what it has loaded. Returns where it is now. Raises BadInput, one sentence.
    """
    source, target = built or _BUILT, folder / BUNDLE
    if not any(source.glob(f"Contents/*/{_OURS}")):
        raise BadInput(
            f"{source} is no built plugin: run `python packaging/build_ofx.py`, or name another with --bundle."
        )
    _refuse_strangers(target)
    part, old = folder / f".{BUNDLE}.part", folder / f".{BUNDLE}.old"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in (part, old):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(source, part)
        if target.exists():
            target.rename(old)
        part.rename(target)
        shutil.rmtree(old, ignore_errors=True)  # Windows keeps what a host has loaded until that ends
    except OSError as error:
        raise BadInput(f"{folder} cannot be written to ({error.strerror}): {_instead(folder)}.") from error
    return target


def uninstall(folder: Path) -> Path | None:
    """Remove the bundle from `folder`; returns where it was. Raises BadInput if it cannot be removed."""
    target = folder / BUNDLE
    if not target.exists():
        return None
    _refuse_strangers(target)
    try:
        shutil.rmtree(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be removed ({error.strerror}): remove it by hand.") from error
    return target


def state(folder: Path, *, built: Path | None = None) -> str:
    """How `folder` stands, in words."""
    target, source = folder / BUNDLE, built or _BUILT
    if not target.is_dir():
        return "not installed"
    if not source.is_dir():
        return "installed"
    files = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    _, other, missing = filecmp.cmpfiles(source, target, files, shallow=False)
    return "up to date" if not (other or missing) else "another build: run `maskedit ofx install` again"


def _refuse_strangers(target: Path) -> None:
    if target.exists() and not any(target.glob(f"Contents/*/{_OURS}")):
        raise BadInput(f"{target} is not MaskEdit's plugin: move it elsewhere, then try again.")


def _instead(folder: Path) -> str:
    if folder == system_folder():
        return "run this as an administrator, or leave --system out"
    return "check the folder's permissions"
