# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at an edit before it starts can find and what to do about it, and what it would take (torch-free)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from maskedit.request import FrameRange, Preset


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


@dataclass(frozen=True, kw_only=True)
class PresetEstimate:
    """What an edit would take with `preset`: seconds at least and at most, both 0 if not known, and device memory in
    bytes, 0 without a model. `problem`: why it cannot be run so, a sentence, or "".

    `least_memory_bytes`: of all the memory that a device has, below which none can run it, however slowly.
    """

    preset: Preset
    least_seconds: float = 0.0
    most_seconds: float = 0.0
    memory_bytes: int = 0
    problem: str = ""
    least_memory_bytes: int = 0
