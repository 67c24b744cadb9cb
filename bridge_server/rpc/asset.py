# SPDX-License-Identifier: GPL-3.0-or-later
"""AssetService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc.aio

from bridge_api.v1 import asset_pb2, asset_pb2_grpc, media_pb2
from bridge_server.assets import AssetStore
from bridge_server.folders import JobFolders
from bridge_server.jobs.store import JobStore
from bridge_server.references import References
from bridge_server.rpc.auth import same_machine
from bridge_server.rpc.files import in_thread, read_pieces, write_behind
from bridge_server.rpc.job_messages import file_messages
from bridge_server.rpc.pieces import Piece, part_from_wire, piece_to_wire
from bridge_server.rpc.translate import enum_number, from_proto
from maskedit.errors import InputError
from maskedit.request import MediaReference

_SERVICE = asset_pb2.DESCRIPTOR.services_by_name["AssetService"].full_name
_AVAILABILITY = asset_pb2.DESCRIPTOR.enum_types_by_name["Availability"]


def add_asset_service(servicer: AssetServicer, server: grpc.aio.Server) -> None:
    """Register it; pieces of files pass protobuf by."""
    asset_pb2_grpc.add_AssetServiceServicer_to_server(servicer, server)
    downloads = {
        "DownloadAsset": (servicer.DownloadAsset, asset_pb2.DownloadAssetRequest),
        "DownloadResult": (servicer.DownloadResult, asset_pb2.DownloadResultRequest),
    }
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        name: grpc.unary_stream_rpc_method_handler(
            behaviour, request_deserializer=request.FromString, response_serializer=piece_to_wire
        )
        for name, (behaviour, request) in downloads.items()
    }
    handlers["UploadAsset"] = grpc.stream_unary_rpc_method_handler(
        servicer.UploadAsset,
        request_deserializer=part_from_wire,
        response_serializer=asset_pb2.UploadAssetResponse.SerializeToString,
    )
    server.add_registered_method_handlers(_SERVICE, handlers)  # pyright: ignore[reportAttributeAccessIssue]


class AssetServicer(asset_pb2_grpc.AssetServiceServicer):
    def __init__(self, assets: AssetStore, references: References, *, store: JobStore, folders: JobFolders) -> None:
        self._assets = assets
        self._references = references
        self._store = store
        self._folders = folders

    async def FindAssets(
        self, request: asset_pb2.FindAssetsRequest, context: grpc.aio.ServicerContext
    ) -> asset_pb2.FindAssetsResponse:
        # Thousands of assets in one reference take longer to translate than others want to wait.
        found = await asyncio.to_thread(self._find, request.references, same_machine(context))
        return asset_pb2.FindAssetsResponse(found=found)

    async def GetUpload(
        self, request: asset_pb2.GetUploadRequest, context: grpc.aio.ServicerContext
    ) -> asset_pb2.GetUploadResponse:
        offset = await asyncio.to_thread(self._assets.offset, request.asset_id)
        complete = await asyncio.to_thread(self._assets.has, request.asset_id)
        return asset_pb2.GetUploadResponse(offset=offset, complete=complete)

    async def UploadAsset(
        self, request_iterator: AsyncIterator[asset_pb2.UploadAssetRequest | Piece], context: grpc.aio.ServicerContext
    ) -> asset_pb2.UploadAssetResponse:
        parts = aiter(request_iterator)
        first = await anext(parts, None)
        if not isinstance(first, asset_pb2.UploadAssetRequest) or first.WhichOneof("part") != "begin":
            raise InputError("An upload starts with a message that says what is coming: send `begin` first.")
        begin = first.begin
        response = asset_pb2.UploadAssetResponse(asset_id=begin.asset_id, size_bytes=begin.size_bytes)
        if await asyncio.to_thread(self._assets.has, begin.asset_id):
            return response
        receiving = self._assets.receive(begin.asset_id, size_bytes=begin.size_bytes, offset=begin.offset)
        async with in_thread(receiving) as upload:
            await write_behind((part.data async for part in parts), upload.write)
            await asyncio.to_thread(upload.finish)
        return response

    async def DownloadAsset(
        self, request: asset_pb2.DownloadAssetRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[Piece]:
        path = await asyncio.to_thread(self._assets.path, request.asset_id)
        async for piece in read_pieces(path, offset=request.offset):
            yield Piece(piece)

    async def ListResultFiles(
        self, request: asset_pb2.ListResultFilesRequest, context: grpc.aio.ServicerContext
    ) -> asset_pb2.ListResultFilesResponse:
        job = await asyncio.to_thread(self._store.get, request.job_id)
        folder = self._folders.root if same_machine(context) else None
        return asset_pb2.ListResultFilesResponse(files=file_messages(job, folder))

    async def DownloadResult(
        self, request: asset_pb2.DownloadResultRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[Piece]:
        job = await asyncio.to_thread(self._store.get, request.job_id)
        async for piece in read_pieces(self._folders.result_file(job, request.name), offset=request.offset):
            yield Piece(piece)

    def _find(self, references: Iterable[media_pb2.MediaReference], local: bool) -> list[asset_pb2.FoundAsset]:
        translated = [from_proto(reference, MediaReference) for reference in references]
        found = [self._references.find(reference, same_machine=local) for reference in translated]
        return [
            asset_pb2.FoundAsset(
                availability=enum_number(_AVAILABILITY, one.availability),
                missing_asset_ids=one.missing,
                reason=one.reason,
            )
            for one in found
        ]
