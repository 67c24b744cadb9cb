# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters on the server: the LoRA files that edits leave behind and reuse, and those of other tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge_api.v1 import adapter_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.errors import BadInput, ClientError, TransferError
from plugin_client.core.media import full_hash
from plugin_client.core.placing import put_in_place
from plugin_client.core.retrying import patiently

CALL_SECONDS = 30.0
FORMATS = ("diffusers", "comfyui", "kohya")
"""Whose key names an exported file may use, beside MaskEdit's own."""

_CHUNK_BYTES = 1024 * 1024
_SHORTEST_ID = 6


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One adapter; `metadata` is the file's own: model, stage, steps, seed, rank; hashes of clip, matte, keyframes."""

    adapter_id: str
    size_bytes: int
    created_at: datetime
    metadata: Mapping[str, str]

    @property
    def experts(self) -> tuple[str, ...]:
        """Which of its model's transformers it has parts for."""
        return tuple(self.metadata.get("experts", "transformer").split(","))


class Adapters:
    """The adapter calls of one connection. Failures are ClientErrors."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> tuple[Adapter, ...]:
        """Every adapter that the server keeps, newest first."""
        request = adapter_pb2.ListAdaptersRequest()
        answer = patiently(
            lambda: self._connection.adapters.ListAdapters(request, timeout=CALL_SECONDS), self._connection
        )
        return tuple(map(_adapter, answer.adapters))

    def find(self, adapter_id: str) -> Adapter:
        """The adapter of this id, or the only one whose id begins so. Raises BadInput."""
        found = [one for one in self.list() if one.adapter_id.startswith(adapter_id)]
        if len(found) != 1 or len(adapter_id) < _SHORTEST_ID:
            wrong = "There is no adapter" if not found else "More than one adapter may be meant by"
            raise BadInput(f"{wrong} {adapter_id!r}: `maskedit adapters list` shows their ids.")
        return found[0]

    def add(self, file: Path, *, model: str = "", expert: str = "", name: str = "") -> Adapter:
        """Send a LoRA file to be checked against `model` ("" = the bundled one) and kept; a cut call starts over.

        `expert`: which of the model's transformers it is for, where it has several and the file does not say. Raises
        BadInput for a file that cannot be read or used.
        """
        try:
            begin = adapter_pb2.ImportBegin(
                sha256=full_hash(file), size_bytes=file.stat().st_size, model=model, expert=expert, name=name
            )
        except OSError as error:
            raise BadInput(f"The LoRA file {file} cannot be read ({error.strerror}): check its path.") from error
        answer = patiently(lambda: self._connection.adapters.ImportAdapter(_parts(file, begin)), self._connection)
        return _adapter(answer.adapter)

    def download(self, adapter_id: str, out: Path, *, format: str = "", expert: str = "") -> None:
        """Save the adapter's file as `out`, replacing it whole. Raises BadInput if the server has none of this id.

        `format`: one of FORMATS, or "" for MaskEdit's own; `expert`: which transformer's part, where there are several.
        """
        part = out.with_name(f".{out.name}.part")
        form = adapter_pb2.AdapterFormat.Value(f"ADAPTER_FORMAT_{format.upper() or 'UNSPECIFIED'}")
        request = adapter_pb2.DownloadAdapterRequest(adapter_id=adapter_id, format=form, expert=expert)

        def receive() -> None:
            with part.open("wb") as target:
                for answer in self._connection.adapters.DownloadAdapter(request):
                    target.write(answer.data)

        try:
            patiently(receive, self._connection)
            put_in_place(part, out)
        except ClientError:
            raise
        except OSError as error:
            raise TransferError(f"{out} cannot be written ({error.strerror}): choose another place.") from error
        finally:
            part.unlink(missing_ok=True)

    def delete(self, adapter_id: str) -> None:
        """Remove the adapter; a later edit of its clip tunes a new one."""
        request = adapter_pb2.DeleteAdapterRequest(adapter_id=adapter_id)
        patiently(lambda: self._connection.adapters.DeleteAdapter(request, timeout=CALL_SECONDS), self._connection)


def _adapter(one: adapter_pb2.Adapter) -> Adapter:
    return Adapter(
        adapter_id=one.adapter_id,
        size_bytes=one.size_bytes,
        created_at=one.created_at.ToDatetime(tzinfo=UTC),
        metadata=dict(one.metadata),
    )


def _parts(file: Path, begin: adapter_pb2.ImportBegin) -> Iterator[adapter_pb2.ImportAdapterRequest]:
    yield adapter_pb2.ImportAdapterRequest(begin=begin)
    with file.open("rb") as opened:
        while data := opened.read(_CHUNK_BYTES):
            yield adapter_pb2.ImportAdapterRequest(data=data)
