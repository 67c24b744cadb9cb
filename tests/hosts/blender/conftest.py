# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Blenders: each version of `bpy` in a virtual environment of its own, made by `./run test`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
# These run inside Blender, by test_inside_blender.py.
collect_ignore = ["inside"]


def blenders_dir() -> Path:
    """Where `./run test` puts the Blenders: shared by all checkouts, they are a gigabyte each."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MASKEDIT_TEST_BLENDERS") or Path(cache) / "maskedit-blenders")


@dataclass(frozen=True)
class Blender:
    """One version; `python` runs scripts that may `import bpy`."""

    version: str
    python: Path

    @property
    def tools(self) -> Path:
        """What tests inside Blender import beside it: pytest, PyAV, and the client's own gRPC and protobuf."""
        tag = "313" if self.version.startswith("5.2") else "311"
        return self.python.parents[2] / f"tools-{tag}"

    def run(
        self, *arguments: str | Path, seconds: float = 60, paths: tuple[Path, ...] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with `arguments`; `paths` are what it can import from beside Blender (default: tools and tree).

        Its Blender knows nothing of the developer's own, unless BLENDER_USER_RESOURCES is given: factory settings take
        the libraries of all extensions away that lie in the same user folders.
        """
        where = (self.tools, ROOT, HERE / "inside") if paths is None else paths
        path = os.pathsep.join(map(str, where))
        quiet = {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        # Servers are run by the Python that runs these tests: Blender's has nothing of theirs.
        servers = {"PYTHONPATH": path, "MASKEDIT_TEST_PYTHON": sys.executable}
        with tempfile.TemporaryDirectory(prefix="maskedit-blender-") as home:
            return subprocess.run(
                [str(self.python), *map(str, arguments)],
                env=os.environ | quiet | servers | {"BLENDER_USER_RESOURCES": home} | environment,
                capture_output=True,
                text=True,
                timeout=seconds,
            )


def installed_blenders() -> list[Blender]:
    """The versions that are there, oldest first."""
    pythons = sorted(blenders_dir().glob("*/bin/python"))
    return [Blender(python.parents[1].name, python) for python in pythons if (python.parents[1] / "ready").exists()]


@pytest.fixture(params=installed_blenders(), ids=lambda blender: blender.version)
def blender(request: pytest.FixtureRequest) -> Blender:
    """Each installed Blender in turn."""
    return request.param


PLATFORM = {"linux": "linux-x64", "win32": "windows-x64", "darwin": "macos-arm64"}[sys.platform]


def build_zips(root: Path, out: Path) -> Path:
    """Build this platform's zips from the tree at `root`; returns the extension's."""
    command = [sys.executable, root / "packaging" / "build_blender.py", "--platform", PLATFORM, "--out", out]
    subprocess.run(command, check=True, timeout=60)
    return next(out.glob("maskedit-blender-[0-9]*.zip"))


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as it is given to people, built from this tree."""
    return build_zips(ROOT, tmp_path_factory.mktemp("zips"))
