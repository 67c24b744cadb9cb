# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a user would see change, as plain values: to show that a script which failed left everything as it was."""

from __future__ import annotations

from typing import Any

from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.model import Bin, Cut, Item


def snapshot(fake: FakeResolve) -> dict[str, Any]:
    """The page, and of the open project its timelines, media pool, render settings, presets and jobs."""
    file = fake.project
    assert file is not None
    return {
        "page": fake.page,
        "current": file.current.name if file.current else "",
        "timelines": [_cut(cut) for cut in file.timelines],
        "pool": _bin(file.root),
        "folder": (file.current_bin or file.root).name,
        "settings": dict(file.settings),
        "render": dict(file.queue.settings),
        "presets": sorted(file.queue.presets),
        "jobs": [job.uid for job in file.queue.jobs],
    }


def each_failure(calls: list[str]) -> list[tuple[str, int]]:
    """From the calls that a script made, ("Class.Method", nth) of each: what to hand to `fake.fail`, one at a time."""
    return [(call, calls[: number + 1].count(call)) for number, call in enumerate(calls)]


def _cut(cut: Cut) -> dict[str, Any]:
    tracks = {
        f"{kind} {number}": (
            track.name,
            track.is_locked,
            track.is_enabled,
            [_item(one) for one in track.items],
        )
        for kind, rows in cut.tracks.items()
        for number, track in enumerate(rows, 1)
    }
    return {
        "name": cut.name,
        "tracks": tracks,
        "marks": list(cut.marks),
        "playhead": cut.playhead,
        "marked": cut.in_out,
    }


def _item(item: Item) -> tuple[Any, ...]:
    return (
        *(item.uid, item.name, item.start, item.duration, item.clip and item.clip.uid, item.source_in, item.speed),
        *(item.take, [(take.clip.uid, take.source_in) for take in item.takes], tuple(item.marks)),
        *(dict(item.properties), item.grade, item.group, item.is_enabled, len(item.comps)),
    )


def _bin(folder: Bin) -> dict[str, Any]:
    clips = [(clip.uid, clip.name, clip.media, dict(clip.properties), tuple(clip.marks)) for clip in folder.clips]
    return {"name": folder.name, "clips": clips, "folders": [_bin(child) for child in folder.bins]}
