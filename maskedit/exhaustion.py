# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling that memory or a disk ran out from everything else that goes wrong (torch-free)."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

# torch says so in words alone where it is not its own allocator that fails: in main memory, in CUDA's libraries.
_WORDS = ("out of memory", "can't allocate memory", "insufficient memory", "alloc_failed")


def memory_ran_out(error: BaseException) -> bool:
    """Whether the error, or one that it came from, is that no memory was left, on the GPU or in the machine."""
    for found in _with_causes(error):
        if isinstance(found, MemoryError) or getattr(found, "errno", None) == errno.ENOMEM:
            return True
        # Among them torch.OutOfMemoryError. What people can name, such as files, stands in errors of other kinds.
        wordy = isinstance(found, RuntimeError) or type(found).__module__ == "cv2"
        if wordy and any(words in str(found).lower() for words in _WORDS):
            return True
    return False


def disk_ran_out(error: BaseException) -> bool:
    """Whether the error, or one that it came from, is that a disk had no room left, or its owner's share of it."""
    return any(getattr(found, "errno", None) in (errno.ENOSPC, errno.EDQUOT) for found in _with_causes(error))


def full_disk(folder: Path, *, needed_bytes: int = 0) -> str:
    """What is full, how much is left and, where that is known, needed: the beginning of a sentence."""
    more = f" and about {in_words(needed_bytes)} more are needed" if needed_bytes else ""
    return f"The disk of {folder} is full: {in_words(shutil.disk_usage(folder).free)} are left{more}"


def in_words(size: int) -> str:
    """Bytes as people say them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def told_in_words(error: Exception, path: Path) -> OSError:
    """The OSError that another language's library tells of in words alone: "… (os error 28)" (Rust's std::io)."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    if number is None:
        return OSError(f"{path} cannot be written: {error}")
    return OSError(int(number[1]), os.strerror(int(number[1])), str(path))


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
