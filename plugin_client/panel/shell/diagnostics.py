# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect diagnostics: one zip with what helps to mend a defect, and nothing that is secret (no Qt widgets)."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from PyQt6.QtCore import PYQT_VERSION_STR, qVersion

from plugin_client.core.datadir import data_dir
from plugin_client.core.system import System
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.storing.writing import writing_to

TAIL_BYTES = 200_000
_PACKAGES = (
    "maskedit",
    "PyQt6",
    "superqt",
    "qtawesome",
    "numpy",
    "av",
    "opencv-python-headless",
    "OpenImageIO",
    "grpcio",
)


def collect(*, preferences: Mapping[str, Any], session: str, system: System | None, project: Mapping[str, Any]) -> Path:
    """Write the zip into the data folder and return its path. Raises OutputError.

    `session`: the server's state in words. The ends of all logs go in, the token and pictures do not.
    """
    folder = data_dir() / "diagnostics"
    path = folder / time.strftime("maskedit-diagnostics-%Y%m%d-%H%M%S.zip")
    with writing_to(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            _add(archive, "versions.json", versions())
            _add(archive, "settings.json", preferences)
            _add(archive, "project.json", project)
            _add(archive, "server.json", {"words": session, "system": asdict(system) if system else None})
            for log in sorted((data_dir() / "logs").glob("*.log*")):
                archive.writestr(f"logs/{log.name}", _tail(log))
    return path


def versions() -> dict[str, str]:
    """What runs here."""
    installed = {name: _version(name) for name in _PACKAGES}
    return {
        **installed,
        "Qt": qVersion() or "",
        "PyQt": PYQT_VERSION_STR,
        "interpreter": sys.version,
        "system": platform.platform(),
        "processor": platform.machine(),
    }


def harmless_settings(preferences: Preferences) -> dict[str, Any]:
    """The settings as they may be shown to others: whether there is a token, not which."""
    return {
        "server": preferences.server,
        "token": "set" if preferences.token else "not set",
        "certificate": preferences.certificate,
        "image_editor": preferences.image_editor,
        "cache_bytes": preferences.cache_bytes,
        "autosave": preferences.autosave,
    }


def _add(archive: ZipFile, name: str, values: Any) -> None:
    archive.writestr(name, json.dumps(values, indent=1, ensure_ascii=False, default=str))


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
