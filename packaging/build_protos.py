# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles proto/bridge_api/v1 into the package bridge_api.v1: as hatchling's build hook, or run as a script."""

import os
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def build(root: Path) -> None:
    """Write `bridge_api/v1/*_pb2{,_grpc}.py{,i}` under `root`. Raises SystemExit where protoc finds a fault."""
    package = root / "bridge_api" / "v1"
    package.mkdir(parents=True, exist_ok=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    sources = sorted(str(path) for path in (root / "proto").glob("bridge_api/v1/*.proto"))
    outputs = [
        f"--{kind}{root}" for kind in ("python_out=", "grpc_python_out=", "mypy_out=quiet:", "mypy_grpc_out=quiet:")
    ]
    includes = [f"-I{root / 'proto'}", f"-I{files('grpc_tools') / '_proto'}"]
    # protoc looks for mypy-protobuf's plugins on PATH, where a virtual environment need not be.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    if protoc.main(["protoc", *includes, *outputs, *sources]):
        raise SystemExit("The protos do not compile: mend what protoc says above.")


class ProtoBuildHook(BuildHookInterface):
    """Runs before wheel and editable builds; the files it writes are declared as `artifacts` in pyproject.toml."""

    def initialize(self, version: str, build_data: dict) -> None:
        build(Path(self.root))


if __name__ == "__main__":
    build(Path(__file__).resolve().parent.parent)
