# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at an edit while it is tuned: a short window, rendered in few steps with the adapter as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskedit.caching import LatentCache
from maskedit.models.family import VideoModel
from maskedit.progress import Ask, Reporter, Stage
from maskedit.rendering import Sampling, render_shot
from maskedit.shot import Shot

_MOST_STEPS = 8


@dataclass(frozen=True, kw_only=True)
class Glimpse:
    """What a picture of the edit needs beside the adapter; `stretches` and the others as in `render_shot`."""

    model: VideoModel
    shot: Shot
    stretches: Sequence[tuple[int, ...]]
    sampling: Sampling
    prompt: str
    cache: LatentCache

    def picture(self, adapter_key: str, *, reporter: Reporter, at: tuple[Stage, int, int]) -> bytes | None:
        """A JPEG of the last frame of the window; None where the model and its codec do not fit into memory together.

        `at`: stage, step and steps of the tuning that waits meanwhile. May raise Cancelled.
        """
        if not self.model.plan.share_codec:
            return None
        waiting = _Waiting(reporter, at)
        render_shot(
            self.model,
            self.shot,
            [self.stretches[0][: self.model.limits.temporal_factor + 1]],
            sampling=replace(self.sampling, steps=min(self.sampling.steps, _MOST_STEPS)),
            prompt=self.prompt,
            adapter_key=adapter_key,
            cache=self.cache,
            reporter=waiting,
        )
        # The tuning goes on with all of the memory.
        self.model.release_encoders()
        return waiting.preview


class _Waiting:
    """A Reporter for which the edit stays where it is, and hears a cancel all the same."""

    def __init__(self, reporter: Reporter, at: tuple[Stage, int, int]) -> None:
        self.preview: bytes | None = None
        self._reporter = reporter
        self._stage, self._done, self._total = at

    def report(
        self, stage: Stage, done: int, *, total: int, message: str = "", preview: bytes | None = None
    ) -> Ask | None:
        self.preview = preview or self.preview
        return self._reporter.report(self._stage, self._done, total=self._total)
