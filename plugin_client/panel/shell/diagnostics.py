# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect diagnostics: one zip with what helps to mend a defect, and nothing that is secret (no Qt widgets)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PyQt6.QtCore import PYQT_VERSION_STR, qVersion

from plugin_client.core.bundling import TAIL_BYTES, versions_of, write_bundle
from plugin_client.core.datadir import data_dir
from plugin_client.core.scrubbing import Scrubber
from plugin_client.core.system import System
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.storing.writing import writing_to

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
        write_bundle(
            path,
            sections={
                "versions": versions(),
                "settings": preferences,
                "project": project,
                "server": {"words": session, "system": asdict(system) if system else None},
            },
            logs=sorted((data_dir() / "logs").glob("*.log*")),
            scrubber=Scrubber(with_paths=True),
            tail_bytes=TAIL_BYTES,
        )
    return path


def versions() -> dict[str, str]:
    """What runs here."""
    return versions_of(_PACKAGES) | {"Qt": qVersion() or "", "PyQt": PYQT_VERSION_STR}


def harmless_settings(preferences: Preferences) -> dict[str, Any]:
    """The settings as they may be shown to others: whether there is a token, not which."""
    return {
        "server": preferences.server,
        "token": "set" if preferences.token else "not set",
        "certificate": preferences.certificate,
        "client_certificate": preferences.client_certificate,
        "image_editor": preferences.image_editor,
        "cache_bytes": preferences.cache_bytes,
        "autosave": preferences.autosave,
    }
