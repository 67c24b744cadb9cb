# SPDX-License-Identifier: GPL-3.0-or-later
"""A job gets a seat that has room for it, with its model if there is one, and none bigger than need be."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_server.jobs.rows import JobRow, NewJob
from bridge_server.jobs.seating import Seating
from bridge_server.jobs.store import JobStore
from bridge_server.jobs.work import Lane, Seat, WorkOrder
from maskedit.errors import InputError

GB = 10**9
SMALL, BIG, DRAFT = Seat(lane=Lane.GENERATE, memory_bytes=12 * GB), Seat(lane=Lane.GENERATE, memory_bytes=48 * GB), 2
SEATS = (BIG, SMALL, Seat(lane=Lane.DRAFT))


@pytest.fixture
def jobs(tmp_path: Path):
    """jobs(gigabytes, model, lane): a row."""
    store = JobStore(tmp_path / "jobs.sqlite")

    def row(gigabytes: int = 0, model: str = "wan", lane: Lane = Lane.GENERATE) -> JobRow:
        name = str(len(store.list(limit=-1)))
        new = NewJob(
            job_id=name,
            idempotency_key=name,
            request=b"",
            report="{}",
            lane=lane,
            memory_bytes=gigabytes * GB,
            model=model,
        )
        return store.add(new)

    yield row
    store.close()


def order(job: JobRow, seat: int) -> WorkOrder:
    return WorkOrder(job_id=job.job_id, folder=Path(), lane=job.lane, seat=seat)


def test_the_smallest_device_with_room_is_taken_and_the_lanes_do_not_mix(jobs) -> None:
    seating = Seating(SEATS)
    assert seating.room() == {Lane.GENERATE: 48 * GB, Lane.DRAFT: None}
    assert seating.take(jobs(8)) == 1
    assert seating.room() == {Lane.GENERATE: 48 * GB, Lane.DRAFT: None}
    assert seating.take(jobs(8)) == 0
    assert seating.room() == {Lane.DRAFT: None}
    assert seating.take(jobs(lane=Lane.DRAFT, model="")) == DRAFT
    assert seating.room() == {}
    with pytest.raises(LookupError):
        seating.take(jobs())


def test_a_big_job_gets_the_big_device_and_a_small_one_has_to_leave_it(jobs) -> None:
    seating = Seating(SEATS)
    big, small = jobs(40), jobs(8)
    taken = seating.take(big)
    assert (taken, seating.room()[Lane.GENERATE]) == (0, 12 * GB)
    with pytest.raises(LookupError):
        seating.take(jobs(40))
    assert seating.take(small) == 1
    seating.give_back(order(big, 0), died=False)
    assert seating.room()[Lane.GENERATE] == 48 * GB


def test_a_model_goes_where_it_is_loaded_even_on_a_bigger_device(jobs) -> None:
    seating = Seating(SEATS)
    first = jobs(40, "hunyuan")
    seating.give_back(order(first, seating.take(first)), died=False)
    assert seating.take(jobs(8, "hunyuan")) == 0
    assert seating.take(jobs(8, "wan")) == 1


def test_the_seat_on_which_a_worker_died_is_tried_last(jobs) -> None:
    seating = Seating((SMALL, SMALL, SMALL))
    job = jobs()
    seat = seating.take(job)
    seating.give_back(order(job, seat), died=True)
    others = {seating.take(job), seating.take(job)}
    assert seat not in others and seating.take(job) == seat


class Watched:
    """A gate that lets a seat be given back while it looks, and shuts those in `shut`."""

    def __init__(self, seating: Seating) -> None:
        self.seating = seating
        self.back: WorkOrder | None = None
        self.shut: list[Seat] = []

    def reason(self, seat: Seat) -> str:
        if self.back is not None:
            self.seating.give_back(self.back, died=False)
            self.back = None
        return "Others use it." if seat in self.shut else ""


def test_a_seat_that_comes_back_during_a_look_or_after_it_is_looked_at_first(jobs) -> None:
    seating = Seating(SEATS)
    gate = Watched(seating)
    big, small = jobs(40), jobs(8)
    orders = [order(job, seating.take(job)) for job in (big, small)]
    assert [each.seat for each in orders] == [0, 1]
    gate.back, gate.shut = orders[0], [BIG]
    seating.look(gate)
    assert seating.room() == {Lane.DRAFT: None}
    seating.look(gate)
    assert "Others use it." in seating.hindrance(big)
    seating.give_back(orders[1], died=False)
    assert seating.room() == {Lane.DRAFT: None}
    gate.shut = []
    seating.look(gate)
    assert seating.room() == {Lane.GENERATE: 48 * GB, Lane.DRAFT: None}
    assert seating.take(big) == 0 and seating.take(small) == 1


def test_what_no_device_can_hold_is_refused_whether_they_are_free_or_not(jobs) -> None:
    seating = Seating(SEATS)
    seating.take(jobs(40))
    seating.refuse_too_large(Lane.GENERATE, memory_bytes=48 * GB)
    seating.refuse_too_large(Lane.DRAFT, memory_bytes=10**15)
    with pytest.raises(InputError, match=r"needs a device with 48\.1 GB.*the largest here has 48\.0: draw a smaller"):
        seating.refuse_too_large(Lane.GENERATE, memory_bytes=48_100_000_000)
