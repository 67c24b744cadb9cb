# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the widgets share, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugin_client.panel.model.axis import TimeAxis
from plugin_client.panel.model.notices import Notices
from plugin_client.panel.model.playhead import Playhead
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.takes import Takes

if TYPE_CHECKING:
    from plugin_client.panel.hosting.timeline import HostTimeline
    from plugin_client.panel.keyframes.live_draft import LiveDraft
    from plugin_client.panel.mattes.cache import MatteCache
    from plugin_client.panel.running.runs import Runs
    from plugin_client.panel.running.session import Session
    from plugin_client.panel.viewer.footage import FootageLibrary


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The models of one window. What is shown follows their signals; what is done calls them.

    `timeline`: of the editing application that opened the window, None if none did.
    """

    project: Project
    playhead: Playhead
    axis: TimeAxis
    takes: Takes
    notices: Notices
    preferences: Preferences
    footage: FootageLibrary
    mattes: MatteCache
    draft: LiveDraft
    session: Session
    runs: Runs
    timeline: HostTimeline | None = None
