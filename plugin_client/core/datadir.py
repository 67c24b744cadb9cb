# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this user's MaskEdit data lies: the same rule as the server's, with the standard library alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_dir(explicit: str | Path | None = None) -> Path:
    """The data folder: `explicit`, else MASKEDIT_DATA_DIR, else the platform's place for user data.

    The folder need not exist yet: the server makes it.
    """
    chosen = explicit or os.environ.get("MASKEDIT_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "maskedit"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "maskedit"
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "maskedit"
