# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit doctor [--bundle [PATH]]`: what stands in the way of an edit on this machine, one line per check."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plugin_client.cli import bundle
from plugin_client.cli.console import console_for, print_json
from plugin_client.cli.parsing import add_server_options, connect_from, given_token
from plugin_client.core.datadir import data_dir
from plugin_client.core.errors import BadInput, ClientError, ServerUnreachable

ENOUGH_DISK_BYTES = 2 * 10**9

_TORCH = """
import json, torch
names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
cuda, rocm = torch.version.cuda, torch.version.hip
build = f"CUDA {cuda}" if cuda else f"ROCm {rocm}" if rocm else "CPU"
print(json.dumps({"version": torch.__version__, "build": build, "gpus": names}))
"""


@dataclass(frozen=True)
class Check:
    """One finding. `ok` None = worth knowing, stops nothing."""

    name: str
    ok: bool | None
    detail: str


def add_to(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser("doctor", help="check this machine: torch, disk, server, models, GPU")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument(
        "--bundle",
        nargs="?",
        const="",
        metavar="PATH",
        help="also write a zip for whoever mends it: no tokens, no prompts, of files only the names",
    )
    parser.add_argument("--with-paths", action="store_true", help="let the zip say where files lie")
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run every check; 0 if nothing stands in the way, 3 if the server does not answer, else 2."""
    console = console_for(as_json=options.json)
    path = None if options.bundle is None else bundle.path_of(options.bundle)
    found = []
    for check in checks(options):
        found.append(check)
        if not options.json:
            mark = {True: "✓", False: "✗", None: "·"}[check.ok]
            console.print(f"{mark} {check.name}: {check.detail}")
    failed = [check.name for check in found if check.ok is False]
    if path is not None:
        _bundle(path, options, found, reachable="server" not in failed)
        console.print(f"Wrote {path}")
    if options.json:
        facts = {"ok": not failed, "checks": [asdict(check) for check in found]}
        print_json(facts | ({"bundle": str(path)} if path else {}))
    if not failed:
        return 0
    return ServerUnreachable.exit_code if "server" in failed else BadInput.exit_code


def checks(options: argparse.Namespace) -> Iterator[Check]:
    """Every check, in the order in which things are needed; with a server elsewhere only what is needed here."""
    yield _python()
    if options.server or os.environ.get("MASKEDIT_SERVER"):
        yield from _server(options)
        return
    torch = _torch_facts()
    yield _torch(torch)
    folder = data_dir(options.data_dir)
    yield _writable(folder)
    yield _disk(folder)
    yield from _server(options)
    yield _gpu(torch)


def _bundle(path: Path, options: argparse.Namespace, found: list[Check], *, reachable: bool) -> None:
    with connect_from(options) if reachable else nullcontext() as connection:
        bundle.collect(
            path,
            data_dir=data_dir(options.data_dir),
            checks=[asdict(check) for check in found],
            connection=connection,
            secrets=frozenset(filter(None, [given_token(options.token_file)])),
            with_paths=options.with_paths,
        )


def _python() -> Check:
    version = platform.python_version()
    return Check("python", sys.version_info >= (3, 11), f"{version} on {platform.system()} {platform.machine()}")


def _torch_facts() -> dict[str, Any]:
    answer = subprocess.run([sys.executable, "-P", "-c", _TORCH], capture_output=True, text=True, check=False)
    try:
        return json.loads(answer.stdout)
    except ValueError:
        lines = answer.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"exit status {answer.returncode}"}


def _torch(facts: dict[str, Any]) -> Check:
    if "error" in facts:
        return Check("torch", False, f"cannot be used ({facts['error']}): install maskedit[server]")
    return Check("torch", True, f"{facts['version']}, build for {facts['build']}")


def _gpu(facts: dict[str, Any]) -> Check:
    if facts.get("gpus"):
        return Check("gpu", True, ", ".join(facts["gpus"]))
    return Check("gpu", None, "none seen: the bundled model runs on the processor, large models need a GPU")


def _writable(folder: Path) -> Check:
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Check("data folder", True, str(folder))
    return Check("data folder", False, f"{folder} cannot be written to: choose another with MASKEDIT_DATA_DIR")


def _disk(folder: Path) -> Check:
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return _disk_words("disk", shutil.disk_usage(nearest).free)


def _disk_words(name: str, free_bytes: int) -> Check:
    words = f"{free_bytes / 1e9:.1f} GB free"
    enough = free_bytes >= ENOUGH_DISK_BYTES
    return Check(name, enough, words if enough else f"{words}: make room")


def _server(options: argparse.Namespace) -> Iterator[Check]:
    try:
        with connect_from(options) as connection:
            system = connection.system()
            yield Check("server", True, f"{connection.endpoint.address}, MaskEdit {system.version}")
            if not connection.starts_jobs():
                yield Check("queue", False, "the server starts no jobs: logs/server.log in its data folder says why")
    except ClientError as error:
        yield Check("server", False, str(error))
        return
    if not system.same_machine:
        yield _disk_words("its disk", system.free_disk_bytes)
        yield Check("its devices", None, ", ".join(device.name for device in system.devices) or "none")
    ready = [model.name for model in system.models if not model.problems]
    yield Check("models", bool(ready), f"ready: {', '.join(ready)}" if ready else "none is ready")
    for model in system.models:
        for problem in model.problems:
            yield Check(f"model {model.name}", None, problem)
