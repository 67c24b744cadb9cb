# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever can reach the port can connect as often as they like: that costs the server's own work nothing."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack

import psutil

from bridge_api.v1 import edit_pb2, job_pb2
from tests.serving import PACED, ServerProcess, finish, submit

DESCRIPTORS = 128
LIMITED = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_strangers_connections_leave_jobs_and_files_their_descriptors(
    own_server: ServerProcess, edit: edit_pb2.EditRequest
) -> None:
    own_server.command = (sys.executable, "-c", LIMITED, *PACED)
    with own_server.start().connect() as connection, ExitStack() as strangers:
        connection.system()
        host, _, port = own_server.facts["address"].rpartition(":")
        for _ in range(2 * DESCRIPTORS):
            strangers.enter_context(socket.create_connection((host, int(port)), timeout=5))
        job_id = submit(connection, edit, "steps=3")
        assert finish(connection, job_id).state == job_pb2.JOB_STATE_SUCCEEDED
        assert psutil.Process(own_server.pid).num_fds() < 0.8 * DESCRIPTORS
