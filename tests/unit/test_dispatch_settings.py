# SPDX-License-Identifier: GPL-3.0-or-later
"""Where jobs run is said completely or not at all, and Ray costs nothing where it is not asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge_server.errors import StartError
from bridge_server.settings import load_settings


@pytest.mark.parametrize("given", [["--dispatch", "ray"], ["--ray-address", "10.0.0.1:6379"]])
def test_half_a_cluster_is_refused(given: list[str], tmp_path: Path) -> None:
    with pytest.raises(StartError, match="belong together"):
        load_settings(["--data-dir", str(tmp_path), *given])


def test_a_cluster_is_named_by_its_address(tmp_path: Path) -> None:
    given = ["--data-dir", str(tmp_path), "--dispatch", "ray", "--ray-address", "10.0.0.1:6379"]
    assert (load_settings(given).dispatch, load_settings(given).ray_address) == ("ray", "10.0.0.1:6379")


def test_a_server_without_a_cluster_loads_neither_ray_nor_torch() -> None:
    told = "import sys, bridge_server.app, bridge_server.alone; print({'ray', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout == "set()\n"
