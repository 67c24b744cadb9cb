# SPDX-License-Identifier: GPL-3.0-or-later
"""The real melt."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

Melt = Callable[[Path, int], np.ndarray]


@pytest.fixture
def melt(tmp_path: Path) -> Melt:
    """Renders the first so many frames of a project, from a folder that is not the project's: (frames, height, width,
    3), uint8."""
    program = shutil.which("melt")
    assert program is not None, "melt is missing: `./run test` installs it"
    # MLT's Qt services refuse to start where no display is named, and use none in offscreen mode.
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0", "LC_ALL": "C", "HOME": str(tmp_path)}

    def render(project: Path, frames: int) -> np.ndarray:
        # real_time=0: in one thread. With threads of its own it has been seen to stand still on a busy machine.
        target = tmp_path / "rendered.mkv"
        consumer = ["-consumer", f"avformat:{target}", "vcodec=ffv1", "pix_fmt=bgr0", "mlt_image_format=rgb", "an=1"]
        done = subprocess.run(
            [program, str(project), f"out={frames - 1}", "-silent", *consumer, "real_time=0"],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stderr
        assert "failed to load" not in done.stderr, done.stderr
        with av.open(target) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])

    return render
