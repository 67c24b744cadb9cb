# SPDX-License-Identifier: GPL-3.0-or-later
"""Submitting, watching and steering jobs while the wire is cut and the server dies."""

import os
import signal
import threading
import time

import pytest

from bridge_api.v1 import edit_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput, ServerUnreachable
from plugin_client.core.job import JobState
from plugin_client.core.jobs import Jobs
from plugin_client.core.media import reference
from plugin_client.core.requests import build_edit, references_of
from plugin_client.core.upload import make_available


def submit(connection: Connection, options) -> str:
    edit = build_edit(options)
    make_available(connection, references_of(edit))
    return Jobs(connection).submit(edit)


def test_a_job_is_seen_from_queue_to_result(connection, scripted):
    jobs = Jobs(connection)
    job_id = submit(connection, scripted("steps=4 pause=0.12"))
    events = list(jobs.watch(job_id))
    assert events[0].state is JobState.QUEUED and events[-1].state is JobState.SUCCEEDED
    running = [event for event in events if event.stage]
    assert {event.stage for event in running} == {"tune_motion", "render"}
    assert all(event.total == 4 and 0 <= event.done <= 4 for event in running)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert abs(events[-1].at - time.time()) < 60
    job = jobs.get(job_id)
    assert job.state is JobState.SUCCEEDED and job.name == "clip.mkv" and job.result is not None
    assert (job.result.width, job.result.height, job.result.rate, len(job.result.frames)) == (64, 64, 25, 5)
    assert job.result.adapter_reused and dict(job.result.stage_seconds) == {"render": 1.5, "tune_motion": 2.25}
    assert list(jobs.watch(job_id, after_sequence=events[-2].sequence)) == [events[-1]]
    assert list(jobs.watch(job_id, after_sequence=events[-1].sequence)) == []


def test_a_cut_stream_goes_on_after_the_last_event_seen(over_wire, wire, scripted):
    job_id = submit(over_wire, scripted("steps=15 pause=0.12"))
    seen = []
    for event in Jobs(over_wire).watch(job_id):
        seen.append(event)
        if event.stage and event.done in (3, 4, 9):
            wire.cut()
    assert wire.cuts >= 4
    numbers = [event.sequence for event in seen]
    assert numbers == sorted(set(numbers))
    assert seen[-1].state is JobState.SUCCEEDED
    states = [event.state for event in seen]
    assert states[0] is JobState.QUEUED and JobState.RUNNING in states


def test_a_killed_server_is_started_again_and_the_job_followed_to_its_end(own_server, scripted):
    with Connection(own_server.start) as connection:
        job_id = submit(connection, scripted("steps=6 pause=0.12"))
        killed = False
        events = []
        for event in Jobs(connection).watch(job_id):
            events.append(event)
            if event.done == 3 and not killed:
                killed = True
                first = own_server.facts["pid"]
                os.kill(first, signal.SIGKILL)
        assert killed and own_server.facts["pid"] != first
        assert events[-1].state is JobState.SUCCEEDED
        assert JobState.INTERRUPTED in {event.state for event in events}
        assert [event.sequence for event in events] == sorted({event.sequence for event in events})


def test_a_server_that_stays_away_ends_the_watching(own_server, scripted):
    endpoint = own_server.start()
    with Connection(lambda: endpoint, patience_seconds=1) as connection:
        job_id = submit(connection, scripted("steps=100 pause=0.1"))
        began = None
        with pytest.raises(ServerUnreachable):
            for event in Jobs(connection).watch(job_id):
                if event.stage and began is None:
                    began = time.monotonic()
                    own_server.stop(signal.SIGKILL)
        assert began is not None and time.monotonic() - began < 10


def test_a_lost_answer_makes_no_second_job(over_wire, wire, shot):
    edit = build_edit(shot)
    make_available(over_wire, references_of(edit))
    jobs = Jobs(over_wire)
    before = {job.job_id for job in jobs.list(limit=1000)}
    # The request gets through; the connection dies before the answer, which takes the server a moment.
    wire.cut_after = edit.ByteSize()
    job_id = jobs.submit(edit)
    assert wire.cuts == 1
    assert {job.job_id for job in jobs.list(limit=1000)} - before == {job_id}


def test_cancel_ends_a_running_job_within_two_seconds(connection, scripted):
    jobs = Jobs(connection)
    job_id = submit(connection, scripted("steps=1000 pause=0.05"))
    for event in jobs.watch(job_id):
        if event.stage:
            break
    began = time.monotonic()
    assert jobs.cancel(job_id) in (JobState.CANCELLING, JobState.CANCELLED)
    assert list(jobs.watch(job_id))[-1].state is JobState.CANCELLED
    assert time.monotonic() - began < 2
    assert jobs.cancel(job_id) is JobState.CANCELLED


def test_several_watchers_see_the_same(connection, scripted):
    job_id = submit(connection, scripted("steps=5 pause=0.12"))
    seen: list[list] = [[], []]

    def watch(into: list) -> None:
        into.extend(Jobs(connection).watch(job_id))

    watchers = [threading.Thread(target=watch, args=(into,)) for into in seen]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join(30)
    assert seen[0][-1] == seen[1][-1] and seen[0][-1].state is JobState.SUCCEEDED


def test_failure_retry_list_and_delete(connection, scripted):
    jobs = Jobs(connection)
    job_id = submit(connection, scripted("steps=1 end=fail"))
    assert list(jobs.watch(job_id))[-1].message == "The script says so: write another."
    assert jobs.get(job_id).error == "The script says so: write another."
    again = jobs.retry(job_id)
    assert again != job_id and list(jobs.watch(again))[-1].state is JobState.FAILED
    listed = [job.job_id for job in jobs.list(limit=2)]
    assert listed == [again, job_id]
    assert again in {job.job_id for job in jobs.list(states=[JobState.FAILED])}
    assert again not in {job.job_id for job in jobs.list(states=[JobState.SUCCEEDED, JobState.QUEUED])}
    jobs.delete(job_id)
    with pytest.raises(BadInput, match="no job"):
        jobs.get(job_id)
    with pytest.raises(BadInput):
        list(jobs.watch(job_id))


def test_long_lists_come_in_pages(connection, scripted, monkeypatch):
    jobs = Jobs(connection)
    made = [submit(connection, scripted("steps=0")) for _ in range(3)]
    asked = []
    real = connection.jobs.ListJobs

    def one_at_a_time(request, timeout):
        asked.append(request.page_token)
        request.page_size = 1
        return real(request, timeout=timeout)

    monkeypatch.setattr(connection.jobs, "ListJobs", one_at_a_time)
    assert [job.job_id for job in jobs.list(limit=3)] == made[::-1]
    assert len(asked) == len(set(asked)) == 3


def test_the_servers_sentence_reaches_the_user(connection, shot, tmp_path):
    broken = tmp_path / "not-a-video.mov"
    broken.write_text("this is no video")
    edit = build_edit(shot)
    edit.target.CopyFrom(reference(str(broken)))
    make_available(connection, references_of(edit))
    jobs = Jobs(connection)
    for call in (jobs.check, jobs.submit):
        with pytest.raises(BadInput) as caught:
            call(edit)
        assert "not-a-video.mov" in str(caught.value) and caught.value.exit_code == 2


def test_a_check_says_what_would_be_done_and_makes_no_job(connection, shot):
    edit = build_edit(shot)
    make_available(connection, references_of(edit))
    jobs = Jobs(connection)
    before = jobs.list(limit=1)[0].job_id
    answer = jobs.check(edit)
    assert isinstance(answer, edit_pb2.CheckEditResponse)
    assert (answer.facts.width, answer.frames.last, list(answer.region_frames)) == (64, 4, [0, 1, 2, 3, 4])
    assert jobs.list(limit=1)[0].job_id == before
