# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight says of an edit, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge_api.v1 import edit_pb2
from plugin_client.core.timeline import FrameRange


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`severity`: "note", "warning" or "error". `what` was found and the `remedy`, both without a full stop.

    `flag`: the option of `maskedit edit` that does it, "" where there is none; `frames`: where, None = everywhere.
    """

    severity: str
    what: str
    remedy: str = ""
    flag: str = ""
    frames: FrameRange | None = None

    @property
    def sentence(self) -> str:
        """Both in one sentence."""
        return f"{self.what}: {self.remedy}." if self.remedy else f"{self.what}."


def findings_of(wire: Iterable[edit_pb2.Finding]) -> tuple[Finding, ...]:
    """The wire's findings; a severity that only a newer server knows counts as a note."""
    return tuple(
        Finding(
            severity=_SEVERITIES.get(finding.severity, "note"),
            what=finding.what,
            remedy=finding.remedy,
            flag=finding.flag,
            frames=FrameRange(finding.frames.first, finding.frames.last) if finding.HasField("frames") else None,
        )
        for finding in wire
    )


_SEVERITIES: dict[int, str] = {edit_pb2.SEVERITY_WARNING: "warning", edit_pb2.SEVERITY_ERROR: "error"}
