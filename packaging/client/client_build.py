# SPDX-License-Identifier: GPL-3.0-or-later
"""Hatchling's hooks for the slim wheel: its version and requirements are the main project's, its files the hosts'."""

import tomllib
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plugin_client/core", "plugin_client/blender", "bridge_api")
# The main project asks for it on behalf of the command line, which stays at home.
NOT_OURS = "rich"


def sources() -> dict[str, str]:
    """Where each file of the wheel lies, and what it is called inside; sorted. Type stubs and caches stay at home."""
    paths = [ROOT / "plugin_client" / "__init__.py"]
    for room in ROOMS:
        paths += [path for path in (ROOT / room).rglob("*") if path.is_file() and path.suffix not in (".pyc", ".pyi")]
    return {str(path): path.relative_to(ROOT).as_posix() for path in sorted(paths)}


class ClientMetadata(MetadataHookInterface):
    """`version` and `dependencies`, said once in the main pyproject.toml."""

    def update(self, metadata: dict) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        metadata["version"] = project["version"]
        metadata["dependencies"] = [line for line in project["dependencies"] if not line.startswith(NOT_OURS)]


class ClientFiles(BuildHookInterface):
    """The rooms as they are in the tree."""

    def initialize(self, version: str, build_data: dict) -> None:
        build_data["force_include"] = sources()
