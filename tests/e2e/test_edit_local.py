# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit edit --local`: the bundled model on 5 tiny frames, with no server before, during or after."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.serving import wait_until

pytestmark = pytest.mark.e2e

QUICK = ("--set", "motion_steps=2", "--set", "appearance_steps=2", "--set", "render_steps=2")


@pytest.fixture
def command(write_clip: Callable[..., Path], tmp_path: Path) -> list[str]:
    """The command line of an edit of a drifting pattern, its keyframe the first frame with the region inverted."""
    from maskedit.media import write_picture

    time, y, x = np.mgrid[:5, :64, :64]
    wave = 127 + 90 * np.sin((x + y + 2 * time) / 7)
    frames = np.repeat(wave.astype(np.uint8)[..., None], 3, axis=-1)
    drawn = np.zeros_like(frames)
    drawn[:, 20:44, 20:44] = 255
    painted = frames[0].copy()
    painted[20:44, 20:44] = 255 - painted[20:44, 20:44]
    write_picture(str(tmp_path / "key.png"), painted.astype(np.float32) / 255)
    clip, matte = write_clip("clip.mkv", frames), write_clip("matte.mkv", drawn)
    given = ("edit", clip, "--matte", matte, "--keyframe", f"0={tmp_path / 'key.png'}", "--local", "--json")
    return [*map(str, given), "--out", str(tmp_path / "out.mkv")]


def adapters_in(data_dir: Path) -> list[Path]:
    return list((data_dir / "cache" / "adapters").glob("*.safetensors"))


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(int.from_bytes(file.read(8), "little"))


def command_of(process: psutil.Process) -> list[str]:
    """Empty for one that has just ended: the checks before the worker come and go."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def nothing_left(data_dir: Path) -> bool:
    """Neither a server nor a folder or a process of the edit."""
    here = [process for process in psutil.process_iter(["cmdline"]) if str(data_dir) in (process.info["cmdline"] or ())]
    return not here and not (data_dir / "server.json").exists() and not list((data_dir / "alone").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_edit_without_a_server_does_the_whole_job(maskedit, command: Sequence[str], tmp_path: Path) -> None:
    done = maskedit(*command, *QUICK)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["state"], said["job_id"], said["frames"], said["rate"]) == ("SUCCEEDED", None, 5, "25/1")
    assert set(said["stage_seconds"]) >= {"tune_motion", "tune_appearance", "render"}
    assert "Rendering" in done.stderr and nothing_left(maskedit.data_dir)
    record = json.loads((tmp_path / "out.maskedit.json").read_text())
    assert record["recipe"]["motion_steps"] == 2 and record["model"]["name"] == "bundled"
    # What it learned is the data folder's, for the next edit of that clip, with a server or without.
    stages = {json.loads(_header(path))["__metadata__"]["stage"] for path in adapters_in(maskedit.data_dir)}
    assert stages == {"tune_motion", "tune_appearance"}


def test_bad_input_is_one_sentence_and_no_server_may_be_named(maskedit, command: Sequence[str]) -> None:
    for more, word in (
        (("--model", "wan-99"), "wan-99"),
        (("--frames", "0-40"), "0-40"),
        (("--server", "x:1"), "--local"),
        (("--tls-cert", "me.pem", "--tls-key", "me.key"), "leave out --tls-cert and --tls-key"),
    ):
        refused = maskedit(*command, *more)
        assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1 and word in refused.stderr
    assert not (maskedit.data_dir / "server.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_ends_with_its_command(maskedit, command: Sequence[str], number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*maskedit.command, *command],
        env=maskedit.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def family() -> list[psutil.Process]:
        return psutil.Process(process.pid).children(recursive=True)

    wait_until(lambda: any("--events-fd" in command_of(each) for each in family()), seconds=40)
    began = family()
    process.send_signal(number)
    said, words = process.communicate(timeout=20)
    assert not psutil.wait_procs(began, timeout=10)[1] and nothing_left(maskedit.data_dir)
    if number is signal.SIGINT:
        assert process.returncode == 130 and "Traceback" not in words and json.loads(said)["state"] == "CANCELLED"
