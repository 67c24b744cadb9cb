# SPDX-License-Identifier: GPL-3.0-or-later
"""A Resolve with a cut in it, lent to a panel's window by the real agent, and takes as a server would deliver them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PyQt6 import sip
from PyQt6.QtCore import QObject

from maskedit.compositing import composite, matte_frame
from maskedit.media import ClipReader, ClipWriter
from maskedit.request import Deliverable, DeliverableKind
from maskedit.request import FrameRange as Written
from plugin_client.core.job import JobState
from plugin_client.panel.composing import build_desk
from plugin_client.panel.model.desk import Desk
from plugin_client.panel.model.preferences import Preferences
from plugin_client.panel.model.takes import Take
from plugin_client.panel.model.working import end_work
from plugin_client.panel.shell.window import MainWindow
from plugin_client.resolve.agent import Lending
from plugin_client.resolve.host import ResolveHost
from plugin_client.resolve.remote import Remote, Wire
from plugin_client.resolve.rendering import Patience
from tests.hosts.resolve.fake import by_hand
from tests.hosts.resolve.fake.app import FakeResolve
from tests.hosts.resolve.fake.calls import bare
from tests.hosts.resolve.fake.model import Item
from tests.hosts.resolve.fake.pictures import shown_at
from tests.hosts.resolve.fake.timecode import RATES
from tests.hosts.resolve.stage import Stage, grey_of

SIZE = (96, 64)
INSIDE, OUTSIDE = (slice(24, 40), slice(32, 64)), (slice(0, 12), slice(0, 96))
"""Rows and columns well within the region of `deliver`, and well outside of it."""
Write = Callable[..., Path]


def plate(write_clip: Write, name: str, *, rate: Fraction, frames: int = 40) -> Path:
    """96×64, lossless; frame n is the flat grey `grey_of(n)`."""
    greys = np.array([grey_of(number) for number in range(frames)], np.uint8)
    pictures = np.broadcast_to(greys[:, None, None, None], (frames, SIZE[1], SIZE[0], 3)).copy()
    return write_clip(name, pictures, codec="qtrle", pixel_format="rgb24", rate=rate)


@dataclass
class Cut:
    """A timeline with one clip from a file on it, selected; `item` is the clip as a hand would grasp it."""

    rate: str = "24"
    version: str = "20.3"
    stage: Stage = field(init=False)
    item: Item = field(init=False)

    def __post_init__(self) -> None:
        self.stage = Stage(FakeResolve(version=self.version, edition="free"), rate=self.rate, size=SIZE)

    def place(self, path: Path, *, start: int = 25, source: tuple[int, int] = (6, 18)) -> Item:
        """Cut frames `source` (the second one excluded) of `path` in, `start` frames after the timeline's first."""
        clip = self.stage.clip(path)
        at = self.stage.start + start
        self.item = by_hand.place(self.stage.timeline, clip, track=1, start=at, source=source)
        by_hand.select(self.stage.timeline, self.item)
        return self.item

    @property
    def media_rate(self) -> Fraction:
        return RATES[self.rate]

    def shown(self, *, alone: bool = False) -> np.ndarray:
        """(T, H, W, 3) uint8 of the timeline over the clip's length; `alone`: of the clip itself."""
        cut, item = bare(self.stage.timeline).cut, self.item
        frames = [shown_at(cut, at, SIZE, only=item if alone else None) for at in range(item.start, item.end)]
        return np.stack(frames)[..., :3]


@contextmanager
def lent(cut: Cut) -> Iterator[ResolveHost]:
    """That Resolve from the other end of the agent's connection, as the panel's process has it."""
    lending = Lending(cut.stage.fake.scriptapp("Resolve"))
    serving = threading.Thread(target=lending.serve, args=(lambda: True,), daemon=True)
    serving.start()
    wire = Wire(lending.address, lending.token)
    yield ResolveHost(Remote(wire, 0), patience=Patience(poll_s=0.01, stall_s=10, stop_s=1))
    wire.close()
    serving.join(10)


@contextmanager
def window_of(host: ResolveHost, preferences: Preferences) -> Iterator[MainWindow]:
    """The whole window that was opened from there; closed and taken apart in the end."""
    parent = QObject()
    desk = build_desk(preferences, host=host, parent=parent)
    window = MainWindow(desk)
    window.show()
    yield window
    desk.session.close()
    assert desk.timeline is not None
    desk.timeline.finish()
    assert end_work(window, within_ms=20_000) and end_work(parent, within_ms=20_000)
    sip.delete(window)
    sip.delete(parent)


def result_grey(number: int) -> int:
    """The grey inside the region of a delivered result's frame `number`, far from the plate's."""
    return 250 - 2 * number


def deliver(desk: Desk, *, name: str = "Take 1", job_id: str = "") -> Take:
    """A finished take of the document as it stands: its result and matte lie in the project as a server's do, the
    region in the grey `result_grey` of each of its frames."""
    document = desk.project.document
    assert desk.project.facts is not None
    last = desk.project.facts.frame_count - 1
    frames = document.frames
    used = Written(first=frames.first, last=frames.last) if frames is not None else Written(first=0, last=last)
    take = Take(job_id=job_id or name.replace(" ", "") * 4, name=name, created="2026-01-01", document=document)
    folder = desk.project.workspace / take.folder
    folder.mkdir(parents=True)
    weight = np.zeros((SIZE[1], SIZE[0]), np.float32)
    weight[20:44, 28:68] = 1
    delivered = {"result": DeliverableKind.FULL, "result-matte": DeliverableKind.MATTE}
    with ClipReader(document.clip) as clip:
        writers = [
            ClipWriter(
                folder / f"{file}.mkv",
                facts=clip.facts,
                deliverable=Deliverable(kind=kind),
                source=document.clip,
                frames=used,
            )
            for file, kind in delivered.items()
        ]
        with writers[0] as result, writers[1] as matte:
            for number, frame in enumerate(clip.frames(used.first, used.last)):
                painted = np.full((SIZE[1], SIZE[0], 3), result_grey(number) / 255, np.float32)
                result.write(composite(frame, painted, x=0, y=0, paste_matte=weight))
                matte.write(matte_frame(frame, weight))
    record = {
        "format": "maskedit-take",
        "deliverables": [{"name": "result.mkv", "kind": "full"}, {"name": "result-matte.mkv", "kind": "matte"}],
    }
    (folder / "result.maskedit.json").write_text(json.dumps(record))
    done = replace(take, state=JobState.SUCCEEDED, result=f"{take.folder}/result.mkv", record=record)
    desk.takes.add(done)
    desk.takes.choose(done.job_id)
    return done
