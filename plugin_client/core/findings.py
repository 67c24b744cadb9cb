# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight says of an edit, as values: what was found, and what each preset would take."""

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


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What an edit would take with `preset` on the server's machine: seconds, both 0 if not known, and device memory
    in bytes, 0 without a model. `problem`: why it cannot be run so, a sentence, or "".
    """

    preset: str
    least_seconds: float = 0.0
    most_seconds: float = 0.0
    memory_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A checked edit: its findings, the worst first, and an estimate for each preset."""

    findings: tuple[Finding, ...]
    estimates: tuple[Estimate, ...]


def check_of(wire: edit_pb2.CheckEditResponse) -> Check:
    """The wire's answer as values."""
    return Check(
        findings=findings_of(wire.findings),
        estimates=tuple(
            Estimate(
                preset=edit_pb2.Preset.Name(each.preset).removeprefix("PRESET_").lower(),
                least_seconds=each.least_seconds,
                most_seconds=each.most_seconds,
                memory_bytes=each.memory_bytes,
                problem=each.problem,
            )
            for each in wire.estimates
            if each.preset in edit_pb2.Preset.values()
        ),
    )


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
