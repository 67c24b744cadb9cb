# SPDX-License-Identifier: GPL-3.0-or-later
"""AdapterService."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import cast

import grpc.aio

from bridge_api.v1 import adapter_pb2, adapter_pb2_grpc
from bridge_server.adapters import AdapterFile, AdapterShelf
from bridge_server.conversion import Converter
from bridge_server.errors import NotFoundError
from bridge_server.rpc.auth import same_machine
from bridge_server.rpc.files import in_thread, read_pieces
from bridge_server.rpc.job_messages import timestamp
from bridge_server.rpc.translate import enum_value
from bridge_server.submission import usable_model
from maskedit.catalogue import BUNDLED, Catalogue
from maskedit.errors import InputError
from maskedit.request import AdapterFormat

_FORMAT = adapter_pb2.DESCRIPTOR.enum_types_by_name["AdapterFormat"]
_LONGEST_NAME = 100


class AdapterServicer(adapter_pb2_grpc.AdapterServiceServicer):
    def __init__(self, shelf: AdapterShelf, converter: Converter, *, models: Catalogue) -> None:
        self._shelf = shelf
        self._converter = converter
        self._models = models

    async def ListAdapters(
        self, request: adapter_pb2.ListAdaptersRequest, context: grpc.aio.ServicerContext
    ) -> adapter_pb2.ListAdaptersResponse:
        adapters = [_message(adapter) for adapter in await asyncio.to_thread(self._shelf.list)]
        return adapter_pb2.ListAdaptersResponse(adapters=adapters)

    async def ImportAdapter(
        self, request_iterator: AsyncIterator[adapter_pb2.ImportAdapterRequest], context: grpc.aio.ServicerContext
    ) -> adapter_pb2.ImportAdapterResponse:
        parts = aiter(request_iterator)
        first = await anext(parts, None)
        if first is None or first.WhichOneof("part") != "begin":
            raise InputError("An import starts with a message that says what is coming: send `begin` first.")
        begin = first.begin
        if len(begin.name) > _LONGEST_NAME or not begin.name.isprintable():
            raise InputError(f"An adapter's name has up to {_LONGEST_NAME} printable characters: choose another.")
        name = begin.model or BUNDLED
        model = await asyncio.to_thread(usable_model, self._models, name, same_machine=same_machine(context))
        # What decides the file that comes of it: imported again it is the same one.
        made_of = "\0".join((model.fingerprint, begin.expert, begin.sha256))
        adapter_id = hashlib.sha256(made_of.encode()).hexdigest()
        try:
            adapter = await asyncio.to_thread(self._shelf.get, adapter_id)
        except NotFoundError:
            receiving = self._shelf.receive(sha256=begin.sha256, size_bytes=begin.size_bytes)
            async with in_thread(receiving) as incoming:
                async for part in parts:
                    await asyncio.to_thread(incoming.upload.write, part.data)
                await asyncio.to_thread(incoming.upload.finish)
                await self._converter.to_ours(
                    incoming.whole, incoming.converted, model=name, expert=begin.expert, name=begin.name
                )
                adapter = await asyncio.to_thread(self._shelf.keep, incoming.converted, adapter_id)
        return adapter_pb2.ImportAdapterResponse(adapter=_message(adapter))

    async def DownloadAdapter(
        self, request: adapter_pb2.DownloadAdapterRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[adapter_pb2.DownloadAdapterResponse]:
        path = await asyncio.to_thread(self._shelf.path, request.adapter_id)
        if request.format == adapter_pb2.ADAPTER_FORMAT_UNSPECIFIED:
            async for piece in read_pieces(path, offset=request.offset):
                yield adapter_pb2.DownloadAdapterResponse(data=piece)
            return
        form = cast(AdapterFormat, enum_value(_FORMAT, request.format, AdapterFormat, path="format"))
        async with in_thread(self._shelf.scratch()) as folder:
            # The same bytes each time, so that an offset means the same after a cut.
            exported = folder / "exported"
            await self._converter.to_theirs(path, exported, form=form, expert=request.expert)
            async for piece in read_pieces(exported, offset=request.offset):
                yield adapter_pb2.DownloadAdapterResponse(data=piece)

    async def DeleteAdapter(
        self, request: adapter_pb2.DeleteAdapterRequest, context: grpc.aio.ServicerContext
    ) -> adapter_pb2.DeleteAdapterResponse:
        await asyncio.to_thread(self._shelf.delete, request.adapter_id)
        return adapter_pb2.DeleteAdapterResponse()


def _message(adapter: AdapterFile) -> adapter_pb2.Adapter:
    return adapter_pb2.Adapter(
        adapter_id=adapter.adapter_id,
        size_bytes=adapter.size_bytes,
        created_at=timestamp(adapter.created_ms),
        metadata=adapter.metadata,
    )
