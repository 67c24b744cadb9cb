# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about installing, the unit and the container fit each other and the server.

packaging/try_container.sh tries the container itself, where there is podman.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bridge_server import app
from bridge_server.jobs import scheduler

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "install.md").read_text()
CONTAINER = (ROOT / "packaging" / "Containerfile").read_text()
SCRIPT = ROOT / "packaging" / "try_container.sh"
UNIT = (ROOT / "packaging" / "maskedit.service").read_text()
# The longest that a server waits for its workers, and for calls under way.
DRAIN_SECONDS = scheduler._HALT_SECONDS + app._GRACE_SECONDS


def container_words(text: str) -> list[str]:
    """The words of the `podman run` in a text, the lines that it goes on for joined."""
    (command,) = re.findall(r"^ *(podman run (?:.*\\\n)*.*)", text, re.MULTILINE)
    return shlex.split(command.replace("\\\n", " ").replace("$name", "maskedit").removesuffix(" >/dev/null"))


def unit_values(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


def commands(section: str) -> list[str]:
    """The indented lines under a heading."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^    (.+)$", text, re.MULTILINE)


def test_what_is_tried_is_what_the_page_says() -> None:
    page, tried = container_words(PAGE), container_words(SCRIPT.read_text())
    # The trial has no card, and needs no port of the machine's.
    for only in ("--device", "nvidia.com/gpu=all", "--publish", "50443:50443"):
        page.remove(only)
    assert sorted(page) == sorted(tried)
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0


def test_the_containers_user_can_read_its_key_and_is_asked_where_it_listens() -> None:
    words = container_words(PAGE)
    (user,) = re.findall(r"useradd --uid (\d+)", CONTAINER)
    (given,) = re.findall(r"^CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    settings = json.loads(given)
    for option in ("--tls-cert", "--tls-key"):
        place = settings[settings.index(option) + 1]
        (secret,) = (word for word in words if f"target={place}," in word)
        assert secret.endswith(f",uid={user},mode=0400")
    port = settings[settings.index("--listen") + 1].rpartition(":")[2]
    health = words[words.index("--health-cmd") + 1]
    assert f"--server localhost:{port} " in health and health.endswith(settings[settings.index("--tls-cert") + 1])


def test_both_give_a_server_the_time_to_stop() -> None:
    words = container_words(PAGE)
    assert int(words[words.index("--stop-timeout") + 1]) > DRAIN_SECONDS + 3
    assert int(unit_values("TimeoutStopSec")[0]) > DRAIN_SECONDS + 3


def test_the_unit_starts_what_the_page_has_installed_and_uninstalling_removes_all_of_it() -> None:
    (link,) = (line.split()[-1] for line in commands("On a system") if line.startswith("ln -s "))
    assert unit_values("ExecStart") == [f"{link.replace('~', '%h')} serve"]
    (folder,) = (line.split()[-1] for line in commands("On a system") if " -m venv " in line)
    (unit,) = (line.split()[-1] for line in commands("As a service") if line.startswith("cp "))
    gone = [word for line in commands("Uninstalling") for word in line.split() if word.startswith("~")]
    assert {link, folder, f"{unit}maskedit.service"} <= set(gone)
    assert not {"~/.local/share/maskedit", "~/.local/share"} & set(gone)


def test_the_unit_hides_nothing_that_jobs_need() -> None:
    hiding = ("PrivateDevices", "DevicePolicy", "DeviceAllow", "MemoryDenyWriteExecute", "PrivateTmp", "ProtectHome")
    assert not [name for name in hiding if unit_values(name)]
    assert unit_values("Type") == ["notify"] and unit_values("KillMode") == ["mixed"]
    assert set(unit_values("RestrictAddressFamilies")[0].split()) >= {"AF_UNIX", "AF_INET", "AF_INET6"}


@pytest.mark.parametrize("named", sorted(set(re.findall(r"packaging/[\w.]+", PAGE))))
def test_what_the_page_names_is_there(named: str) -> None:
    assert (ROOT / named).is_file()
