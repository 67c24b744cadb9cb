# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no file is told from one before anything waits for it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from maskedit.regular import NotRegularError, open_regular, read_small


@pytest.fixture(params=["pipe", "socket", "device", "link to a device"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    elif request.param == "link to a device":
        path.symlink_to("/dev/zero")
    return path if request.param != "device" else Path("/dev/zero")


@pytest.mark.timeout(10)
def test_pipes_sockets_and_devices_are_no_files(special: Path) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    for read in (open_regular, read_small):
        with pytest.raises(OSError):
            read(special)
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        open_regular(tmp_path)


def test_a_small_file_is_read_whole_and_a_large_one_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(b"x" * 10)
    assert read_small(file, most_bytes=10) == b"x" * 10
    with pytest.raises(OSError, match="too large"):
        read_small(file, most_bytes=9)
    os.truncate(file, 1 << 40)
    with pytest.raises(OSError, match="too large"):
        read_small(file)


def test_a_pipe_is_named_as_what_it_is_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegularError, match="no regular file"):
        open_regular(tmp_path / "pipe")
