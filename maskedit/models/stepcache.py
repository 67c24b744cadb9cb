# SPDX-License-Identifier: GPL-3.0-or-later
"""Skipping what hardly changes from one sampling step to the next: diffusers' first block cache, for one window.

Where the first block's output differs from the last fully computed step's by less than a threshold, the blocks after
it are not run and their last common change is added instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from diffusers import FirstBlockCacheConfig

from maskedit.models.family import VideoModel

Pass = Callable[[str], AbstractContextManager[object]]


@contextmanager
def step_cache(model: VideoModel, threshold: float) -> Iterator[Pass]:
    """Within it, `with passing(NAME):` around each prediction; passes of different names share nothing.

    `threshold`: relative change of the first block's output, 0 = compute everything. What was cached is forgotten at
    the end, so that no window sees another one's; tuning never sees a cache.
    """
    if not threshold:
        yield lambda name: nullcontext()
        return
    transformers = [model.expert(expert) for expert in model.experts]

    @contextmanager
    def passing(name: str) -> Iterator[None]:
        with ExitStack() as contexts:
            for transformer in transformers:
                contexts.enter_context(transformer.cache_context(name))
            yield

    try:
        for transformer in transformers:
            transformer.enable_cache(FirstBlockCacheConfig(threshold=threshold))
        yield passing
    finally:
        for transformer in transformers:
            if transformer.is_cache_enabled:
                transformer.disable_cache()
