# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded pool of footage windows that one thread refills while training goes on."""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor

from maskedit.pretraining.config import PretrainConfig, Stage
from maskedit.pretraining.footage import Footage, FootageWindow, draw_windows


class WindowPool:
    """Holds the latest `size` windows that `draw` gave; each window taken asks for a new one, which drives out the
    oldest. A trainer that is faster than the disk meets windows again instead of waiting.

    What a step gets hangs on how fast files are read, so it is not the same from run to run.
    """

    def __init__(self, draw: Callable[[], list[FootageWindow]], *, size: int, seed: int) -> None:
        self._draw = draw
        self._windows: deque[FootageWindow] = deque(maxlen=size)
        self._wanted = size
        self._random = np.random.default_rng(seed)
        self._change = threading.Condition()
        self._failure: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._refill, name="footage", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; it finishes the window that it is reading."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join()

    def take(self, count: int, *, device: torch.device) -> tuple[Tensor, Tensor]:
        """`count` windows by chance: video (count, 3, T, H, W) in [-1, 1] and coverage (count, 1, T, H, W) in [0, 1].

        Waits until there were as many. Raises what `draw` raised.
        """
        with self._change:
            enough = min(count, self._windows.maxlen or count)
            self._change.wait_for(lambda: self._failure is not None or len(self._windows) >= enough)
            if self._failure is not None:
                raise self._failure
            chosen = self._random.choice(len(self._windows), count, replace=count > len(self._windows))
            windows = [self._windows[index] for index in chosen]
            self._wanted = min(self._wanted + count, self._windows.maxlen or count)
            self._change.notify_all()
        video = torch.from_numpy(np.stack([window.video for window in windows])).to(device)
        coverage = torch.from_numpy(np.stack([window.coverage for window in windows])).to(device)
        return video.movedim(-1, 1).float() / 127.5 - 1, coverage[:, None].float() / 255

    def _refill(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._wanted > 0)
                if self._closed:
                    return
            try:
                windows = self._draw()
            except Exception as error:  # whatever it is, `take` raises it where it is seen
                with self._change:
                    self._failure = error
                    self._change.notify_all()
                return
            with self._change:
                self._windows.extend(windows)
                self._wanted -= len(windows)
                self._change.notify_all()


def open_pool(footage: Footage, stage: Stage, *, config: PretrainConfig) -> WindowPool:
    """A pool of windows of a stage's shape; close it when the stage ends."""
    fitting = footage.fitting(stage)
    random = np.random.default_rng(config.seed)
    return WindowPool(
        lambda: draw_windows(footage, fitting, stage, random=random), size=config.footage_windows, seed=config.seed
    )
