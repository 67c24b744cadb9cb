# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at an edit before it starts can find, each with what to do about it (torch-free)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from maskedit.request import FrameRange


class Severity(StrEnum):
    """note: good to know; warning: the result will suffer; error: the edit cannot be done as it is."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`what`: what was found, `remedy`: what to do about it, both without a full stop.

    `flag`: the option of `maskedit edit` that does it, "" where there is none; `frames`: where it was found.
    """

    severity: Severity
    what: str
    remedy: str = ""
    flag: str = ""
    frames: FrameRange | None = None

    @property
    def sentence(self) -> str:
        """Both in one sentence."""
        return f"{self.what}: {self.remedy}." if self.remedy else f"{self.what}."
