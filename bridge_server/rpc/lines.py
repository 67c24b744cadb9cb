# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit and its job as lines of text, for a parent process instead of a client: protos as JSON, one line each."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from bridge_api.v1 import edit_pb2
from bridge_server.jobs.rows import EventRow, JobRow
from bridge_server.jobs.store import JobStore
from bridge_server.rpc.job_messages import event_message, job_message
from bridge_server.rpc.translate import from_proto
from maskedit.errors import InputError
from maskedit.request import EditRequest


def edit_from_line(line: bytes) -> tuple[EditRequest, bytes]:
    """The edit that a line of base64 holds, and the message as it was sent. Raises InputError for anything else."""
    try:
        message = edit_pb2.EditRequest.FromString(base64.b64decode(line.rstrip(), validate=True))
    except (ValueError, DecodeError) as error:
        raise InputError("The edit cannot be read: start this through `maskedit edit --local`.") from error
    return from_proto(message, EditRequest), message.SerializeToString(deterministic=True)


def event_line(event: EventRow) -> str:
    """`{"event": JobEvent}`."""
    return _line("event", MessageToDict(event_message(event, with_preview=False)))


def job_line(job: JobRow, store: JobStore, *, folder: Path) -> str:
    """`{"job": Job}`, whose files lie in `folder`."""
    return _line("job", MessageToDict(job_message(job, store, folder=folder)))


def refusal_line(sentence: str) -> str:
    """`{"refused": sentence}`: there will be no job."""
    return _line("refused", sentence)


def _line(name: str, value: object) -> str:
    return json.dumps({name: value}) + "\n"
