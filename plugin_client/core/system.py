# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server is and has, as values."""

from __future__ import annotations

from dataclasses import dataclass

from bridge_api.v1 import system_pb2
from plugin_client.core import connection


@dataclass(frozen=True, kw_only=True)
class Device:
    """Something that can run a model; memory in bytes."""

    name: str
    memory_bytes: int
    free_memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Model:
    """An installed model. `problems`: what stands in the way of using it, a sentence each; empty = ready."""

    name: str
    family: str
    licence: str
    commercial: str
    size_bytes: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class System:
    """A server. `is_newer`: than this client, which can do no harm; `features`: what it can do beyond the least."""

    address: str
    version: str
    is_newer: bool
    features: frozenset[str]
    devices: tuple[Device, ...]
    models: tuple[Model, ...]
    queue_paused: bool
    queued_jobs: int
    running_jobs: int
    free_disk_bytes: int
    same_machine: bool

    def words(self, *, client: str) -> str:
        """That it is connected, and to what, in a sentence or two; `client`: what the user sits before."""
        device = self.devices[0].name if self.devices else "no device"
        where = "this machine" if self.same_machine else self.address
        newer = f" It is newer than {client}, which does no harm." if self.is_newer else ""
        return f"Connected to the server on {where}, MaskEdit {self.version}, {device}.{newer}"


def system_of(wire: system_pb2.GetSystemResponse, *, address: str) -> System:
    """The wire's answer of the server at `address`."""
    return System(
        address=address,
        version=wire.version,
        is_newer=wire.api_minor > connection.API_MINOR,
        features=frozenset(wire.features),
        devices=tuple(
            Device(name=each.name, memory_bytes=each.memory_bytes, free_memory_bytes=each.free_memory_bytes)
            for each in wire.devices
        ),
        models=tuple(
            Model(
                name=each.name,
                family=each.family,
                licence=each.licence,
                commercial=each.commercial,
                size_bytes=each.size_bytes,
                problems=tuple(each.problems),
            )
            for each in wire.models
        ),
        queue_paused=wire.queue_paused,
        queued_jobs=wire.queued_jobs,
        running_jobs=wire.running_jobs,
        free_disk_bytes=wire.free_disk_bytes,
        same_machine=wire.same_machine,
    )
