# SPDX-License-Identifier: GPL-3.0-or-later
"""One cut in every shape that an MLT project comes in, and takes to lay over it; no media."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from plugin_client.core.host import Marks
from plugin_client.timelines.mlt import MltTimeline, open_mlt
from plugin_client.timelines.timeline import Take
from tests.hosts.mlt.mlt_projects import Cut, kdenlive, plain, shotcut

PAL, FILM = Fraction(25), Fraction(24000, 1001)
CUTS = [
    Cut(media="one.mkv", first=7, length=10, start=4),
    Cut(media="two.mkv", first=0, length=6, start=14),
    Cut(media="two.mkv", first=3, length=4, start=8, track=2),
]


def sequences(cuts: list[Cut], rate: Fraction) -> str:
    return kdenlive(cuts, rate, sequences=True)


Shape = Callable[[list[Cut], Fraction], str]
SHAPES: list[Shape] = [plain, shotcut, kdenlive, sequences]


def opened(folder: Path, text: str) -> MltTimeline:
    project = folder / "cut.mlt"
    project.write_text(text, encoding="utf-8")
    return open_mlt(project)


def take(*, first: int, frames: int, rate: Fraction = PAL, media: str = "/results/a.mkv", job: str = "1") -> Take:
    return Take(
        media=media,
        first=first,
        frames=frames,
        rate=rate,
        width=64,
        height=48,
        has_alpha=True,
        name="one, edited",
        marks=Marks(job_id=job),
    )
