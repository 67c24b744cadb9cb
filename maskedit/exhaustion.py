# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling that memory ran out from everything else that goes wrong (torch-free)."""

from __future__ import annotations

import errno

# torch says so in words alone where it is not its own allocator that fails: in main memory, in CUDA's libraries.
_WORDS = ("out of memory", "can't allocate memory", "insufficient memory", "alloc_failed")


def memory_ran_out(error: BaseException) -> bool:
    """Whether the error, or one that it came from, is that no memory was left, on the GPU or in the machine."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, MemoryError) or getattr(found, "errno", None) == errno.ENOMEM:
            return True
        # Among them torch.OutOfMemoryError. What people can name, such as files, stands in errors of other kinds.
        wordy = isinstance(found, RuntimeError) or type(found).__module__ == "cv2"
        if wordy and any(words in str(found).lower() for words in _WORDS):
            return True
        found = found.__cause__
    return False
