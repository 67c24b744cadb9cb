# SPDX-License-Identifier: GPL-3.0-or-later
"""Every number of an edit at its extremes: the list of numbers is the message's own description."""

from __future__ import annotations

import json
import math
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

import bridge_api.v1
from bridge_api.v1 import edit_pb2
from bridge_server.app import build_parts
from bridge_server.checks import Report, report_from_json
from bridge_server.rpc.errors import status_of
from bridge_server.rpc.translate import from_proto
from bridge_server.settings import Settings
from bridge_server.submission import Submission
from maskedit.catalogue import Catalogue
from maskedit.errors import InputError
from maskedit.preflight.__main__ import report
from maskedit.request import EditRequest, to_json
from plugin_client.core.connection import Connection
from tests.serving import ServerProcess, finish, submit
from tests.serving import edit as edit

F = FieldDescriptor
EXTREMES: dict[int, tuple[float, ...]] = {
    F.CPPTYPE_INT32: (-(2**31), -1, 2**31 - 1),
    F.CPPTYPE_INT64: (-(2**63), -1, 2**63 - 1),
    F.CPPTYPE_UINT32: (2**32 - 1,),
    F.CPPTYPE_UINT64: (2**64 - 1,),
    F.CPPTYPE_FLOAT: (math.nan, math.inf, -math.inf, -1.0, 1e38),
    F.CPPTYPE_DOUBLE: (math.nan, math.inf, -math.inf, -1.0, 1e300),
}
# Any number is a seed; sizes are told, and the file's own counts; single files have no numbers, and what a client says
# of its clip is not what the server works with.
HARMLESS = ("seed", "size_bytes", "first_number", "facts")
REFUSALS = (
    StatusCode.OK,
    StatusCode.INVALID_ARGUMENT,
    StatusCode.NOT_FOUND,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.RESOURCE_EXHAUSTED,
)
Way = tuple[str, ...]


def numbers(message: Descriptor, above: Way = ()) -> Iterator[tuple[Way, FieldDescriptor]]:
    for field in message.fields:
        way = (*above, field.name)
        if field.message_type is not None:
            yield from numbers(field.message_type, way)
        elif field.cpp_type in EXTREMES:
            yield way, field


def put(message: Message, way: Way, value: float, *, known: Mapping[str, str] | None = None) -> None:
    """Set the number; on the way there, take the first element of what is repeated, and fill in what is known."""
    for name in (*way[:-1], ""):
        for key in (known or {}).keys() & message.DESCRIPTOR.fields_by_name.keys():
            setattr(message, key, (known or {})[key])
        if name:
            part: Any = getattr(message, name)
            message = part if isinstance(part, Message) else part[0] if part else part.add()
    setattr(message, way[-1], value)


def methods() -> Iterator[MethodDescriptor]:
    for module in pkgutil.iter_modules(bridge_api.v1.__path__):
        if module.name.endswith("_pb2"):
            for service in import_module(f"bridge_api.v1.{module.name}").DESCRIPTOR.services_by_name.values():
                yield from service.methods


class InThisProcess:
    """The server's checker without the process of its own, which would turn a crash into a sentence."""

    async def check(self, request: EditRequest) -> Report:
        said = report(to_json(request), models=self.models, seconds=0)
        if not said["ok"]:
            raise InputError(said["error"])
        return report_from_json(json.dumps(said))

    def __init__(self, models: Catalogue) -> None:
        self.models = models


@pytest.fixture
def submission(tmp_path: Path) -> Iterator[Submission]:
    settings = Settings(data_dir=tmp_path / "data", media_roots=(tmp_path,))
    settings.data_dir.mkdir()
    parts = build_parts(settings, worker=("false",), checker=("false",), home=settings.data_dir)
    object.__setattr__(parts.submission, "checker", InThisProcess(parts.models))
    yield parts.submission
    parts.store.close()


async def test_no_number_of_an_edit_does_more_than_be_refused(
    submission: Submission, edit: edit_pb2.EditRequest
) -> None:
    edit.keyframes[0].extent.width = edit.keyframes[0].extent.height = 64
    await submission.check(from_proto(edit, EditRequest), same_machine=True)
    edit.facts.rate.numerator = edit.facts.rate.denominator = 1
    accepted: set[Way] = set()
    tried = 0
    for way, field in numbers(edit_pb2.EditRequest.DESCRIPTOR):
        for value in EXTREMES[field.cpp_type]:
            tried += 1
            extreme = edit_pb2.EditRequest()
            extreme.CopyFrom(edit)
            put(extreme, way, value)
            try:
                await submission.check(from_proto(extreme, EditRequest), same_machine=True)
            except Exception as error:
                code, sentence = status_of(error)
                assert code is StatusCode.INVALID_ARGUMENT, (way, value, error)
                assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 400, (way, value, sentence)
            else:
                accepted.add(way)
    assert tried > 200
    assert [way for way in accepted if not {*HARMLESS} & {*way}] == []


def test_no_number_of_any_call_does_more_than_be_refused(
    server: ServerProcess, connection: Connection, edit: edit_pb2.EditRequest
) -> None:
    """With the names of a job and file that are there, so that the number is what is looked at."""
    job_id = submit(connection, edit, "steps=1")
    name = finish(connection, job_id).result.files[0].name
    known = {"job_id": job_id, "name": name, "asset_id": "0" * 64, "model": "bundled"}
    token = (("authorization", f"Bearer {server.facts['token']}"),)
    tried = []
    with grpc.insecure_channel(server.facts["address"]) as channel:
        for method in methods():
            path = f"/{method.containing_service.full_name}/{method.name}"
            for way, field in numbers(method.input_type):
                if "edit" in way:  # see above
                    continue
                for value in EXTREMES[field.cpp_type]:
                    request = GetMessageClass(method.input_type)()
                    put(request, way, value, known=known)
                    sent = iter([request.SerializeToString()])
                    code, sentence = StatusCode.OK, "."
                    try:
                        for _ in channel.stream_stream(path)(sent, metadata=token, timeout=20):
                            break
                    except grpc.RpcError as error:
                        code, sentence = error.code(), error.details()
                    tried.append((path, way))
                    assert code in REFUSALS, (path, way, value, sentence)
                    assert sentence.endswith(".") and "\n" not in sentence, (path, way, value, sentence)
    assert len(tried) > 15
    assert connection.system().version
