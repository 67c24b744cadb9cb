# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the kernel has killed a process because main memory ran out: it counts these kills, and anyone may read how
many.

A process's memory cgroup has its own count (`oom_kill` in memory.events, or in memory.oom_control before cgroup v2);
where that cannot be read the machine's has to do (/proc/vmstat). Kernel: Documentation/admin-guide/cgroup-v2.rst,
cgroup-v1/memory.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

# In thousandths of the memory: as if the process held half of it more.
_SCORE, _MOST = 500, 1000
_ROOT = Path("/")


class OomWatch:
    """The kills in the cgroup of process `pid` since this was made. `root`: where proc and sys lie."""

    def __init__(self, pid: int, *, root: Path = _ROOT) -> None:
        counts = ((file, _count(file)) for file in _files(pid, root))
        self._file, self._before = next(((file, count) for file, count in counts if count is not None), (None, 0))

    @property
    def killed(self) -> bool:
        """Whether there were any. False, too, where nobody counts: not on Linux."""
        return self._file is not None and (_count(self._file) or 0) > self._before


def offer_to_kernel(pid: int) -> None:
    """Have the kernel take this process where memory runs out, and not the server or an editor's own program."""
    score = _ROOT / "proc" / str(pid) / "oom_score_adj"
    with suppress(OSError):  # it has gone, or this is not Linux
        score.write_text(str(min(_MOST, int(score.read_text()) + _SCORE)))


def _files(pid: int, root: Path) -> Iterator[Path]:
    """Where the kills are counted, the narrowest first."""
    try:
        lines = (root / "proc" / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, name = ("memory", "memory.oom_control") if controllers else ("", "memory.events")
        group = PurePosixPath(path)
        # In a container the path may be the host's, and only the top of it be there.
        for each in (group, *group.parents):
            yield root / "sys" / "fs" / "cgroup" / folder / each.relative_to("/") / name
    yield root / "proc" / "vmstat"


def _count(file: Path) -> int | None:
    """None where the file does not say."""
    try:
        words = (line.split() for line in file.read_text().splitlines())
        return next((int(number) for name, number in words if name == "oom_kill"), None)
    except (OSError, ValueError):
        return None
