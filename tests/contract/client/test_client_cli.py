# SPDX-License-Identifier: GPL-3.0-or-later
"""The `maskedit` command as a process against the real server: what it prints, returns and leaves behind."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from plugin_client.cli.edit import edit
from plugin_client.cli.main import main
from plugin_client.core.errors import BadInput
from plugin_client.core.requests import build_edit

MASKEDIT = (sys.executable, "-m", "plugin_client.cli.main")
SUMMARY = {
    "job_id", "state", "result", "frames", "rate", "width", "height", "adapter_reused", "stage_seconds", "scorecard",
    "deliverables", "next_keyframe",
}  # fmt: skip


@pytest.fixture
def environment(server, monkeypatch) -> dict[str, str]:
    for name in ("MASKEDIT_SERVER", "MASKEDIT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return os.environ | {"MASKEDIT_DATA_DIR": str(server.data_dir)}


@pytest.fixture
def maskedit(environment) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MASKEDIT, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
        )

    return run


@pytest.fixture
def arguments(shot, tmp_path) -> Callable[..., list[str]]:
    """The command line of a tiny edit with a script for the worker."""

    def edit(script: str, *more: str) -> list[str]:
        out = () if "--out" in more else ("--out", str(tmp_path / "out.mkv"))
        drawn, picture = shot.mattes[0].path, f"0={shot.keyframes[0].path}"
        return ["edit", shot.clip, "--matte", drawn, "--keyframe", picture, "--prompt", script, *out, *more]

    return edit


def test_an_edit_in_a_log(maskedit, arguments, shot, tmp_path):
    done = maskedit(*arguments("steps=3 pause=0.1"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.mkv").read_bytes() == Path(shot.clip).read_bytes()
    assert "Learning the shot's motion: 100 %" in done.stdout and "Rendering the edit: 100 %" in done.stdout
    assert f"Wrote {tmp_path / 'out.mkv'}: 5 frames, 64×64, 25 fps" in done.stdout
    assert "\x1b" not in done.stdout and done.stderr == ""


def test_with_json_stdout_is_the_contracts_object_alone(maskedit, arguments, tmp_path):
    done = maskedit(*arguments("steps=2", "--json"))
    (line,) = done.stdout.splitlines()
    facts = json.loads(line)
    assert set(facts) == SUMMARY
    assert facts["state"] == "SUCCEEDED" and facts["result"] == str(tmp_path / "out.mkv")
    assert (facts["frames"], facts["rate"], facts["width"], facts["height"]) == (5, "25/1", 64, 64)
    assert facts["stage_seconds"] == {"tune_motion": 2.25, "render": 1.5}
    assert facts["scorecard"] == {"background_psnr": "inf"}
    assert "Rendering the edit" in done.stderr


def test_a_failed_job_is_exit_code_4_with_its_sentence(maskedit, arguments, tmp_path):
    done = maskedit(*arguments("steps=1 end=fail", "--json"))
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == "The script says so: write another."
    facts = json.loads(done.stdout)
    assert facts["state"] == "FAILED" and re.fullmatch("[0-9a-f]{32}", facts["job_id"])
    assert not list(tmp_path.glob("*out*"))


def test_bad_media_is_exit_code_2_with_the_servers_sentence(maskedit, arguments, shot):
    Path(shot.mattes[0].path).write_text("no video")
    done = maskedit(*arguments("steps=1"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr and done.stderr.endswith(".\n")


def test_an_absent_server_is_exit_code_3(maskedit, arguments):
    done = maskedit(*arguments("steps=1", "--server", "127.0.0.1:1"))
    assert done.returncode == 3 and done.stdout == ""
    assert (
        done.stderr
        == "No MaskEdit server answers at 127.0.0.1:1: start it with `maskedit serve`, or leave out --server.\n"
    )


def test_a_wrong_token_is_exit_code_3(maskedit, server, tmp_path):
    (tmp_path / "token").write_text("f" * 64)
    done = maskedit("jobs", "list", "--server", server.facts["address"], "--token-file", str(tmp_path / "token"))
    assert done.returncode == 3 and "token" in done.stderr
    (tmp_path / "token").write_text(server.facts["token"] + "\n")
    done = maskedit("jobs", "list", "--server", server.facts["address"], "--token-file", str(tmp_path / "token"))
    assert done.returncode == 0


def test_jobs_from_the_terminal(maskedit, arguments, tmp_path):
    made = json.loads(maskedit(*arguments("steps=2", "--json")).stdout)
    job_id = made["job_id"]
    assert f"{job_id}" in maskedit("jobs", "list").stdout
    shown = json.loads(maskedit("jobs", "show", job_id, "--json").stdout)
    assert shown["state"] == "SUCCEEDED" and len(shown["files"]) == 2
    assert "succeeded" in maskedit("jobs", "show", job_id).stdout
    again = tmp_path / "again.mkv"
    watched = maskedit("jobs", "watch", job_id, "--out", str(again), "--json")
    assert json.loads(watched.stdout)["result"] == str(again)
    assert again.read_bytes() == (tmp_path / "out.mkv").read_bytes()
    retried = json.loads(maskedit("jobs", "retry", job_id, "--watch", "--json").stdout)
    assert retried["state"] == "SUCCEEDED" and retried["job_id"] != job_id
    assert json.loads(maskedit("jobs", "cancel", job_id, "--json").stdout)["state"] == "SUCCEEDED"
    assert maskedit("jobs", "delete", job_id).returncode == 0
    gone = maskedit("jobs", "show", job_id)
    assert gone.returncode == 2 and gone.stderr.count("\n") == 1


def test_a_model_that_is_not_there_is_said_before_anything_is_sent(connection, shot, monkeypatch):
    monkeypatch.setattr("plugin_client.cli.edit.make_available", None)
    with pytest.raises(BadInput, match="There is no model 'dreams' on the server: choose bundled"):
        edit(connection, build_edit(replace(shot, model="dreams")), Path("out.mkv"), console=Console(quiet=True))


def test_the_queue_is_held_reordered_and_let_go_on(environment, monkeypatch, capsys, arguments):
    monkeypatch.setenv("MASKEDIT_DATA_DIR", environment["MASKEDIT_DATA_DIR"])

    def said(*asked: str, code: int = 0) -> str:
        assert main(asked) == code
        return capsys.readouterr().out

    def facts(*asked: str) -> dict[str, Any]:
        return json.loads(said(*asked, "--json"))

    first = facts(*arguments("steps=1"))["job_id"]
    assert facts("jobs", "pause") == {"queue_paused": True}
    try:
        earlier, later = (facts("jobs", "retry", first)["job_id"] for _ in range(2))
        assert facts("jobs", "move", later, "0")["place"] == 0
        listed = facts("jobs", "list")
        assert listed["queue_paused"] and {job["state"] for job in listed["jobs"][:2]} == {"QUEUED"}
        assert "`maskedit jobs resume`" in said("jobs", "list")
        assert "1 before it" in said("jobs", "show", earlier)
        assert facts("jobs", "move", earlier, "--priority", "high")["place"] == 0
        assert said("jobs", "move", later, "--priority", "low") == f"{later}: queued, 1 before it, low priority\n"
        said("jobs", "move", later, code=2)
        said("jobs", "move", later, "-1", code=2)
        said("jobs", "move", first, "0", code=2)
    finally:
        assert said("jobs", "resume") == "The queue goes on.\n"
    for job_id in (earlier, later):
        assert facts("jobs", "watch", job_id)["state"] == "SUCCEEDED"
    assert "resume" not in said("jobs", "list")


def test_adapters_of_an_empty_server(maskedit, tmp_path):
    assert json.loads(maskedit("adapters", "list", "--json").stdout) == {"adapters": []}
    assert maskedit("adapters", "delete", "a" * 64).returncode == 2
    out = tmp_path / "a.safetensors"
    assert maskedit("adapters", "export", "a" * 64, "--out", str(out)).returncode == 2
    assert maskedit("adapters", "export", "a", "--out", str(tmp_path / "a.bin")).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_no_error(environment):
    command = f"{' '.join(MASKEDIT)} jobs list --help | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], env=environment, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and done.stdout.startswith("usage")


def test_doctor_says_what_it_found(maskedit, server):
    done = maskedit("doctor", "--json")
    facts = json.loads(done.stdout)
    found = {check["name"]: check for check in facts["checks"]}
    assert {"python", "torch", "data folder", "disk", "server", "gpu"} <= set(found)
    assert found["server"]["ok"] and server.facts["address"] in found["server"]["detail"]
    assert found["data folder"]["detail"] == str(server.data_dir)
    lines = maskedit("doctor", "--server", "127.0.0.1:1")
    assert lines.returncode == 3 and "✗ server: No MaskEdit server answers" in lines.stdout
    assert "✓ python" in lines.stdout
    # What a job needs, a server elsewhere has: the client alone may be all that is installed here.
    assert not re.search("torch|data folder|gpu", lines.stdout)


def test_local_verbs_run_their_modules(maskedit, server):
    listed = maskedit("models", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert json.loads(listed.stdout)["models"][0]["name"] == "bundled"
    assert maskedit("models", "check", "no-such-model").returncode == 2
    assert "--listen" in maskedit("serve", "--help").stdout


def test_serve_becomes_the_server_itself(environment, tmp_path):
    process = subprocess.Popen([*MASKEDIT, "serve", "--data-dir", str(tmp_path)], env=environment)
    runtime_file = tmp_path / "server.json"
    while not runtime_file.exists() and process.poll() is None:
        time.sleep(0.05)
    assert json.loads(runtime_file.read_text())["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0 and not runtime_file.exists()


def test_ctrl_c_without_a_terminal_cancels_at_once(environment, arguments, maskedit):
    process = subprocess.Popen(
        [*MASKEDIT, *arguments("steps=1000 pause=0.05", "--json")],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Learning the shot's motion" in line:
            break
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, words = process.communicate(timeout=20)
    assert time.monotonic() - began < 3
    assert process.returncode == 130 and "Traceback" not in words
    facts = json.loads(said)
    assert facts["state"] == "CANCELLED"
    assert json.loads(maskedit("jobs", "show", facts["job_id"], "--json").stdout)["state"] == "CANCELLED"


class Terminal:
    """A process on a terminal of its own: what it shows, and keys typed into it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.shown = ""
        self._process, self._screen = pty.fork()
        if self._process == 0:
            os.execve(command[0], command, environment | {"TERM": "xterm", "COLUMNS": "120"})

    def wait_for(self, words: str) -> None:
        """Read until `words` are shown after what was read before."""
        begin = len(self.shown)
        while words not in self.shown[begin:]:
            self.shown += os.read(self._screen, 65536).decode(errors="replace")

    def type(self, keys: str) -> None:
        os.write(self._screen, keys.encode())

    def status(self) -> int:
        """Read to the end; the exit code."""
        with suppress(OSError):
            while data := os.read(self._screen, 65536):
                self.shown += data.decode(errors="replace")
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._screen)
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)


@pytest.fixture
def terminal(environment, arguments) -> Iterator[Terminal]:
    opened = Terminal([*MASKEDIT, *arguments("steps=1000 pause=0.05")], environment)
    yield opened
    opened.close()


def job_shown(terminal: Terminal) -> str:
    match = re.search(r"Job ([0-9a-f]{32})", terminal.shown)
    assert match is not None, terminal.shown
    return match[1]


def test_bars_ctrl_c_and_no_leaves_the_job_running(terminal, maskedit):
    terminal.wait_for("Learning the shot's motion")
    terminal.wait_for("%")
    terminal.type("\x03")
    terminal.wait_for("[y/N]")
    terminal.type("n\n")
    assert terminal.status() == 130
    job_id = job_shown(terminal)
    assert f"The job goes on: watch it with `maskedit jobs watch {job_id}`." in terminal.shown
    assert json.loads(maskedit("jobs", "show", job_id, "--json").stdout)["state"] == "RUNNING"
    assert json.loads(maskedit("jobs", "cancel", job_id, "--json").stdout)["state"] == "CANCELLED"


@pytest.mark.parametrize("keys", ["y\n", "\x03"], ids=["yes", "ctrl-c again"])
def test_ctrl_c_and_yes_or_ctrl_c_again_cancels(terminal, maskedit, keys):
    terminal.wait_for("Learning the shot's motion")
    terminal.type("\x03")
    terminal.wait_for("[y/N]")
    terminal.type(keys)
    assert terminal.status() == 130
    job_id = job_shown(terminal)
    assert f"The job {job_id} was cancelled." in terminal.shown and "Traceback" not in terminal.shown, terminal.shown
    assert json.loads(maskedit("jobs", "show", job_id, "--json").stdout)["state"] == "CANCELLED"


def test_closing_the_terminal_does_not_stop_the_job(terminal, maskedit, tmp_path):
    terminal.wait_for("Learning the shot's motion")
    terminal.close()
    time.sleep(0.5)
    job_id = job_shown(terminal)
    assert json.loads(maskedit("jobs", "show", job_id, "--json").stdout)["state"] == "RUNNING"
    maskedit("jobs", "cancel", job_id)
