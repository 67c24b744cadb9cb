# SPDX-License-Identifier: GPL-3.0-or-later
"""How the panel's models are put together: the only place that knows all of them."""

from __future__ import annotations

from PyQt6.QtCore import QObject

from plugin_client.core.datadir import data_dir
from plugin_client.core.ledger import Ledger
from plugin_client.panel.hosting.timeline import EditingHost, HostTimeline
from plugin_client.panel.keyframes.live_draft import LiveDraft
from plugin_client.panel.mattes.cache import MatteCache
from plugin_client.panel.model.axis import TimeAxis
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.notices import Notices
from plugin_client.panel.model.playhead import Playhead
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.project import Project
from plugin_client.panel.model.takes import Takes
from plugin_client.panel.running.runs import Runs
from plugin_client.panel.running.session import Session
from plugin_client.panel.viewer.footage import FootageLibrary


def build_desk(preferences: Preferences, *, host: EditingHost | None = None, parent: QObject | None = None) -> Desk:
    """The desk of one window, with nothing on it yet; its session begins to look for the server.

    `host`: the editing application that opened the window.
    """
    project, playhead, axis = Project(parent), Playhead(parent), TimeAxis(parent)
    takes, notices = Takes(parent), Notices(parent)
    footage = FootageLibrary(preferences, parent)
    mattes = MatteCache(project, parent)
    session = Session(preferences, parent)

    def follow_clip() -> None:
        count = project.facts.frame_count if project.facts is not None else 1
        axis.fit(count)
        playhead.set_last(count - 1)

    project.facts_changed.connect(follow_clip)
    clips = Ledger(data_dir() / "clips")
    timeline = None if host is None else HostTimeline(host, clips, project, notices, parent)
    return Desk(
        project=project,
        playhead=playhead,
        axis=axis,
        takes=takes,
        notices=notices,
        preferences=preferences,
        footage=footage,
        mattes=mattes,
        draft=LiveDraft(project, mattes, parent),
        session=session,
        runs=Runs(project, takes, session, notices, parent),
        timeline=timeline,
    )
