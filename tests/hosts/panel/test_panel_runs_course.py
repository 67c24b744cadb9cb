# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's course from its events, the estimates' words, and one-click remedies: all without a server."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.request import MediaFacts
from plugin_client.core.course import Course
from plugin_client.core.findings import Estimate
from plugin_client.core.job import Event, JobState
from plugin_client.core.timeline import FrameRange
from plugin_client.panel.model.document import Choices, Document
from plugin_client.panel.model.takes import Take
from plugin_client.panel.running.estimating import memory_words, time_words
from plugin_client.panel.running.loss_curve import running_mean
from plugin_client.panel.running.remedies import flag_in, remedy_for

FACTS = MediaFacts(frame_count=48, width=64, height=64, rate=Fraction(24), pixel_format="yuv420p")


def event(sequence: int, done: int, *, stage: str = "tune_motion", message: str = "", **more: object) -> Event:
    return Event(sequence=sequence, state=JobState.RUNNING, stage=stage, done=done, total=10, message=message, **more)


def test_losses_are_gathered_and_replaced_after_a_restart_from_a_checkpoint():
    course = Course(clock=lambda: 0.0)
    for done in range(1, 6):
        course.take(event(done, done, message=f"loss {done / 10:.4f}"))
    assert [(loss.step, loss.value) for loss in course.losses] == [(n, n / 10) for n in range(1, 6)]
    course.take(Event(sequence=6, state=JobState.INTERRUPTED, message="The worker was killed."))
    assert not course.is_tuning and course.share is None and "checkpoint" in course.words
    course.take(event(7, 3, message="loss 0.9000"))
    assert [loss.step for loss in course.losses] == [1, 2, 3] and course.losses[-1].value == 0.9
    course.take(event(8, 1, stage="tune_appearance", message="loss 0.2000"))
    assert [loss.stage for loss in course.losses][-2:] == ["tune_motion", "tune_appearance"]
    assert course.note == "The worker was killed."  # losses are drawn, not said


def test_the_newest_preview_stays_until_the_next():
    course = Course(clock=lambda: 0.0)
    course.take(event(1, 1, preview=b"one"))
    course.take(event(2, 2))
    assert course.preview == b"one"


def test_time_left_is_said_once_it_is_known():
    now = [0.0]
    course = Course(clock=lambda: now[0])
    assert course.words == "Waiting in the queue" and course.line == "Waiting in the queue"
    for done in range(5):
        now[0] = 2.0 * done
        course.take(event(done + 1, done))
    assert course.line == "Learning the shot's motion, 40 %, 0:12 left"
    assert course.short == "40 %, learning the shot's motion"
    course.take(event(9, 0, stage="render"))
    assert course.left_words == "" and course.words == "Rendering the edit"


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_the_running_mean_stays_within_what_it_is_of(values: list[float]):
    means = running_mean(values)
    assert len(means) == len(values) and means[0] == pytest.approx(values[0])
    for number, mean in enumerate(means, start=1):
        assert min(values[:number]) - 1e-9 <= mean <= max(values[:number]) + 1e-9


def take(seconds: float, *, preset: str = "fast", frames: FrameRange | None = None, **record: object) -> Take:
    made = Document(clip="a.mov", frames=frames, choices=Choices(preset=preset))
    told = {"stage_seconds": {"tune_motion": seconds}, "adapter": {"reused": False}, **record}
    return Take(job_id=str(seconds), name="Take 1", created="", document=made, record=told)


def test_what_was_measured_wins_over_the_estimate_and_grows_with_the_frames():
    document = Document(clip="a.mov", choices=Choices(preset="fast"))
    guess = Estimate(preset="fast", least_seconds=100, most_seconds=700, memory_bytes=2_100_000_000)
    assert time_words("fast", document, FACTS, estimate=guess, takes=()) == "2–12 min"
    assert memory_words(guess) == "2.1 GB" and memory_words(None) == ""
    half = take(60.0, frames=FrameRange(0, 23))
    assert time_words("fast", document, FACTS, estimate=guess, takes=(half,)) == "2 min, measured"
    begun = [
        replace(half, parent="x"),
        take(9.0, adapter={"reused": True}),
        take(9.0, preset="best"),
        Take(job_id="queued", name="Take 2", created="", document=document),
    ]
    assert time_words("fast", document, FACTS, estimate=guess, takes=begun) == "2–12 min"
    assert time_words("fast", document, FACTS, estimate=None, takes=begun) == ""
    other = replace(document, choices=document.choices.with_setting("rank", 4))
    assert time_words("fast", other, FACTS, estimate=guess, takes=(half,)) == "2–12 min"
    drafted = take(12.0, preset="draft", adapter=None)
    assert time_words("draft", other, FACTS, estimate=None, takes=(drafted,)) == "12 s, measured"


def test_a_remedy_changes_the_document_as_the_option_would():
    document = Document(clip="a.mov", choices=Choices(preset="best", prompt="a fox"))
    for flag, expected in {
        "--preset draft": replace(document, choices=replace(document.choices, preset="draft")),
        "--frames 3-17": replace(document, frames=FrameRange(3, 17)),
    }.items():
        remedy = remedy_for(flag, document)
        assert remedy is not None and remedy.document == expected
        assert remedy_for(flag, expected) is None  # done is done
    fit = remedy_for(flag_in("It is too small: let it be scaled with --fit-keyframes."), document)
    assert fit is not None and fit.document is not None and fit.document.choices.care.fit
    given = remedy_for("--keyframes-as-given", document)
    assert given is not None and given.document is not None and not given.document.choices.care.match_colour
    goes = remedy_for("--keyframe 12=IMAGE", document)
    assert goes is not None and (goes.frame, goes.document) == (12, None)
    assert remedy_for("--model", document) is None and remedy_for("", document) is None
