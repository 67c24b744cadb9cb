# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door through which a script's calls reach the fake, with the manners of Resolve's bridge.

No call raises: a wrong number of arguments, an object that is gone, an open modal window all answer False or None.
What would be silent in Resolve is written down here, for tests to look at.
"""

from __future__ import annotations

import inspect
import time
from collections import Counter
from typing import Any, Protocol

from tests.hosts.resolve.fake.names import STUDIO_ONLY, SUBFRAMES_SINCE, names_of, version_key

_ANSWERS_ON_FAILURE: dict[str, Any] = {
    "Project.AddRenderJob": "",
    "Project.GetRenderJobStatus": "Failed to get the job's status",
    "MediaPool.AppendToTimeline": [None],
    "MediaPool.ImportMedia": [],
}


class NotInTheFake(AssertionError):
    """The script uses a part of the API that this fake does not play."""


class BlocksForever(BaseException):
    """The call would never return. Not an Exception: no script's `except` may hide it."""


class Rules(Protocol):
    """What the door must know of the application."""

    version: str
    is_free: bool


class Door:
    """Counts, records, fails and delays calls. `calls`: "Class.Method" in order; `misuses`: sentences."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._planned: set[tuple[str, int]] = set()
        self._delays: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.calls: list[str] = []
        self.misuses: list[str] = []
        self.modal = ""

    def fail(self, call: str, nth: int = 1) -> None:
        """The `nth` coming call of "Class.Method" answers as a failed one does, and does nothing."""
        self._planned.add((call, self.counts[call] + nth))

    def forget_failures(self) -> None:
        """What was planned and has not come will not come."""
        self._planned.clear()

    def delay(self, call: str, seconds: float) -> None:
        """From now on "Class.Method" takes `seconds`, as some calls take minutes."""
        self._delays[call] = seconds

    def look_up(self, played: Any, name: str) -> Any:
        """What `object.name` evaluates to: a callable, a constant, or None where this version has no such name."""
        owner = type(played).__name__
        constants = getattr(played, "constants", {})
        if name in constants:
            return constants[name]
        if name not in names_of(owner, self._rules.version):
            return None
        if not hasattr(type(played), name):
            self.misuses.append(f"{owner}.{name}: exists in Resolve {self._rules.version}, but nobody plays it here")
            raise NotInTheFake(self.misuses[-1])
        return Call(self, played, name)

    def make(self, played: Any, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """One call of a script, from its own objects to its own objects."""
        owner = type(played).__name__
        label = f"{owner}.{name}"
        method = getattr(type(played), name)
        self.calls.append(label)
        self.counts[label] += 1
        time.sleep(self._delays.get(label, 0))
        if self.modal or (label, self.counts[label]) in self._planned or getattr(played, "is_gone", False):
            return failed_answer(label, method)
        if self._rules.is_free and label in STUDIO_ONLY:
            self.modal = f"{label} is only available in DaVinci Resolve Studio"
            return failed_answer(label, method)
        try:
            if version_key(self._rules.version) < version_key(SUBFRAMES_SINCE):
                # Too many by one in these versions.
                arguments = (*arguments, None) if _takes_subframes(method) and arguments else arguments
            inspect.signature(method).bind(played, *arguments)
        except TypeError as error:
            self.misuses.append(f"{label}: {error}")
            return failed_answer(label, method)
        if named:
            self.misuses.append(f"{label}: named arguments do not cross the bridge")
            return failed_answer(label, method)
        return self.shown(method(played, *(bare(argument) for argument in arguments)))

    def shown(self, answer: Any) -> Any:
        """`answer` as a script sees it: every object of the API behind a new handle."""
        if isinstance(answer, list):
            return [self.shown(part) for part in answer]
        if isinstance(answer, dict):
            return {key: self.shown(part) for key, part in answer.items()}
        return Handle(self, answer) if getattr(answer, "is_played", False) else answer


class Call:
    """A method, bound and ready to be called."""

    def __init__(self, door: Door, played: Any, name: str) -> None:
        self._door, self._played, self._name = door, played, name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._door.make(self._played, self._name, arguments, named)


class Handle:
    """What a script holds. Two handles of one object are not equal: compare `GetUniqueId()`."""

    __slots__ = ("_Handle__door", "_Handle__played")

    def __init__(self, door: Door, played: Any) -> None:
        object.__setattr__(self, "_Handle__door", door)
        object.__setattr__(self, "_Handle__played", played)

    def __getattr__(self, name: str) -> Any:
        # Every name evaluates: `hasattr` is always true.
        return object.__getattribute__(self, "_Handle__door").look_up(bare(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise NotInTheFake(f"The script sets {name!r} on an object of the API.")

    def __dir__(self) -> list[str]:
        played = bare(self)
        names = names_of(type(played).__name__, object.__getattribute__(self, "_Handle__door")._rules.version)
        return sorted(names | getattr(played, "constants", {}).keys())

    def __repr__(self) -> str:
        return f"<{type(bare(self)).__name__}>"


def _takes_subframes(method: Any) -> bool:
    return "subframe_precision" in inspect.signature(method).parameters


def bare(value: Any) -> Any:
    """What stands behind a script's value: the fake's own object behind a handle."""
    if isinstance(value, Handle):
        return object.__getattribute__(value, "_Handle__played")
    if isinstance(value, (list, tuple)):
        return [bare(part) for part in value]
    if isinstance(value, dict):
        return {key: bare(part) for key, part in value.items()}
    return value


def failed_answer(label: str, method: Any) -> Any:
    """What `label` answers when it fails: False where it promises a truth value, None where it promises a thing."""
    if label in _ANSWERS_ON_FAILURE:
        return _ANSWERS_ON_FAILURE[label]
    return False if method.__annotations__.get("return") == "bool" else None
