# SPDX-License-Identifier: GPL-3.0-or-later
"""One clip's decoding on a thread of its own: what is asked for now first, then what will be looked at next (no Qt)."""

from __future__ import annotations

import atexit
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread
from weakref import WeakSet

from maskedit.errors import InputError
from maskedit.media import ClipReader, PlateFrame
from maskedit.media.containers import told_as_input_error
from maskedit.media.scrubbing import Scrubber
from maskedit.request import MediaFacts
from plugin_client.panel.viewer.picture_cache import PictureCache, PictureKey
from plugin_client.panel.viewer.showing import Picture, Showing

# Looks at more frames than these at once are out of date before they are served.
_MOST_WAITING = 4
# More than this ahead of time is of no use, and looking through it each time would cost.
_MOST_AHEAD = 1500
# Of what is held ahead of time, the part that lies in the direction of playing.
_AHEAD = 0.75
_IDLE_S = 5.0


def wanted_next(frame: int, direction: int, *, count: int, room: int) -> Iterator[int]:
    """The frames of a clip of `count` that are worth holding around `frame`, at most `room`, the next to be seen first.

    `direction`: of playing, 0 standing still, where both sides take turns after `frame` itself.
    """
    ahead = round(room * (_AHEAD if direction else 0.5))
    first, last = (
        (frame - ahead, frame + room - ahead - 1) if direction < 0 else (frame - room + ahead, frame + ahead - 1)
    )
    # What does not fit at one end of the clip is of use at the other.
    first, last = first - max(0, last - count + 1), last + max(0, -first)
    first, last = max(0, first), min(count - 1, last)
    after, before = range(frame, last + 1), range(frame - 1, first - 1, -1)
    yield from (frame, *before, *after[1:]) if direction < 0 else (*after, *before)


class ClipSource:
    """The pictures of one clip. For one thread at a time; leaving the block closes its files.

    A run of frames in order keeps its decoder; a frame elsewhere is sought. Raises InputError.
    """

    def __init__(self, path: str, *, colour: str = "") -> None:
        self._path = path
        self._scrubber = Scrubber(path)
        self._reader = ClipReader(path)
        self.facts: MediaFacts = self._scrubber.facts
        self._showing = Showing(self.facts, colour=colour)
        self.divisor = self._showing.divisor
        self._run: Iterator[PlateFrame] = iter(())
        self._next = -1

    def __enter__(self) -> ClipSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()
        self._scrubber.__exit__()

    def picture(self, frame: int, *, full: bool = False) -> Picture:
        """Frame `frame`, by the shortest way."""
        # Seeking passes over what no other frame refers to, about half of what a run decodes.
        if self._runs_to(frame) and 2 * (frame - self._next) <= frame - self._scrubber.entry_before(frame):
            # A lost frame on the way is no reason to lose this one.
            with suppress(InputError):
                while self._next < frame:
                    self._step()
                return self._shown(self._step(), full=full)
        return self._shown(self._scrubber.plate(frame), full=full)

    def step_towards(self, frame: int, keep: Callable[[int], bool]) -> tuple[int, Picture | None]:
        """One frame further on the way to `frame` from where decoding can start: its number, and its picture if it is
        to be kept. Called again and again it arrives; frames after `frame` then cost only themselves."""
        if not self._runs_to(frame):
            self._start(self._scrubber.entry_before(frame))
        number = self._next
        try:
            plate = self._step()
        except InputError:
            if number == frame:
                raise
            return number, None
        return number, self._shown(plate) if keep(number) else None

    def _runs_to(self, frame: int) -> bool:
        return self._scrubber.entry_before(frame) <= self._next <= frame

    def _start(self, frame: int) -> None:
        self._reader.__exit__()
        self._run, self._next = self._reader.frames(frame, self.facts.frame_count - 1), frame

    def _step(self) -> PlateFrame:
        try:
            plate = next(self._run)
        except (InputError, StopIteration):
            lost, self._next = self._next, -1
            # A run ends at a damaged frame; behind it the next one starts.
            if lost + 1 < self.facts.frame_count:
                self._start(lost + 1)
            return self._scrubber.plate(lost)
        self._next += 1
        return plate

    def _shown(self, plate: PlateFrame, *, full: bool = False) -> Picture:
        with told_as_input_error(self._path):
            return self._showing.picture(plate, divisor=1 if full else self.divisor)


@dataclass(frozen=True)
class Told:
    """What a `Decoding` tells, on its own thread."""

    opened: Callable[[MediaFacts, int], None]
    ready: Callable[[int], None]
    lost: Callable[[int, str], None]
    failed: Callable[[str], None]


class Decoding:
    """Fills `cache` with the pictures of `path` under the name `owner`. Its thread starts with the first wish and ends
    when there has been none for a while."""

    def __init__(self, path: str, *, colour: str, cache: PictureCache, owner: int, told: Told) -> None:
        self._path, self._colour = path, colour
        self._cache, self._owner = cache, owner
        self._told = told
        self._waiting: deque[tuple[int, bool]] = deque(maxlen=_MOST_WAITING)
        self._plan: tuple[int, int] | None = None
        self._lost: set[int] = set()
        self._change = Condition()
        self._thread: Thread | None = None
        self._running = False
        self._ended = False
        _decodings.add(self)

    def start(self) -> None:
        """Open the clip."""
        with self._change:
            self._wake()

    def want(self, frame: int, *, full: bool = False) -> None:
        """Decode `frame` before everything asked for earlier; the oldest of too many wishes is dropped."""
        with self._change:
            wish = (frame, full)
            if wish in self._waiting:
                self._waiting.remove(wish)
            self._waiting.append(wish)
            self._wake()

    def plan(self, frame: int, direction: int) -> None:
        """Look ahead from `frame` in that direction of playing when nothing else is wanted."""
        with self._change:
            self._plan = (frame, direction)
            self._cache.claim(self._owner)
            self._wake()

    def end(self) -> None:
        """Let go of the clip; wishes are ignored from now on."""
        with self._change:
            self._ended = True
            self._change.notify()

    def join(self) -> None:
        """After `end`: wait until the thread is gone."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _wake(self) -> None:
        if self._ended:
            return
        if not self._running:
            self._running = True
            self._thread = Thread(target=self._work, name="footage", daemon=True)
            self._thread.start()
        self._change.notify()

    def _work(self) -> None:
        try:
            source = ClipSource(self._path, colour=self._colour)
        except InputError as error:
            with self._change:
                self._running, self._ended = False, True
            self._told.failed(str(error))
            return
        self._told.opened(source.facts, source.divisor)
        with source:
            while self._go_on():
                self._serve(source)

    def _go_on(self) -> bool:
        """Wait until there is something to do; False when the thread is no longer needed."""
        with self._change:
            if not (self._waiting or self._plan or self._ended):
                self._change.wait(_IDLE_S)
            idle = not (self._waiting or self._plan)
            if idle or self._ended:
                self._running = False
            return self._running

    def _serve(self, source: ClipSource) -> None:
        with self._change:
            wish, plan = self._waiting.pop() if self._waiting else None, self._plan
        if wish is not None:
            self._decode(source, *wish)
        elif plan is not None and not self._look_ahead(source, *plan):
            with self._change:
                if self._plan == plan:
                    self._plan = None

    def _decode(self, source: ClipSource, frame: int, full: bool) -> None:
        full = full and source.divisor > 1
        key = PictureKey(self._owner, frame, full)
        if not 0 <= frame < source.facts.frame_count or frame in self._lost or self._cache.get(key) is not None:
            return
        try:
            picture = source.picture(frame, full=full)
        except InputError as error:
            self._lose(frame, error)
        else:
            self._keep(key, picture)

    def _look_ahead(self, source: ClipSource, frame: int, direction: int) -> bool:
        """Decode one frame of the plan; False when all of it is held."""
        facts = source.facts
        held = self._cache.frames(self._owner) | self._lost
        sides = -(-facts.width // source.divisor), -(-facts.height // source.divisor)
        room = min(self._cache.share(3 * sides[0] * sides[1]), _MOST_AHEAD)
        order = tuple(wanted_next(frame, direction, count=facts.frame_count, room=room))
        missing = next((each for each in order if each not in held), None)
        if missing is None:
            return False
        window = frozenset(order)
        try:
            number, picture = source.step_towards(missing, lambda each: each in window and each not in held)
        except InputError as error:
            self._lose(missing, error)
        else:
            if picture is not None:
                self._keep(PictureKey(self._owner, number), picture)
        return True

    def _keep(self, key: PictureKey, picture: Picture) -> None:
        picture.flags.writeable = False
        if not self._ended:
            self._cache.put(key, picture)
            self._told.ready(key.frame)

    def _lose(self, frame: int, error: InputError) -> None:
        self._lost.add(frame)
        self._told.lost(frame, str(error))


_decodings: WeakSet[Decoding] = WeakSet()


@atexit.register
def _end_all() -> None:
    # Decoders have threads of their own, which must not outlive the interpreter.
    decodings = tuple(_decodings)
    for decoding in decodings:
        decoding.end()
    for decoding in decodings:
        decoding.join()
