# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client is told of an error: one short line of plain text, whatever the error quotes."""

from __future__ import annotations

import errno

import pytest
from grpc import StatusCode
from hypothesis import example, given
from hypothesis import strategies as st

from bridge_server.errors import NotFoundError
from bridge_server.rpc.errors import status_of
from maskedit.errors import InputError


@example("\U0010ffff" * 5000)
@given(st.text(st.characters(exclude_categories=()), max_size=2000))
def test_whatever_is_quoted_the_answer_is_a_short_printable_line(quoted: str) -> None:
    for kind in (InputError, NotFoundError):
        _, said = status_of(kind(f"There is no file {quoted}: check the path."))
        assert said.isprintable() and len(said) <= 601 and len(said.encode()) < 8192
        assert said.startswith("There is no file") and said.endswith("check the path.")


@pytest.mark.parametrize("letters", ["\x1b[31m", "\n", "\r", "\0", "\x85", "\u2028", "\u202e", "\ud800"])
def test_what_drives_a_terminal_or_no_message_takes_is_replaced(letters: str) -> None:
    _, said = status_of(InputError(f"a{letters}b"))
    assert said == f"a�{letters[1:]}b"


def test_an_error_that_nobody_foresaw_quotes_nothing() -> None:
    code, said = status_of(RuntimeError("Bearer secret"))
    assert (code, "secret" in said) == (StatusCode.INTERNAL, False)
    code, said = status_of(OSError(errno.ENOSPC, "secret"))
    assert (code, "secret" in said) == (StatusCode.RESOURCE_EXHAUSTED, False)
