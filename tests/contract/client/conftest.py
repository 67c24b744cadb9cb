# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server per test module, started the way clients start one, and a wire that can be cut."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from plugin_client.core.connection import Connection, Endpoint
from plugin_client.core.local_server import ensure_server
from plugin_client.core.requests import EditOptions, MatteFile, Picture

SCRIPTED = (sys.executable, str(Path(__file__).with_name("scripted_server.py")))


@dataclass
class LocalServer:
    """A running server: its data folder, and the command that clients start it with."""

    data_dir: Path
    command: tuple[str, ...] = SCRIPTED

    @property
    def facts(self) -> dict:
        return json.loads((self.data_dir / "server.json").read_text())

    def start(self) -> Endpoint:
        return ensure_server(self.data_dir, command=self.command)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server and wait until it is gone."""
        with suppress(FileNotFoundError):
            process_id = self.facts["pid"]
            with suppress(ProcessLookupError):
                os.kill(process_id, number)
                for _ in range(200):
                    os.kill(process_id, 0)
                    with suppress(ChildProcessError):
                        os.waitpid(process_id, os.WNOHANG)
                    time.sleep(0.05)
                pytest.fail("the server does not stop")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with the scripted worker, shared by the tests of a module."""
    local = LocalServer(tmp_path_factory.mktemp("data"))
    local.start()
    yield local
    local.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LocalServer]:
    """A data folder without a server; whatever server is running in it at the end is stopped."""
    local = LocalServer(tmp_path / "data")
    yield local
    local.stop()


@pytest.fixture
def connection(server: LocalServer) -> Iterator[Connection]:
    with Connection(server.start) as opened:
        yield opened


@pytest.fixture
def shot(write_clip, tmp_path: Path) -> EditOptions:
    """A tiny clip, its matte and a keyframe, as a valid edit."""
    import av

    frames = np.full((5, 64, 64, 3), 40, np.uint8)
    frames[..., 0] = np.arange(64, dtype=np.uint8)
    drawn = np.zeros((5, 64, 64, 3), np.uint8)
    drawn[:, 16:48, 16:48] = 255
    clip, matte = write_clip("clip.mkv", frames), write_clip("matte.mkv", drawn)
    picture = tmp_path / "key.png"
    av.VideoFrame.from_ndarray(frames[0], format="rgb24").to_image().save(picture)
    return EditOptions(
        clip=str(clip),
        mattes=(MatteFile(path=str(matte)),),
        keyframes=(Picture(frame=0, path=str(picture)),),
        prompt="steps=2",
    )


@pytest.fixture
def scripted(shot: EditOptions) -> Callable[[str], EditOptions]:
    """The edit with a script for the worker."""
    return lambda script: replace(shot, prompt=script)


class Wire:
    """A TCP relay to a server whose connections can be cut.

    Counts the bytes that clients `sent` and `received`; cuts once, when `cut_after` more were sent or
    `cut_after_received` more received.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.sent = self.received = 0
        self.cut_after: int | None = None
        self.cut_after_received: int | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Drop every connection; new ones are let through."""
        self.cuts += 1
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                pair = (client, socket.create_connection(self._target))
            except OSError:
                return
            self._pairs.append(pair)
            threading.Thread(target=self._relay, args=pair, daemon=True).start()

    def _relay(self, client: socket.socket, target: socket.socket) -> None:
        with closing(client), closing(target), suppress(OSError, ValueError):
            while True:
                for source in select.select([client, target], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (target if source is client else client).sendall(data)
                    self._count(len(data), sent=source is client)

    def _count(self, size: int, *, sent: bool) -> None:
        count, limit = ("sent", "cut_after") if sent else ("received", "cut_after_received")
        setattr(self, count, getattr(self, count) + size)
        left = getattr(self, limit)
        if left is not None:
            setattr(self, limit, left - size if left > size else None)
            if left <= size:
                self.cut()


@pytest.fixture
def wire(server: LocalServer) -> Iterator[Wire]:
    relay = Wire(server.facts["address"])
    yield relay
    relay.close()


@pytest.fixture
def over_wire(server: LocalServer, wire: Wire) -> Iterator[Connection]:
    """A connection through the wire that can be cut."""
    endpoint = Endpoint(address=wire.address, token=server.facts["token"])
    with Connection(lambda: endpoint) as opened:
        yield opened
