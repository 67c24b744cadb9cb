# SPDX-License-Identifier: GPL-3.0-or-later
"""Printed tables in a page of the documentation, between marks, so that they can be made anew (torch-free)."""

from __future__ import annotations

from pathlib import Path

from maskedit.errors import InputError


def put_between_marks(page: Path, text: str, *, mark: str) -> None:
    """Replace what stands between `<!-- MARK:begin -->` and `<!-- MARK:end -->` in a page. Raises InputError."""
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    try:
        before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    except OSError as error:
        raise InputError(f"The page {page} cannot be read ({error}): check the path.") from error
    _, found, after = rest.partition(end)
    if not found:
        raise InputError(f"The page {page} lacks the marks {begin} and {end}: add them where the tables belong.")
    page.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")
