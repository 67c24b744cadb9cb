# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters on the server: the LoRA files that stage 1 leaves behind, one per clip."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge_api.v1 import adapter_pb2
from plugin_client.core.connection import Connection
from plugin_client.core.errors import TransferError
from plugin_client.core.retrying import patiently

CALL_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One adapter; `metadata` is the file's own: base model, hashes of clip, matte and settings."""

    adapter_id: str
    size_bytes: int
    created_at: datetime
    metadata: Mapping[str, str]


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
        return tuple(
            Adapter(
                adapter_id=one.adapter_id,
                size_bytes=one.size_bytes,
                created_at=one.created_at.ToDatetime(tzinfo=UTC),
                metadata=dict(one.metadata),
            )
            for one in answer.adapters
        )

    def download(self, adapter_id: str, out: Path) -> None:
        """Save the adapter's file as `out`, replacing it whole. Raises BadInput if the server has none of this id."""
        part = out.with_name(f".{out.name}.part")
        request = adapter_pb2.DownloadAdapterRequest(adapter_id=adapter_id)

        def receive() -> None:
            with part.open("wb") as target:
                for answer in self._connection.adapters.DownloadAdapter(request):
                    target.write(answer.data)

        try:
            patiently(receive, self._connection)
            os.replace(part, out)
        except OSError as error:
            raise TransferError(f"{out} cannot be written ({error.strerror}): choose another place.") from error
        finally:
            part.unlink(missing_ok=True)

    def delete(self, adapter_id: str) -> None:
        """Remove the adapter; a later edit of its clip tunes a new one."""
        request = adapter_pb2.DeleteAdapterRequest(adapter_id=adapter_id)
        patiently(lambda: self._connection.adapters.DeleteAdapter(request, timeout=CALL_SECONDS), self._connection)
