# SPDX-License-Identifier: GPL-3.0-or-later
"""Staying with a job: through every loss of its server, left at once, and never made twice."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput, ClientError
from plugin_client.core.following import Following
from plugin_client.core.job import Event, JobState
from plugin_client.core.jobs import Jobs, new_key
from plugin_client.core.requests import build_edit, references_of
from plugin_client.core.upload import make_available


def submit(connection: Connection, options, *, key: str = "") -> str:
    edit = build_edit(options)
    make_available(connection, references_of(edit))
    return Jobs(connection).submit(edit, key=key)


def test_a_key_that_was_kept_makes_no_second_job(connection, shot):
    key = new_key()
    first = submit(connection, shot, key=key)
    with Connection(lambda: connection.endpoint) as restarted:
        assert submit(restarted, shot, key=key) == first
        assert submit(restarted, shot, key=new_key()) != first != submit(restarted, shot)
        list(Jobs(restarted).watch(first))
        again = Jobs(restarted).retry(first, key="again")
        assert Jobs(restarted).retry(first, key="again") == again != first


def test_a_server_that_went_away_for_long_is_found_again(own_server, scripted):
    lost: list[ClientError] = []
    events: list[Event] = []

    def connect() -> Connection:
        if not may_start.is_set():
            raise ClientError("Nobody is there.")
        # Without patience: every loss is the following's own to get over.
        return Connection(own_server.start, patience_seconds=0)

    may_start = threading.Event()
    may_start.set()
    with Connection(own_server.start) as connection:
        job_id = submit(connection, scripted("steps=60 pause=0.05"))
    following = Following(connect, job_id)

    def heard(event: Event) -> None:
        events.append(event)
        if event.done >= 5 and not lost and may_start.is_set():
            may_start.clear()
            own_server.stop(signal.SIGKILL)

    def missed(error: ClientError) -> None:
        lost.append(error)
        if len(lost) > 1:
            may_start.set()

    job = following.run(heard, on_lost=missed)
    assert job is not None and job.state is JobState.SUCCEEDED and len(lost) >= 2
    numbers = [event.sequence for event in events]
    assert numbers == sorted(set(numbers)) and following.sequence == numbers[-1]


def test_it_goes_on_after_a_number(connection, scripted):
    job_id = submit(connection, scripted("steps=3"))
    seen: list[int] = []
    Following(lambda: Connection(lambda: connection.endpoint), job_id).run(lambda event: seen.append(event.sequence))
    rest: list[int] = []
    later = Following(lambda: Connection(lambda: connection.endpoint), job_id, after_sequence=seen[-3])
    assert later.run(lambda event: rest.append(event.sequence)) is not None
    assert rest == seen[-2:]


def test_leaving_is_prompt_and_leaves_the_job_alone(connection, scripted):
    job_id = submit(connection, scripted("steps=1000 pause=0.05"))
    first, answers = threading.Event(), []
    following = Following(lambda: Connection(lambda: connection.endpoint), job_id)
    thread = threading.Thread(target=lambda: answers.append(following.run(lambda event: first.set())))
    thread.start()
    assert first.wait(20)
    began = time.monotonic()
    following.stop()
    thread.join(10)
    assert time.monotonic() - began < 0.5 and answers == [None]
    assert not Jobs(connection).get(job_id).state.is_final
    Jobs(connection).cancel(job_id)
    assert Following(lambda: Connection(lambda: connection.endpoint), job_id).run(lambda event: None) is not None


def test_one_that_was_left_before_it_began_says_nothing(connection, scripted):
    following = Following(lambda: Connection(lambda: connection.endpoint), "0" * 32)
    following.stop()
    assert following.run(pytest.fail) is None


def test_a_job_that_nobody_knows_is_said(connection):
    with pytest.raises(BadInput, match="no job"):
        Following(lambda: Connection(lambda: connection.endpoint), "0" * 32).run(lambda event: None)
