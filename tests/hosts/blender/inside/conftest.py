# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside Blender: an empty file for every test, and a scene to cut in."""

from __future__ import annotations

import bpy
import pytest


@pytest.fixture(autouse=True)
def empty_file(tmp_path, monkeypatch):
    """Factory settings, nothing in the file, and a data folder of the test's own."""
    monkeypatch.setenv("MASKEDIT_DATA_DIR", str(tmp_path / "data"))
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture
def scene():
    """A scene with a sequencer, shown by the window where this Blender knows of that."""
    scene = bpy.context.scene
    scene.sequence_editor_create()
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    return scene


@pytest.fixture(scope="session")
def paced_server(tmp_path_factory):
    """A real server with paced workers (paced_worker.py says what they do), for all tests that do not harm it."""
    import paced

    from plugin_client.core.local_server import ensure_server

    folder = tmp_path_factory.mktemp("server")
    yield ensure_server(folder, command=paced.PACED)
    paced.stop_server(folder=folder)


@pytest.fixture
def make_engine(request):
    """make_engine(timeline, command=, **settings): engines on the shared server, or with a `command` on one of the
    test's own; stopped with the test, and their jobs cancelled."""
    import paced

    from plugin_client.core.connection import Connection
    from plugin_client.core.jobs import Jobs

    made = []

    def make(*given, command=(), **settings):
        if command:
            made.append(paced.engine_with(*given, command=command, **settings))
        else:
            shared = request.getfixturevalue("paced_server")
            made.append(paced.engine_with(*given, **{"server": shared.address, "token": shared.token} | settings))
        return made[-1]

    yield make
    for engine in made:
        engine.stop()
    paced.stop_server()
    if "paced_server" in request.fixturenames:
        with Connection(lambda: request.getfixturevalue("paced_server")) as connection:
            for job in Jobs(connection).list():
                Jobs(connection).cancel(job.job_id)
