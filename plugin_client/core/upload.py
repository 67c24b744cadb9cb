# SPDX-License-Identifier: GPL-3.0-or-later
"""Media on its way to the server: by reference where the server can read it, else uploaded and resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import grpc

from bridge_api.v1 import asset_pb2, media_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput, TransferError
from plugin_client.core.media import files_of, full_hash
from plugin_client.core.pieces import Piece
from plugin_client.core.retrying import Patience, patiently

CHUNK_BYTES = 1024 * 1024

OnBytes = Callable[[int, int], None]
"""Called with (bytes that the server has, bytes in all) while files are uploaded."""


def make_available(
    connection: Connection, references: Sequence[media_pb2.MediaReference], *, on_bytes: OnBytes | None = None
) -> None:
    """See to it that the server can use every reference; those it cannot read are hashed and uploaded.

    A reference that is uploaded gets its `asset_ids` and loses its `locations`, which mean nothing elsewhere.
    Raises BadInput, ServerUnreachable or TransferError.
    """
    files: dict[str, Path] = {}
    uploaded = []
    for one, found in zip(references, _find(connection, references), strict=True):
        if found.availability == asset_pb2.AVAILABILITY_UPLOAD_NEEDED:
            if not one.locations:
                raise BadInput(f"{one.display_name} is not on the server any more: name the file in a new edit.")
            paths = files_of(one.locations[0])
            asset_ids = [full_hash(path) for path in paths]
            files.update(zip(asset_ids, paths, strict=True))
            one.ClearField("asset_ids")
            one.asset_ids.extend(asset_ids)
            one.ClearField("locations")
            uploaded.append(one)
    missing = {asset_id for found in _find(connection, uploaded) for asset_id in found.missing_asset_ids}
    total = sum(files[asset_id].stat().st_size for asset_id in missing)
    before = 0
    for asset_id in sorted(missing, key=list(files).index):
        upload_file(connection, files[asset_id], asset_id, on_bytes=_offset(on_bytes, before, total))
        before += files[asset_id].stat().st_size


def upload_file(
    connection: Connection, path: Path, asset_id: str, *, on_bytes: Callable[[int], None] | None = None
) -> None:
    """Upload `path`, whose SHA-256 is `asset_id`, from wherever the server's copy ends; survives cut connections.

    Raises TransferError if the content does not have that hash, ServerUnreachable if the server stays away.
    """
    size = path.stat().st_size
    patience = Patience(connection, also=(grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION))
    furthest = -1
    while True:
        try:
            state = connection.assets.GetUpload(asset_pb2.GetUploadRequest(asset_id=asset_id), timeout=30)
            if state.complete:
                return
            if state.offset > furthest:
                furthest = state.offset
                patience.renew()
            connection.assets.UploadAsset(_parts(path, asset_id, size, state.offset, on_bytes))
            return
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.DATA_LOSS:
                raise TransferError(
                    f"{path} changed while it was uploaded: wait until it is written, then try again."
                ) from error
            patience.wait_after(error)


def _find(connection: Connection, references: Sequence[media_pb2.MediaReference]) -> Sequence[asset_pb2.FoundAsset]:
    if not references:
        return ()
    request = asset_pb2.FindAssetsRequest(references=references)
    return patiently(lambda: connection.assets.FindAssets(request, timeout=60), connection).found


def _offset(on_bytes: OnBytes | None, before: int, total: int) -> Callable[[int], None] | None:
    return None if on_bytes is None else lambda done: on_bytes(before + done, total)


def _parts(
    path: Path, asset_id: str, size: int, offset: int, on_bytes: Callable[[int], None] | None
) -> Iterator[asset_pb2.UploadAssetRequest | Piece]:
    begin = asset_pb2.UploadBegin(asset_id=asset_id, size_bytes=size, offset=offset)
    yield asset_pb2.UploadAssetRequest(begin=begin)
    with path.open("rb") as file:
        file.seek(offset)
        while data := file.read(CHUNK_BYTES):
            yield Piece(data)
            if on_bytes is not None:
                on_bytes(file.tell())
