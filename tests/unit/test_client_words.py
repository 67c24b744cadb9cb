# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients say: errors from status codes, progress as lines, names of result files."""

import io
import time
from pathlib import Path

import grpc
import pytest
from rich.console import Console

from plugin_client.cli.following import follow
from plugin_client.cli.progress import BarDisplay, LineDisplay, StageClock, TransferDisplay, display_for
from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.errors import (
    BadInput,
    ClientError,
    JobCancelled,
    JobFailed,
    ServerUnreachable,
    TransferError,
    from_rpc,
    is_transient,
)
from plugin_client.core.job import Event, JobState
from plugin_client.core.job_wire import event_of, job_of, state_of
from plugin_client.core.results import destination_of, record_path


class Refusal(grpc.RpcError):
    """A failed call as grpc hands it out: a code and details."""

    def __init__(self, code: grpc.StatusCode, details: str = "") -> None:
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


EXIT_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 2,
    grpc.StatusCode.NOT_FOUND: 2,
    grpc.StatusCode.ALREADY_EXISTS: 2,
    grpc.StatusCode.FAILED_PRECONDITION: 2,
    grpc.StatusCode.OUT_OF_RANGE: 2,
    grpc.StatusCode.UNAVAILABLE: 3,
    grpc.StatusCode.DEADLINE_EXCEEDED: 3,
    grpc.StatusCode.UNAUTHENTICATED: 3,
    grpc.StatusCode.PERMISSION_DENIED: 3,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 3,
    grpc.StatusCode.UNIMPLEMENTED: 3,
    grpc.StatusCode.INTERNAL: 4,
    grpc.StatusCode.UNKNOWN: 4,
    grpc.StatusCode.ABORTED: 4,
    grpc.StatusCode.DATA_LOSS: 4,
    grpc.StatusCode.CANCELLED: 4,
}


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_code_has_an_exit_code_and_a_sentence(code):
    for details in ("", "The matte is empty: draw one."):
        error = from_rpc(Refusal(code, details))
        assert error.exit_code == EXIT_CODES[code]
        assert str(error) and "None" not in str(error) and "\n" not in str(error)
    if EXIT_CODES[code] == 2:
        assert str(error) == "The matte is empty: draw one."


def test_of_a_full_disk_the_server_speaks_for_itself_and_for_grpc_we_do():
    full, long = "The server has no room for 37 MB more: delete old jobs.", "Received message larger than max (5 vs. 4)"
    assert str(from_rpc(Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, full))) == full
    said = str(from_rpc(Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, long)))
    assert said == f"The MaskEdit server has no room: {long}"


def test_only_a_lost_or_silent_server_is_worth_another_try():
    transient = {code for code in grpc.StatusCode if is_transient(Refusal(code))}
    assert transient == {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(BadInput, ValueError), (ServerUnreachable, ConnectionError), (JobFailed, RuntimeError), (TransferError, OSError)],
)
def test_errors_are_also_the_fitting_builtin(error, builtin):
    assert issubclass(error, ClientError) and issubclass(error, builtin)


def test_a_cancelled_job_is_not_a_failed_one():
    assert JobCancelled.exit_code == 130 and not issubclass(JobCancelled, JobFailed)


def test_states_and_stages_of_a_newer_server_are_survived():
    from bridge_api.v1 import job_pb2

    assert [state_of(value) for value in job_pb2.JobState.values()][1:] == [
        JobState[name.removeprefix("JOB_STATE_")] for name in job_pb2.JobState.keys()[1:]
    ]
    newer = job_pb2.JobEvent.FromString(job_pb2.JobEvent(sequence=4).SerializeToString() + b"\x18\x63\x20\x4d")
    assert (newer.state, newer.stage) == (99, 77)
    assert event_of(newer).stage == "" and event_of(newer).state is JobState.UNKNOWN
    assert event_of(job_pb2.JobEvent(stage=job_pb2.STAGE_TUNE_MOTION)).stage == "tune_motion"


def test_a_job_without_result_or_events_is_a_value_too():
    from bridge_api.v1 import job_pb2

    job = job_of(job_pb2.Job(job_id="a", state=job_pb2.JOB_STATE_QUEUED))
    assert (job.result, job.last_event, job.state) == (None, None, JobState.QUEUED)
    job = job_of(job_pb2.Job(job_id="a", result=job_pb2.JobResult()))
    assert job.result is not None and job.result.rate == 0


def shown(events: list[Event]) -> str:
    stream = io.StringIO()
    with LineDisplay(Console(file=stream, markup=False, width=100)) as display:
        for event in events:
            display.show(event)
    return stream.getvalue()


def test_a_log_gets_the_beginning_and_end_of_each_stage_in_an_editors_words():
    at = time.time()
    events = [Event(sequence=1, state=JobState.QUEUED, message="Waiting for 2 jobs before it.", at=at)]
    events += [
        Event(sequence=2 + n, state=JobState.RUNNING, stage="tune_motion", done=n, total=10, at=at + n)
        for n in range(11)
    ]
    events.append(Event(sequence=20, state=JobState.RUNNING, stage="render", done=0, total=4, at=at + 11))
    lines = shown(events).splitlines()
    assert lines[0] == "Waiting for 2 jobs before it."
    assert lines[1] == "Learning the shot's motion: 0 % (0:00)"
    assert lines[2] == "Learning the shot's motion: 100 % (0:10)"
    assert lines[3].startswith("Rendering the edit: 0 %") and len(lines) == 4


def test_who_loses_the_server_is_told_that_the_job_goes_on_and_how_to_find_it():
    nobody = Endpoint(address="127.0.0.1:1", token="t")
    with Connection(lambda: nobody, patience_seconds=0.2) as connection, pytest.raises(ServerUnreachable) as lost:
        follow(connection, "abc", console=Console(quiet=True))
    assert str(lost.value).startswith("No MaskEdit server answers at 127.0.0.1:1: ") and lost.value.job_id == "abc"
    assert str(lost.value).endswith("; the job stays there, `maskedit jobs watch abc` goes on with it.")


@pytest.mark.parametrize("terminal", [False, True])
def test_a_transfer_says_how_far_it_is_every_few_seconds_and_how_long_it_takes(monkeypatch, terminal):
    clock, stream = 0.0, io.StringIO()
    monkeypatch.setattr("plugin_client.cli.progress._now", lambda: clock)
    console = Console(file=stream, highlight=False, width=100, force_terminal=terminal)
    display = TransferDisplay(console, "Fetching the result")
    for megabytes in range(41):
        display(megabytes * 1_000_000, 40_000_000)
        clock += 0.25
    lines = [line.rstrip() for line in stream.getvalue().replace("\r", "\n").splitlines()]
    assert lines[0] == "Fetching the result: 0 % of 40 MB"
    assert lines[-1] == "Fetching the result: 100 %" and stream.getvalue().endswith("\n")
    assert "Fetching the result: 50 % of 40 MB, about 0:05 left" in lines
    assert len(lines) == (21 if terminal else 3)


def test_what_the_worker_says_stands_behind_its_stage():
    event = Event(sequence=1, state=JobState.RUNNING, stage="prepare", total=9, message="Loading.", at=time.time())
    assert shown([event]) == "Reading the clip: 0 % (0:00) Loading.\n"


def test_an_interruption_is_said_once():
    interrupted = Event(sequence=3, state=JobState.INTERRUPTED)
    assert shown([interrupted, interrupted]).count("resumes by itself") == 1


def test_time_left_appears_only_once_it_is_measured():
    at = 1_700_000_000.0
    running = [
        Event(sequence=n, state=JobState.RUNNING, stage="render", done=n, total=20, at=at + 2 * n) for n in range(6)
    ]
    clock = StageClock(running[0], now=at + 0.5)
    assert clock.words(now=at + 0.5) == "0:00"
    for event in running[1:3]:
        clock.report(event, now=event.at + 0.1)
        assert "left" not in clock.words(now=event.at + 0.1)
    for event in running[3:]:
        clock.report(event, now=event.at + 0.1)
    assert clock.words(now=at + 10.1) == "0:10, about 0:30 left"


def test_a_replay_does_not_make_the_speed_look_higher():
    at = time.time() - 600
    clock = StageClock(
        Event(sequence=1, state=JobState.RUNNING, stage="render", done=0, total=100, at=at), now=at + 600
    )
    for done in range(1, 51):
        event = Event(sequence=done, state=JobState.RUNNING, stage="render", done=done, total=100, at=at + 12 * done)
        clock.report(event, now=at + 600)
    assert clock.words(now=at + 600) == "10:00, about 10:00 left"


def test_a_server_clock_that_is_ahead_or_behind_changes_nothing():
    for skew in (-5000.0, 5000.0):
        at = 1_700_000_000.0
        first = Event(sequence=1, state=JobState.RUNNING, stage="render", done=0, total=10, at=at + skew)
        clock = StageClock(first, now=at)
        for done in range(1, 6):
            event = Event(
                sequence=done, state=JobState.RUNNING, stage="render", done=done, total=10, at=at + skew + done
            )
            clock.report(event, now=at + done)
        assert clock.words(now=at + 5) == "0:05, about 0:05 left"


def test_bars_are_drawn_on_a_terminal_with_percent_and_words():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    display = display_for(console)
    assert isinstance(display, BarDisplay)
    with display:
        for done in range(5):
            display.show(
                Event(
                    sequence=done,
                    state=JobState.RUNNING,
                    stage="encode",
                    done=done,
                    total=4,
                    at=done,
                    message="Frames.",
                )
            )
    assert all(part in stream.getvalue() for part in ("Preparing the frames", "100%", "Frames."))


@pytest.mark.parametrize(
    ("name", "out", "lands_at"),
    [
        ("result.mkv", "/x/shot.mkv", "/x/shot.mkv"),
        ("result.maskedit.json", "/x/shot.mkv", "/x/shot.maskedit.json"),
        ("result/frame.0007.png", "/x/frames", "/x/frames/frame.0007.png"),
        ("result.maskedit.json", "/x/frames", "/x/frames.maskedit.json"),
        ("result/frame.1001.exr", "/x/s.%04d.exr", "/x/s.1001.exr"),
        ("result.maskedit.json", "/x/s.%04d.exr", "/x/s.maskedit.json"),
        ("preview.jpg", "/x/shot.mkv", "/x/preview.jpg"),
        ("result-patch.mov", "/x/shot.mkv", "/x/shot-patch.mov"),
        ("result-matte.mkv", "/x/frames", "/x/frames-matte.mkv"),
        ("result-fill/result-fill.0007.png", "/x/s.%04d.exr", "/x/s-fill/result-fill.0007.png"),
        ("result-fill", "/x/shot.mkv", "/x/shot-fill"),
    ],
)
def test_result_files_land_where_out_says(name, out, lands_at):
    assert destination_of(name, Path(out)) == Path(lands_at)


def test_the_record_lies_beside_the_result():
    assert record_path(Path("/x/take.v2.mov")) == Path("/x/take.v2.maskedit.json")


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../up.mkv", "result/../../up.png", "result\\..\\up", "result/no.png", "result-fill/../x"],
)
def test_a_name_that_leaves_the_folder_is_refused(name):
    with pytest.raises(TransferError):
        destination_of(name, Path("/x/s.%04d.png"))
