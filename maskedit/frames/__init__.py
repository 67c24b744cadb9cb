# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame caches by hand: made of a take that is there already (`making`), and checked (`checking`).

`python -m maskedit.frames` does both; docs/frame-cache.md says what is in the files.
"""

from maskedit.frames.checking import CacheReport, check_cache
from maskedit.frames.making import make_cache

__all__ = ["CacheReport", "check_cache", "make_cache"]
