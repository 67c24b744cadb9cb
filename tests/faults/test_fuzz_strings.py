# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings that mean harm in every field that takes a string, found in the messages' own descriptions.

The suite runs a sample; the budget: `pytest tests/faults/test_fuzz_strings.py --fuzz-strings 300 --fuzz-seed 1`.
Outside the folders that a client may name lies a file whose fingerprint every reference gives rightly: nobody may ever
read it.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

import bridge_api.v1
from bridge_api.v1 import asset_pb2, edit_pb2, media_pb2
from bridge_server.rpc.errors import status_of
from bridge_server.rpc.translate import from_proto
from bridge_server.submission import Submission
from maskedit.request import EditRequest
from plugin_client.core.media import reference
from tests.faults.fuzzing import Way, ways
from tests.faults.hostile import hostile_strings
from tests.faults.submitting import submission as submission
from tests.serving import ServerProcess

SECRET = b"what only its owner reads"
REFUSALS = (
    StatusCode.OK,
    StatusCode.INVALID_ARGUMENT,
    StatusCode.NOT_FOUND,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.DATA_LOSS,
)


class Opened:
    """The files that this process opens for the length of the block; a hook itself can never be taken away again."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self._looking = False
        sys.addaudithook(self._note)

    def __enter__(self) -> Opened:
        self.paths.clear()
        self._looking = True
        return self

    def __exit__(self, *_: object) -> None:
        self._looking = False

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._looking and event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
            self.paths.add(os.fsdecode(arguments[0]))


def strings_in(message: Any) -> Iterator[Way]:
    for way in ways(message):
        if way[-1].type == FieldDescriptor.TYPE_STRING and "facts" not in {field.name for field in way}:
            yield way


def put(message: Message, way: Way, value: str, *, lie: media_pb2.MediaReference) -> None:
    """Set the string, in the first element of what is repeated; a reference's other claims are those of the secret."""
    for field in way[:-1]:
        part: Any = getattr(message, field.name)
        message = (part[0] if part else part.add()) if field.is_repeated else part
    if way[-1].name == "locations":
        message.MergeFrom(lie)
        message.ClearField("locations")
    if way[-1].is_repeated:
        message.ClearField(way[-1].name)
        getattr(message, way[-1].name).append(value)
    else:
        setattr(message, way[-1].name, value)


def methods() -> Iterator[MethodDescriptor]:
    for module in pkgutil.iter_modules(bridge_api.v1.__path__):
        if module.name.endswith("_pb2"):
            for service in import_module(f"bridge_api.v1.{module.name}").DESCRIPTOR.services_by_name.values():
                yield from service.methods


@pytest.fixture
def secret(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A file outside every folder that may be named, and links to it and its folder inside one."""
    path = tmp_path_factory.mktemp("outside") / "secret.mov"
    path.write_bytes(SECRET * 1000)
    (tmp_path / "link.mov").symlink_to(path)
    (tmp_path / "linked").symlink_to(path.parent)
    return path


def strings(secret: Path, inside: Path, random: Random, count: int) -> list[str]:
    """The ways to the secret first, then others."""
    known = [str(secret), f"{inside}/link.mov", f"{inside}/linked/secret.mov", f"{inside}/../{secret}"]
    others = hostile_strings(outside=str(secret), inside=str(inside))
    random.shuffle(others)
    return [*known, *others][:count]


def snapshot(*folders: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for folder in folders for path in folder.rglob("*")}


async def test_no_string_of_an_edit_reaches_further_than_it_may(
    submission: Submission, edit: edit_pb2.EditRequest, secret: Path, tmp_path: Path, fuzz: dict[str, int]
) -> None:
    random, lie, seen, opened = Random(fuzz["seed"]), reference(str(secret)), Counter[str](), Opened()
    before = snapshot(tmp_path, secret.parent)
    with opened:
        secret.read_bytes()
    assert str(secret) in opened.paths
    fields = list(strings_in(edit_pb2.EditRequest.DESCRIPTOR))
    for way in fields:
        for string in strings(secret, tmp_path, random, fuzz["strings"]):
            harmful = edit_pb2.EditRequest()
            harmful.CopyFrom(edit)
            put(harmful, way, string, lie=lie)
            try:
                with opened:
                    await submission.check(from_proto(harmful, EditRequest), same_machine=True)
                seen["accepted"] += 1
            except Exception as error:
                code, sentence = status_of(error)
                assert code is StatusCode.INVALID_ARGUMENT, (way[-1].full_name, string, error)
                assert sentence.isprintable() and len(sentence) < 700
                seen[sentence[-20:]] += 1
            forbidden = {path for path in opened.paths if path.startswith("/dev/") or str(secret.parent) in path}
            assert forbidden <= {"/dev/null", "/dev/urandom"}, (way[-1].full_name, string, forbidden)
    assert len(fields) >= 50 and len(seen) > 5
    assert snapshot(tmp_path, secret.parent).keys() == before.keys()
    print(f"\n{len(fields)} fields of an edit, {seen.total()} strings, {len(seen)} kinds of answers")


def test_no_string_of_any_call_reaches_further_than_it_may(
    server: ServerProcess, secret: Path, tmp_path: Path, fuzz: dict[str, int]
) -> None:
    random, lie, seen = Random(fuzz["seed"]), reference(str(secret)), Counter[str]()
    (tmp_path / "media").mkdir()
    before = snapshot(secret.parent, tmp_path / "media")
    token = (("authorization", f"Bearer {server.facts['token']}"),)
    fields = 0
    with grpc.insecure_channel(server.facts["address"]) as channel:
        for method in methods():
            call = caller(channel, method)
            for way in strings_in(method.input_type):
                if "edit" in {field.name for field in way}:  # see above
                    continue
                fields += 1
                for string in strings(secret, tmp_path / "media", random, fuzz["strings"]):
                    request = GetMessageClass(method.input_type)()
                    put(request, way, string, lie=lie)
                    code, details, answers = call(request, token)
                    assert code in REFUSALS, (method.name, way[-1].name, string, code, details)
                    assert details.isprintable() and len(details) < 700
                    seen[f"{method.name} {code.name}"] += 1
                    for answer in answers:
                        assert SECRET not in answer.SerializeToString()
                        if isinstance(answer, asset_pb2.FindAssetsResponse):
                            readable = [one.availability == asset_pb2.AVAILABILITY_READABLE for one in answer.found]
                            assert not any(readable), string
    assert fields > 25 and server.process is not None and server.process.poll() is None
    assert snapshot(secret.parent, tmp_path / "media") == before
    assert "Traceback" not in (server.data_dir / "said.txt").read_text()
    print(f"\n{fields} fields of calls, {seen.total()} strings; {len(seen)} kinds of answers")


def caller(channel: grpc.Channel, method: MethodDescriptor) -> Any:
    """Calls the method, whichever of the four kinds it is of, and returns (code, details, answers)."""
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    made = getattr(channel, kind)(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )

    def call(request: Message, metadata: Any) -> tuple[StatusCode, str, list[Message]]:
        given: Any = iter([request]) if method.client_streaming else request
        try:
            answer = made(given, metadata=metadata, timeout=20)
            return StatusCode.OK, "", list(answer) if method.server_streaming else [answer]
        except grpc.RpcError as error:
            return error.code(), error.details() or "", []

    return call
