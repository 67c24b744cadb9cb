# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that is one Lua table of constants, as Fusion writes its comps and settings; nothing of it is ever run."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from maskedit.errors import InputError

_TOKEN = re.compile(
    r"""\s+|--\[\[.*?\]\]|--[^\n]*
    |(?P<long>\[\[.*?\]\])
    |"(?P<text>(?:\\.|[^"\\])*)"
    |(?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))
    |(?P<name>[A-Za-z_][\w.]*(?:\s*\(\s*\))?)
    |(?P<mark>[{}\[\]=,;])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_CONSTANTS = {"true": True, "false": False, "nil": None}
# Deeper than any comp; Python's own stack would end not far beyond.
_DEEPEST = 150


@dataclass
class Table:
    """`kind { … }`: the named entries as `fields`, the others as `items`, both in the order of the text."""

    kind: str = ""
    fields: dict[str | float, Value] = field(default_factory=dict)
    items: list[Value] = field(default_factory=list)

    def table(self, name: str | float) -> Table:
        """The table under that name; an empty one if there is none."""
        found = self.fields.get(name)
        return found if isinstance(found, Table) else Table()

    def number(self, name: str | float, default: float = 0.0) -> float:
        """The number under that name."""
        found = self.fields.get(name)
        return float(found) if isinstance(found, int | float) else default

    def inner(self) -> Iterator[tuple[str, Table]]:
        """Every table in it with its name, the outer ones first; "" for unnamed ones."""
        for name, value in [*self.fields.items(), *(("", item) for item in self.items)]:
            if isinstance(value, Table):
                yield str(name), value
                yield from value.inner()


Value = str | float | bool | Table | None


def parse_table(text: str, *, name: str) -> Table:
    """The table that `text` consists of. Raises InputError, one sentence about the file `name`, for anything else."""
    return _Parser(text, name).whole()


class _Parser:
    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._line = 1
        self._tokens = self._split(text)
        self._token: tuple[str, str] = ("end", "")
        self._next()

    def whole(self) -> Table:
        if self._token == ("name", "return"):
            self._next()
        value = self._value(depth=0)
        if not isinstance(value, Table) or self._token[0] != "end":
            raise self._fault()
        return value

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._fault()
            if match.lastgroup:
                yield match.lastgroup, match[match.lastgroup]
            self._line += match[0].count("\n")
            place = match.end()

    def _next(self) -> None:
        self._token = next(self._tokens, ("end", ""))

    def _value(self, *, depth: int) -> Value:
        kind, text = self._token
        self._next()
        if kind == "number":
            # Hexadecimal numbers have no point here; beyond what a float holds, nothing is meant.
            number = int(text, 16) if "x" in text.lower() else float(text)
            if abs(number) > sys.float_info.max:
                raise self._fault()
            return float(number)
        if kind == "text":
            return re.sub(r"\\(.)", lambda escaped: _ESCAPED.get(escaped[1], escaped[1]), text, flags=re.DOTALL)
        if kind == "long":
            return text[2:-2]
        if (kind, text) == ("mark", "{"):
            return self._table("", depth=depth)
        if kind == "name" and self._token == ("mark", "{"):
            self._next()
            return self._table(text, depth=depth)
        if kind == "name":
            return _CONSTANTS.get(text, text)
        raise self._fault()

    def _table(self, kind: str, *, depth: int) -> Table:
        if depth > _DEEPEST:
            raise self._fault()
        table = Table(kind)
        while self._token != ("mark", "}"):
            self._entry(table, depth=depth + 1)
            if self._token in (("mark", ","), ("mark", ";")):
                self._next()
            elif self._token != ("mark", "}"):
                raise self._fault()
        self._next()
        return table

    def _entry(self, table: Table, *, depth: int) -> None:
        if self._token == ("mark", "["):
            self._next()
            key = self._value(depth=depth)
            self._expect("]")
            self._expect("=")
            if not isinstance(key, str | float):
                raise self._fault()
            table.fields[key] = self._value(depth=depth)
            return
        is_name, text = self._token[0] == "name", self._token[1]
        value = self._value(depth=depth)
        if is_name and self._token == ("mark", "="):
            self._next()
            table.fields[text] = self._value(depth=depth)
        else:
            table.items.append(value)

    def _expect(self, mark: str) -> None:
        if self._token != ("mark", mark):
            raise self._fault()
        self._next()

    def _fault(self) -> InputError:
        return InputError(f"{self._name} is no Fusion comp or setting: its text cannot be read at line {self._line}.")
