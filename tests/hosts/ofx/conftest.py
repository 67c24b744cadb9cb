# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle and its test host, built once a session per way of building that is asked for.

MASKEDIT_TEST_OFX names a folder to keep the builds in; otherwise they go with pytest's other temporary files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.hosts.ofx.driving import Host

ROOT = Path(__file__).resolve().parents[3]
QUICKLY = "-DCMAKE_CXX_FLAGS_RELEASE=-O1"
BUILDS = {
    "plain": (),
    # Halves by bits here, so that both ways meet the same tests.
    "addresses": ("-DMASKEDIT_SANITIZE=address,undefined", "-DMASKEDIT_PORTABLE_HALF=ON", QUICKLY),
    "threads": ("-DMASKEDIT_SANITIZE=thread", QUICKLY),
}
# Compilers spend their time on the headers of each file: all files are one.
AT_ONCE = ("-DMASKEDIT_TEST_HOST=ON", "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=0")

Started = Callable[..., Host]


def builder() -> ModuleType:
    """packaging/build_ofx.py as a module."""
    spec = spec_from_file_location("build_ofx", ROOT / "packaging" / "build_ofx.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """built(NAME): the build folder of one of BUILDS."""
    folders: dict[str, Path] = {}

    def build(name: str) -> Path:
        if name not in folders:
            kept = os.environ.get("MASKEDIT_TEST_OFX")
            folder = Path(kept) / name if kept else tmp_path_factory.mktemp(f"ofx-{name}")
            builder().configure_and_build(folder, *BUILDS[name], *AT_ONCE)
            folders[name] = folder
        return folders[name]

    return build


@pytest.fixture
def start(built: Callable[[str], Path]) -> Started:
    """start(NAME): a host of that build, to be used in a `with` block."""
    return lambda name, **options: Host(built(name), **options)
