# SPDX-License-Identifier: GPL-3.0-or-later
"""SystemService."""

from __future__ import annotations

import asyncio
import shutil

import grpc.aio

from bridge_api.v1 import system_pb2, system_pb2_grpc
from bridge_server.jobs.states import JobState
from bridge_server.jobs.store import JobStore
from bridge_server.rpc.auth import same_machine
from bridge_server.runtime import API_MINOR
from maskedit import __version__
from maskedit.catalogue import Catalogue
from maskedit.devices import find_devices

_FEATURES = ("by_reference", "resumable_upload", "replayable_events", "queue_pause")


class SystemServicer(system_pb2_grpc.SystemServiceServicer):
    def __init__(self, store: JobStore, models: Catalogue) -> None:
        self._store = store
        self._models = models

    async def GetSystem(
        self, request: system_pb2.GetSystemRequest, context: grpc.aio.ServicerContext
    ) -> system_pb2.GetSystemResponse:
        response = await asyncio.to_thread(self._describe)
        response.same_machine = same_machine(context)
        return response

    def _describe(self) -> system_pb2.GetSystemResponse:
        devices = [
            system_pb2.Device(
                device_id=device.device_id,
                name=device.name,
                memory_bytes=device.memory_bytes,
                free_memory_bytes=device.free_memory_bytes,
            )
            for device in find_devices()
        ]
        models = [
            system_pb2.Model(
                name=model.name,
                family=model.family,
                licence=model.licence,
                commercial=model.commercial,
                size_bytes=model.size_bytes,
                problems=model.problems,
            )
            for model in self._models.list()
        ]
        return system_pb2.GetSystemResponse(
            version=__version__,
            api_minor=API_MINOR,
            features=_FEATURES,
            devices=devices,
            models=models,
            queue_paused=self._store.paused,
            queued_jobs=self._store.count(JobState.QUEUED),
            running_jobs=self._store.count(JobState.RUNNING),
            free_disk_bytes=shutil.disk_usage(self._models.data_dir).free,
        )
