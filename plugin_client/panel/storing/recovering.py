# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing back a project that was never saved, after a crash or a power cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from plugin_client.panel.storing.loading import load_project
from plugin_client.panel.storing.opened import Opened
from plugin_client.panel.storing.unsaved import UnsavedWorkspace


def load_unsaved(folder: Path) -> Opened:
    """The unsaved project in `folder`, one of `unsaved.left_behind`; it goes on lying there. Raises InputError."""
    opened = load_project(folder)
    return replace(opened, folder=None, scratch=UnsavedWorkspace(folder), saved=False)
