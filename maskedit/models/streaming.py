# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights from main memory to the device, one layer ahead of the one that is computing."""

from __future__ import annotations

from collections import deque

import torch

from maskedit.memory import STREAMED_LAYERS
from maskedit.models.stored import Packed, StoredLinear


class WeightStream:
    """A `Fetch` that copies on a stream of its own, so that the copy of one layer overlaps with the work of another.

    Which layer comes next is what came next the last time, seen from the same layer in the same direction.
    `waits` counts the layers that were not copied ahead.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._side = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._followers: dict[tuple[StoredLinear, bool], StoredLinear] = {}
        self._last: tuple[StoredLinear, bool] | None = None
        self._ahead: tuple[StoredLinear, Packed] | None = None
        self._uses: deque[torch.cuda.Event | torch.Event] = deque()
        self.waits = 0

    def __call__(self, layer: StoredLinear, *, backward: bool) -> Packed:
        packed = self._ahead[1] if self._ahead and self._ahead[0] is layer else None
        if packed is None:
            self._ahead = None
            self.waits += 1
            packed = self._copied(layer)
        self._take_over(packed)
        if self._last is not None:
            self._followers[self._last] = layer
        self._last = (layer, backward)
        follower = self._followers.get(self._last)
        self._ahead = None if follower is None else (follower, self._copied(follower))
        return packed

    def let_go(self) -> None:
        self._ahead = self._last = None
        self._uses.clear()

    def _copied(self, layer: StoredLinear) -> Packed:
        if self._side is None:
            return layer.packed.map(lambda tensor: tensor.to(self._device))
        # The host enqueues faster than the device computes: without a limit every layer would be copied at once.
        while len(self._uses) >= STREAMED_LAYERS - 1:
            self._uses.popleft().synchronize()
        with torch.cuda.stream(self._side):
            return layer.packed.map(lambda tensor: tensor.to(self._device, non_blocking=True))

    def _take_over(self, packed: Packed) -> None:
        """Let the computing stream wait for the copy, and the memory stay until that stream is done with it."""
        if self._side is None:
            return
        computing = torch.cuda.current_stream(self._device)
        # Recorded before the layer's own work: this marks the end of the layer before it.
        self._uses.append(computing.record_event())
        computing.wait_stream(self._side)
        for tensor in (packed.codes, packed.scales):
            if tensor is not None:
                tensor.record_stream(computing)
