# SPDX-License-Identifier: GPL-3.0-or-later
"""Which seat a job is given: one with room for it, if possible with its model loaded, and none bigger than need be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from bridge_server.jobs.rows import JobRow
from bridge_server.jobs.work import Lane, Seat, WorkOrder
from maskedit.errors import InputError


class Gate(Protocol):
    """Whether jobs may start at all, seat by seat."""

    def reason(self, seat: Seat) -> str:
        """Why none may start there now, one sentence; "" = one may. Called in a thread, again and again."""
        ...


class Seating:
    """Keeps account of a dispatcher's seats. `take` what `room` has shown, `give_back` when the attempt is over."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self._seats = tuple(seats)
        self._free = list(range(len(seats)))
        self._models: dict[int, str] = {}
        self._closed: dict[int, str] = {}
        self._looked: set[int] | None = None

    def look(self, gate: Gate) -> None:
        """Have nothing start on the free seats that the gate keeps shut, until the next look, nor on one that is given
        back before that. May take a while."""
        looked = tuple(self._free)
        reasons = ((index, gate.reason(self._seats[index])) for index in looked)
        self._closed = {index: reason for index, reason in reasons if reason}
        self._looked = set(looked)

    def hindrance(self, job: JobRow) -> str:
        """Why the first job of its lane does not start, one sentence; "" where it only waits for its turn."""
        fitting = self._fitting(job, range(len(self._seats)))
        if not fitting:
            return f"No device here has the {job.memory_bytes / 1e9:.1f} GB of memory that it needs: it waits for one."
        return next((self._closed[index] for index in fitting if index in self._closed), "")

    def refuse_too_large(self, lane: Lane, *, memory_bytes: int) -> None:
        """Raises InputError for a job that needs more memory than any seat of its lane has, taken or free."""
        seats = [seat for seat in self._seats if seat.lane is lane]
        if not any(seat.has_room(memory_bytes) for seat in seats):
            most = max(seat.memory_bytes or 0 for seat in seats)
            raise InputError(
                f"This edit needs a device with {memory_bytes / 1e9:.1f} GB of memory, and the largest here has "
                f"{most / 1e9:.1f}: draw a smaller region, choose a faster preset or a smaller model."
            )

    def room(self) -> Mapping[Lane, int | None]:
        """The lanes with a free seat, and the memory in bytes of the largest of each; None = takes any job."""
        free: dict[Lane, list[int | None]] = {}
        for index in self._open:
            free.setdefault(self._seats[index].lane, []).append(self._seats[index].memory_bytes)
        return {
            lane: None if None in sizes else max(size for size in sizes if size is not None)
            for lane, sizes in free.items()
        }

    def take(self, job: JobRow) -> int:
        """The index of the seat that the job gets. Raises LookupError where none is free that has room."""
        fitting = self._fitting(job, self._open)
        if not fitting:
            raise LookupError(f"no seat has room for the job {job.job_id}")
        # Loading a model takes longer than anything that a smaller device would be needed for meanwhile.
        chosen = min(
            fitting, key=lambda index: (self._models.get(index) != job.model, self._seats[index].memory_bytes or 0)
        )
        self._free.remove(chosen)
        if self._looked is not None:
            self._looked.remove(chosen)
        self._models[chosen] = job.model
        return chosen

    def give_back(self, order: WorkOrder, *, died: bool) -> None:
        """Let others have the order's seat; the one on which an attempt died is the last to be tried again."""
        self._free.insert(len(self._free) if died else 0, order.seat)
        if died:
            self._models.pop(order.seat, None)

    @property
    def _open(self) -> list[int]:
        looked = self._free if self._looked is None else self._looked
        return [index for index in self._free if index in looked and index not in self._closed]

    def _fitting(self, job: JobRow, indexes: Iterable[int]) -> list[int]:
        seats = ((index, self._seats[index]) for index in indexes)
        return [index for index, seat in seats if seat.lane is job.lane and seat.has_room(job.memory_bytes)]
