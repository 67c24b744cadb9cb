# SPDX-License-Identifier: GPL-3.0-or-later
"""The transformers of one model: loaded when first asked for, and only one of them on the device at a time."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import torch


class Experts:
    """Transformers by name. They wait in main memory until they predict; adapters on them move along.

    `loaded`: those that are there already, and where others are put.
    """

    def __init__(
        self, load: Callable[[str], Any], *, device: torch.device, loaded: MutableMapping[str, Any] | None = None
    ) -> None:
        self._load = load
        self._device = device
        self._loaded: MutableMapping[str, Any] = {} if loaded is None else loaded
        self._active = ""

    def get(self, name: str) -> Any:
        """The transformer of that name, wherever it lies."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def on_device(self, name: str) -> Any:
        """The transformer of that name, on the device; the one that was there makes room first."""
        if self._active != name:
            self.park()
            self.get(name).to(self._device)
            self._active = name
        return self._loaded[name]

    def park(self) -> None:
        """Leave the device."""
        if self._active and self._device.type != "cpu":
            self._loaded[self._active].to("cpu")
            torch.cuda.empty_cache()
        self._active = ""
