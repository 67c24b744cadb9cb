# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips in the size that they are worked in: a long one of 1080p, and how much memory an 8K source takes.

This takes minutes, most of the whole benchmark's time.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from maskedit.finishing_benchmark import Row
from maskedit.finishing_benchmark.long_scene import LongTake
from maskedit.finishing_benchmark.long_shots import drift
from maskedit.request import EditRequest, to_json

_LONG = LongTake(width=1920, height=1080, frames=129)
_LARGE = LongTake(width=7680, height=4320, frames=5)
_MEMORY_GB = 8.0

# Run apart, so that nothing but the edit counts.
_PEAK = """
import resource, sys
from pathlib import Path
from maskedit.catalogue import Catalogue
from maskedit.edit import run_edit
from maskedit.progress import SilentReporter
from maskedit.request import from_json
folder = Path(sys.argv[1])
run_edit(
    from_json((folder / "request.json").read_bytes()),
    output=folder / "out",
    cache=folder / "cache",
    reporter=SilentReporter(),
    models=Catalogue(folder),
)
status = Path("/proc/self/status")
if status.exists():
    # getrusage would count what the parent held when it started this process.
    (held,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    print(1024 * int(held))
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure() -> list[Row]:
    """The drift of the long one, the memory of the large one."""
    what = (
        f"most of the process that drafts {_LARGE.width}x{_LARGE.height}, the region 30 to 54% of the height; "
        f"{_LARGE.frames} frames, more than are read ahead"
    )
    memory = peak_bytes(_LARGE) / 1e9
    return [*drift(_LONG), Row(name="Memory, 8K source", what=what, figure=memory, unit="GB", most=_MEMORY_GB)]


def peak_bytes(take: LongTake) -> int:
    """The most memory that the edit of a take holds at once, in a process of its own."""
    with TemporaryDirectory() as folder:
        request: EditRequest = take.request(Path(folder))
        (Path(folder) / "request.json").write_text(to_json(request), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, folder], capture_output=True, text=True, check=True, timeout=1200
        )
    return int(done.stdout)
