# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever adds to the protos counts API_MINOR up: it is how a newer client knows that a server is too old for it."""

from __future__ import annotations

import hashlib

from bridge_api.v1 import adapter_pb2, asset_pb2, edit_pb2, job_pb2, media_pb2, system_pb2
from bridge_server import runtime
from plugin_client.core import connection

# After a change of the protos: API_MINOR up by one on both sides, then the two values here.
MINOR = 6
PROTOS = "a3b8585ae47d4037"


def test_the_number_counts_up_with_the_protos() -> None:
    files = (adapter_pb2, asset_pb2, edit_pb2, job_pb2, media_pb2, system_pb2)
    seen = hashlib.sha256(b"".join(file.DESCRIPTOR.serialized_pb for file in files)).hexdigest()[:16]
    assert (seen, runtime.API_MINOR) == (PROTOS, MINOR), "the protos have changed: count API_MINOR up"
    assert connection.API_MINOR == MINOR
