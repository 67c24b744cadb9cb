# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of every service needs the token: the list of calls is the services' own description."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.serving import ServerProcess

PARTS = ("adapter", "asset", "edit", "job", "system")
METHODS: list[MethodDescriptor] = [
    method
    for part in PARTS
    for service in import_module(f"bridge_api.v1.{part}_pb2").DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.facts["address"]) as opened:
        yield opened


def call(channel: grpc.Channel, method: MethodDescriptor, metadata: tuple[tuple[str, str], ...]) -> StatusCode:
    """Make the call with an empty request; returns its status."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:
        answers = iter([channel.stream_unary(path).future(iter([b""]), metadata=metadata, timeout=20)])
    else:
        answers = channel.unary_stream(path)(b"", metadata=metadata, timeout=20)
    try:
        for answer in answers:
            if method.client_streaming:
                answer.result()
    except grpc.RpcError as error:
        return error.code()  # type: ignore[attr-defined]
    return StatusCode.OK


def test_the_matrix_covers_every_service() -> None:
    assert len(METHODS) >= 19
    assert {method.containing_service.name for method in METHODS} == {f"{part.title()}Service" for part in PARTS}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_only_the_token_opens(server: ServerProcess, channel: grpc.Channel, method: MethodDescriptor) -> None:
    token = server.facts["token"]
    wrong = [
        (),
        (("authorization", ""),),
        (("authorization", "Bearer "),),
        (("authorization", token),),
        (("authorization", f"Bearer {token[:-1]}"),),
        (("authorization", f"Bearer {token}x"),),
        (("authorization", f"bearer {token}"),),
        (("authorization", "Bearer wrong"), ("authorization", f"Bearer {token}")),
        (("authorization", f"Bearer {token}"), ("authorization", "Bearer wrong")),
        (("x-authorization", f"Bearer {token}"),),
    ]
    assert {call(channel, method, metadata) for metadata in wrong} == {StatusCode.UNAUTHENTICATED}
    allowed = call(channel, method, (("authorization", f"Bearer {token}"),))
    assert allowed in (StatusCode.OK, StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND)


def test_health_is_open(channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=20)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_needs_the_token_too(server: ServerProcess, channel: grpc.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with pytest.raises(grpc.RpcError) as refused:
        list(stub.ServerReflectionInfo(iter([request]), timeout=20))
    assert refused.value.code() is StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
    metadata = (("authorization", f"Bearer {server.facts['token']}"),)
    (answer,) = stub.ServerReflectionInfo(iter([request]), metadata=metadata, timeout=20)
    names = {service.name for service in answer.list_services_response.service}
    assert {f"bridge_api.v1.{part.title()}Service" for part in PARTS} < names


def test_the_token_is_in_no_log_and_on_no_command_line(server: ServerProcess) -> None:
    token = server.facts["token"].encode()
    logs = [path for path in (server.data_dir / "logs").iterdir()] + [server.data_dir / "said.txt"]
    assert all(token not in path.read_bytes() for path in logs)
    with open(f"/proc/{server.pid}/cmdline", "rb") as file:
        assert token not in file.read()


def test_the_data_folder_is_for_its_owner_only(server: ServerProcess) -> None:
    assert (server.data_dir / "server.json").stat().st_mode & 0o777 == 0o600
    for name in ("assets/whole", "jobs", "logs", "cache"):
        assert (server.data_dir / name).stat().st_mode & 0o077 == 0
