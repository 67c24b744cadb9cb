# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of this Blender that somebody waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin_client.blender.engine import engine, is_made

if TYPE_CHECKING:
    # Imported where it is used: Blender's start-up does not wait for it.
    from plugin_client.blender.runs import Run


def shown_runs() -> list[Run]:
    """Those that are under way or stand still, the newest first; what is done lies on the timeline."""
    runs = engine().runs if is_made() else ()
    return [run for run in runs if run.error or run.state.value not in ("placed", "cancelled")]


def unfinished_runs() -> list[Run]:
    """Those that can be cancelled, the newest first."""
    return [run for run in shown_runs() if not run.is_over and run.state.value != "cancelling"]


def measured_run() -> Run | None:
    """The newest one of which can be said how far it is."""
    return next((run for run in shown_runs() if not run.is_over and run.share is not None), None)
