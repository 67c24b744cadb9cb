# SPDX-License-Identifier: GPL-3.0-or-later
"""A message of more parts than any call needs is refused by every call that could hold them."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from bridge_api.v1 import adapter_pb2, asset_pb2, edit_pb2, job_pb2, system_pb2
from bridge_server.rpc.crowding import MOST_PARTS, MOST_VALUES
from tests.serving import ServerProcess


def way_to_many(message: Descriptor) -> tuple[FieldDescriptor, ...]:
    """The fields that lead to the first repeated one; () where there is none."""
    for field in message.fields:
        if field.is_repeated:
            return (field,)
        if field.message_type is not None and (way := way_to_many(field.message_type)):
            return (field, *way)
    return ()


METHODS: list[MethodDescriptor] = [
    method
    for module in (adapter_pb2, asset_pb2, edit_pb2, job_pb2, system_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if not method.client_streaming and way_to_many(method.input_type)
]


def test_there_are_such_calls() -> None:
    assert {"CheckEdit", "SubmitEdit", "FindAssets", "ListJobs"} <= {method.name for method in METHODS}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_call_refuses_a_crowd(server: ServerProcess, method: MethodDescriptor) -> None:
    request = part = GetMessageClass(method.input_type)()
    *outer, many = way_to_many(method.input_type)
    for field in outer:
        part = getattr(part, field.name)
    if many.message_type is None:
        count, empty = MOST_VALUES + 1, "" if many.type == FieldDescriptor.TYPE_STRING else 0
    else:
        count, empty = MOST_PARTS + 1, GetMessageClass(many.message_type)()
    getattr(part, many.name).extend([empty] * count)
    token = (("authorization", f"Bearer {server.facts['token']}"),)
    path = f"/{method.containing_service.full_name}/{method.name}"
    with grpc.insecure_channel(server.facts["address"]) as channel, pytest.raises(grpc.RpcError) as refused:
        list(channel.unary_stream(path)(request.SerializeToString(), metadata=token, timeout=20))
    assert refused.value.code() is StatusCode.INVALID_ARGUMENT
    assert many.name in refused.value.details() and "give" in refused.value.details()
