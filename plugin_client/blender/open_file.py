# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that is open in this Blender, as `landing` and `session` need to see it; of the main thread."""

from __future__ import annotations

import bpy

from plugin_client.blender import takes
from plugin_client.blender.host import BlenderHost
from plugin_client.blender.preferences import preferences
from plugin_client.blender.session import ServerSettings
from plugin_client.core.host import Marks, PlacedResult, Shot


class OpenFile:
    """A `landing.Timeline`: this Blender as a host, and what it has open."""

    def __init__(self) -> None:
        self._host = BlenderHost()

    def blend(self) -> str:
        """Its path, "" for one that was never saved."""
        return bpy.data.filepath

    def may_place(self) -> bool:
        """See `BlenderHost.may_place`."""
        return self._host.may_place()

    def is_placed(self, job_id: str) -> bool:
        """See `takes.is_placed`."""
        return takes.is_placed(job_id)

    def put_result(self, media: str, shot: Shot, *, marks: Marks, has_alpha: bool) -> PlacedResult:
        """See `BlenderHost.put_result`."""
        return self._host.put_result(media, shot, marks=marks, has_alpha=has_alpha)


def server_settings() -> ServerSettings:
    """What the preferences say now, and whether Blender may go online."""
    said = preferences()
    return ServerSettings(
        server=said.server,
        token=said.token,
        certificate=bpy.path.abspath(said.certificate),
        client_certificate=bpy.path.abspath(said.client_certificate),
        client_key=bpy.path.abspath(said.client_key),
        command=bpy.path.abspath(said.command),
        auto_start=said.auto_start,
        # Before 4.2 Blender has no such switch.
        online=getattr(bpy.app, "online_access", True),
    )
