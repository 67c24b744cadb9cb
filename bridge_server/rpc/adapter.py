# SPDX-License-Identifier: GPL-3.0-or-later
"""AdapterService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc.aio

from bridge_api.v1 import adapter_pb2, adapter_pb2_grpc
from bridge_server.adapters import AdapterShelf
from bridge_server.rpc.files import read_pieces
from bridge_server.rpc.job_messages import timestamp


class AdapterServicer(adapter_pb2_grpc.AdapterServiceServicer):
    def __init__(self, shelf: AdapterShelf) -> None:
        self._shelf = shelf

    async def ListAdapters(
        self, request: adapter_pb2.ListAdaptersRequest, context: grpc.aio.ServicerContext
    ) -> adapter_pb2.ListAdaptersResponse:
        adapters = [
            adapter_pb2.Adapter(
                adapter_id=adapter.adapter_id,
                size_bytes=adapter.size_bytes,
                created_at=timestamp(adapter.created_ms),
                metadata=adapter.metadata,
            )
            for adapter in await asyncio.to_thread(self._shelf.list)
        ]
        return adapter_pb2.ListAdaptersResponse(adapters=adapters)

    async def DownloadAdapter(
        self, request: adapter_pb2.DownloadAdapterRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[adapter_pb2.DownloadAdapterResponse]:
        path = await asyncio.to_thread(self._shelf.path, request.adapter_id)
        async for piece in read_pieces(path, offset=request.offset):
            yield adapter_pb2.DownloadAdapterResponse(data=piece)

    async def DeleteAdapter(
        self, request: adapter_pb2.DeleteAdapterRequest, context: grpc.aio.ServicerContext
    ) -> adapter_pb2.DeleteAdapterResponse:
        await asyncio.to_thread(self._shelf.delete, request.adapter_id)
        return adapter_pb2.DeleteAdapterResponse()
