# SPDX-License-Identifier: GPL-3.0-or-later
"""Find this machine's server, or start it as a process that outlives its client.

The server writes `server.json` (address, token, process id) into the data folder while it serves. Clients that find
none start one behind a lock file, so that however many begin at once, one server runs. One that a service manager
keeps says so there, and is left to it: a second one would stand in the way of its next start.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from bridge_api.v1 import job_pb2, job_pb2_grpc
from plugin_client.core.connection import Connection, Endpoint, checked_endpoint, open_channel
from plugin_client.core.errors import ServerUnreachable
from plugin_client.core.handshake import why_refused
from plugin_client.core.locks import held

START_SECONDS = 20.0
_POLL_SECONDS = 0.05
_HEALTH_SECONDS = 2.0


def connect(
    *,
    server: str = "",
    token: str = "",
    certificate: str = "",
    client_certificate: str = "",
    client_key: str = "",
    data_dir: Path,
    command: Sequence[str] | None = None,
) -> Connection:
    """A connection to `server` (or MASKEDIT_SERVER), else to this machine's own, which is started if need be.

    `token` falls back to MASKEDIT_TOKEN, `certificate`, the file to trust instead of the system's roots, to
    MASKEDIT_TLS_CA; `client_certificate` and `client_key` fall back to MASKEDIT_CLIENT_CERT and MASKEDIT_CLIENT_KEY,
    as they do for this machine's own server.
    `command` starts a server where `python -m bridge_server` does not (inside a host application).
    Raises BadInput for an address of the wrong form, ServerUnreachable with what to do.
    """
    address = server or os.environ.get("MASKEDIT_SERVER", "")
    if not address:
        return Connection(partial(ensure_server, data_dir, command=command))
    token = token or os.environ.get("MASKEDIT_TOKEN", "")
    certificate = certificate or os.environ.get("MASKEDIT_TLS_CA", "")
    endpoint = replace(checked_endpoint(address, token=token, certificate=certificate), **_identity())
    if client_certificate or client_key:
        endpoint = replace(endpoint, client_certificate=client_certificate, client_key=client_key)

    def locate() -> Endpoint:
        own = None if token else _runtime_file(data_dir)
        return own[0] if own is not None and own[0].address == address else endpoint

    return Connection(locate)


def ensure_server(data_dir: Path, *, command: Sequence[str] | None = None) -> Endpoint:
    """The endpoint of this machine's server, started now unless it serves already.

    Raises ServerUnreachable if none comes up within START_SECONDS; the message quotes the server's own last line.
    """
    endpoint = running_server(data_dir)
    if endpoint is not None:
        return endpoint
    _explain(data_dir)
    if _is_service(data_dir):
        return _awaited(data_dir)
    _make_private(data_dir)
    _make_private(data_dir / "logs")
    with _lock(data_dir / "client-start.lock"):
        endpoint = running_server(data_dir)
        return endpoint if endpoint is not None else _start(data_dir, command)


def _explain(data_dir: Path) -> None:
    """Raises ServerUnreachable where certificates keep this client from a server that lives: no other can start."""
    found = _runtime_file(data_dir)
    if found is not None and _is_alive(found[1]) and (reason := why_refused(found[0])):
        raise ServerUnreachable(
            f"The server on {data_dir}, at {found[0].address}, cannot be talked to from its own machine: {reason}."
        )


def _is_service(data_dir: Path) -> bool:
    """Whether the server that serves here, or served last, is one that a service manager keeps."""
    try:
        return json.loads((data_dir / "server.json").read_text())["service"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _awaited(data_dir: Path) -> Endpoint:
    """The service's endpoint once it serves again. Raises ServerUnreachable after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        endpoint = running_server(data_dir)
        if endpoint is not None:
            return endpoint
        time.sleep(_POLL_SECONDS)
    raise ServerUnreachable(
        f"The server on {data_dir} is a service, which does not run: start it with `systemctl --user start maskedit`, "
        f"or remove server.json from that folder if there is no such service any more."
    )


def running_server(data_dir: Path) -> Endpoint | None:
    """The endpoint in the runtime file, if its process lives and answers; None otherwise."""
    found = _runtime_file(data_dir)
    if found is None:
        return None
    endpoint, process_id = found
    return endpoint if _is_alive(process_id) and _answers(endpoint) else None


def _runtime_file(data_dir: Path) -> tuple[Endpoint, int] | None:
    try:
        facts = json.loads((data_dir / "server.json").read_text())
        endpoint = Endpoint(
            address=str(facts["address"]),
            token=str(facts["token"]),
            certificate=str(facts.get("certificate", "")),
            **_identity(),
        )
        return endpoint, int(facts["pid"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _identity() -> dict[str, str]:
    """What this user's environment says of who its clients are."""
    return {
        "client_certificate": os.environ.get("MASKEDIT_CLIENT_CERT", ""),
        "client_key": os.environ.get("MASKEDIT_CLIENT_KEY", ""),
    }


def _answers(endpoint: Endpoint) -> bool:
    try:
        with open_channel(endpoint) as channel:
            # A cheap call that needs the token: whoever answers it is the server that wrote the file.
            stub = job_pb2_grpc.JobServiceStub(channel)
            stub.ListJobs(job_pb2.ListJobsRequest(page_size=1), timeout=_HEALTH_SECONDS)
    except grpc.RpcError as error:
        # It is there and has let us in, but its job store is broken: another one would not help.
        return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    except OSError:
        return False
    return True


def _start(data_dir: Path, command: Sequence[str] | None) -> Endpoint:
    # -P and a folder of its own: what lies where the user happens to work must never be imported.
    log_path = data_dir / "logs" / "server.log"
    arguments = [*(command or (sys.executable, "-P", "-m", "bridge_server")), "--data-dir", str(data_dir)]
    with log_path.open("ab") as log:
        began_at = log.tell()
        try:
            process = subprocess.Popen(
                arguments,
                cwd=data_dir,
                env=_environment(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **_detached(),
            )
        except OSError as error:
            raise ServerUnreachable(f"The server cannot be started with {arguments[0]}: {error.strerror}.") from error
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        endpoint = running_server(data_dir)
        if endpoint is not None:
            return endpoint
        if process.poll() not in (None, _ALREADY_RUNS):
            break
        time.sleep(_POLL_SECONDS)
    with log_path.open("rb") as log:
        log.seek(began_at)
        lines = log.read().decode(errors="replace").strip().splitlines()
    reason = f" ({lines[-1].strip()})" if lines else ""
    raise ServerUnreachable(f"The local server did not start{reason}: see {log_path}.")


_ALREADY_RUNS = 3
"""The server's exit status when another process holds the data folder: that one is about to serve."""


def _environment(command: Sequence[str] | None) -> dict[str, str]:
    """This process's own; less what a host application has set for its Python where another one is started."""
    return {name: value for name, value in os.environ.items() if command is None or not name.startswith("PYTHON")}


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        return {"creationflags": flags}
    return {"start_new_session": True}


def _is_alive(process_id: int) -> bool:
    if sys.platform == "win32":  # there, os.kill would end the process; the health check has to do
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerUnreachable(
            f"The data folder {folder} cannot be made ({error.strerror}): choose another with MASKEDIT_DATA_DIR."
        ) from error


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(path))
        except OSError as error:
            raise ServerUnreachable(
                f"The data folder {path.parent} cannot be written to ({error.strerror}): "
                f"choose another with MASKEDIT_DATA_DIR."
            ) from error
        yield
