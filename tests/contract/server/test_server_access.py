# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in, call by call: the list of calls is the running server's own answer, so that none can be forgotten."""

from __future__ import annotations

import os
import pkgutil
import signal
from collections.abc import Iterator
from importlib import import_module

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import bridge_api.v1
from tests.serving import ServerProcess, wait_until

HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
Metadata = tuple[tuple[str, str], ...]


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.facts["address"]) as opened:
        yield opened


def offered(channel: grpc.Channel, token: str) -> dict[str, tuple[str, ...]]:
    """The names of the methods of every service that the server says it has."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)

    def ask(**question: str) -> reflection_pb2.ServerReflectionResponse:
        request = reflection_pb2.ServerReflectionRequest(**question)
        (answer,) = stub.ServerReflectionInfo(iter([request]), metadata=bearer(token), timeout=20)
        return answer

    found = {}
    for service in ask(list_services="").list_services_response.service:
        (file, *_) = ask(file_containing_symbol=service.name).file_descriptor_response.file_descriptor_proto
        described = FileDescriptorProto.FromString(file)
        (about,) = (part for part in described.service if f"{described.package}.{part.name}" == service.name)
        found[service.name] = tuple(method.name for method in about.method)
    return found


def status(channel: grpc.Channel, path: str, metadata: Metadata) -> StatusCode:
    """How a call with one empty message ends. On the wire every kind of call is a stream each way."""
    try:
        for _ in channel.stream_stream(path)(iter([b""]), metadata=metadata, timeout=20):
            break
    except grpc.RpcError as error:
        return error.code()
    return StatusCode.OK


def test_the_server_says_all_that_it_has(server: ServerProcess, channel: grpc.Channel) -> None:
    compiled = {
        service.full_name
        for module in pkgutil.iter_modules(bridge_api.v1.__path__)
        if module.name.endswith("_pb2")
        for service in import_module(f"bridge_api.v1.{module.name}").DESCRIPTOR.services_by_name.values()
    }
    assert {*offered(channel, server.facts["token"])} == compiled | {HEALTH, REFLECTION}


def test_every_call_but_health_is_for_the_token_alone(server: ServerProcess, channel: grpc.Channel) -> None:
    replaced = server.facts["token"]
    os.kill(server.pid, signal.SIGUSR1)
    wait_until(lambda: server.facts["token"] != replaced)
    token = server.facts["token"]
    services = offered(channel, token)
    guarded = [f"/{name}/{method}" for name, methods in services.items() if name != HEALTH for method in methods]
    assert len(guarded) >= 20
    for path in guarded:
        shown = {"none": (), "wrong": bearer("0" * 64), "replaced": bearer(replaced), "right": bearer(token)}
        ends = {what: status(channel, path, metadata) for what, metadata in shown.items()}
        allowed = ends.pop("right")
        assert allowed not in (StatusCode.UNAUTHENTICATED, StatusCode.UNIMPLEMENTED, StatusCode.INTERNAL), path
        assert {*ends.values()} == {StatusCode.UNAUTHENTICATED}, path


def test_what_the_server_does_not_have_is_refused_before_it_says_so(
    server: ServerProcess, channel: grpc.Channel
) -> None:
    """The door is closed to every path but health's, not to a list of paths: a call added later finds it closed."""
    invented = ("/invented.Service/Call", "/grpc.health.v1.Healthy/Check", "/invented/grpc.health.v1.Health/Check")
    for path in ("/bridge_api.v1.JobService/Invented", *invented):
        assert status(channel, path, ()) is StatusCode.UNAUTHENTICATED
        assert status(channel, path, bearer(server.facts["token"])) is StatusCode.UNIMPLEMENTED


def test_health_is_open_and_says_nothing_but_health(server: ServerProcess, channel: grpc.Channel) -> None:
    assert {*offered(channel, server.facts["token"])[HEALTH]} >= {"Check", "Watch"}
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=20)
    assert answer == health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
    watched = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
    assert next(iter(watched)) == answer
