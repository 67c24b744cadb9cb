# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that another thread closes, at whatever moment: the one that uses it hears of it, and nothing breaks."""

from __future__ import annotations

import threading

import pytest

from bridge_api.v1 import job_pb2
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.errors import ClientError, ServerUnreachable
from plugin_client.core.jobs import Jobs

NOBODY = Endpoint(address="127.0.0.1:9", token="t")


def test_calls_on_a_closed_connection_are_refused():
    connection = Connection(lambda: NOBODY)
    connection.close()
    for call in (connection.jobs.ListJobs, connection.jobs.WatchJob):
        with pytest.raises(ServerUnreachable, match="was closed"):
            call(job_pb2.ListJobsRequest() if call is connection.jobs.ListJobs else job_pb2.WatchJobRequest())
    with pytest.raises(ServerUnreachable, match="was closed"):
        connection.assets.UploadAsset(iter(()))
    with pytest.raises(ServerUnreachable, match="was closed"):
        connection.renew()


def test_closing_while_calls_begin_ends_no_process():
    """With gRPC's own interceptors this was a segmentation fault within a few rounds."""
    for _ in range(30):
        connection = Connection(lambda: NOBODY, patience_seconds=0)
        begun = threading.Barrier(5)
        heard: list[BaseException] = []
        users = [threading.Thread(target=_use, args=(connection, begun, heard)) for _ in range(4)]
        for user in users:
            user.start()
        begun.wait()
        connection.close()
        for user in users:
            user.join(20)
        assert len(heard) == 80 and all(isinstance(error, ClientError) for error in heard), set(map(repr, heard))


def _use(connection: Connection, begun: threading.Barrier, heard: list[BaseException]) -> None:
    begun.wait()
    for _ in range(20):
        try:
            next(Jobs(connection).watch("j"))
        except BaseException as error:
            heard.append(error)


def test_one_that_is_closed_while_it_is_looked_for_stays_closed():
    looking, found = threading.Event(), threading.Event()
    connections: list[Connection] = []

    def locate() -> Endpoint:
        if connections:  # the second time
            looking.set()
            found.wait(10)
        return NOBODY

    connections.append(Connection(locate))
    renewing = threading.Thread(target=connections[0].renew)
    renewing.start()
    looking.wait(10)
    connections[0].close()
    found.set()
    renewing.join(10)
    with pytest.raises(ServerUnreachable, match="was closed"):
        connections[0].jobs.ListJobs(job_pb2.ListJobsRequest())
