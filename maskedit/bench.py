# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stay loaded from one edit to the next: the transformers of one model, as they were read from the disk."""

from __future__ import annotations

import gc
from collections.abc import Hashable
from typing import Any

import torch

from maskedit import adapters
from maskedit.catalogue import ModelEntry
from maskedit.memory import Demand, MemoryPlan
from maskedit.models import VideoModel, load_model, plan_for
from maskedit.models.fitting import bytes_of, checkpoint_as_planned, put_away


class Bench:
    """For one edit after another: `open` its model, `plan` how it is held, `clear` it when the edit is over.

    Only frozen weights stay, taken out of whatever an edit had put around them. Other weights, or the same ones held in
    another way, are read anew, after those that were there are gone.
    """

    def __init__(self, *, spare_bytes: int = 0) -> None:
        """`spare_bytes`: of the device's free memory, what is left to other programs."""
        self._spare_bytes = spare_bytes
        self._transformers: dict[str, Any] = {}
        self._held_as: tuple[Hashable, ...] = ()
        self._entry: ModelEntry | None = None
        self._model: VideoModel | None = None

    @property
    def planned_bytes(self) -> int:
        """The `device_bytes` of the plan of the edit under way; 0 while there is none."""
        return self._model.plan.device_bytes if self._model is not None else 0

    def open(self, entry: ModelEntry) -> VideoModel:
        """The model for an edit; nothing of it is loaded that was not there. Raises as `load_model`."""
        self.clear()
        self._entry, self._model = entry, load_model(entry, transformers=self._transformers)
        return self._model

    def plan(self, demand: Demand, *, ran_out: int | None = None) -> MemoryPlan:
        """Hold the opened model as the memory that is free allows. Raises ModelError, as `plan_for`."""
        assert self._entry is not None and self._model is not None
        weights = (self._entry.directory, self._entry.fingerprint)
        if self._held_as[:2] != weights:
            self._transformers.clear()
        loaded = sum(map(bytes_of, self._transformers.values()))
        plan = plan_for(self._entry, demand, loaded_bytes=loaded, spare_bytes=self._spare_bytes, ran_out=ran_out)
        held_as = (*weights, plan.precision, plan.offload)
        if self._held_as != held_as:
            self._transformers.clear()
        self._held_as = held_as
        for transformer in self._transformers.values():
            checkpoint_as_planned(transformer, plan)
        self._model.plan = plan
        return plan

    def clear(self) -> None:
        """Leave nothing of the last edit but frozen weights in main memory."""
        self._entry = self._model = None
        for transformer in self._transformers.values():
            adapters.strip(transformer)
            put_away(transformer)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
