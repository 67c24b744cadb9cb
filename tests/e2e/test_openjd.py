# SPDX-License-Identifier: GPL-3.0-or-later
"""The template for render farms, checked and run by the specification's own tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskedit.media import write_picture

pytest.importorskip("openjd.cli", reason="openjd-cli is not installed (pip install maskedit[dev])")
pytestmark = pytest.mark.e2e

TEMPLATE = Path(__file__).parents[2] / "packaging" / "openjd" / "maskedit.template.yaml"
OPENJD = (sys.executable, "-c", "import sys; from openjd.cli import main; sys.exit(main())")


@pytest.fixture
def parameters(write_clip: Callable[..., Path], tmp_path: Path) -> dict[str, str]:
    """A draft of five frames, whose names have what a shell would trip over."""
    frames = np.full((5, 64, 64, 3), 90, np.uint8)
    frames[:, ::8] = 160
    drawn = np.zeros_like(frames)
    drawn[:, 20:44, 20:44] = 255
    painted = frames[0].astype(np.float32) / 255
    painted[20:44, 20:44, 0] = 1
    picture = tmp_path / "key $(touch harm) 'one'.png"
    write_picture(str(picture), painted)
    # The tool is given the command that this environment has.
    command = tmp_path / "maskedit"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m plugin_client.cli.main "$@"\n')
    command.chmod(0o755)
    given = {"Clip": write_clip("clip.mkv", frames), "Matte": write_clip("matte.mkv", drawn)}
    given |= {"KeyframePicture": picture, "Out": tmp_path / "out.mkv", "Preset": "draft", "Seed": 7}
    given |= {"DataDir": tmp_path / "data", "MaskEdit": command}
    return {name: str(value) for name, value in given.items()}


def openjd(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*OPENJD, *arguments], capture_output=True, text=True, timeout=50, env=os.environ)


def run(parameters: dict[str, str]) -> subprocess.CompletedProcess[str]:
    given = [part for name, value in parameters.items() for part in ("-p", f"{name}={value}")]
    return openjd("run", str(TEMPLATE), "--step", "Edit", *given)


def test_the_template_fits_its_specification() -> None:
    done = openjd("check", str(TEMPLATE), "--output", "json")
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "success", done.stdout


def test_a_farms_tool_runs_the_edit(parameters: dict[str, str], tmp_path: Path) -> None:
    done = run(parameters)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "out.maskedit.json").read_text())
    assert (record["request"]["seed"], record["request"]["preset"]) == (7, "draft")
    assert (tmp_path / "out.mkv").stat().st_size > 0 and not list(tmp_path.rglob("harm"))


def test_a_refused_edit_fails_its_task_with_the_sentence(parameters: dict[str, str]) -> None:
    done = run(parameters | {"KeyframeFrame": "99"})
    assert done.returncode != 0 and "99" in done.stdout and "Traceback" not in done.stdout
