# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that nobody would send, through everything that a submission goes through: refused in a sentence or fine.

The suite runs a sample; the budget: `pytest tests/faults/test_fuzz_messages.py --fuzz-messages 1000000 --fuzz-seed 1`.
"""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from google.protobuf.message import Message
from grpc import StatusCode

from bridge_api.v1 import edit_pb2, media_pb2
from bridge_server.rpc.crowding import MOST_PARTS, MOST_VALUES, refuse_crowded
from bridge_server.rpc.errors import status_of
from bridge_server.rpc.translate import from_proto, to_proto
from bridge_server.submission import Submission
from maskedit.errors import InputError
from maskedit.request import EditRequest
from tests.faults.fuzzing import MessageMaker
from tests.faults.submitting import submission as submission

MOST_SECONDS = 1.5
LARGEST_MESSAGE = 4 << 20


async def outcome(message: Message, submission: Submission, *, same_machine: bool) -> tuple[str, float]:
    """What becomes of the edit, and the processor's seconds that it took. Fails for anything but refusals in words."""
    begun = time.process_time()
    try:
        refuse_crowded(message)
        edit = from_proto(message, EditRequest)
        try:
            await submission.check(edit, same_machine=same_machine)
            said = "accepted"
        finally:
            to_proto(edit, type(message)())
    except Exception as error:
        code, said = status_of(error)
        assert code in (StatusCode.INVALID_ARGUMENT, StatusCode.RESOURCE_EXHAUSTED), (error, message)
        assert said.endswith(".") and said.isprintable() and len(said) < 1_000, (said, message)
    return said, time.process_time() - begun


async def test_no_edit_does_more_than_be_refused_in_time(
    submission: Submission, edit: edit_pb2.EditRequest, fuzz: dict[str, int]
) -> None:
    edit.facts.rate.numerator = edit.facts.rate.denominator = edit.facts.width = 1
    edit.settings.rank, edit.finish.grain = 4, 0.5
    edit.deliverables.add()
    random = Random(fuzz["seed"])
    maker, seen, slowest, made = MessageMaker(edit, random), Counter[str](), 0.0, 0
    began = time.monotonic()
    while made < fuzz["messages"]:
        message = maker.make()
        if message is None or message.ByteSize() > LARGEST_MESSAGE:
            continue
        made += 1
        said, seconds = await outcome(message, submission, same_machine=made % 2 == 0)
        assert seconds < MOST_SECONDS, (seconds, str(message)[:2_000])
        seen[said[:25]] += 1
        slowest = max(slowest, seconds)
    checker: Any = submission.checker
    assert len(seen) > 20 and checker.read > 0
    assert not [*submission.folders.root.iterdir()]
    print(
        f"\n{made} messages in {time.monotonic() - began:.0f} s, {len(seen)} kinds of answers, "
        f"{checker.come} came through to the media, {checker.read} had them read, slowest {slowest:.2f} s"
    )


@pytest.mark.parametrize("field", ["deliverables", "keyframes", "regions", "training_sources", "adapters"])
async def test_a_message_full_of_empty_parts_is_refused_at_once(field: str) -> None:
    """Four megabytes are two million of them: seconds of work, and everybody's calls wait."""
    crowded = edit_pb2.EditRequest()
    tag = edit_pb2.EditRequest.DESCRIPTOR.fields_by_name[field].number << 3 | 2
    head = bytes((tag,)) if tag < 128 else bytes((tag & 127 | 128, tag >> 7))
    crowded.ParseFromString((head + b"\0") * (LARGEST_MESSAGE // (len(head) + 1)))
    begun = time.process_time()
    with pytest.raises(InputError, match=f"parts, too many {field}"):
        refuse_crowded(crowded)
    assert time.process_time() - begun < 0.1


def test_what_may_be_in_a_message_at_most() -> None:
    within = edit_pb2.EditRequest(deliverables=[edit_pb2.Deliverable()] * MOST_PARTS)
    refuse_crowded(within)
    within.keyframes.add()
    with pytest.raises(InputError, match=f"more than {MOST_PARTS} parts"):
        refuse_crowded(within)
    refuse_crowded(media_pb2.MediaReference(asset_ids=["0"] * MOST_VALUES))
    with pytest.raises(InputError, match=f"asset_ids has {MOST_VALUES + 1} values"):
        refuse_crowded(media_pb2.MediaReference(asset_ids=["0"] * (MOST_VALUES + 1)))
