# SPDX-License-Identifier: GPL-3.0-or-later
"""Who counts as being on this machine, by the names that gRPC gives to the other end."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bridge_server.rpc.auth import same_machine


class Call:
    """As much of a call's context as the question needs."""

    def __init__(self, peer: str) -> None:
        self.peer = lambda: peer


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("ipv4:127.0.0.1:5000", True),
        ("ipv6:%5B::1%5D:5000", True),
        ("ipv6:[::1]:5000", True),
        ("unix:", True),
        ("unix:/run/user/1000/maskedit/socket", True),
        ("ipv4:192.168.1.9:5000", False),
        ("ipv4:12.7.0.1:5000", False),
        ("ipv6:%5B2001:db8::1%5D:5000", False),
        ("ipv6:%5B::ffff:192.168.1.9%5D:5000", False),
        ("", False),
    ],
)
def test_only_loopback_and_unix_sockets_are_this_machine(peer: str, expected: bool) -> None:
    assert same_machine(cast(Any, Call(peer))) is expected
